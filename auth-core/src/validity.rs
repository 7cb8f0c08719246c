//! Whether it is the certificate or this machine's clock, if a certificate's dates
//! do not fit.

use std::time::{Duration, SystemTime};

/// When this version was made, in seconds since 1970: 2026-11-01. No clock that is
/// right shows an earlier time.
const RELEASED: u64 = 1_793_491_200;

/// How long after that a clock is believed: 25 years.
const BELIEVED: u64 = 25 * 365 * 24 * 3600;

/// What a verifier said against a certificate, as far as it is about dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// It is not valid yet: from this time on, in seconds since 1970, if that is
    /// known.
    NotYet(Option<u64>),
    /// It is not valid any more.
    NoMore(Option<u64>),
    /// The verifier does not say whether it is about dates.
    Unsaid,
}

impl Validity {
    /// Whether the clock, which shows `now`, is to be suspected, and not the
    /// certificate: it will be set right, and nobody has to change anything.
    ///
    /// A certificate is valid from the moment it is in use, so that one of the future
    /// means a clock that is behind. One that has expired mostly has. But a clock
    /// that shows a time before this library was made, or long after, is wrong
    /// whatever the certificate.
    pub fn suspects_clock(self, now: u64) -> bool {
        let wrong = !(RELEASED..=RELEASED + BELIEVED).contains(&now);
        matches!(self, Self::NotYet(_)) || wrong
    }

    /// What the clock and the certificate say, for an operator.
    pub fn describe(self, now: u64) -> String {
        let clock = format!("this machine's clock says {}", date(now));
        match self {
            Self::NotYet(Some(from)) => {
                format!("the certificate is not valid before {}, and {clock}", date(from))
            }
            Self::NotYet(None) => format!("the certificate is not valid yet, and {clock}"),
            Self::NoMore(Some(until)) => {
                format!("the certificate expired on {}, and {clock}", date(until))
            }
            Self::NoMore(None) => format!("the certificate expired, and {clock}"),
            Self::Unsaid => clock,
        }
    }
}

fn date(seconds: u64) -> String {
    // Beyond this the format has no year.
    let last = 253_402_300_799;
    let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds.min(last)));
    at.map(httpdate::fmt_http_date).unwrap_or_else(|| format!("{seconds} s after 1970"))
}

#[cfg(test)]
mod tests {
    use super::Validity::*;
    use super::*;

    const OF_2020: u64 = 1_577_836_800;
    const OF_2027: u64 = 1_800_000_000;
    const OF_2050: u64 = 2_524_608_000;
    const OF_2099: u64 = 4_070_908_800;

    #[test]
    fn the_clock_or_the_certificate() {
        for (validity, now, clock) in [
            (NotYet(Some(OF_2027)), OF_2020, true),
            (NotYet(Some(OF_2027)), 0, true),
            // Issued a moment ago, for a clock that is a little behind.
            (NotYet(Some(OF_2027 + 60)), OF_2027, true),
            (NotYet(None), OF_2027, true),
            (NoMore(Some(OF_2027 - 60)), OF_2027, false),
            (NoMore(Some(OF_2020)), OF_2027, false),
            (NoMore(None), OF_2027, false),
            (NoMore(Some(OF_2027)), OF_2050, false),
            (NoMore(Some(OF_2027)), OF_2099, true),
            (NoMore(Some(OF_2027)), u64::MAX, true),
            // Windows says "expired" of both.
            (NoMore(None), OF_2020, true),
            (NoMore(None), 0, true),
            // Apple's verifier says it in words only.
            (Unsaid, OF_2020, true),
            (Unsaid, OF_2027, false),
            (Unsaid, OF_2099, true),
            (Unsaid, RELEASED - 1, true),
            (Unsaid, RELEASED, false),
        ] {
            assert_eq!(validity.suspects_clock(now), clock, "{validity:?} at {now}");
        }
    }

    #[test]
    fn both_dates_are_named() {
        for (validity, expected) in [
            (
                NotYet(Some(OF_2027)),
                "the certificate is not valid before Fri, 15 Jan 2027 08:00:00 GMT, \
                 and this machine's clock says Wed, 01 Jan 2020 00:00:00 GMT",
            ),
            (
                NoMore(Some(0)),
                "the certificate expired on Thu, 01 Jan 1970 00:00:00 GMT, \
                 and this machine's clock says Wed, 01 Jan 2020 00:00:00 GMT",
            ),
            (Unsaid, "this machine's clock says Wed, 01 Jan 2020 00:00:00 GMT"),
        ] {
            assert_eq!(validity.describe(OF_2020), expected);
        }
        assert!(NotYet(None).describe(u64::MAX).contains("9999"));
        assert!(NoMore(None).describe(0).contains("1970"));
    }
}
