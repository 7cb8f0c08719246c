use super::*;
use crate::test_now;

fn read_with(value: &str, date: Option<&str>) -> Option<Duration> {
    let mut headers = HeaderMap::new();
    headers.insert(header::RETRY_AFTER, value.parse().unwrap());
    if let Some(date) = date {
        headers.insert(header::DATE, date.parse().unwrap());
    }
    // 2026-01-01T00:00:00Z
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    read(&headers, None, now)
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
        // A Unix time near the present: a year ahead or behind, and no more.
        ("1767225630", None, s(30)),
        ("1767225630.5", None, Some(Duration::from_millis(30_500))),
        ("1767225600", None, s(0)),
        ("1767225599", None, s(0)),
        ("1767139200", None, s(0)),
        ("1767312000", None, s(24 * 3600)),
        ("1798847999", None, s(1_798_847_999 - 1_767_225_600)),
        ("1798848001", None, s(1_798_848_001)),
        ("1735603199", None, s(1_735_603_199)),
        ("1767225630000", None, s(30)),
        ("1767225630500", None, Some(Duration::from_millis(30_500))),
        ("1767225599000", None, s(0)),
        ("1767225630000000", None, s(30)),
        ("1767225630000000000", None, s(30)),
        ("2026-01-01T00:00:30Z", None, s(30)),
        ("2026-01-01T01:00:30+01:00", None, s(30)),
        ("2025-12-31T23:59:59Z", None, s(0)),
        ("2026-01-01", None, None),
        // By the server's clock, if it is known.
        ("1420070430", Some("Thu, 01 Jan 2015 00:00:10 GMT"), s(20)),
        ("1767225630", Some("Thu, 01 Jan 2026 00:00:10 GMT"), s(20)),
        // As long as can be asked for.
        ("31622400", None, s(31_622_400)),
        ("86400", None, s(86_400)),
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

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    let fields = fields.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    fields.collect::<Vec<(http::HeaderName, http::HeaderValue)>>().into_iter().collect()
}

#[test]
fn other_names_and_which_of_them_counts() {
    for (fields, body, millis) in [
        (&[("retry-after-ms", "1500")][..], None, Some(1500)),
        (&[("retry-after-ms", "1500.5")], None, Some(1500)),
        (&[("x-ms-retry-after-ms", "250")], None, Some(250)),
        (&[("x-retry-after", "60")], None, Some(60_000)),
        (&[("retry-after-ms", "1500"), ("retry-after", "9")], Some(7.0), Some(1500)),
        (&[("retry-after-ms", "soon"), ("retry-after", "9")], None, Some(9000)),
        (&[("retry-after", "9"), ("x-retry-after", "60")], Some(7.0), Some(9000)),
        (&[("retry-after", "soon")], Some(7.5), Some(7500)),
        (&[("retry-after-ms", "1800000030000")], None, Some(30_000)),
        (&[], Some(1_800_000_030.0), Some(30_000)),
        (&[], Some(1_800_000_030_000.0), Some(30_000)),
        (&[], Some(0.0), Some(0)),
        (&[("retry-after-ms", "-5")], None, None),
        (&[], None, None),
    ] {
        let read = read(&headers(fields), body, test_now().wall);
        assert_eq!(read.map(|wait| wait.as_millis()), millis, "{fields:?} {body:?}");
    }
    assert_eq!(read(&headers(&[]), Some(1e300), test_now().wall), Some(LONGEST));
}

#[test]
fn a_limit_counts_where_it_is_what_failed() {
    use FailureKind::*;
    let gone = ("x-ratelimit-remaining", "0");
    let left = ("x-ratelimit-remaining", "5");
    for (fields, of_throttled, of_unavailable) in [
        (&[("x-ratelimit-reset", "1800000030")][..], Some(30), None),
        (&[("x-ratelimit-reset", "1800000030"), gone], Some(30), Some(30)),
        (&[("x-ratelimit-reset", "1800000030"), left], None, None),
        (&[("x-ratelimit-reset", "1800000030000"), gone], Some(30), Some(30)),
        (&[("x-ratelimit-reset", "1799999999"), gone], Some(0), Some(0)),
        (&[("x-ratelimit-reset", "30"), gone], Some(30), Some(30)),
        (&[("x-ratelimit-reset", "Fri, 15 Jan 2027 08:00:30 GMT"), gone], Some(30), Some(30)),
        (&[("x-ratelimit-reset", "soon"), gone], None, None),
        (
            &[("x-rate-limit-reset", "1800000030"), ("x-rate-limit-remaining", "0")],
            Some(30),
            Some(30),
        ),
        (
            &[("x-ratelimit-reset-after", "30.0"), ("x-ratelimit-reset", "1800000099"), gone],
            Some(30),
            Some(30),
        ),
        (&[("ratelimit-reset", "30")], Some(30), None),
        (&[("ratelimit-reset", "30"), ("ratelimit-remaining", "0")], Some(30), Some(30)),
        (&[("ratelimit-reset", "30"), ("ratelimit-remaining", "1")], None, None),
        (&[("ratelimit", "\"default\";r=0;t=30")], Some(30), Some(30)),
        (&[("ratelimit", "\"default\";r=7;t=30")], None, None),
        (&[("ratelimit", "limit=100, remaining=0, reset=30")], Some(30), Some(30)),
        (
            &[("ratelimit", "\"a\";r=0;t=30"), ("x-ratelimit-reset", "1800000099"), gone],
            Some(30),
            Some(30),
        ),
        (
            &[("ratelimit", "nonsense"), ("x-ratelimit-reset", "1800000030"), gone],
            Some(30),
            Some(30),
        ),
        (&[gone], None, None),
        (&[], None, None),
    ] {
        for (kind, expected) in [
            (Throttled, of_throttled),
            (Unavailable, of_unavailable),
            (Rejected, None),
            (Misconfigured, None),
            (Interrupted, None),
        ] {
            let read = of_limit(&headers(fields), kind, test_now().wall);
            assert_eq!(read.map(|wait| wait.as_secs()), expected, "{kind} {fields:?}");
        }
    }
}
