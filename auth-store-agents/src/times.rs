//! Times in the forms that programs write.

use std::time::{Duration, SystemTime};

use auth_core::internal::read_date;
use jiff::Timestamp;
use serde_json::Value;

/// A time, as a number of `unit` or as a date; `None` if it is none.
pub(crate) fn time_of(value: &Value, unit: Unit) -> Option<SystemTime> {
    match value {
        Value::Number(number) => match number.as_u64() {
            Some(number) => unit.after_1970(number),
            // Written by a language that has no integers.
            None => unit.after_1970(whole(number.as_f64()?)?),
        },
        Value::String(text) => {
            let text = text.trim();
            let digits = text.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
            match text.parse::<f64>() {
                Ok(number) if digits => match text.parse() {
                    Ok(number) => unit.after_1970(number),
                    Err(_) => unit.after_1970(whole(number)?),
                },
                // The first to the nanosecond; the second knows more spellings.
                _ => match text.parse::<Timestamp>() {
                    Ok(time) => time.try_into().ok(),
                    Err(_) => read_date(text),
                },
            }
        }
        _ => None,
    }
}

fn whole(number: f64) -> Option<u64> {
    (0.0..1e18).contains(&number).then_some(number as u64)
}

/// What a number counts, from 1970 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Milliseconds,
    /// Seconds, or what is so large that it counts milliseconds, microseconds or
    /// nanoseconds. No time in the life of these programs can be taken for another.
    AsLarge,
}

impl Unit {
    fn after_1970(self, number: u64) -> Option<SystemTime> {
        let since = match (self, number) {
            (Self::Milliseconds, _) | (_, 100_000_000_000..100_000_000_000_000) => {
                Duration::from_millis(number)
            }
            (_, ..100_000_000_000) => Duration::from_secs(number),
            (_, 100_000_000_000_000..100_000_000_000_000_000) => Duration::from_micros(number),
            _ => Duration::from_nanos(number),
        };
        SystemTime::UNIX_EPOCH.checked_add(since)
    }
}

/// Nanoseconds since 1970.
pub(crate) fn to_nanos(time: SystemTime) -> Option<u64> {
    time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_nanos().try_into().ok()
}

/// To the millisecond, which every form can hold.
pub(crate) fn rounded(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(since.as_millis()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_in_every_form() {
        let at = |nanos: u64| Some(SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos));
        let (whole, milli) = (1_767_323_045_000_000_000, 1_767_323_045_678_000_000);
        for (value, expected) in [
            (json!("2026-01-02T03:04:05.678901234Z"), at(1_767_323_045_678_901_234)),
            (json!("2026-01-02T03:04:05.678Z"), at(milli)),
            (json!("2026-01-02 03:04:05Z"), at(whole)),
            (json!("2026-01-02T03:04:05"), at(whole)),
            (json!("2026-01-02T04:04:05+01:00"), at(whole)),
            (json!("20260102T030405Z"), at(whole)),
            (json!(" Fri, 02 Jan 2026 03:04:05 GMT "), at(whole)),
            (json!(1_767_323_045), at(whole)),
            (json!(1_767_323_045_678_u64), at(milli)),
            (json!(1_767_323_045_678_000_u64), at(milli)),
            (json!(1_767_323_045_678_000_000_u64), at(milli)),
            (json!(1_767_323_045.9), at(whole)),
            (json!("1767323045"), at(whole)),
            (json!("1767323045678"), at(milli)),
            (json!("1767323045.5"), at(whole)),
            (json!(0), at(0)),
            (json!(-1), None),
            (json!(1e300), None),
            (json!("yesterday"), None),
            (json!("inf"), None),
            (json!(""), None),
            (json!(true), None),
            (json!(null), None),
            (json!([1_767_323_045]), None),
            (json!({"seconds": 1_767_323_045}), None),
        ] {
            assert_eq!(time_of(&value, Unit::AsLarge), expected, "{value}");
        }
        // Where the unit is known, it is taken at its word.
        let small = Some(SystemTime::UNIX_EPOCH + Duration::from_millis(1_767_323_045));
        for value in [json!(1_767_323_045), json!("1767323045"), json!(1_767_323_045.5)] {
            assert_eq!(time_of(&value, Unit::Milliseconds), small, "{value}");
        }
        assert_eq!(time_of(&json!("2026-01-02T03:04:05Z"), Unit::Milliseconds), at(whole));
    }
}
