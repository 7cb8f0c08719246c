//! What one failed attempt was.

use std::{borrow::Cow, error::Error, fmt, time::Duration};

use http::StatusCode;

use crate::{TransportError, TransportErrorKind};

/// What a failure is, and so what its caller can do about it.
///
/// A kind is a fact about a response, or about its absence. Whether to try
/// again is the word of the [`RetryPolicy`](crate::RetryPolicy).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The request never left: no address, connection refused, connect
    /// timeout, TLS handshake, proxy. Try again.
    Unreachable,
    /// The request may have arrived, but no whole, readable answer came back:
    /// a reset, a timeout, an early end, an unreadable 2xx. Try again
    /// promptly, and read the store first: the refresh token may be spent.
    Interrupted,
    /// A response without a verdict on the token: 5xx, 408, 425,
    /// `server_error`, `temporarily_unavailable`, a 4xx without an OAuth error
    /// in it (a firewall, a proxy, a captive portal). Try again later.
    Unavailable,
    /// Too many requests: 429, `slow_down`, or a provider's own code for it.
    /// Wait for [`Failure::retry_after`].
    Throttled,
    /// The grant is no longer good: `invalid_grant` or a documented synonym.
    /// The user must log in again; nothing else helps.
    Rejected,
    /// The set-up is wrong: the client's identity, the scope, the endpoint's
    /// URL, a certificate that does not verify. A person must change it.
    Misconfigured,
}

impl FailureKind {
    /// The name in lower case, for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Interrupted => "interrupted",
            Self::Unavailable => "unavailable",
            Self::Throttled => "throttled",
            Self::Rejected => "rejected",
            Self::Misconfigured => "misconfigured",
        }
    }

    /// The kind that [`as_str`](Self::as_str) gives this name; `None` if there is
    /// none.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Unreachable,
            Self::Interrupted,
            Self::Unavailable,
            Self::Throttled,
            Self::Rejected,
            Self::Misconfigured,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == name)
    }

    /// What the caller should do once retries are used up.
    pub fn advice(self) -> Advice {
        match self {
            Self::Unreachable | Self::Interrupted | Self::Unavailable | Self::Throttled => {
                Advice::TryLater
            }
            Self::Rejected => Advice::LogIn,
            Self::Misconfigured => Advice::FixSetup,
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a caller should do next.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Advice {
    /// Keep the refresh token and try again, not before `retry_after` where
    /// there is one. The session is intact as far as anybody knows.
    TryLater,
    /// Send the user through the login.
    LogIn,
    /// Change the configuration; then the same refresh token may well work.
    FixSetup,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TryLater => "try again later",
            Self::LogIn => "the user must log in again",
            Self::FixSetup => "the set-up must be changed",
        })
    }
}

/// Whether the exchange can have happened, and a single-use refresh token be
/// spent.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// It cannot: no byte of the request's body was handed to the network.
    NotSent,
    /// It can: the request, or a part of it, was sent, and no verdict came
    /// back. So after a cut connection, a timeout, a 5xx (which may be a
    /// proxy's and hide a rotation), an unreadable 2xx.
    Unknown,
    /// It did not: the server answered with its verdict.
    Answered,
}

impl Delivery {
    /// The name in snake case, for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Unknown => "unknown",
            Self::Answered => "answered",
        }
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error code of a token endpoint. The set is open; the constants are those
/// that this library knows by name.
///
/// ```
/// use auth_core::ErrorCode;
///
/// assert_eq!(ErrorCode::INVALID_GRANT, "invalid_grant");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ErrorCode(Cow<'static, str>);

impl ErrorCode {
    /// RFC 6749 section 5.2.
    pub const INVALID_REQUEST: Self = Self::known("invalid_request");
    /// RFC 6749 section 5.2.
    pub const INVALID_CLIENT: Self = Self::known("invalid_client");
    /// RFC 6749 section 5.2.
    pub const INVALID_GRANT: Self = Self::known("invalid_grant");
    /// RFC 6749 section 5.2.
    pub const UNAUTHORIZED_CLIENT: Self = Self::known("unauthorized_client");
    /// RFC 6749 section 5.2.
    pub const UNSUPPORTED_GRANT_TYPE: Self = Self::known("unsupported_grant_type");
    /// RFC 6749 section 5.2.
    pub const INVALID_SCOPE: Self = Self::known("invalid_scope");
    /// RFC 6749 section 4.1.2.1, sent by token endpoints too.
    pub const SERVER_ERROR: Self = Self::known("server_error");
    /// RFC 6749 section 4.1.2.1, sent by token endpoints too.
    pub const TEMPORARILY_UNAVAILABLE: Self = Self::known("temporarily_unavailable");
    /// RFC 8628 section 3.5.
    pub const SLOW_DOWN: Self = Self::known("slow_down");

    const MAX_LEN: usize = 64;

    const fn known(code: &'static str) -> Self {
        Self(Cow::Borrowed(code))
    }

    /// Takes a code as a server sent it, if it can be one: 1 to 64 characters
    /// of those that RFC 6749 section 5.2 allows. Anything else is not a code,
    /// and may be an attempt to get something else into a log.
    pub fn new(code: &str) -> Option<Self> {
        let allowed = |byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        ((1..=Self::MAX_LEN).contains(&code.len()) && code.bytes().all(allowed))
            .then(|| Self(Cow::Owned(code.to_owned())))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for ErrorCode {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for ErrorCode {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for ErrorCode {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

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
mod tests {
    use super::*;
    use crate::{read_response, test_now};

    #[test]
    fn names_are_read_as_they_are_written() {
        use FailureKind as Kind;
        for (kind, name) in [
            (Kind::Unreachable, "unreachable"),
            (Kind::Interrupted, "interrupted"),
            (Kind::Unavailable, "unavailable"),
            (Kind::Throttled, "throttled"),
            (Kind::Rejected, "rejected"),
            (Kind::Misconfigured, "misconfigured"),
        ] {
            assert_eq!(kind.as_str(), name);
            assert_eq!(kind.to_string(), name);
            assert_eq!(FailureKind::from_name(name), Some(kind));
        }
        assert_eq!(FailureKind::from_name("Rejected"), None);
        for (delivery, name) in [
            (Delivery::NotSent, "not_sent"),
            (Delivery::Unknown, "unknown"),
            (Delivery::Answered, "answered"),
        ] {
            assert_eq!(delivery.as_str(), name);
            assert_eq!(delivery.to_string(), name);
        }
    }

    #[test]
    fn a_code_compares_with_text() {
        let code = ErrorCode::new("slow_down").unwrap();
        assert_eq!(code, ErrorCode::SLOW_DOWN);
        assert_eq!(AsRef::<str>::as_ref(&code), "slow_down");
        assert!(code == *"slow_down" && code != *"slow_up");
        assert!(code == "slow_down" && code != "slow_up");
    }

    #[test]
    fn what_became_of_a_request_decides_the_kind() {
        use TransportErrorKind::{BadCertificate, Reset};
        for (error, kind, delivery) in [
            (TransportError::not_sent(Reset), FailureKind::Unreachable, Delivery::NotSent),
            (TransportError::unknown(Reset), FailureKind::Interrupted, Delivery::Unknown),
            (
                TransportError::not_sent(BadCertificate),
                FailureKind::Misconfigured,
                Delivery::NotSent,
            ),
        ] {
            let failure = Failure::from(error);
            assert_eq!((failure.kind(), failure.delivery()), (kind, delivery));
            assert!(failure.transport_error().is_some());
            assert_eq!(failure.unreadable(), None);
        }
    }

    #[test]
    fn a_responses_own_words_and_why_it_cannot_be_read() {
        let read = |status, body: &str| {
            let response = http::Response::builder().status(status);
            let response = response.body(body.as_bytes().to_vec()).unwrap();
            read_response(&response, &[], test_now()).unwrap_err()
        };
        let failure = read(400, r#"{"error":"invalid_grant","error_description":"Gone."}"#);
        assert_eq!(failure.description(), Some("Gone."));
        assert_eq!(failure.unreadable(), None);
        let failure = read(200, "");
        assert_eq!(failure.description(), None);
        assert_eq!(failure.unreadable(), Some(&Unreadable::Empty));
    }
}
