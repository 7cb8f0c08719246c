//! Until when an attempt waits, and what is still read then.

use std::time::{Duration, Instant};

/// A deadline that is found passed by more than this was not seen to pass: the
/// program stood still. Timers are late by a few milliseconds.
const STOOD_STILL: Duration = Duration::from_millis(100);

/// How long what has arrived is read. That takes no waiting.
const MOMENT: Duration = Duration::from_millis(25);

/// How long it is read after the program stood still. What had no room in the
/// socket's buffer is still on its way then.
const GRACE: Duration = Duration::from_secs(1);

/// How long the end of a response that is whole is waited for.
const SETTLING: Duration = Duration::from_secs(1);

/// Until when an attempt of a [`Transport`](crate::Transport) waits.
///
/// A program can stand still while a response is on its way: it was stopped, its
/// container was frozen, its machine was paused or was swapping. When it goes on,
/// the time is up, though the response may have arrived long ago. If it is thrown
/// away unread, the refresh token is spent and its successor lost.
///
/// So the end of the time is not the end of the attempt. What has arrived by then
/// is read first: for at most 25 ms, and for at most 1 s if the deadline is found
/// passed by more than 100 ms. This holds once the request was sent. Before that,
/// nothing can have arrived, and nothing is sent any more.
///
/// ```
/// use std::time::{Duration, Instant};
/// use auth_core::Deadline;
///
/// # let started = Instant::now();
/// let mut deadline = Deadline::new(started, Duration::from_secs(10));
/// // Wait for the response until here.
/// assert_eq!(deadline.at(), Some(started + Duration::from_secs(10)));
/// // The wait ended without one, a minute too late: read what is there.
/// let now = started + Duration::from_secs(70);
/// assert!(deadline.grace(now));
/// assert_eq!(deadline.at(), Some(now + Duration::from_secs(1)));
/// // Nothing was there. That is the end.
/// assert!(!deadline.grace(now + Duration::from_secs(1)));
/// ```
#[derive(Debug)]
pub struct Deadline {
    /// `None` if it lies beyond the end of the clock.
    at: Option<Instant>,
    extended: bool,
}

impl Deadline {
    /// The deadline of an attempt that starts now and may take this long.
    pub fn new(now: Instant, timeout: Duration) -> Self {
        Self { at: now.checked_add(timeout), extended: false }
    }

    /// The moment until which to wait, for whatever comes next. `None` means
    /// without end.
    pub fn at(&self) -> Option<Instant> {
        self.at
    }

    /// Whether to read on: nothing came until [`at`](Self::at), and it is `now`.
    ///
    /// Returns true while there is time, and extends the time once. Call it only
    /// once the request was sent: before that there is nothing to read.
    #[must_use = "without it there is no time left"]
    pub fn grace(&mut self, now: Instant) -> bool {
        let Some(at) = self.at else { return true };
        if now < at {
            return true;
        }
        if self.extended {
            return false;
        }
        let late = now.saturating_duration_since(at) > STOOD_STILL;
        self.at = now.checked_add(if late { GRACE } else { MOMENT });
        self.extended = true;
        true
    }

    /// The response is [whole](crate::ResponseReader::is_whole) but for its end, and
    /// it is `now`: nothing is waited for that is more than 1 s away.
    ///
    /// Some servers keep the connection open and never say that a response has
    /// ended. Its tokens are there; to wait for the rest of the time would only delay
    /// them. That second is for what would show that it was not the whole.
    pub fn settle(&mut self, now: Instant) {
        let settled = now.checked_add(SETTLING);
        if settled.is_some_and(|settled| self.at.is_none_or(|at| settled < at)) {
            self.at = settled;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_now;

    const TIMEOUT: Duration = Duration::from_secs(10);

    #[test]
    fn what_has_arrived_is_read_for_as_long_as_the_program_stood_still_lets_on() {
        let start = test_now().monotonic;
        for (late, more) in [
            (0, MOMENT),
            (3, MOMENT),
            (100, MOMENT),
            (101, GRACE),
            (60_000, GRACE),
            (86_400_000, GRACE),
        ] {
            let mut deadline = Deadline::new(start, TIMEOUT);
            assert_eq!(deadline.at(), Some(start + TIMEOUT));
            let now = start + TIMEOUT + Duration::from_millis(late);
            assert!(deadline.grace(now), "{late}");
            assert_eq!(deadline.at(), Some(now + more), "{late}");
            // Within that time it may be asked again.
            assert!(deadline.grace(now), "{late}");
            assert_eq!(deadline.at(), Some(now + more), "{late}");
            // However long the program stands still next: no second time.
            assert!(!deadline.grace(now + more), "{late}");
            assert!(!deadline.grace(now + 100 * more), "{late}");
        }
    }

    #[test]
    fn what_is_whole_is_not_waited_for_long() {
        let start = test_now().monotonic;
        for (timeout, at, end) in [
            (TIMEOUT, Duration::ZERO, SETTLING),
            (TIMEOUT, Duration::from_secs(3), Duration::from_secs(4)),
            (TIMEOUT, Duration::from_millis(9500), TIMEOUT),
            (Duration::MAX, Duration::ZERO, SETTLING),
        ] {
            let mut deadline = Deadline::new(start, timeout);
            deadline.settle(start + at);
            assert_eq!(deadline.at(), Some(start + end));
            // More white space gives no more time.
            deadline.settle(start + at + SETTLING / 2);
            assert_eq!(deadline.at(), Some(start + end));
        }
    }

    #[test]
    fn a_deadline_that_has_not_passed_stays() {
        let start = test_now().monotonic;
        let mut deadline = Deadline::new(start, TIMEOUT);
        assert!(deadline.grace(start + TIMEOUT - Duration::from_nanos(1)));
        assert_eq!(deadline.at(), Some(start + TIMEOUT));

        let mut never = Deadline::new(start, Duration::MAX);
        assert!(never.grace(start + TIMEOUT));
        assert_eq!(never.at(), None);
    }
}
