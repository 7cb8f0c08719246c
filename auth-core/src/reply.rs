//! Reading an answer: from bytes to a [`TokenSet`] or a [`Failure`].
//!
//! Tolerant of what providers really send, never of what would lose a token:
//! an answer that holds an access token is a success whatever else it holds,
//! and one that cannot be read is never taken for a verdict.

mod classify;
mod error_body;
mod lenient;
mod retry_after;
mod success;

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use http::StatusCode;
use zeroize::Zeroize;

use crate::{Failure, Now, Response, Rule, TokenSet};

/// Reads an answer of a token endpoint, and says what it is.
///
/// This is the whole of the library's judgement: the machine asks it after
/// every attempt, and so can whoever has an answer at hand, say from a log.
/// `rules` are asked before the built-in table. `now` is when the answer
/// arrived; `expires_at` counts from it.
///
/// ```
/// use std::time::{Instant, SystemTime};
/// use auth_core::{FailureKind, Now, read_answer};
///
/// let now = Now { monotonic: Instant::now(), wall: SystemTime::now() };
/// let answer = http::Response::builder()
///     .status(400)
///     .body(br#"{"error":"invalid_grant"}"#.to_vec())?;
///
/// let failure = read_answer(&answer, &[], now).unwrap_err();
/// assert_eq!(failure.kind(), FailureKind::Rejected);
/// # Ok::<(), http::Error>(())
/// ```
///
/// # Errors
///
/// A [`Failure`] for everything that is not a new access token.
// Boxing the failure would cost an allocation to save a copy on a path that is
// about to wait for a network.
#[allow(clippy::result_large_err)]
pub fn read_answer(response: &Response, rules: &[Rule], now: Now) -> Result<TokenSet, Failure> {
    read_reply(response, rules, now, now.wall, Vec::new)
}

/// As [`read_answer`], for an answer that was `issued` not before that time,
/// to a request that held `secrets`: where it echoes one, the failure does not.
#[allow(clippy::result_large_err)]
pub(crate) fn read_reply<'a>(
    response: &Response,
    rules: &[Rule],
    now: Now,
    issued: SystemTime,
    secrets: impl FnOnce() -> Vec<Cow<'a, str>>,
) -> Result<TokenSet, Failure> {
    let status = response.status();
    // A 206 says itself that it is a part of an answer.
    let unreadable = if status.is_success() && status != StatusCode::PARTIAL_CONTENT {
        match success::read(response.headers(), response.body(), issued) {
            Ok(tokens) => return Ok(tokens),
            Err(unreadable) => Some(unreadable),
        }
    } else {
        None
    };
    let error = error_body::read(response.headers(), response.body());
    let retry_after =
        retry_after::read(response.headers(), now).or(error.as_ref().and_then(|e| e.retry_after));
    let secrets = secrets();
    let failure = classify::classify(status, error, unreadable, retry_after, rules, &secrets);
    for secret in secrets {
        if let Cow::Owned(mut secret) = secret {
            secret.zeroize();
        }
    }
    Err(failure)
}

/// No token lives and no wait lasts longer than this; a larger number is a
/// mistake or an attack, and would overflow the clocks of some platforms.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

/// The body without a byte-order mark and surrounding white space.
pub(crate) fn trimmed(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii()
}

/// Whether the body may be a form. JSON and HTML never start so; anything
/// else is told by its content type, or by its own first name.
fn may_be_form(headers: &http::HeaderMap, body: &[u8]) -> bool {
    if matches!(body.first(), None | Some(b'{' | b'[' | b'<' | b'"')) {
        return false;
    }
    let declared = headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            let value = value.trim_start().as_bytes();
            let form = b"application/x-www-form-urlencoded";
            value.len() >= form.len() && value[..form.len()].eq_ignore_ascii_case(form)
        });
    let first = body.split(|byte| *byte == b'=').next().unwrap_or_default();
    let known: [&[u8]; 6] =
        [b"access_token", b"refresh_token", b"token_type", b"expires_in", b"scope", b"error"];
    declared || known.contains(&first)
}
