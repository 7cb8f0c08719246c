//! Waits from an iterator.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{Attempt, Backoff, Decision, RetryRun, RetrySchedule};

/// Takes the waits from an iterator: one of `backon`'s builders, an array, a
/// formula.
///
/// Each refresh gets a fresh iterator and stops where it ends. The failures
/// that are retried are those of [`Backoff`] by default.
///
/// ```
/// use std::time::Duration;
/// use auth_core::Delays;
///
/// let policy = Delays::new(|| [1, 5, 25].map(Duration::from_secs).into_iter());
/// ```
#[derive(Clone)]
pub struct Delays {
    fresh: Arc<dyn Fn() -> BoxedIterator + Send + Sync>,
    deadline: Option<Duration>,
}

type BoxedIterator = Box<dyn Iterator<Item = Duration> + Send>;

impl Delays {
    /// Takes a function that creates a fresh iterator.
    pub fn new<I>(fresh: impl Fn() -> I + Send + Sync + 'static) -> Self
    where
        I: Iterator<Item = Duration> + Send + 'static,
    {
        Self { fresh: Arc::new(move || Box::new(fresh())), deadline: None }
    }

    /// The latest time for a retry to start, counted from the start of the
    /// refresh. None by default.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }
}

impl fmt::Debug for Delays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Delays")
    }
}

impl RetrySchedule for Delays {
    fn begin(self: Arc<Self>) -> Box<dyn RetryRun> {
        Box::new(Run { delays: Mutex::new((self.fresh)()), deadline: self.deadline })
    }
}

/// The iterator of one refresh.
struct Run {
    // Never locked: it lends a type that is not `Sync` to one that is.
    delays: Mutex<BoxedIterator>,
    deadline: Option<Duration>,
}

impl RetryRun for Run {
    fn decide(&mut self, attempt: &Attempt<'_>) -> Decision {
        if !Backoff::retries_by_default(attempt.failure) {
            return Decision::Stop;
        }
        let is_in_time = |delay: &Duration| {
            self.deadline.is_none_or(|deadline| attempt.elapsed.saturating_add(*delay) <= deadline)
        };
        let delays = self.delays.get_mut().unwrap_or_else(PoisonError::into_inner);
        match delays.next().filter(is_in_time) {
            Some(delay) => Decision::RetryAfter(delay),
            None => Decision::Stop,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Failure, TransportError, TransportErrorKind, read_response, test_now};

    fn decide(run: &mut dyn RetryRun, number: u32, elapsed: u64) -> Option<u64> {
        let failure = TransportError::not_sent(TransportErrorKind::Dns).into();
        let attempt = Attempt {
            number,
            elapsed: Duration::from_secs(elapsed),
            ..Attempt::first(&failure, test_now())
        };
        match run.decide(&attempt) {
            Decision::RetryAfter(delay) => Some(delay.as_secs()),
            Decision::Stop => None,
        }
    }

    #[test]
    fn it_has_a_name() {
        assert_eq!(format!("{:?}", Delays::new(std::iter::empty)), "Delays");
    }

    #[test]
    fn each_refresh_has_a_fresh_iterator() {
        let policy = Arc::new(Delays::new(|| (1..=2).map(Duration::from_secs)));
        for _ in 0..2 {
            let mut run = Arc::clone(&policy).begin();
            let delays: Vec<_> = (1..=3).map(|number| decide(&mut *run, number, 0)).collect();
            assert_eq!(delays, [Some(1), Some(2), None]);
        }
    }

    #[test]
    fn the_deadline_counts_the_wait() {
        let policy = Delays::new(|| std::iter::repeat(Duration::from_secs(2)));
        let mut run = Arc::new(policy.deadline(Duration::from_secs(10))).begin();
        assert_eq!(decide(&mut *run, 1, 8), Some(2));
        assert_eq!(decide(&mut *run, 1, 9), None);
    }

    #[test]
    fn what_the_default_does_not_retry_is_not_retried() {
        let mut response = crate::Response::new(Vec::new());
        *response.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
        let failure: Failure = read_response(&response, &[], test_now()).unwrap_err();
        let mut run = Arc::new(Delays::new(|| std::iter::repeat(Duration::ZERO))).begin();
        assert_eq!(run.decide(&Attempt::first(&failure, test_now())), Decision::Stop);
    }
}
