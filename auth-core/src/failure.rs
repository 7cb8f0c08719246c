//! A failed attempt.

use std::{borrow::Cow, error::Error, fmt, time::Duration};

use http::StatusCode;

use crate::{
    CredentialError, Delivery, ErrorCode, FailureKind, TransportError, TransportErrorKind,
    clock::ClockDifference, rules::is_no_verdict,
};

/// Why a 2xx response could not be used.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The body is empty.
    #[error("the body is empty")]
    Empty,
    /// The body is an HTML page, such as a captive portal's.
    #[error("the body is an HTML page")]
    Html,
    /// The body is encoded in a way that is not known here, or its compressed data
    /// is broken, though it came whole. No encoding was asked for, and gzip and
    /// deflate are undone all the same. The kind is
    /// [`Unavailable`](FailureKind::Unavailable), since to ask again at once would
    /// bring the same.
    #[error("the body has a content encoding that cannot be undone")]
    Encoded,
    /// The body is neither JSON nor form-encoded.
    #[non_exhaustive]
    #[error("the body is not JSON (line {line}, column {column})")]
    Syntax {
        /// The line at which parsing failed, counted from 1.
        line: usize,
        /// The column at which parsing failed.
        column: usize,
    },
    /// The body is readable, but holds neither an access token nor an error.
    #[error("the body contains no access token and no error")]
    NoToken,
}

/// A failed attempt: facts, without a secret and without the response's body.
#[derive(Debug, Clone)]
pub struct Failure {
    pub(crate) kind: FailureKind,
    pub(crate) delivery: Delivery,
    pub(crate) status: Option<StatusCode>,
    pub(crate) code: Option<ErrorCode>,
    pub(crate) description: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) location: Option<String>,
    pub(crate) provider: Option<Cow<'static, str>>,
    pub(crate) cause: Option<Cause>,
    /// Whether the server says that an assertion or a proof was out of its time.
    pub(crate) is_stale: bool,
    /// The clock, where it may be why an assertion or a proof was refused.
    pub(crate) clock: Option<ClockDifference>,
}

#[derive(Debug, Clone)]
pub(crate) enum Cause {
    Transport(TransportError),
    Credential(CredentialError),
    Unreadable(Unreadable),
}

impl Failure {
    /// The kind of the failure.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// Whether the server may have acted on the request.
    pub fn delivery(&self) -> Delivery {
        self.delivery
    }

    /// The response's status, or the one with which a proxy refused to connect to
    /// the server. `None` if there was neither.
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// The error code, as the server sent it; a code of the standards as they
    /// spell it, though the server wrote `INVALID_GRANT` or `invalidGrant`. Where
    /// a 2xx has a number for a code, the number. `None` if there is no code, or
    /// an unrecognised one was redacted as in a
    /// [`description`](Self::description).
    pub fn code(&self) -> Option<&ErrorCode> {
        self.code.as_ref()
    }

    /// The server's explanation: `error_description`, or a member that a
    /// provider uses instead. At most 256 characters of printable ASCII.
    ///
    /// Some servers repeat what they were sent. A word is therefore redacted if, as
    /// it is or without its escapes (of URLs, HTML and JSON),
    ///
    /// - it contains eight consecutive characters of a secret of the request
    ///   (the refresh token, the client's secret, an assertion, a proof, a nonce,
    ///   a value of a parameter, a header or the URL's query), unless a word of
    ///   the protocol or a known error code contains them too;
    /// - it contains a secret of four to seven characters;
    /// - it has 24 or more characters and mixes letters and digits, or letters
    ///   of both cases. UUIDs, which servers use as trace identifiers, and
    ///   paths of plain words are kept. [`read_response`](crate::read_response)
    ///   does not know the request and applies this rule only.
    ///
    /// A hostile server knows the secrets, and can encode them so that no check
    /// finds them.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// How long the server asked the client to wait, counted from the arrival
    /// of the response. The [crate docs](crate#how-long-to-wait) say where it is
    /// read.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Where a 3xx points: scheme, host and path, or what of them its `Location`
    /// has. Never followed, since that would carry the refresh token there. At
    /// most 200 characters, redacted as in a [`description`](Self::description).
    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }

    /// The provider whose documented wording decided the kind. `None` if the
    /// standard meaning of the code or of the status did.
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    /// The error of the transport, if there was no complete response.
    pub fn transport_error(&self) -> Option<&TransportError> {
        match &self.cause {
            Some(Cause::Transport(error)) => Some(error),
            _ => None,
        }
    }

    /// Why there was no request: something that has to be read or signed for it could
    /// not be had.
    pub fn credential_error(&self) -> Option<&CredentialError> {
        match &self.cause {
            Some(Cause::Credential(error)) => Some(error),
            _ => None,
        }
    }

    /// Whether the server refused an assertion or a proof for its time: it had
    /// expired, or was not valid yet. It said so, or its clock differs from this
    /// machine's by more than a minute.
    ///
    /// The kind is [`Misconfigured`](FailureKind::Misconfigured), as the code says. But
    /// the next attempt has another assertion, so that it need not wait until somebody
    /// has changed the set-up.
    pub fn is_stale_assertion(&self) -> bool {
        self.is_stale || self.clock.is_some()
    }

    /// Whether the server demands a proof with its nonce (RFC 9449 section 8).
    pub(crate) fn asks_for_nonce(&self) -> bool {
        let is_verdict = self.status.is_some_and(|status| !is_no_verdict(status.as_u16()));
        is_verdict && self.code == Some(ErrorCode::USE_DPOP_NONCE)
    }

    /// The same, of a client that has a DPoP key or not. With one nothing is wrong with
    /// the set-up if the server demands another nonce; but some servers spend the
    /// refresh token before they ask.
    pub(crate) fn of_client_with_key(mut self, has_key: bool) -> Self {
        if has_key && self.asks_for_nonce() {
            self.kind = FailureKind::Unavailable;
            self.delivery = Delivery::Unknown;
        }
        self
    }

    /// The same, of a request in which something was signed with a time by a clock
    /// that differs so from the server's.
    pub(crate) fn by_clock(mut self, difference: Option<ClockDifference>) -> Self {
        let refuses_what_was_signed = matches!(
            &self.code,
            Some(code) if [
                ErrorCode::INVALID_CLIENT,
                ErrorCode::UNAUTHORIZED_CLIENT,
                ErrorCode::INVALID_DPOP_PROOF,
            ].contains(code)
        );
        if self.kind == FailureKind::Misconfigured && (refuses_what_was_signed || self.is_stale) {
            self.clock = difference;
        }
        self
    }

    /// Why a 2xx response could not be used, if that is the failure.
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
                (
                    TransportErrorKind::BadCertificate
                    | TransportErrorKind::ClientCertificate
                    | TransportErrorKind::ProxyRefused,
                    _,
                ) => FailureKind::Misconfigured,
                (_, Delivery::NotSent) => FailureKind::Unreachable,
                _ => FailureKind::Interrupted,
            },
            delivery: error.delivery(),
            status: error.proxy_status(),
            code: None,
            description: None,
            retry_after: None,
            location: None,
            provider: None,
            cause: Some(Cause::Transport(error)),
            is_stale: false,
            clock: None,
        }
    }
}

impl From<CredentialError> for Failure {
    fn from(error: CredentialError) -> Self {
        Self {
            kind: match error.is_temporary() {
                true => FailureKind::Unreachable,
                false => FailureKind::Misconfigured,
            },
            delivery: Delivery::NotSent,
            status: None,
            code: None,
            description: None,
            retry_after: None,
            location: None,
            provider: None,
            cause: Some(Cause::Credential(error)),
            is_stale: false,
            clock: None,
        }
    }
}

/// One line: the code, the status or the transport's error, where a redirect
/// points, then the server's explanation, and how far the clock is off if that may be
/// why an assertion or a proof was refused.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.code, self.status, &self.cause) {
            (Some(code), Some(status), _) => write!(f, "{code} (HTTP {})", status.as_u16())?,
            (Some(code), None, _) => write!(f, "{code}")?,
            (None, _, Some(Cause::Transport(error))) => return error.fmt(f),
            (None, _, Some(Cause::Credential(error))) => return error.fmt(f),
            (None, Some(status), Some(Cause::Unreadable(why))) => {
                write!(f, "HTTP {}, but {why}", status.as_u16())?;
            }
            (None, Some(status), None) => write!(f, "HTTP {}", status.as_u16())?,
            (None, None, _) => f.write_str(self.kind.as_str())?,
        }
        if let Some(location) = &self.location {
            write!(f, ", which points to {location:?}")?;
        }
        if let Some(description) = &self.description {
            // In quotes: what a server says must not pass for what we say.
            write!(f, ": {description:?}")?;
        }
        match &self.clock {
            Some(difference) => write!(f, "; {difference}"),
            None => Ok(()),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The messages of the causes are already part of ours.
        match self.cause.as_ref()? {
            Cause::Transport(error) => error.source(),
            Cause::Credential(error) => error.source(),
            Cause::Unreadable(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
