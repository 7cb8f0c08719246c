//! The words for what came of an attempt that failed.

use std::fmt;

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
