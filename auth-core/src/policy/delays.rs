//! The bridge from iterators of waits.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{Attempt, Decision, RetryPolicy};

/// Makes a policy of anything that yields waits: `backon`'s builders, an array,
/// a formula.
///
/// Each refresh gets a fresh iterator, and stops when it ends. What is retried
/// is what [`Backoff`](crate::Backoff) retries by default.
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
    /// Takes a function that makes a fresh iterator.
    pub fn new<I>(fresh: impl Fn() -> I + Send + Sync + 'static) -> Self
    where
        I: Iterator<Item = Duration> + Send + 'static,
    {
        Self { fresh: Arc::new(move || Box::new(fresh())), deadline: None }
    }

    /// No retry that would begin later than this after the refresh began. None
    /// by default.
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

impl RetryPolicy for Delays {
    /// Without a state for the refresh (see `for_refresh`): the wait that a
    /// fresh iterator yields for this attempt.
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        next(attempt, self.deadline, || {
            (self.fresh)().nth(attempt.number.saturating_sub(1) as usize)
        })
    }

    fn for_refresh(&self) -> Option<Box<dyn RetryPolicy>> {
        Some(Box::new(Running { delays: Mutex::new((self.fresh)()), deadline: self.deadline }))
    }
}

/// The iterator of one refresh.
struct Running {
    delays: Mutex<BoxedIterator>,
    deadline: Option<Duration>,
}

impl RetryPolicy for Running {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        next(attempt, self.deadline, || {
            self.delays.lock().unwrap_or_else(PoisonError::into_inner).next()
        })
    }
}

fn next(
    attempt: &Attempt<'_>,
    deadline: Option<Duration>,
    delay: impl FnOnce() -> Option<Duration>,
) -> Decision {
    if !attempt.failure.is_retried_by_default() {
        return Decision::Stop;
    }
    match delay() {
        Some(delay)
            if deadline
                .is_none_or(|deadline| attempt.elapsed.saturating_add(delay) <= deadline) =>
        {
            Decision::RetryAfter(delay)
        }
        _ => Decision::Stop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Failure, TransportError, TransportErrorKind, read_response, test_now};

    fn decide(policy: &dyn RetryPolicy, number: u32, elapsed: u64) -> Option<u64> {
        let failure = TransportError::not_sent(TransportErrorKind::Dns).into();
        let attempt = Attempt {
            number,
            elapsed: Duration::from_secs(elapsed),
            ..Attempt::first(&failure, test_now())
        };
        match policy.decide(&attempt) {
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
        let policy = Delays::new(|| (1..=2).map(Duration::from_secs));
        for _ in 0..2 {
            let refresh = policy.for_refresh().unwrap();
            let delays: Vec<_> = (1..=3).map(|number| decide(&refresh, number, 0)).collect();
            assert_eq!(delays, [Some(1), Some(2), None]);
        }
        // Asked without one, it answers the same.
        assert_eq!(decide(&policy, 2, 0), Some(2));
        assert_eq!(decide(&policy, 3, 0), None);
    }

    #[test]
    fn the_deadline_counts_the_wait() {
        let policy = Delays::new(|| std::iter::repeat(Duration::from_secs(2)));
        let policy = policy.deadline(Duration::from_secs(10));
        assert_eq!(decide(&policy, 1, 8), Some(2));
        assert_eq!(decide(&policy, 1, 9), None);
    }

    #[test]
    fn what_the_default_does_not_retry_is_not_retried() {
        let mut response = crate::Response::new(Vec::new());
        *response.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
        let failure: Failure = read_response(&response, &[], test_now()).unwrap_err();
        let policy = Delays::new(|| std::iter::repeat(Duration::ZERO));
        assert_eq!(policy.decide(&Attempt::first(&failure, test_now())), Decision::Stop);
    }
}
