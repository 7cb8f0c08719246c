//! `Retry-After` (RFC 9110 section 10.2.3).

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};

use super::LONGEST;
use crate::Now;

/// The wait that the server asked for, counted from `now`.
///
/// A date is read against the response's own `Date` where it has one: the
/// difference of two readings of the server's clock is right even if the local
/// clock is not. A date in the past is no wait. What cannot be read is `None`.
pub(super) fn read(headers: &HeaderMap, now: Now) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = seconds(text).or_else(|| {
        let until = httpdate::parse_http_date(text).ok()?;
        let from = server_date(headers).unwrap_or(now.wall);
        Some(until.duration_since(from).unwrap_or(Duration::ZERO))
    })?;
    Some(wait.min(LONGEST))
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

fn server_date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(header::DATE)?.to_str().ok()?.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_now;

    fn read_with(value: &str, date: Option<&str>) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, value.parse().unwrap());
        if let Some(date) = date {
            headers.insert(header::DATE, date.parse().unwrap());
        }
        // 2026-01-01T00:00:00Z
        let mut now = test_now();
        now.wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        read(&headers, now)
    }

    #[test]
    fn seconds_and_dates() {
        let s = |seconds| Some(Duration::from_secs(seconds));
        for (value, date, expected) in [
            ("0", None, s(0)),
            ("120", None, s(120)),
            (" 7 ", None, s(7)),
            ("1.5", None, Some(Duration::from_millis(1500))),
            ("99999999999999999999999", None, Some(LONGEST)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", None, Some(LONGEST)),
            ("-1", None, None),
            ("+1", None, None),
            ("1e3", None, None),
            ("soon", None, None),
            ("", None, None),
            (".", None, None),
            ("1.", None, None),
            // Against the local clock.
            ("Thu, 01 Jan 2026 00:00:30 GMT", None, s(30)),
            ("Wed, 31 Dec 2025 23:59:59 GMT", None, s(0)),
            ("Thursday, 01-Jan-26 00:00:30 GMT", None, s(30)),
            // Against the server's, whatever the local clock says.
            ("Thu, 01 Jan 2015 00:00:30 GMT", Some("Thu, 01 Jan 2015 00:00:10 GMT"), s(20)),
            ("Thu, 01 Jan 2026 00:00:30 GMT", Some("nonsense"), s(30)),
        ] {
            assert_eq!(read_with(value, date), expected, "{value:?} with Date {date:?}");
        }
    }
}
