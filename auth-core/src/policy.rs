//! Whether and when to try again. Choices only: what a response is, is
//! `response`'s.

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
/// The machine asks after every failure but one: after
/// [`Rejected`](crate::FailureKind::Rejected) there is never another attempt.
///
/// ```
/// use std::time::Duration;
/// use auth_core::{Attempt, Decision, FailureKind, RetryPolicy};
///
/// /// Once more after a second, if the request never left.
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
/// /// The same wait before each retry, for as long as the waits of one refresh
/// /// add up to no more than `total`.
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

/// The facts that a policy decides on.
#[non_exhaustive]
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// How many attempts were made so far, this one included: 1 after the
    /// first.
    pub number: u32,
    /// The time since the refresh began, waits included.
    pub elapsed: Duration,
    /// What came of it.
    pub failure: &'a Failure,
    /// The wait before this attempt; `None` before the first.
    pub previous_delay: Option<Duration>,
    /// When it failed.
    pub now: Now,
}

impl<'a> Attempt<'a> {
    /// The first attempt of a refresh, failed at once; for tests of a policy.
    /// The fields are public.
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
