//! A bound on the retries of many accounts together.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Attempt, Decision, RetryPolicy};
use crate::{Delivery, Now};

/// Wraps a policy with a token bucket that all who share it draw from, so that
/// an outage is not answered by a storm.
///
/// Clones share the bucket. It starts full. Each retry that the inner policy
/// grants takes one token out, and without a token there is no retry; a
/// retry after [`Delivery::NotSent`] is free, for the server has not seen the
/// request. Each success puts a part of a token back, and time puts back the
/// floor, so that a lone account can always retry.
///
/// ```
/// use std::sync::Arc;
/// use auth_core::{Backoff, RetryBudget, RetryPolicy};
///
/// let budget = RetryBudget::new(Backoff::default()).capacity(200.0).floor_per_second(2.0);
/// // One policy for every account:
/// let policy: Arc<dyn RetryPolicy> = Arc::new(budget);
/// ```
#[derive(Debug, Clone)]
pub struct RetryBudget<P> {
    inner: P,
    settings: Settings,
    bucket: Arc<Mutex<Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Settings {
    capacity: f64,
    floor_per_second: f64,
    per_success: f64,
}

#[derive(Debug, Default)]
struct Bucket {
    /// `None` is full: the capacity may still be set.
    tokens: Option<f64>,
    filled_at: Option<Now>,
}

impl<P: RetryPolicy> RetryBudget<P> {
    /// A bucket of 100 tokens that gains 1 a second, and 0.25 for a success.
    pub fn new(inner: P) -> Self {
        Self {
            inner,
            settings: Settings { capacity: 100.0, floor_per_second: 1.0, per_success: 0.25 },
            bucket: Arc::default(),
        }
    }

    /// How many retries can be made in one burst. At least 1. Like the other
    /// settings, this makes a bucket of its own: set it before sharing.
    #[must_use]
    pub fn capacity(self, tokens: f64) -> Self {
        let capacity = tokens.max(1.0);
        self.with_settings(|settings| Settings { capacity, ..settings })
    }

    /// How many retries a second are always granted, in the long run.
    #[must_use]
    pub fn floor_per_second(self, tokens: f64) -> Self {
        let floor_per_second = tokens.max(0.0);
        self.with_settings(|settings| Settings { floor_per_second, ..settings })
    }

    /// How many retries a success earns.
    #[must_use]
    pub fn per_success(self, tokens: f64) -> Self {
        let per_success = tokens.max(0.0);
        self.with_settings(|settings| Settings { per_success, ..settings })
    }

    /// Another policy that draws from the same bucket.
    #[must_use]
    pub fn around<Q: RetryPolicy>(&self, inner: Q) -> RetryBudget<Q> {
        RetryBudget { inner, settings: self.settings, bucket: Arc::clone(&self.bucket) }
    }

    fn with_settings(self, change: impl FnOnce(Settings) -> Settings) -> Self {
        Self { settings: change(self.settings), ..Self::new(self.inner) }
    }

    /// How many retries the bucket holds at `now`.
    pub fn available(&self, now: Now) -> f64 {
        self.with_tokens(now, |tokens| *tokens)
    }
}

impl<P> RetryBudget<P> {
    fn with_tokens<T>(&self, now: Now, act: impl FnOnce(&mut f64) -> T) -> T {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = bucket.filled_at.map_or(0.0, |at| now.since(at).as_secs_f64());
        let held = bucket.tokens.unwrap_or(self.settings.capacity);
        let mut tokens =
            (held + elapsed * self.settings.floor_per_second).min(self.settings.capacity);
        let result = act(&mut tokens);
        bucket.tokens = Some(tokens.min(self.settings.capacity));
        // Never backwards: threads read the clock before they get the lock.
        if bucket.filled_at.is_none_or(|at| at.monotonic < now.monotonic) {
            bucket.filled_at = Some(now);
        }
        result
    }
}

impl<P: RetryPolicy> RetryPolicy for RetryBudget<P> {
    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        let decision = self.inner.decide(attempt);
        if decision == Decision::Stop || attempt.failure.delivery() == Delivery::NotSent {
            return decision;
        }
        self.with_tokens(attempt.now, |tokens| {
            if *tokens < 1.0 {
                return Decision::Stop;
            }
            *tokens -= 1.0;
            decision
        })
    }

    fn for_refresh(&self) -> Option<Box<dyn RetryPolicy>> {
        Some(Box::new(self.around(self.inner.for_refresh()?)))
    }

    fn succeeded(&self, now: Now) {
        self.inner.succeeded(now);
        self.with_tokens(now, |tokens| *tokens += self.settings.per_success);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Backoff, Delays, Failure, TransportError, TransportErrorKind, test_now};

    fn failure(delivery: Delivery) -> Failure {
        match delivery {
            Delivery::NotSent => TransportError::not_sent(TransportErrorKind::Dns).into(),
            _ => TransportError::unknown(TransportErrorKind::Reset).into(),
        }
    }

    fn retries(policy: &dyn RetryPolicy, delivery: Delivery, now: Now) -> bool {
        policy.decide(&Attempt::first(&failure(delivery), now)) != Decision::Stop
    }

    fn granted(policy: &dyn RetryPolicy, now: Now) -> usize {
        (0..1000).take_while(|_| retries(policy, Delivery::Unknown, now)).count()
    }

    #[test]
    fn starts_full_and_refills_by_time_and_success() {
        let now = test_now();
        let after = |seconds| now.plus(Duration::from_secs(seconds));
        let budget = RetryBudget::new(Backoff::default()).capacity(10.0).floor_per_second(0.5);
        let shared: Arc<dyn RetryPolicy> = Arc::new(budget.clone());
        assert_eq!(granted(&shared, now), 10);
        assert_eq!(granted(&budget, now), 0, "clones share the bucket");
        assert!(retries(&budget, Delivery::NotSent, now), "what the server never saw is free");
        // The floor.
        assert_eq!(granted(&budget, after(1)), 0);
        assert_eq!(granted(&budget, after(2)), 1);
        assert_eq!(granted(&budget, after(1)), 0, "an old reading of the clock adds nothing");
        // Successes.
        for _ in 0..8 {
            budget.succeeded(after(2));
        }
        assert_eq!(granted(&budget, after(2)), 2);
        let generous = RetryBudget::new(Backoff::default()).floor_per_second(0.0).per_success(3.0);
        assert_eq!(granted(&generous, now), 100);
        generous.succeeded(now);
        assert_eq!(granted(&generous, now), 3);
        // Never more than the capacity.
        assert_eq!(granted(&budget, after(1_000_000)), 10);
        budget.succeeded(after(1_000_000));
        assert!(budget.available(after(9_000_000)) <= 10.0);
    }

    #[test]
    fn a_stop_of_the_inner_policy_costs_nothing() {
        let budget = RetryBudget::new(crate::Never).capacity(5.0);
        assert!(!retries(&budget, Delivery::Unknown, test_now()));
        assert_eq!(budget.available(test_now()), 5.0);
    }

    #[test]
    fn a_policy_with_a_state_for_each_refresh_draws_from_the_same_bucket() {
        let delays = Delays::new(|| [Duration::ZERO; 2].into_iter());
        let budget = RetryBudget::new(delays).capacity(3.0).floor_per_second(0.0);
        let first = budget.for_refresh().unwrap();
        assert_eq!(granted(&first, test_now()), 2, "the iterator ends");
        let second = budget.for_refresh().unwrap();
        assert_eq!(granted(&second, test_now()), 1, "the bucket is empty");
    }
}
