//! How far this machine's clock is from the server's.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

/// A difference that a server may refuse an assertion or a proof for. Less is the
/// whole second that a `Date` has, and the way of the response.
const NOTABLE: Duration = Duration::from_secs(60);

/// How far this machine's clock is from the server's, by the `Date` of a response.
/// It is said, and decides nothing about time: anybody on the way may set a `Date`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClockDifference {
    by: Duration,
    is_behind: bool,
}

impl ClockDifference {
    /// By the `date` of a response that was made somewhen between `sent` and
    /// `arrived`. `None` if there is none to speak of.
    pub(crate) fn measure(date: SystemTime, sent: SystemTime, arrived: SystemTime) -> Option<Self> {
        let behind = date.duration_since(arrived).unwrap_or_default();
        let ahead = sent.duration_since(date).unwrap_or_default();
        let (by, is_behind) = (behind.max(ahead), behind > ahead);
        (by > NOTABLE).then_some(Self { by, is_behind })
    }
}

impl fmt::Display for ClockDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.is_behind { "behind" } else { "ahead of" };
        write!(f, "this machine's clock is {} s {direction} the server's", self.by.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_now;

    #[test]
    fn the_date_of_a_response_against_the_clock() {
        let seconds = Duration::from_secs;
        let sent = test_now().wall;
        let arrived = sent + seconds(9);
        let said = |date: SystemTime| {
            ClockDifference::measure(date, sent, arrived).map(|it| it.to_string())
        };
        for at in [sent, arrived, sent + seconds(5), sent - seconds(60), arrived + seconds(60)] {
            assert_eq!(said(at), None);
        }
        let clock = |what: &str| Some(format!("this machine's clock is {what} the server's"));
        assert_eq!(said(sent - seconds(61)), clock("61 s ahead of"));
        assert_eq!(said(arrived + seconds(61)), clock("61 s behind"));
        assert_eq!(said(SystemTime::UNIX_EPOCH), clock("1800000000 s ahead of"));
        let year_9999 = SystemTime::UNIX_EPOCH + seconds(253_402_300_799);
        assert_eq!(said(year_9999), clock("251602300790 s behind"));
        // A clock that was set while the request was on its way.
        let set_back = ClockDifference::measure(sent, sent, sent - seconds(3600));
        assert_eq!(set_back.map(|it| it.to_string()), clock("3600 s behind"));
    }
}
