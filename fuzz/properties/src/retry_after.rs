use std::time::{Duration, SystemTime};

use auth_core::read_response;
use http::{HeaderValue, StatusCode, header};

use crate::now;

/// A hundred years: longer is a mistake, or an attack on somebody's arithmetic.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

/// Reads `Retry-After` from the first line of the input and `Date` from the
/// second, and compares with a reading of its own.
pub fn retry_after(input: &[u8]) {
    let mut lines = input.splitn(2, |byte| *byte == b'\n');
    let mut response = http::Response::new(Vec::new());
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    for name in [header::RETRY_AFTER, header::DATE] {
        let line = lines.next().unwrap_or_default();
        if let Ok(value) = HeaderValue::from_bytes(line) {
            response.headers_mut().insert(name, value);
        }
    }
    let text = |name| response.headers().get(name)?.to_str().ok().map(str::trim);
    let expected = text(header::RETRY_AFTER)
        .and_then(|value| {
            let clock = text(header::DATE).and_then(date).unwrap_or(now().wall);
            expected(value, clock)
        })
        .map(|wait| wait.min(LONGEST));

    let failure = read_response(&response, &[], now()).expect_err("a 429 holds no token");
    match (failure.retry_after(), expected) {
        (Some(read), Some(expected)) => {
            assert!(
                read.abs_diff(expected) <= Duration::from_micros(1),
                "read {read:?}, but it says {expected:?}"
            );
        }
        // Of these dates there is no other reading here.
        (Some(read), None) if text(header::RETRY_AFTER).is_some_and(may_be_iso_8601) => {
            assert!(read <= LONGEST, "{read:?}");
        }
        (read, expected) => assert_eq!(read, expected),
    }
}

/// RFC 9110 section 10.2.3: a date or seconds; and decimals, which some send, or a
/// Unix time within a year of `clock`, in one of four units.
fn expected(value: &str, clock: SystemTime) -> Option<Duration> {
    if let Some(until) = date(value) {
        return Some(until.duration_since(clock).unwrap_or_default());
    }
    let number = |char: char| char.is_ascii_digit() || char == '.';
    let ends = |end: Option<char>| end.is_some_and(|char| char.is_ascii_digit());
    let is_decimal = value.chars().all(number)
        && value.matches('.').count() <= 1
        && ends(value.chars().next())
        && ends(value.chars().last());
    if !is_decimal {
        return None;
    }
    // As long as can be said, if it is longer. The whole part and the fraction
    // apart: one float would lose the fraction of a large number.
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let whole = whole.parse().unwrap_or(u64::MAX);
    let nanos = format!("{fraction:0<9}")[..9].parse().expect("nine digits");
    let number = Duration::new(whole, nanos);
    let year = Duration::from_secs(366 * 24 * 3600);
    if number <= year {
        return Some(number);
    }
    let clock = clock.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let units = [1, 1_000, 1_000_000, 1_000_000_000].into_iter();
    let since_1970 = units.map(|unit| number / unit).find(|at| at.abs_diff(clock) <= year);
    Some(since_1970.map_or(number, |at| at.saturating_sub(clock)))
}

/// Whether it begins with a year, and may have a month, a day, and a time to the minute.
fn may_be_iso_8601(text: &str) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).count();
    digits(text.get(..4).unwrap_or_default()) == 4 && digits(text) >= 12
}

fn date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok()
}
