//! Exponential backoff, the default policy.

use std::time::Duration;

use super::{Attempt, Decision, Jitter, RetryPolicy};
use crate::{Failure, FailureKind};

/// Exponential backoff with a bounded number of retries.
///
/// The default: after a failure of the network or a 5xx, wait 500 ms and try
/// again, then 1000 ms and try for the last time; after anything else stop.
///
/// ```
/// use std::time::Duration;
/// use auth_core::{Backoff, Jitter};
///
/// let policy = Backoff::default()
///     .max_retries(5)
///     .base_delay(Duration::from_millis(200))
///     .jitter(Jitter::Full)
///     .deadline(Duration::from_secs(20))
///     .retry_throttled(Duration::from_secs(5));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    max_retries: u32,
    base_delay: Duration,
    factor: f64,
    max_delay: Duration,
    jitter: Jitter,
    seed: Option<u64>,
    deadline: Option<Duration>,
    retry_throttled: Option<Duration>,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            max_retries: 2,
            base_delay: Duration::from_millis(500),
            factor: 2.0,
            max_delay: Duration::from_secs(30),
            jitter: Jitter::None,
            seed: None,
            deadline: None,
            retry_throttled: None,
        }
    }
}

impl Backoff {
    /// The default policy.
    pub fn new() -> Self {
        Self::default()
    }

    /// How often to try again at most; 2 by default, so 3 attempts in all.
    #[must_use]
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// The wait before the first retry; 500 ms by default.
    #[must_use]
    pub fn base_delay(mut self, delay: Duration) -> Self {
        self.base_delay = delay;
        self
    }

    /// By what each wait is longer than the one before; 2 by default. Less
    /// than 1, or not a number, counts as 1.
    #[must_use]
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = if factor >= 1.0 { factor } else { 1.0 };
        self
    }

    /// The longest wait of the backoff, jitter included; 30 s by default. A
    /// `Retry-After` has its own bound, see
    /// [`retry_throttled`](Self::retry_throttled).
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// How the waits are spread; not at all by default.
    #[must_use]
    pub fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// Makes the jitter repeatable: the same seed gives the same waits. For
    /// tests; a fleet that shares a seed waits in step.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// No retry that would begin later than this after the renewal began. None
    /// by default.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Retries a throttled request too, and waits as long as the server asked
    /// for (`Retry-After`, in a 5xx as well) if that is longer than the
    /// backoff's own wait. If it is longer than `cap`, stops: the time is in
    /// the error. Off by default.
    #[must_use]
    pub fn retry_throttled(mut self, cap: Duration) -> Self {
        self.retry_throttled = Some(cap);
        self
    }

    fn delay(&self, attempt: &Attempt<'_>) -> Duration {
        let exponent = attempt.number.saturating_sub(1).min(i32::MAX as u32) as i32;
        let seconds = self.base_delay.as_secs_f64() * self.factor.powi(exponent);
        // An overflow is infinite, and so the longest.
        let delay = Duration::try_from_secs_f64(seconds).unwrap_or(self.max_delay);
        self.jitter
            .apply(delay.min(self.max_delay), self.base_delay, attempt.previous_delay, || {
                super::jitter::random(self.seed, attempt.number)
            })
            .min(self.max_delay)
    }

    fn retries(&self, failure: &Failure) -> bool {
        failure.is_retried_by_default()
            || (self.retry_throttled.is_some() && failure.kind() == FailureKind::Throttled)
    }
}

impl RetryPolicy for Backoff {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        if attempt.number > self.max_retries || !self.retries(attempt.failure) {
            return Decision::Stop;
        }
        let mut delay = self.delay(attempt);
        if let (Some(cap), Some(asked)) = (self.retry_throttled, attempt.failure.retry_after()) {
            if asked > cap {
                return Decision::Stop;
            }
            delay = delay.max(asked);
        }
        match self.deadline {
            Some(deadline) if attempt.elapsed.saturating_add(delay) > deadline => Decision::Stop,
            _ => Decision::RetryAfter(delay),
        }
    }
}
