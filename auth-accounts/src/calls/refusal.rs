//! What an API's response says of the token.

use std::time::Duration;

use auth_core::{ClaimsChallenge, StepUp};
use http::{HeaderMap, StatusCode};

use super::error::NotAgain;

/// That an API did not take a token, and why, as far as its response says.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The status of the response.
    pub status: StatusCode,
    /// How long the API asks to wait.
    pub retry_after: Option<Duration>,
    /// What was refused.
    pub about: About,
}

/// What an API refused.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// The token. Another one of the same account may be good.
    #[non_exhaustive]
    Token {
        /// The claims that the next one must have (Microsoft Entra).
        claims: Option<ClaimsChallenge>,
    },
    /// The account: its rights do not suffice, or it has met a limit. Only another account
    /// helps, so that nobody but a pool is told this.
    Account,
}

impl Refused {
    /// The claims that the next token must have (Microsoft Entra).
    #[must_use]
    pub fn claims(&self) -> Option<&ClaimsChallenge> {
        match &self.about {
            About::Token { claims } => claims.as_ref(),
            About::Account => None,
        }
    }
}

/// What a response says.
#[derive(Debug)]
pub(super) enum Said {
    /// Another token may help, with these claims.
    Refused(Option<ClaimsChallenge>),
    /// No other token of this account helps.
    Otherwise(NotAgain),
}

/// Reads a response with a status that may be about the token, which is bound to a key or
/// not.
pub(super) fn read(headers: &HeaderMap, is_proved: bool) -> Said {
    let _ = is_proved;
    match StepUp::of(headers) {
        Err(error) => Said::Otherwise(NotAgain::Challenge(error)),
        Ok(Some(StepUp::Claims(claims))) => Said::Refused(Some(claims)),
        Ok(Some(wanted)) => Said::Otherwise(NotAgain::StepUp(wanted)),
        Ok(None) => Said::Refused(None),
    }
}
