//! What an API's response says of the token.

use std::time::Duration;

use auth_core::{
    ClaimsChallenge, StepUp,
    internal::{Challenge, challenges},
};
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

impl Said {
    /// Some APIs send back what they were sent: the token is no scope.
    pub(super) fn without(self, token: &str) -> Self {
        match self {
            Self::Otherwise(NotAgain::InsufficientScope { scope: Some(scope) })
                if scope.contains(token) =>
            {
                Self::Otherwise(NotAgain::InsufficientScope { scope: None })
            }
            said => said,
        }
    }
}

/// Reads a response with a status that may be about the token, which is bound to a key or
/// not.
pub(super) fn read(headers: &HeaderMap, is_proved: bool) -> Said {
    let challenges: Vec<Challenge> = challenges(headers).collect();
    let deciding = deciding(&challenges, is_proved);
    let error = deciding.and_then(Challenge::error);
    match StepUp::of(headers) {
        Ok(Some(StepUp::Claims(claims))) => return Said::Refused(Some(claims)),
        Ok(Some(wanted)) => return Said::Otherwise(NotAgain::StepUp(wanted)),
        // Where the token is bad all the same, another may do.
        Err(why) if error.is_none_or(|error| is(error, &["insufficient_claims"])) => {
            return Said::Otherwise(NotAgain::Challenge(why));
        }
        Err(_) | Ok(None) => {}
    }
    match error {
        Some(error) if is_of_rights(error) => {
            let scope = deciding.and_then(|challenge| challenge.get("scope"));
            Said::Otherwise(NotAgain::InsufficientScope { scope: scope.map(ToOwned::to_owned) })
        }
        Some(error) if is(error, &["invalid_request"]) || is(error, &OF_PROOFS) => {
            Said::Otherwise(NotAgain::Request)
        }
        // Servers have many words for a token that has expired, or none.
        _ => Said::Refused(None),
    }
}

/// What is wrong with a proof (RFC 9449 sections 7.1 and 9), and not with the token.
const OF_PROOFS: [&str; 2] = ["invalid_dpop_proof", "use_dpop_nonce"];

/// The challenge that says what is wrong: one of the token's own scheme, or else another.
fn deciding(challenges: &[Challenge], is_proved: bool) -> Option<&Challenge> {
    let own = if is_proved { "DPoP" } else { "Bearer" };
    let of_own = || challenges.iter().filter(|challenge| challenge.is_of(own));
    let has_error = |challenge: &&Challenge| challenge.error().is_some();
    // A server that takes both kinds wants a proof of those only that have a key.
    let is_to_others = |challenge: &&Challenge| {
        let is_of_proofs = challenge.error().is_some_and(|error| is(error, &OF_PROOFS));
        is_of_proofs && of_own().next().is_some()
    };
    let other = || challenges.iter().filter(has_error).find(|one| !is_to_others(one));
    of_own().find(has_error).or_else(other)
}

/// Whether the token is good, and does not suffice. Servers have `insufficient_permissions`
/// and more for `insufficient_scope`.
fn is_of_rights(error: &str) -> bool {
    let beginning = word(error).as_bytes().get(.."insufficient".len());
    beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(b"insufficient"))
        && !is(error, &OF_STEP_UP)
}

/// Another token or another login does help, and how, the challenge did not say.
const OF_STEP_UP: [&str; 2] = ["insufficient_claims", "insufficient_user_authentication"];

fn is(error: &str, known: &[&str]) -> bool {
    known.iter().any(|known| word(error).eq_ignore_ascii_case(known))
}

/// Some servers quote as programs do.
fn word(error: &str) -> &str {
    error.trim().trim_matches('\'')
}

#[cfg(test)]
mod tests;
