//! The outcome: as JSON, as text, and as an exit status.

use std::{fmt::Write as _, time::Duration};

use auth_core::{Advice, ErrorCode, FailureKind, RefreshError, RefreshToken, TokenSet};
use serde::Serialize;

use crate::timeline::Timeline;

pub(crate) const REFRESHED: u8 = 0;
pub(crate) const BAD_USAGE: u8 = 2;
const LOG_IN: u8 = 3;
const TRY_LATER: u8 = 4;
pub(crate) const FIX_SETUP: u8 = 5;

/// The exit status for a failed refresh.
pub(crate) fn status(error: &RefreshError) -> u8 {
    match error.advice() {
        Advice::LogIn => LOG_IN,
        Advice::FixSetup => FIX_SETUP,
        _ => TRY_LATER,
    }
}

/// One object. Its members are part of the examples' interface.
#[derive(Serialize)]
struct Outcome<'a> {
    outcome: &'static str,
    kind: Option<&'static str>,
    code: Option<&'a str>,
    attempts: u32,
    elapsed_ms: u128,
    waits_ms: Vec<u128>,
    retry_after_ms: Option<u128>,
    expires_in_s: Option<u64>,
    rotated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
}

impl Outcome<'_> {
    fn of(timeline: &Timeline) -> Self {
        Self {
            outcome: "failed",
            kind: None,
            code: None,
            attempts: timeline.attempts(),
            elapsed_ms: timeline.elapsed().as_millis(),
            waits_ms: timeline.waits().iter().map(Duration::as_millis).collect(),
            retry_after_ms: None,
            expires_in_s: None,
            rotated: false,
            access_token: None,
            refresh_token: None,
        }
    }

    fn line(&self) -> String {
        // Numbers and strings cannot fail to serialize.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}

/// What is known when the refresh ends.
pub(crate) struct Ending<'a> {
    pub(crate) timeline: &'a Timeline,
    pub(crate) old: &'a RefreshToken,
    pub(crate) show_tokens: bool,
}

impl Ending<'_> {
    pub(crate) fn json(&self, result: &Result<TokenSet, RefreshError>) -> String {
        let mut outcome = Outcome::of(self.timeline);
        match result {
            Ok(tokens) => {
                outcome.outcome = "refreshed";
                outcome.expires_in_s = self.lifetime(tokens);
                outcome.rotated = self.rotated(tokens);
                if self.show_tokens {
                    outcome.access_token = Some(tokens.access_token.expose());
                    outcome.refresh_token = tokens.refresh_token.as_ref().map(RefreshToken::expose);
                }
            }
            Err(error) => {
                outcome.kind = Some(error.kind().as_str());
                outcome.code = error.failure().code().map(ErrorCode::as_str);
                outcome.attempts = error.attempts();
                outcome.retry_after_ms = error.retry_after().map(|wait| wait.as_millis());
            }
        }
        outcome.line()
    }

    /// For a refresh that could not begin.
    pub(crate) fn json_of_bad_setup(&self) -> String {
        let mut outcome = Outcome::of(self.timeline);
        outcome.kind = Some(FailureKind::Misconfigured.as_str());
        outcome.line()
    }

    pub(crate) fn text(&self, result: &Result<TokenSet, RefreshError>) -> String {
        let Ok(tokens) = result else { return String::new() };
        let attempts = self.timeline.attempts();
        let plural = if attempts == 1 { "" } else { "s" };
        let mut text = format!(
            "\nRefreshed after {attempts} attempt{plural}{}.\n  access token   ",
            within(self.timeline.elapsed())
        );
        let shown = |token| if self.show_tokens { token } else { "not shown (--show-tokens)" };
        text.push_str(shown(tokens.access_token.expose()));
        match self.lifetime(tokens) {
            Some(seconds) => {
                let _ = write!(text, ", good for {seconds} s");
            }
            None => text.push_str(", of a lifetime that the server did not give"),
        }
        match &tokens.refresh_token {
            Some(token) if self.rotated(tokens) => {
                let _ = write!(
                    text,
                    "\n  refresh token  {}, rotated: keep it, the old one is spent",
                    shown(token.expose())
                );
            }
            _ => text.push_str("\n  refresh token  stays as it is"),
        }
        text + "\n"
    }

    /// In seconds from the sending of the request, as the server gave it.
    fn lifetime(&self, tokens: &TokenSet) -> Option<u64> {
        let left = tokens.expires_at?.duration_since(self.timeline.last_sent());
        Some(left.map_or(0, |left| left.as_secs_f64().round() as u64))
    }

    fn rotated(&self, tokens: &TokenSet) -> bool {
        tokens.refresh_token.as_ref().is_some_and(|token| token != self.old)
    }
}

/// Nothing, where it would be 0.0 s.
fn within(elapsed: Duration) -> String {
    match elapsed.as_millis() {
        ..50 => String::new(),
        _ => format!(" in {:.1} s", elapsed.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_nobody_notices_is_left_out() {
        for (ms, told) in [(0, ""), (49, ""), (51, " in 0.1 s"), (1549, " in 1.5 s")] {
            assert_eq!(within(Duration::from_millis(ms)), told, "{ms}");
        }
    }
}
