//! How long the server asks to wait: `Retry-After` (RFC 9110 section 10.2.3) and
//! what is sent in its place.

mod rate_limit;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, header};

use self::rate_limit::RateLimit;
use super::LONGEST;
use crate::{FailureKind, lifetime::read_date};

/// The wait that the server asked for, counted from `now`: by its headers, or
/// else by `body`, in seconds. More exact ones come first, as the SDKs of those
/// who send them have it.
///
/// A date is read against the response's own `Date` where it has one: the
/// difference of two readings of the server's clock is right even if the local
/// clock is not. A date in the past is no wait. What cannot be read is `None`.
pub(super) fn read(headers: &HeaderMap, body: Option<f64>, now: SystemTime) -> Option<Duration> {
    let clock = server_date(headers).unwrap_or(now);
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let millis = |name| Some(wait(seconds(text(name)?)? / 1000, clock));
    let either = |name| {
        let text = text(name)?;
        let of_date = || until(read_date(text)?, clock);
        seconds(text).map(|number| wait(number, clock)).or_else(of_date)
    };
    // Azure, and OpenAI after it.
    millis("retry-after-ms")
        .or_else(|| millis("x-ms-retry-after-ms"))
        .or_else(|| either(header::RETRY_AFTER.as_str()))
        // better-auth sends this alone.
        .or_else(|| either("x-retry-after"))
        .or_else(|| Some(wait(Duration::try_from_secs_f64(body?).unwrap_or(LONGEST), clock)))
        .map(|wait| wait.min(LONGEST))
}

/// When the limit is lifted that a client of a failure of this kind has run into,
/// from `now`. Many servers send these fields with each response, so that they ask
/// for a wait only where the limit is what failed: if nothing remains, or if
/// nobody says what remains and it is too much by the response's own word.
pub(super) fn of_limit(
    headers: &HeaderMap,
    kind: FailureKind,
    now: SystemTime,
) -> Option<Duration> {
    let clock = server_date(headers).unwrap_or(now);
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let is_used_up = |remaining: Option<u64>| match kind {
        FailureKind::Throttled => remaining.unwrap_or(0) == 0,
        FailureKind::Unavailable => remaining == Some(0),
        _ => false,
    };
    let structured = RateLimit::read(headers).filter(|limit| is_used_up(limit.remaining));
    if let Some(limit) = structured {
        return Some(wait(limit.reset, clock).min(LONGEST));
    }
    FIELDS.into_iter().find_map(|(reset, remaining)| {
        let reset = text(reset)?;
        let remaining = text(remaining).and_then(|remaining| seconds(remaining)?.as_secs().into());
        let of_date = || until(read_date(reset)?, clock);
        let wait = seconds(reset).map(|number| wait(number, clock)).or_else(of_date)?;
        is_used_up(remaining).then(|| wait.min(LONGEST))
    })
}

/// Fields that say when a limit is lifted, and what remains until then: seconds
/// (draft-ietf-httpapi-ratelimit-headers-06; Discord), or a Unix time (GitHub;
/// X and Okta).
const FIELDS: [(&str, &str); 4] = [
    ("ratelimit-reset", "ratelimit-remaining"),
    ("x-ratelimit-reset-after", "x-ratelimit-remaining"),
    ("x-ratelimit-reset", "x-ratelimit-remaining"),
    ("x-rate-limit-reset", "x-rate-limit-remaining"),
];

/// Nobody asks for a longer wait, nor names a moment so far off. A Unix time of
/// today is 57 times as long, so that a number is never both.
const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);

/// A number of seconds as a wait; one that is a Unix time near `clock`, in seconds,
/// milliseconds, microseconds or nanoseconds, as what is left until then.
fn wait(number: Duration, clock: SystemTime) -> Duration {
    if number <= YEAR {
        return number;
    }
    let near = |since_1970: Duration| {
        let at = UNIX_EPOCH.checked_add(since_1970)?;
        let ahead = until(at, clock)?;
        let behind = clock.duration_since(at).unwrap_or_default();
        (ahead <= YEAR && behind <= YEAR).then_some(ahead)
    };
    let units = [1, 1_000, 1_000_000, 1_000_000_000];
    units.into_iter().find_map(|unit| near(number / unit)).unwrap_or(number)
}

fn until(at: SystemTime, clock: SystemTime) -> Option<Duration> {
    Some(at.duration_since(clock).unwrap_or_default())
}

/// Whole seconds, or a fraction as some servers send it against the RFC. More
/// than a `u64` holds is as long as can be said.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole = Duration::from_secs(whole.parse().unwrap_or(u64::MAX));
    let fraction = format!("0.{fraction}").parse().ok()?;
    Some(whole.saturating_add(Duration::try_from_secs_f64(fraction).ok()?))
}

/// The server's clock, when it made the response.
pub(super) fn server_date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(header::DATE)?.to_str().ok()?.trim()).ok()
}

#[cfg(test)]
mod tests;
