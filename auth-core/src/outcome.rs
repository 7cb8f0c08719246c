//! What came of an attempt that failed: the terms.

use std::fmt;

/// The kind of a failure. It tells the caller what to do.
///
/// A kind is a fact about a response, or about the absence of one. The
/// [`RetryPolicy`](crate::RetryPolicy) decides whether to try again.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The request was not sent: the host name did not resolve, the connection
    /// was refused or not made in time, the TLS handshake or a proxy failed, this
    /// machine's clock is wrong, or what has to be read or signed for it could not be
    /// had at the moment. Try again.
    Unreachable,
    /// The request may have arrived, but no complete and readable response came
    /// back: a reset, a timeout, an early end, an unreadable 2xx. Read the
    /// store first, since the refresh token may be spent; then try again
    /// promptly.
    Interrupted,
    /// The response carries no verdict on the refresh token: 5xx, 408, 425,
    /// `server_error`, `temporarily_unavailable`, or a 4xx without an OAuth
    /// error code (from a firewall, a proxy or a captive portal). Try again
    /// later.
    Unavailable,
    /// The client sent too many requests: 429, `slow_down`, or a provider's own
    /// code. Wait for [`Failure::retry_after`](crate::Failure::retry_after).
    Throttled,
    /// The server rejected the grant: `invalid_grant` or a documented synonym.
    /// The user must log in again; trying again does not help.
    Rejected,
    /// The configuration is wrong: the client's credentials or keys, the scope, the
    /// endpoint's URL, a proxy's credentials, a certificate that does not verify, or a
    /// DPoP key that is missing.
    /// A person must change it.
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

    /// The kind that [`as_str`](Self::as_str) gives this name, or `None`.
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

    /// What the caller should do after the last attempt.
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

/// What the caller should do next.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Advice {
    /// Keep the refresh token and try again, no earlier than `retry_after` if
    /// the error has one. As far as is known, the session is intact.
    TryLater,
    /// Send the user through the login.
    LogIn,
    /// Change the configuration. The same refresh token may then work.
    FixSetup,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TryLater => "try again later",
            Self::LogIn => "the user must log in again",
            Self::FixSetup => "the configuration must be changed",
        })
    }
}

/// Whether the server may have acted on the request, and so may have spent a
/// single-use refresh token.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// It cannot have acted: no byte of the request's body was handed to the
    /// network.
    NotSent,
    /// It may have acted: the request or a part of it was sent, and no verdict
    /// came back. This is so after a cut connection, a timeout, an unreadable
    /// 2xx, and a 5xx, which a proxy may send although the server has rotated
    /// the token.
    Unknown,
    /// It did not act: its response is a verdict.
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
