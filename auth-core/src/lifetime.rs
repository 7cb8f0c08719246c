//! When a token expires, in all the forms in which servers say it.

mod date;
mod jwt;
mod members;

use std::time::{Duration, SystemTime};

use serde_json::Value;

pub(crate) use self::members::{ACCESS_TOKEN, REFRESH_TOKEN, end, is_only_in_responses};
pub use self::{date::read as read_date, jwt::jwt_expiry};

/// No token lives and no wait lasts longer than this; a larger number is a
/// mistake or an attack, and would overflow the clocks of some platforms.
pub(crate) const LONGEST: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

/// How far from now a date of a token lies at most, in seconds: ten years. A
/// lifetime of ten years is a sixth of what a Unix time now is, so that one is
/// not taken for the other.
const NEAR: f64 = 10.0 * 366.0 * 24.0 * 3600.0;

/// The end of the year 9999, the last that a date can name, as a Unix time.
const LAST: f64 = 253_402_300_800.0;

/// What a server says of the end of a token, before it is known what it means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Told {
    /// Seconds, or a Unix time in seconds or milliseconds. Not NaN; infinite if it
    /// was too large for a number.
    Number(f64),
    Date(SystemTime),
}

impl Told {
    /// A number or a text. `None` for what is neither a number nor a date.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => match number.as_f64() {
                Some(number) => Self::number(number),
                // Too large for a number: with serde_json's feature
                // `arbitrary_precision`, which other crates may turn on.
                None => Self::read_text(&number.to_string()),
            },
            Value::String(text) => Self::read_text(text),
            _ => None,
        }
    }

    pub(crate) fn read_text(text: &str) -> Option<Self> {
        let text = text.trim();
        // "Infinity" and "NaN" are words.
        let is_word = !text.bytes().any(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(_) if is_word => None,
            Ok(number) => Self::number(number),
            Err(_) => date::read(text).map(Self::Date),
        }
    }

    fn number(number: f64) -> Option<Self> {
        (!number.is_nan()).then_some(Self::Number(number))
    }

    /// As a lifetime that begins at `sent`. What is longer than ten years and lies
    /// within ten years of `sent` as a Unix time is a date.
    fn lifetime(self, sent: SystemTime) -> Option<SystemTime> {
        match self {
            Self::Number(seconds) if seconds <= NEAR => after(sent, seconds.max(0.0)),
            Self::Number(number) => {
                near(number, sent).map_or_else(|| after(sent, number), |at| bounded(at, sent))
            }
            Self::Date(at) => bounded(at, sent),
        }
    }

    /// Whether it is more than no time at all.
    fn is_positive(self) -> bool {
        !matches!(self, Self::Number(number) if number <= 0.0)
    }

    /// As a lifetime if it is so short that it is no date of a token.
    fn lifetime_or_date(self, sent: SystemTime) -> Option<SystemTime> {
        match self {
            Self::Number(seconds) if self.is_positive() && seconds <= NEAR => after(sent, seconds),
            told => told.date(sent),
        }
    }

    /// As a date. One that is long past is no date of a token: an unset one is the
    /// year 1 or 1970.
    pub(crate) fn date(self, sent: SystemTime) -> Option<SystemTime> {
        match self {
            Self::Date(at) => bounded(at, sent),
            Self::Number(number) => {
                let at = near(number, sent).or_else(|| unix_seconds(number));
                at.map_or_else(|| vast(number, sent), |at| bounded(at, sent))
            }
        }
    }
}

/// The Unix time, in seconds or milliseconds, if one of the two lies near `sent`.
fn near(number: f64, sent: SystemTime) -> Option<SystemTime> {
    let sent = since_1970(sent);
    let seconds = [number, number / 1000.0];
    let seconds = seconds.into_iter().find(|seconds| (seconds - sent).abs() <= NEAR)?;
    unix_seconds(seconds)
}

/// A Unix time in seconds, to the millisecond.
fn unix_seconds(seconds: f64) -> Option<SystemTime> {
    if !(0.0..LAST).contains(&seconds) {
        return None;
    }
    let millis = (seconds * 1000.0).round() as u64;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}

fn after(sent: SystemTime, seconds: f64) -> Option<SystemTime> {
    if since_1970(sent) + seconds >= LAST {
        return vast(seconds, sent);
    }
    let lifetime = Duration::try_from_secs_f64(seconds).ok()?;
    sent.checked_add(lifetime.min(LONGEST))
}

/// A number that would end after the year 9999 if it were seconds. As milliseconds
/// it may be a date, and one that is long past says nothing. Anything larger is
/// how servers write "never": the largest number of some type, or one that is too
/// large for any.
fn vast(number: f64, sent: SystemTime) -> Option<SystemTime> {
    if number < 0.0 {
        return None;
    }
    match unix_seconds(number / 1000.0) {
        Some(at) => bounded(at, sent),
        None => sent.checked_add(LONGEST),
    }
}

/// The date, unless it is long past, and not later than any token lives.
fn bounded(at: SystemTime, sent: SystemTime) -> Option<SystemTime> {
    if since_1970(sent) - since_1970(at) > NEAR {
        return None;
    }
    Some(at.min(sent.checked_add(LONGEST)?))
}

fn since_1970(time: SystemTime) -> f64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => since.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}

#[cfg(test)]
mod tests;
