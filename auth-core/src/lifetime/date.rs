//! Dates as texts.

use std::time::{Duration, SystemTime};

/// A date of ISO 8601, RFC 3339 or HTTP, from 1970 on. One without an offset is
/// in UTC.
pub fn read(text: &str) -> Option<SystemTime> {
    iso_8601(text.as_bytes()).or_else(|| httpdate::parse_http_date(text).ok())
}

/// To the millisecond. A date without a time of day is none.
fn iso_8601(text: &[u8]) -> Option<SystemTime> {
    let mut rest = Rest(text);
    let year = rest.number(4)?;
    rest.take(b"-");
    let month = rest.number(2).filter(|month| (1..=12).contains(month))?;
    rest.take(b"-");
    let day = rest.number(2).filter(|day| (1..=days_of_month(year, month)).contains(day))?;
    rest.take(b"Tt ")?;
    let hour = rest.number(2).filter(|hour| *hour < 24)?;
    let has_colons = rest.take(b":").is_some();
    let minute = rest.number(2).filter(|minute| *minute < 60)?;
    let has_seconds = if has_colons { rest.take(b":").is_some() } else { rest.is_at_digit() };
    // 60 is a leap second.
    let second = if has_seconds { rest.number(2).filter(|second| *second <= 60)? } else { 0 };
    let millis = if rest.take(b".,").is_some() { rest.fraction()? } else { 0 };
    let east = rest.offset()?;
    if !rest.0.is_empty() {
        return None;
    }
    let of_day = (hour * 60 + minute) * 60 + second;
    let seconds = days_since_1970(year, month, day)? * 86_400 + of_day;
    let since = Duration::from_millis(u64::try_from(seconds - east).ok()? * 1000 + millis);
    SystemTime::UNIX_EPOCH.checked_add(since)
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    /// A number of so many digits.
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        number.iter().try_fold(0, |number, byte| {
            byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0'))
        })
    }

    /// The next byte, if it is one of these.
    fn take(&mut self, these: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        these.contains(first).then(|| {
            self.0 = rest;
            *first
        })
    }

    fn is_at_digit(&self) -> bool {
        self.0.first().is_some_and(u8::is_ascii_digit)
    }

    /// Milliseconds, out of any number of digits.
    fn fraction(&mut self) -> Option<u64> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (fraction, rest) = self.0.split_at(digits);
        self.0 = rest;
        let digit = |at| fraction.get(at).map_or(0, |byte| u64::from(byte - b'0'));
        (digits > 0).then(|| digit(0) * 100 + digit(1) * 10 + digit(2))
    }

    /// Seconds east of UTC.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.take(b"+-Zz") {
            Some(b'+') => 1,
            Some(b'-') => -1,
            Some(_) | None => return Some(0),
        };
        let hours = self.number(2).filter(|hours| *hours < 24)?;
        let has_minutes = self.take(b":").is_some() || self.is_at_digit();
        let minutes =
            if has_minutes { self.number(2).filter(|minutes| *minutes < 60)? } else { 0 };
        Some(sign * (hours * 60 + minutes) * 60)
    }
}

fn days_of_month(year: i64, month: i64) -> i64 {
    let is_leap = leap_years(year) > leap_years(year - 1);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    // So that no arithmetic has to go below zero.
    let years = (year >= 1970).then(|| year - 1970)?;
    let leap_days = leap_years(year - 1) - leap_years(1969);
    let of_year: i64 = (1..month).map(|month| days_of_month(year, month)).sum();
    Some(years * 365 + leap_days + of_year + day - 1)
}

/// How many years up to this one have a leap day.
fn leap_years(year: i64) -> i64 {
    year / 4 - year / 100 + year / 400
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unix(millis: u64) -> Option<SystemTime> {
        Some(SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
    }

    #[test]
    fn dates_in_every_spelling() {
        let at = 1_800_003_600_000;
        for (text, expected) in [
            ("2027-01-15T09:00:00Z", unix(at)),
            ("2027-01-15t09:00:00z", unix(at)),
            ("2027-01-15 09:00:00Z", unix(at)),
            ("2027-01-15T09:00:00", unix(at)),
            ("2027-01-15T09:00", unix(at)),
            ("2027-01-15T09:00Z", unix(at)),
            ("20270115T090000Z", unix(at)),
            ("20270115T0900Z", unix(at)),
            ("20270115T0900", unix(at)),
            ("2027-01-15T09:00:59Z", unix(at + 59_000)),
            ("2027-01-15T09:00:60Z", unix(at + 60_000)),
            ("2027-01-15T23:59:00Z", unix(at + 53_940_000)),
            // A fraction.
            ("2027-01-15T09:00:00.5Z", unix(at + 500)),
            ("2027-01-15T09:00:00,25Z", unix(at + 250)),
            ("2027-01-15T09:00:00.123456789Z", unix(at + 123)),
            ("2027-01-15T09:00:00.000+00:00", unix(at)),
            ("20270115T090000.007Z", unix(at + 7)),
            // An offset.
            ("2027-01-15T10:30:00+01:30", unix(at)),
            ("2027-01-15T07:30:00-01:30", unix(at)),
            ("2027-01-15T17:00:00+0800", unix(at)),
            ("2027-01-15T17:00:00.000+0800", unix(at)),
            ("2027-01-15T01:00:00-08", unix(at)),
            ("2027-01-14T09:01:00-23:59", unix(at)),
            ("2027-01-15T09:00:00-00:00", unix(at)),
            // Of HTTP, in its three forms.
            ("Fri, 15 Jan 2027 09:00:00 GMT", unix(at)),
            ("Friday, 15-Jan-27 09:00:00 GMT", unix(at)),
            ("Fri Jan 15 09:00:00 2027", unix(at)),
            // Leap years.
            ("2000-02-29T00:00:00Z", unix(951_782_400_000)),
            ("2024-02-29T00:00:00Z", unix(1_709_164_800_000)),
            ("2024-03-01T00:00:00Z", unix(1_709_251_200_000)),
            ("2026-03-01T00:00:00Z", unix(1_772_323_200_000)),
            ("2026-12-31T00:00:00Z", unix(1_798_675_200_000)),
            ("2100-03-01T00:00:00Z", unix(4_107_542_400_000)),
            ("2400-02-29T00:00:00Z", unix(13_574_563_200_000)),
            // The first and the last.
            ("1970-01-01T00:00:00Z", unix(0)),
            ("1970-01-01T01:00:00+01:00", unix(0)),
            ("9999-12-31T23:59:59Z", unix(253_402_300_799_000)),
            ("1969-12-31T23:59:59Z", None),
            ("1970-01-01T00:59:59+01:00", None),
            ("0001-01-01T00:00:00Z", None),
            // No such date.
            ("2027-00-15T09:00:00Z", None),
            ("2027-13-15T09:00:00Z", None),
            ("2027-01-00T09:00:00Z", None),
            ("2027-01-32T09:00:00Z", None),
            ("2027-04-31T09:00:00Z", None),
            ("2027-06-31T09:00:00Z", None),
            ("2027-09-31T09:00:00Z", None),
            ("2027-11-31T09:00:00Z", None),
            ("2027-02-29T09:00:00Z", None),
            ("2100-02-29T09:00:00Z", None),
            ("2027-01-15T24:00:00Z", None),
            ("2027-01-15T09:60:00Z", None),
            ("2027-01-15T09:00:61Z", None),
            ("2027-01-15T09:00:00+24:00", None),
            ("2027-01-15T09:00:00+01:60", None),
            // Not as ISO 8601 writes it.
            ("2027-01-15", None),
            ("2027-01-15T", None),
            ("2027-01-15T09", None),
            ("2027-01-15X09:00:00Z", None),
            ("2027-01-15T09:00:Z", None),
            ("2027-01-15T09:0", None),
            ("2027-01-15T09:00:00.Z", None),
            ("2027-01-15T09:00:00+", None),
            ("2027-01-15T09:00:00+1:00", None),
            ("2027-01-15T09:00:00+01:", None),
            ("2027-01-15T09:00:00Z ", None),
            ("2027-01-15T09:00:00Zulu", None),
            ("2027/01/15 09:00:00", None),
            ("27-01-15T09:00:00Z", None),
            ("+2027-01-15T09:00:00Z", None),
            ("2027-01-15T09:00:0:Z", None),
            ("01/15/2027 09:00:00 AM +00:00", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    /// As the calendar has them, day after day.
    #[test]
    fn no_day_is_left_out() {
        let mut next = 0;
        for year in 1970..2420 {
            for month in 1..=12 {
                for day in 1..=days_of_month(year, month) {
                    assert_eq!(days_since_1970(year, month, day), Some(next));
                    next += 1;
                }
            }
        }
        // 400 years are 146097 days; of the other fifty, 12 have a leap day.
        assert_eq!(next, 146_097 + 50 * 365 + 12);
    }
}
