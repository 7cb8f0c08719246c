//! What one failed attempt was.

use std::{borrow::Cow, error::Error, fmt, time::Duration};

use http::StatusCode;

use crate::{Delivery, ErrorCode, FailureKind, TransportError, TransportErrorKind};

/// Why a 2xx response could not be used.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// No body.
    #[error("the body is empty")]
    Empty,
    /// An HTML page, such as a captive portal's.
    #[error("the body is an HTML page")]
    Html,
    /// A `Content-Encoding` that was not asked for.
    #[error("the body has a content encoding that was not asked for")]
    Encoded,
    /// Neither JSON nor form-encoded.
    #[non_exhaustive]
    #[error("the body is not JSON (line {line}, column {column})")]
    Syntax {
        /// Where reading failed, counted from 1.
        line: usize,
        /// Where reading failed.
        column: usize,
    },
    /// Readable, but neither a token nor an error in it.
    #[error("the body holds no access token and no error")]
    NoToken,
}

/// What one failed attempt was: facts, without a secret and without the body.
#[derive(Debug, Clone)]
pub struct Failure {
    pub(crate) kind: FailureKind,
    pub(crate) delivery: Delivery,
    pub(crate) status: Option<StatusCode>,
    pub(crate) code: Option<ErrorCode>,
    pub(crate) description: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) provider: Option<Cow<'static, str>>,
    pub(crate) cause: Option<Cause>,
}

#[derive(Debug, Clone)]
pub(crate) enum Cause {
    Transport(TransportError),
    Unreadable(Unreadable),
}

impl Failure {
    /// What it is.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// Whether the exchange can have happened.
    pub fn delivery(&self) -> Delivery {
        self.delivery
    }

    /// The response's status, if there was a response.
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// The error code in the response, as the server sent it. `None` too if it is
    /// one that nobody knows and that would be redacted in a
    /// [`description`](Self::description).
    pub fn code(&self) -> Option<&ErrorCode> {
        self.code.as_ref()
    }

    /// The server's own explanation (`error_description` or what stood in its
    /// place): at most 256 characters of printable ASCII.
    ///
    /// Servers are careless, and repeat what they were sent. So a word is
    /// redacted
    ///
    /// - if it holds eight characters in a row of a secret of the request (the
    ///   refresh token, the client's secret, values of parameters, of headers
    ///   and of the URL's query), unless a word of the protocol or a known error
    ///   code holds them too;
    /// - if it holds a secret of four to seven characters;
    /// - if it has 24 or more characters and mixes letters and digits, or letters
    ///   of both cases, whoever it belongs to. Not so a UUID, for servers name
    ///   traces by them, nor a path of plain words.
    ///   [`read_response`](crate::read_response) knows no request, and can only do
    ///   this.
    ///
    /// A server that means harm knows the secret, and can write it so that
    /// nobody recognises it.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// How long the server asked to be left alone, counted from when its
    /// answer arrived.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The provider whose documented wording decided the kind, if the code's
    /// standard meaning did not.
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    /// Where the network failed, if it did.
    pub fn transport_error(&self) -> Option<&TransportError> {
        match &self.cause {
            Some(Cause::Transport(error)) => Some(error),
            _ => None,
        }
    }

    /// Why a 2xx response could not be used, if that is what failed.
    pub fn unreadable(&self) -> Option<&Unreadable> {
        match &self.cause {
            Some(Cause::Unreadable(why)) => Some(why),
            _ => None,
        }
    }
}

/// A 5xx, or a status that is none at all: RFC 9110 section 15 has a client
/// treat that as a 5xx.
pub(crate) fn is_server_error(status: StatusCode) -> bool {
    status.as_u16() >= 500
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        Self {
            kind: match (error.kind(), error.delivery()) {
                (TransportErrorKind::BadCertificate, _) => FailureKind::Misconfigured,
                (_, Delivery::NotSent) => FailureKind::Unreachable,
                _ => FailureKind::Interrupted,
            },
            delivery: error.delivery(),
            status: None,
            code: None,
            description: None,
            retry_after: None,
            provider: None,
            cause: Some(Cause::Transport(error)),
        }
    }
}

/// One line: the code, the status, the network's failure; then the server's
/// explanation.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.code, self.status, &self.cause) {
            (Some(code), Some(status), _) => write!(f, "{code} (HTTP {})", status.as_u16())?,
            (Some(code), None, _) => write!(f, "{code}")?,
            (None, _, Some(Cause::Transport(error))) => return error.fmt(f),
            (None, Some(status), Some(Cause::Unreadable(why))) => {
                write!(f, "HTTP {}, but {why}", status.as_u16())?;
            }
            (None, Some(status), None) => write!(f, "HTTP {}", status.as_u16())?,
            (None, None, _) => f.write_str(self.kind.as_str())?,
        }
        match &self.description {
            // In quotes: what a server says must not pass for what we say.
            Some(description) => write!(f, ": {description:?}"),
            None => Ok(()),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The messages of both causes are already part of ours.
        self.transport_error()?.source()
    }
}

#[cfg(test)]
mod tests;
