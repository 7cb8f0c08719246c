//! The kinds of outcome that a token endpoint and the network give, and what
//! each is, said once more and independently of the library.

use std::time::Duration;

use auth_core::{Delivery, FailureKind, TransportError, TransportErrorKind};
use auth_testkit::{CallOutcome, CannedResponse};

/// One of twelve kinds of outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomeKind {
    /// New tokens, the refresh token rotated.
    Rotated,
    /// A new access token only.
    AccessOnly,
    /// A proxy's 502 with HTML.
    BadGateway,
    /// A 503 with `Retry-After: 7`.
    Overloaded,
    /// Connection refused.
    Refused,
    /// A reset after the request was sent.
    Reset,
    /// No response in time.
    Timeout,
    /// `invalid_grant`.
    Dead,
    /// `invalid_client`.
    WrongClient,
    /// A 429 with `Retry-After: 3`.
    Throttled,
    /// A firewall's 403 with HTML.
    Firewall,
    /// A captive portal's 200 with HTML.
    Portal,
}

/// What a failed outcome is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Its kind.
    pub kind: FailureKind,
    /// Whether the exchange can have happened.
    pub delivery: Delivery,
    /// Whether the seed's rule retries it.
    pub retried: bool,
    /// The wait that the server asked for.
    pub retry_after: Option<Duration>,
}

impl OutcomeKind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Rotated,
        Self::AccessOnly,
        Self::BadGateway,
        Self::Overloaded,
        Self::Refused,
        Self::Reset,
        Self::Timeout,
        Self::Dead,
        Self::WrongClient,
        Self::Throttled,
        Self::Firewall,
        Self::Portal,
    ];

    /// The outcome; `number` makes its tokens differ from others.
    pub fn response(self, number: usize) -> CallOutcome {
        let html = |status| {
            CannedResponse::status(status)
                .header("content-type", "text/html")
                .body("<html><body>invalid_grant? Not here.</body></html>")
        };
        match self {
            Self::Rotated => CannedResponse::tokens(format!("at-{number}"))
                .refresh_token(format!("rt-{number}"))
                .expires_in(3600)
                .into(),
            Self::AccessOnly => CannedResponse::tokens(format!("at-{number}")).into(),
            Self::BadGateway => html(502).into(),
            Self::Overloaded => {
                CannedResponse::status(503).retry_after(Duration::from_secs(7)).into()
            }
            Self::Refused => TransportError::not_sent(TransportErrorKind::Refused).into(),
            Self::Reset => TransportError::unknown(TransportErrorKind::Reset).into(),
            Self::Timeout => {
                CallOutcome::from(TransportError::unknown(TransportErrorKind::Timeout))
                    .after(Duration::from_secs(10))
            }
            Self::Dead => CannedResponse::oauth_error("invalid_grant").into(),
            Self::WrongClient => {
                CannedResponse::oauth_error("invalid_client").with_status(401).into()
            }
            Self::Throttled => {
                CannedResponse::status(429).retry_after(Duration::from_secs(3)).into()
            }
            Self::Firewall => html(403).into(),
            Self::Portal => html(200).into(),
        }
    }

    /// What it is; `None` for tokens.
    pub fn expected(self) -> Option<Expected> {
        use Delivery::{Answered, NotSent, Unknown};
        use FailureKind::{
            Interrupted, Misconfigured, Rejected, Throttled, Unavailable, Unreachable,
        };
        let (kind, delivery, retried, retry_after) = match self {
            Self::Rotated | Self::AccessOnly => return None,
            Self::BadGateway => (Unavailable, Unknown, true, None),
            Self::Overloaded => (Unavailable, Unknown, true, Some(7)),
            Self::Refused => (Unreachable, NotSent, true, None),
            Self::Reset | Self::Timeout | Self::Portal => (Interrupted, Unknown, true, None),
            Self::Dead => (Rejected, Answered, false, None),
            Self::WrongClient => (Misconfigured, Answered, false, None),
            Self::Throttled => (Throttled, Answered, false, Some(3)),
            Self::Firewall => (Unavailable, Unknown, false, None),
        };
        let retry_after = retry_after.map(Duration::from_secs);
        Some(Expected { kind, delivery, retried, retry_after })
    }
}
