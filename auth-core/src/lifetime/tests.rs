use serde_json::{Map, json};

use super::*;
use crate::test_now;

const DAY: u64 = 86_400;
/// As `NEAR`.
const TEN_YEARS: u64 = 3660 * DAY;
/// What `test_now` is as a Unix time.
const NOW: u64 = 1_800_000_000;

fn ends(
    names: &[(&str, members::Meaning)],
    members: &Value,
    now: SystemTime,
) -> Option<SystemTime> {
    let empty = Map::new();
    let members = members.as_object().unwrap_or(&empty);
    end(names, |name| members.get(name).and_then(Told::read), now)
}

fn unix(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// The end that is `seconds` from `test_now`.
fn in_seconds(seconds: u64) -> Option<SystemTime> {
    Some(unix(NOW + seconds))
}

fn access(members: Value) -> Option<SystemTime> {
    assert_eq!(test_now().wall, unix(NOW));
    ends(&ACCESS_TOKEN, &members, unix(NOW))
}

fn refresh(members: Value) -> Option<SystemTime> {
    ends(&REFRESH_TOKEN, &members, unix(NOW))
}

const LIFETIMES: [&str; 8] = [
    "expires_in_sec",
    "expires_in",
    "expire_in",
    "expiresIn",
    "expireIn",
    "accessTokenExpiresIn",
    "accessTokenExpireIn",
    "access_token_expire_in",
];
const DATES: [&str; 4] = ["expires_at", "expires_on", "expiresAt", "accessTokenExpiresAt"];
const EITHER: [&str; 2] = ["expires", "expiry"];

const REFRESH_LIFETIMES: [&str; 7] = [
    "refresh_token_expires_in",
    "refresh_expires_in",
    "refreshTokenExpiresIn",
    "refreshExpiresIn",
    "refreshTokenExpireIn",
    "x_refresh_token_expires_in",
    "refresh_token_expire_in",
];
const REFRESH_DATES: [&str; 4] =
    ["refresh_token_expires_at", "refreshTokenExpiresAt", "refresh_expires_at", "refreshExpiresAt"];

/// The tables of this file name each member that is read.
#[test]
fn every_member_is_tested() {
    for (members, named) in [
        (ACCESS_TOKEN.as_slice(), [&LIFETIMES[..], &DATES, &EITHER].concat()),
        (&REFRESH_TOKEN, [&REFRESH_LIFETIMES[..], &REFRESH_DATES].concat()),
    ] {
        let mut members: Vec<_> = members.iter().map(|(name, _)| *name).collect();
        let mut named = named;
        members.sort_unstable();
        named.sort_unstable();
        assert_eq!(members, named);
        for name in named {
            let is_ours = ["expires_at", "refresh_expires_at"].contains(&name);
            assert_ne!(is_only_in_responses(name), is_ours, "{name}");
        }
    }
    for name in ["access_token", "refresh_token", "token_type", "scope", "extra", "x"] {
        assert!(!is_only_in_responses(name), "{name}");
    }
}

/// A date that is near, as all members may have it.
fn dates() -> Vec<(Value, Option<SystemTime>)> {
    vec![
        (json!(NOW + 3600), in_seconds(3600)),
        (json!((NOW + 3600).to_string()), in_seconds(3600)),
        (json!(1_800_003_600.5), Some(unix(NOW + 3600) + Duration::from_millis(500))),
        (json!("1800003600.123"), Some(unix(NOW + 3600) + Duration::from_millis(123))),
        (json!(1_800_003_600_250_u64), Some(unix(NOW + 3600) + Duration::from_millis(250))),
        (json!("1800003600000"), in_seconds(3600)),
        (json!(1.8e12), in_seconds(0)),
        (json!("2027-01-15T09:00:00Z"), in_seconds(3600)),
        (
            json!(" 2027-01-15T10:00:00.5+01:00\n"),
            Some(unix(NOW + 3600) + Duration::from_millis(500)),
        ),
        (json!("Fri, 15 Jan 2027 09:00:00 GMT"), in_seconds(3600)),
        // Born expired, by the clock of here.
        (json!(NOW - 60), Some(unix(NOW - 60))),
        (json!("2027-01-15T07:59:00Z"), Some(unix(NOW - 60))),
        // As near as can be.
        (json!(NOW + TEN_YEARS), in_seconds(TEN_YEARS)),
        (json!(NOW - TEN_YEARS), Some(unix(NOW - TEN_YEARS))),
        (json!((NOW + TEN_YEARS) * 1000), in_seconds(TEN_YEARS)),
        (json!((NOW - TEN_YEARS) * 1000), Some(unix(NOW - TEN_YEARS))),
        // Of a token that does not expire: as long as any lives.
        (json!("9999-12-31T23:59:59Z"), Some(unix(NOW) + LONGEST)),
        // No date of a token.
        (json!("2017-01-07T07:59:59Z"), None),
        (json!("1970-01-01T00:00:00Z"), None),
        (json!("0001-01-01T00:00:00Z"), None),
        (json!("soon"), None),
        (json!(""), None),
        (json!("null"), None),
        (json!("NaN"), None),
        (json!("inf"), None),
        (json!("-inf"), None),
        (json!("-Infinity"), None),
        // Too large for anything: as long as any lives.
        (json!("1e999"), Some(unix(NOW) + LONGEST)),
        (json!("99999999999999999999999"), Some(unix(NOW) + LONGEST)),
        (json!(1e300), Some(unix(NOW) + LONGEST)),
        (json!(u64::MAX), Some(unix(NOW) + LONGEST)),
        (json!(i64::MAX), Some(unix(NOW) + LONGEST)),
        (json!(u64::MAX.to_string()), Some(unix(NOW) + LONGEST)),
        // Of a date of the year 9999, in milliseconds.
        (json!(253_402_300_799_000_u64), Some(unix(NOW) + LONGEST)),
        (json!(null), None),
        (json!(true), None),
        (json!([3600]), None),
        (json!({"seconds": 3600}), None),
    ]
}

/// A lifetime, as all members may have it that mean one.
fn lifetimes() -> Vec<(Value, Option<SystemTime>)> {
    vec![
        (json!(1), in_seconds(1)),
        (json!(3600), in_seconds(3600)),
        (json!("3600"), in_seconds(3600)),
        (json!(" 3600\r\n"), in_seconds(3600)),
        (json!(3599.5), Some(unix(NOW) + Duration::from_millis(3_599_500))),
        (json!("3.6e3"), in_seconds(3600)),
        // Ten years are no date.
        (json!(TEN_YEARS), in_seconds(TEN_YEARS)),
    ]
}

/// Lifetimes so long that other members take them for dates, and below zero.
fn vast_lifetimes() -> Vec<(Value, Option<SystemTime>)> {
    vec![
        (json!(TEN_YEARS + 1), in_seconds(TEN_YEARS + 1)),
        // One second too far from now for a date.
        (json!(NOW - TEN_YEARS - 1), in_seconds(NOW - TEN_YEARS - 1)),
        (json!(NOW + TEN_YEARS + 1), in_seconds(NOW + TEN_YEARS + 1)),
        (json!(LONGEST.as_secs()), in_seconds(LONGEST.as_secs())),
        (json!(LONGEST.as_secs() + 1), in_seconds(LONGEST.as_secs())),
        // Until the end of the year 9999.
        (json!(253_402_300_799 - NOW), in_seconds(LONGEST.as_secs())),
        (json!(253_402_300_800 - NOW), None),
        // Milliseconds that are no date are no lifetime either.
        (json!((NOW - TEN_YEARS) * 1000 - 1), None),
    ]
}

#[test]
fn what_means_a_lifetime() {
    let ended = vec![
        (json!(0), in_seconds(0)),
        (json!("0"), in_seconds(0)),
        (json!(-1), in_seconds(0)),
        (json!("-1.5"), in_seconds(0)),
        (json!(i64::MIN), in_seconds(0)),
        (json!("-1e999"), in_seconds(0)),
    ];
    for name in LIFETIMES {
        for (value, expected) in [dates(), lifetimes(), vast_lifetimes(), ended.clone()].concat() {
            assert_eq!(access(json!({ name: value })), expected, "{name}: {value}");
        }
    }
    for name in REFRESH_LIFETIMES {
        for (value, expected) in [dates(), lifetimes(), vast_lifetimes()].concat() {
            assert_eq!(refresh(json!({ name: value })), expected, "{name}: {value}");
        }
        for (value, _) in &ended {
            assert_eq!(refresh(json!({ name: value })), None, "{name}: {value}");
        }
    }
}

#[test]
fn what_means_a_date() {
    let no_dates = [
        json!(0),
        json!(-1),
        json!(3600),
        json!("3600"),
        json!(TEN_YEARS),
        json!(NOW - TEN_YEARS - 1),
        json!((NOW - TEN_YEARS) * 1000 - 1),
        json!(253_402_300_800_u64),
        json!(i64::MIN),
        json!("-1e999"),
    ];
    let far = [
        (json!(NOW + TEN_YEARS + 1), in_seconds(TEN_YEARS + 1)),
        (json!(253_402_300_799_u64), Some(unix(NOW) + LONGEST)),
        (
            json!((NOW + TEN_YEARS) * 1000 + 1),
            Some(unix(NOW + TEN_YEARS) + Duration::from_millis(1)),
        ),
    ];
    for name in DATES.into_iter().chain(EITHER) {
        for (value, expected) in dates().into_iter().chain(far.clone()) {
            assert_eq!(access(json!({ name: value })), expected, "{name}: {value}");
        }
    }
    for name in DATES {
        for value in &no_dates {
            assert_eq!(access(json!({ name: value })), None, "{name}: {value}");
        }
    }
    for name in REFRESH_DATES {
        for (value, expected) in dates().into_iter().chain(far.clone()) {
            assert_eq!(refresh(json!({ name: value })), expected, "{name}: {value}");
        }
        for value in &no_dates {
            assert_eq!(refresh(json!({ name: value })), None, "{name}: {value}");
        }
    }
}

#[test]
fn what_may_mean_either() {
    for name in EITHER {
        for (value, expected) in lifetimes() {
            assert_eq!(access(json!({ name: value })), expected, "{name}: {value}");
        }
        for value in [json!(0), json!(-1), json!(TEN_YEARS + 1), json!(i64::MIN)] {
            assert_eq!(access(json!({ name: value })), None, "{name}: {value}");
        }
    }
}

/// Whatever stands before it: it makes no sense.
#[test]
fn the_next_is_asked() {
    for (names, of) in [
        (ACCESS_TOKEN.as_slice(), access as fn(Value) -> Option<SystemTime>),
        (&REFRESH_TOKEN, refresh),
    ] {
        let mut members = Map::new();
        for (at, (name, _)) in names.iter().enumerate().rev() {
            // Of all, the first in the table.
            members.insert((*name).to_owned(), json!(NOW + at as u64));
            assert_eq!(of(members.clone().into()), in_seconds(at as u64), "{name}");
        }
        for (name, _) in &names[..names.len() - 1] {
            members.insert((*name).to_owned(), json!("soon"));
        }
        assert_eq!(of(members.into()), in_seconds(names.len() as u64 - 1));
    }
}

/// A clock that was never set shows 1970, or the year of the firmware.
#[test]
fn a_clock_that_is_wrong_makes_no_date_of_a_lifetime() {
    for now in [unix(0), unix(300), unix(TEN_YEARS), unix(3600 + TEN_YEARS)] {
        let members = json!({"expires_in": 3600});
        assert_eq!(ends(&ACCESS_TOKEN, &members, now), Some(now + Duration::from_secs(3600)));
    }
    // As long as a lifetime can be, and in milliseconds a date where it is longer.
    for (seconds, expected) in [
        (TEN_YEARS, unix(300 + TEN_YEARS)),
        (TEN_YEARS + 1, unix(TEN_YEARS + 1)),
        (TEN_YEARS + 301, unix(0) + Duration::from_millis(TEN_YEARS + 301)),
    ] {
        let members = json!({ "expires_in": seconds });
        assert_eq!(ends(&ACCESS_TOKEN, &members, unix(300)), Some(expected));
    }
    let before = SystemTime::UNIX_EPOCH - Duration::from_secs(100);
    let members = json!({"expires_in": 3600, "expires_at": 7200});
    assert_eq!(ends(&ACCESS_TOKEN, &members, before), Some(unix(3500)));
    assert_eq!(ends(&DATE, &members, before), Some(unix(7200)));
    let members = json!({"expires_in": TEN_YEARS + 50});
    let expected = unix(0) + Duration::from_millis(TEN_YEARS + 50);
    assert_eq!(ends(&ACCESS_TOKEN, &members, before), Some(expected));
    assert_eq!(
        ends(&DATE, &json!({"expires_at": TEN_YEARS - 100}), before),
        Some(unix(TEN_YEARS - 100))
    );
}

const DATE: [(&str, members::Meaning); 1] = [("expires_at", members::Meaning::Date)];
