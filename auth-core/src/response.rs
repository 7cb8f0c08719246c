//! Reading a response: from bytes to a [`TokenSet`] or a [`Failure`].
//!
//! The reader accepts what providers really send, as long as no token is lost
//! by it: a response with an access token is a success whatever else it
//! contains, and one that cannot be read is never a verdict.

mod challenge;
mod classify;
mod error_body;
mod lenient;
mod location;
mod retry_after;
mod revocation;
mod step_up;
mod success;
mod surrounded;
mod text;

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, StatusCode};
use zeroize::Zeroize;

pub use self::challenge::{Challenge, challenges};
use self::error_body::ErrorBody;
pub(crate) use self::revocation::read_revocation_response;
pub use self::step_up::{ClaimsChallenge, StepUp, StepUpError};
use crate::{
    DEFAULT_RESPONSE_LIMIT, Failure, FailureKind, Now, Response, Rule, TokenSet, Unreadable,
    clock::ClockDifference, lifetime::LONGEST, redact::is_echo, transport::decoded,
};

/// Whether a 401 of an API wants the request once more, with the nonce that it sends
/// (RFC 9449 section 9): a challenge with the error `use_dpop_nonce`, and a `DPoP-Nonce`.
/// The access token is good then. `headers` are those of the response.
pub fn asks_for_dpop_nonce(headers: &HeaderMap) -> bool {
    let is_nonce = |challenge: Challenge| challenge.error() == Some("use_dpop_nonce");
    headers.contains_key("dpop-nonce") && challenges(headers).any(is_nonce)
}

/// Reads a response of a token endpoint.
///
/// The machine calls this after every attempt. It can also be called with any
/// response, such as one from a log. `rules` take precedence over the built-in
/// table. `now` is when the response arrived; `expires_at` counts from it. The
/// [crate docs](crate#when-a-token-expires) say where it is read.
///
/// ```
/// use std::time::{Instant, SystemTime};
/// use auth_core::{FailureKind, Now, read_response};
///
/// let now = Now { monotonic: Instant::now(), wall: SystemTime::now() };
/// let response = http::Response::builder()
///     .status(400)
///     .body(br#"{"error":"invalid_grant"}"#.to_vec())?;
///
/// let failure = read_response(&response, &[], now).unwrap_err();
/// assert_eq!(failure.kind(), FailureKind::Rejected);
/// # Ok::<(), http::Error>(())
/// ```
///
/// # Errors
///
/// A [`Failure`] if the response contains no access token.
// Boxing the failure would cost an allocation to save a copy on a path that is
// about to wait for a network.
#[allow(clippy::result_large_err)]
pub fn read_response(response: &Response, rules: &[Rule], now: Now) -> Result<TokenSet, Failure> {
    read_issued(response, rules, now, now.wall, Vec::new)
}

/// As [`read_response`], for a response that was `issued` not before that time,
/// to a request that held `secrets`: where it echoes one, the failure does not.
#[allow(clippy::result_large_err)]
pub(crate) fn read_issued<'a>(
    response: &Response,
    rules: &[Rule],
    now: Now,
    issued: SystemTime,
    secrets: impl FnOnce() -> Vec<Cow<'a, str>>,
) -> Result<TokenSet, Failure> {
    let status = response.status();
    // Of a transport that hands it on as it came.
    let decoded = decoded(response, DEFAULT_RESPONSE_LIMIT);
    let (headers, body) = match &decoded {
        Some(decoded) => (&decoded.headers, decoded.body.as_slice()),
        None => (response.headers(), response.body().as_slice()),
    };
    // A 206 says itself that it is a part of a response.
    let unreadable = if status.is_success() && status != StatusCode::PARTIAL_CONTENT {
        match success::read(headers, body, issued) {
            Ok(tokens) => return Ok(tokens),
            Err(unreadable) => Some(unreadable),
        }
    } else {
        None
    };
    let secrets = secrets();
    let error = error_body::read(status, headers, body);
    let failure = failure(response, error, unreadable, rules, now, &secrets);
    clear(secrets);
    Err(failure)
}

/// How long a response of an API asks to wait, by `now` of the wall clock. Of the fields
/// that many send with each response, those count that say that nothing remains, and at
/// 429 those that do not say what remains.
pub fn asked_wait(status: StatusCode, headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let kind = match status {
        StatusCode::TOO_MANY_REQUESTS => FailureKind::Throttled,
        _ => FailureKind::Unavailable,
    };
    let read = retry_after::read(headers, None, now);
    read.or_else(|| retry_after::of_limit(headers, kind, now))
}

/// When a response was issued at the earliest, to a request that was `sent` then.
///
/// RFC 6749 counts `expires_in` from when the response was generated. All that is
/// known is that this was not before the request was sent: by the wall clock, which
/// may have been set since, or by the monotonic one, which stands still while the
/// machine sleeps. The earlier counts.
pub(crate) fn issued(sent: Now, now: Now) -> SystemTime {
    let measured = now.wall.checked_sub(now.since(sent)).unwrap_or(now.wall);
    measured.min(sent.wall)
}

/// The same failure, of a request in which something was signed, with a time by this
/// machine's clock: the `Date` of the response says how far that is off.
pub(crate) fn of_what_was_signed(
    failure: Failure,
    headers: &HeaderMap,
    issued: SystemTime,
    now: Now,
) -> Failure {
    let date = retry_after::server_date(headers);
    failure.by_clock(date.and_then(|date| ClockDifference::measure(date, issued, now.wall)))
}

/// What a response is that is no success.
fn failure(
    response: &Response,
    error: Option<ErrorBody>,
    unreadable: Option<Unreadable>,
    rules: &[Rule],
    now: Now,
    secrets: &[Cow<'_, str>],
) -> Failure {
    let (status, headers) = (response.status(), response.headers());
    // A number that was sent says nothing of a wait, and is not shown as one.
    let is_echo = |wait: &f64| is_echo(&wait.to_string(), secrets);
    let in_body = error.as_ref().and_then(|error| error.wait).filter(|wait| !is_echo(wait));
    let wait = retry_after::read(headers, in_body, now.wall);
    let mut failure = classify::classify(status, error, unreadable, rules, secrets);
    failure.retry_after = wait.or_else(|| retry_after::of_limit(headers, failure.kind, now.wall));
    failure.location = location::read(status, headers, secrets);
    failure
}

/// Wipes what was put together to look for secrets.
fn clear(secrets: Vec<Cow<'_, str>>) {
    for secret in secrets {
        if let Cow::Owned(mut secret) = secret {
            secret.zeroize();
        }
    }
}

/// How many values are read of a response, and how deep they may nest: far more
/// than any provider sends. What goes beyond is left out.
const MOST_VALUES: usize = 4096;
const DEEPEST: u8 = 32;

/// Whether the body may be a form. JSON and HTML never start so; anything
/// else is told by its content type, or by its own first name.
fn may_be_form(headers: &HeaderMap, body: &[u8]) -> bool {
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
    let known: [&[u8]; 8] = [
        b"access_token",
        b"refresh_token",
        b"accessToken",
        b"refreshToken",
        b"token_type",
        b"expires_in",
        b"scope",
        b"error",
    ];
    declared || known.contains(&first)
}

#[cfg(test)]
#[allow(clippy::result_large_err, reason = "as above")]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::test_now;

    fn read(status: u16, body: String) -> Result<TokenSet, Failure> {
        let response = http::Response::builder().status(status).body(body.into()).unwrap();
        read_response(&response, &[], test_now())
    }

    /// Deep by itself, or by texts within texts, each with a depth of its own.
    fn deep(levels: usize, texts: usize) -> String {
        (0..=texts).fold("1".to_owned(), |inner, at| {
            let inner = match at {
                0 => inner,
                _ => format!(r#"{{"$serde_json::private::RawValue":{}}}"#, Value::String(inner)),
            };
            format!("{}{inner}{}", "[".repeat(levels), "]".repeat(levels))
        })
    }

    /// Some programs give their threads no more stack than this.
    fn on_a_small_stack<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
        std::thread::Builder::new().stack_size(128 * 1024).spawn(body).unwrap().join().unwrap()
    }

    #[test]
    fn a_deep_response_does_not_overflow_the_stack() {
        for (levels, texts) in [(100, 12), (9, 12), (200_000, 0), (127, 0), (33, 0)] {
            let deep = deep(levels, texts);
            // Not so large that it would not be read at all.
            assert!(deep.len() < 1024 * 1024, "{levels}, {texts}: {} bytes", deep.len());
            for value in [deep.clone(), format!(r#"{{"x":{deep}}}"#)] {
                let tokens = format!(r#"{{"access_token":"at","x":{value},"refresh_token":"rt"}}"#);
                let tokens = on_a_small_stack(|| read(200, tokens)).unwrap();
                assert_eq!(tokens.refresh_token.as_ref().unwrap().expose(), "rt");
                // What is kept of it can be stored and read again.
                let json = tokens.to_json_exposed();
                assert_eq!(TokenSet::from_json(&json), Ok(tokens));

                let error = format!(r#"{{"error":"invalid_grant","x":{value}}}"#);
                let failure = on_a_small_stack(move || read(400, error)).unwrap_err();
                assert_eq!(failure.kind(), FailureKind::Rejected);
                for status in [200, 400, 502] {
                    let value = value.clone();
                    on_a_small_stack(move || read(status, value)).unwrap_err();
                }
            }
        }
    }

    fn count(value: &Value) -> usize {
        1 + match value {
            Value::Array(items) => items.iter().map(count).sum(),
            Value::Object(members) => members.values().map(count).sum(),
            _ => 0,
        }
    }

    /// A megabyte of small values is a hundred of memory.
    #[test]
    fn extra_is_bounded() {
        let many = |item: &str| vec![item; 1024 * 1024 / (item.len() + 1)].join(",");
        for item in [r#"{"":0}"#, r#"{"":{"":0}}"#, "0", "[]"] {
            let body = format!(r#"{{"access_token":"at","x":[{}],"y":1}}"#, many(item));
            let tokens = read(200, body).unwrap();
            assert_eq!(tokens.extra.get("x"), None, "all of it, or nothing");
            let body = format!(r#"{{"y":1,"access_token":"at","x":[{}]}}"#, many(item));
            assert_eq!(read(200, body).unwrap().extra.get("y"), Some(&Value::from(1)));
        }
        let members: Vec<_> = (0..20_000).map(|at| format!(r#""{at}":[{at}]"#)).collect();
        let body = format!(r#"{{{},"access_token":"at"}}"#, members.join(","));
        let extra = read(200, body).unwrap().extra;
        assert_eq!(extra.get("0"), Some(&Value::from(vec![0])));
        let values: usize = extra.iter().map(|(_, value)| count(value)).sum();
        assert_eq!(values, MOST_VALUES);

        let form: String = (0..20_000).map(|at| format!("&{at}={at}")).collect();
        let extra = read(200, format!("access_token=at{form}")).unwrap().extra;
        assert_eq!(extra.iter().count(), MOST_VALUES);
        // An error in front of all that is an error still.
        for body in [
            format!(r#"{{"error":"invalid_grant","x":[{}]}}"#, many(r#"{"":0}"#)),
            format!("error=invalid_grant{form}"),
        ] {
            assert_eq!(read(400, body).unwrap_err().kind(), FailureKind::Rejected);
        }
    }
}
