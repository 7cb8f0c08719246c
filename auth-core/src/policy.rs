//! Whether and when to try again. Choices only: what a response is, is
//! `response`'s.

mod backoff;
#[cfg(feature = "backoff")]
mod backoff_crate;
mod budget;
mod delays;
mod jitter;

use std::time::Duration;

use crate::{Failure, Now};

pub use self::{backoff::Backoff, budget::RetryBudget, delays::Delays, jitter::Jitter};

/// Decides after each failed attempt whether there will be another.
///
/// A policy is asked with facts and responses with data. It reads no clock and
/// waits for nobody, so that one policy serves async, blocking and sans-IO
/// users alike.
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

    /// Called when a refresh starts. A policy with a state for each refresh
    /// returns a fresh one, which is then asked instead; all others need not
    /// care.
    fn for_refresh(&self) -> Option<Box<dyn RetryPolicy>> {
        None
    }

    /// Called when a refresh succeeded, for policies that learn from it.
    fn succeeded(&self, now: Now) {
        let _ = now;
    }
}

macro_rules! forward {
    ($($holder:ty),*) => {$(
        impl<T: RetryPolicy + ?Sized> RetryPolicy for $holder {
            fn decide(&self, attempt: &Attempt<'_>) -> Decision { (**self).decide(attempt) }
            fn for_refresh(&self) -> Option<Box<dyn RetryPolicy>> { (**self).for_refresh() }
            fn succeeded(&self, now: Now) { (**self).succeeded(now) }
        }
    )*};
}
forward!(&T, std::sync::Arc<T>, Box<T>);

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

/// A policy's answer.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Try again after this time.
    RetryAfter(Duration),
    /// Report the failure.
    Stop,
}

/// Never tries again.
#[derive(Debug, Clone, Copy, Default)]
pub struct Never;

impl RetryPolicy for Never {
    fn decide(&self, _attempt: &Attempt<'_>) -> Decision {
        Decision::Stop
    }
}
