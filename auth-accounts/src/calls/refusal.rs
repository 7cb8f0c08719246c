//! What an API's response says of the token.

use std::time::{Duration, SystemTime};

use auth_core::{ClaimsChallenge, StepUp};
use http::{HeaderMap, StatusCode};

use super::error::NotAgain;

/// Why an API did not take a token, as far as its response says.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The status of the response.
    pub status: StatusCode,
    /// How long the API asks to wait.
    pub retry_after: Option<Duration>,
    /// The claims that another token must have (Microsoft Entra).
    pub claims: Option<ClaimsChallenge>,
}

/// What a response says.
pub(super) enum Said {
    /// Another token may help.
    Refused(Refused),
    /// No other token of this account helps.
    Otherwise(NotAgain),
}

/// Reads a response with a status that may be about the token.
pub(super) fn read(status: StatusCode, headers: &HeaderMap, now: SystemTime) -> Said {
    let _ = now;
    match StepUp::of(headers) {
        Err(error) => Said::Otherwise(NotAgain::Challenge(error)),
        Ok(Some(StepUp::Claims(claims))) => {
            Said::Refused(Refused { status, retry_after: None, claims: Some(claims) })
        }
        Ok(Some(wanted)) => Said::Otherwise(NotAgain::StepUp(wanted)),
        Ok(None) => Said::Refused(Refused { status, retry_after: None, claims: None }),
    }
}
