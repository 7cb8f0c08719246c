//! Whether and when to try again. What a response is, is decided in `response`.

mod backoff;
#[cfg(feature = "backoff")]
mod backoff_crate;
mod budget;
mod delays;
mod jitter;

use std::{sync::Arc, time::Duration};

use crate::{Failure, Now};

pub use self::{backoff::Backoff, budget::RetryBudget, delays::Delays, jitter::Jitter};

/// Decides after each failed attempt whether there will be another.
///
/// A policy takes facts and returns data. It reads no clock and does not wait,
/// so one policy serves async, blocking and sans-IO callers. It serves many
/// refreshes at once; a policy with a state for each refresh implements
/// [`RetrySchedule`] instead.
///
/// The machine asks it after every failure except
/// [`Rejected`](crate::FailureKind::Rejected), which is never retried.
///
/// ```
/// use std::time::Duration;
/// use auth_core::{Attempt, Decision, FailureKind, RetryPolicy};
///
/// /// Tries once more after a second, if the request was not sent.
/// struct OnceIfNotSent;
///
/// impl RetryPolicy for OnceIfNotSent {
///     fn decide(&self, attempt: &Attempt<'_>) -> Decision {
///         match attempt.failure.kind() {
///             FailureKind::Unreachable if attempt.number == 1 => {
///                 Decision::RetryAfter(Duration::from_secs(1))
///             }
///             _ => Decision::Stop,
///         }
///     }
/// }
/// ```
pub trait RetryPolicy: Send + Sync {
    /// Whether to try again after `attempt`, and when.
    fn decide(&self, attempt: &Attempt<'_>) -> Decision;

    /// Called when a refresh succeeded, for policies that learn from it.
    fn succeeded(&self, now: Now) {
        let _ = now;
    }
}

/// Begins the retries of each refresh.
///
/// [`Refresh::policy`](crate::Refresh::policy) takes a schedule. Every
/// [`RetryPolicy`] is one, and so is an [`Arc`] of a policy or of a schedule.
/// Implement this trait only if each refresh needs a state of its own.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use auth_core::{Attempt, Decision, RetryRun, RetrySchedule};
///
/// /// Waits `delay` before each retry, and at most `total` in one refresh.
/// struct Allowance {
///     delay: Duration,
///     total: Duration,
/// }
///
/// /// What one refresh has left.
/// struct Left {
///     delay: Duration,
///     left: Duration,
/// }
///
/// impl RetrySchedule for Allowance {
///     fn begin(self: Arc<Self>) -> Box<dyn RetryRun> {
///         Box::new(Left { delay: self.delay, left: self.total })
///     }
/// }
///
/// impl RetryRun for Left {
///     fn decide(&mut self, _attempt: &Attempt<'_>) -> Decision {
///         match self.left.checked_sub(self.delay) {
///             Some(left) => {
///                 self.left = left;
///                 Decision::RetryAfter(self.delay)
///             }
///             None => Decision::Stop,
///         }
///     }
/// }
/// ```
pub trait RetrySchedule: Send + Sync {
    /// Called when a refresh starts. The machine asks the returned run after
    /// each failed attempt of that refresh.
    fn begin(self: Arc<Self>) -> Box<dyn RetryRun>;
}

/// The retries of one refresh, begun by a [`RetrySchedule`].
pub trait RetryRun: Send + Sync {
    /// Whether to try again after `attempt`, and when. Not called after
    /// [`Rejected`](crate::FailureKind::Rejected).
    fn decide(&mut self, attempt: &Attempt<'_>) -> Decision;

    /// Called when the refresh succeeded. Nothing is called after it.
    fn succeeded(&mut self, now: Now) {
        let _ = now;
    }
}

/// Every policy is a schedule whose runs share it.
impl<P: RetryPolicy + ?Sized + 'static> RetrySchedule for P {
    fn begin(self: Arc<Self>) -> Box<dyn RetryRun> {
        Box::new(PolicyRun(self))
    }
}

struct PolicyRun<P: ?Sized>(Arc<P>);

impl<P: RetryPolicy + ?Sized> RetryRun for PolicyRun<P> {
    fn decide(&mut self, attempt: &Attempt<'_>) -> Decision {
        self.0.decide(attempt)
    }

    fn succeeded(&mut self, now: Now) {
        self.0.succeeded(now);
    }
}

/// A shared schedule is a schedule, and so is a shared policy.
impl<S: RetrySchedule + ?Sized> RetrySchedule for Arc<S> {
    fn begin(self: Arc<Self>) -> Box<dyn RetryRun> {
        S::begin(Self::clone(&self))
    }
}

macro_rules! forward {
    ($($holder:ty),*) => {$(
        impl<T: RetryPolicy + ?Sized> RetryPolicy for $holder {
            fn decide(&self, attempt: &Attempt<'_>) -> Decision { (**self).decide(attempt) }
            fn succeeded(&self, now: Now) { (**self).succeeded(now) }
        }
    )*};
}
// Not for `Arc<T>`, which is a schedule above: no type can be both.
forward!(&T, Box<T>);

/// A failed attempt, as a policy sees it.
#[non_exhaustive]
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// The number of attempts so far, this one included: 1 after the first.
    pub number: u32,
    /// The time since the refresh started, waits included.
    pub elapsed: Duration,
    /// How the attempt failed.
    pub failure: &'a Failure,
    /// The wait before this attempt. `None` for the first.
    pub previous_delay: Option<Duration>,
    /// When the attempt failed.
    pub now: Now,
}

impl<'a> Attempt<'a> {
    /// A first attempt that failed at once, for tests of a policy. The fields
    /// are public.
    pub fn first(failure: &'a Failure, now: Now) -> Self {
        Self { number: 1, elapsed: Duration::ZERO, failure, previous_delay: None, now }
    }
}

/// What a policy decides.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Try again after this time.
    RetryAfter(Duration),
    /// Report the failure.
    Stop,
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::test_now;

    /// Counts successes, and asks for a retry.
    #[derive(Default)]
    struct Counting(AtomicU32);

    impl RetryPolicy for Counting {
        fn decide(&self, attempt: &Attempt<'_>) -> Decision {
            Decision::RetryAfter(Duration::from_secs(attempt.number.into()))
        }

        fn succeeded(&self, now: Now) {
            assert_eq!(now, test_now());
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Driven as the machine drives it, by its runs.
    #[test]
    fn a_policy_is_told_of_each_success() {
        let policy = Arc::new(Counting::default());
        let schedules: [Arc<dyn RetrySchedule>; 3] = [
            Arc::clone(&policy) as _,
            Arc::new(Arc::clone(&policy)),
            Arc::new(Box::new(Shared(Arc::clone(&policy)))),
        ];
        for (told, schedule) in (1..).zip(schedules) {
            let mut run = schedule.begin();
            run.succeeded(test_now());
            assert_eq!(policy.0.load(Ordering::Relaxed), told);
        }
    }

    struct Shared(Arc<Counting>);

    impl RetryPolicy for Shared {
        fn decide(&self, attempt: &Attempt<'_>) -> Decision {
            self.0.decide(attempt)
        }

        fn succeeded(&self, now: Now) {
            self.0.succeeded(now);
        }
    }
}
