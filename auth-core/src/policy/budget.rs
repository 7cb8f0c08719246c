//! A limit on the retries of many accounts together.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Attempt, Decision, RetryRun, RetrySchedule};
use crate::{Delivery, Now};

/// Limits the retries of everything that shares it by a token bucket, so that
/// an outage does not cause a storm of retries.
///
/// Clones share the bucket. It starts full. Each retry that the inner policy
/// grants takes one permit; without one there is no retry. A retry after
/// [`Delivery::NotSent`] is free, since the server has not seen the request.
/// Each success adds a part of a permit, and permits are added over time, so that
/// a lone account can always retry.
///
/// ```
/// use std::sync::Arc;
/// use auth_core::{Backoff, RetryBudget, RetrySchedule};
///
/// let budget = RetryBudget::new(Backoff::default()).capacity(200.0).floor_per_second(2.0);
/// // One policy for every account:
/// let policy: Arc<dyn RetrySchedule> = Arc::new(budget);
/// ```
#[derive(Debug)]
pub struct RetryBudget<S> {
    inner: Arc<S>,
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

impl<S> Clone for RetryBudget<S> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            settings: self.settings,
            bucket: Arc::clone(&self.bucket),
        }
    }
}

impl<S: RetrySchedule> RetryBudget<S> {
    /// A bucket of 100 permits that gains 1 permit per second, and 0.25 per
    /// success.
    pub fn new(inner: S) -> Self {
        Self {
            inner: Arc::new(inner),
            settings: Settings { capacity: 100.0, floor_per_second: 1.0, per_success: 0.25 },
            bucket: Arc::default(),
        }
    }

    /// The size of the bucket: the largest number of retries in one burst, at
    /// least 1.
    ///
    /// Like the other settings, this creates a new bucket. Set it before
    /// sharing.
    #[must_use]
    pub fn capacity(self, tokens: f64) -> Self {
        let capacity = tokens.max(1.0);
        self.with_settings(|settings| Settings { capacity, ..settings })
    }

    /// The number of permits added per second.
    #[must_use]
    pub fn floor_per_second(self, tokens: f64) -> Self {
        let floor_per_second = tokens.max(0.0);
        self.with_settings(|settings| Settings { floor_per_second, ..settings })
    }

    /// The number of permits that a success adds.
    #[must_use]
    pub fn per_success(self, tokens: f64) -> Self {
        let per_success = tokens.max(0.0);
        self.with_settings(|settings| Settings { per_success, ..settings })
    }

    /// Another policy with the same bucket.
    #[must_use]
    pub fn around<T: RetrySchedule>(&self, inner: T) -> RetryBudget<T> {
        RetryBudget {
            inner: Arc::new(inner),
            settings: self.settings,
            bucket: Arc::clone(&self.bucket),
        }
    }

    fn with_settings(self, change: impl FnOnce(Settings) -> Settings) -> Self {
        Self { inner: self.inner, settings: change(self.settings), bucket: Arc::default() }
    }

    /// The number of tokens in the bucket at `now`.
    pub fn available(&self, now: Now) -> f64 {
        self.with_tokens(now, |tokens| *tokens)
    }
}

impl<S> RetryBudget<S> {
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

impl<S: RetrySchedule + 'static> RetrySchedule for RetryBudget<S> {
    fn begin(self: Arc<Self>) -> Box<dyn RetryRun> {
        Box::new(Run { inner: Arc::clone(&self.inner).begin(), budget: self })
    }
}

/// One refresh's retries.
struct Run<S> {
    inner: Box<dyn RetryRun>,
    budget: Arc<RetryBudget<S>>,
}

impl<S: Send + Sync> RetryRun for Run<S> {
    fn decide(&mut self, attempt: &Attempt<'_>) -> Decision {
        let decision = self.inner.decide(attempt);
        if decision == Decision::Stop || attempt.failure.delivery() == Delivery::NotSent {
            return decision;
        }
        self.budget.with_tokens(attempt.now, |tokens| {
            if *tokens < 1.0 {
                return Decision::Stop;
            }
            *tokens -= 1.0;
            decision
        })
    }

    fn succeeded(&mut self, now: Now) {
        self.inner.succeeded(now);
        self.budget.with_tokens(now, |tokens| *tokens += self.budget.settings.per_success);
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

    fn retries(run: &mut dyn RetryRun, delivery: Delivery, now: Now) -> bool {
        run.decide(&Attempt::first(&failure(delivery), now)) != Decision::Stop
    }

    fn granted(run: &mut dyn RetryRun, now: Now) -> usize {
        (0..1000).take_while(|_| retries(run, Delivery::Unknown, now)).count()
    }

    fn begin(schedule: &(impl RetrySchedule + Clone + 'static)) -> Box<dyn RetryRun> {
        Arc::new(schedule.clone()).begin()
    }

    #[test]
    fn starts_full_and_refills_by_time_and_success() {
        let now = test_now();
        let after = |seconds| now.plus(Duration::from_secs(seconds));
        let budget = RetryBudget::new(Backoff::default()).capacity(10.0).floor_per_second(0.5);
        let shared: Arc<dyn RetrySchedule> = Arc::new(budget.clone());
        let (mut shared, mut run) = (shared.begin(), begin(&budget));
        assert_eq!(granted(&mut *shared, now), 10);
        assert_eq!(granted(&mut *run, now), 0, "clones share the bucket");
        assert!(retries(&mut *run, Delivery::NotSent, now), "what the server never saw is free");
        // The floor.
        assert_eq!(granted(&mut *run, after(1)), 0);
        assert_eq!(granted(&mut *run, after(2)), 1);
        assert_eq!(granted(&mut *run, after(1)), 0, "an old reading of the clock adds nothing");
        // Successes.
        for _ in 0..8 {
            run.succeeded(after(2));
        }
        assert_eq!(granted(&mut *run, after(2)), 2);
        let generous = RetryBudget::new(Backoff::default()).floor_per_second(0.0).per_success(3.0);
        let mut generous = begin(&generous);
        assert_eq!(granted(&mut *generous, now), 100);
        generous.succeeded(now);
        assert_eq!(granted(&mut *generous, now), 3);
        // Never more than the capacity.
        assert_eq!(granted(&mut *run, after(1_000_000)), 10);
        run.succeeded(after(1_000_000));
        assert!(budget.available(after(9_000_000)) <= 10.0);
    }

    #[test]
    fn a_stop_of_the_inner_policy_costs_nothing() {
        let budget = RetryBudget::new(Backoff::never()).capacity(5.0);
        assert!(!retries(&mut *begin(&budget), Delivery::Unknown, test_now()));
        assert_eq!(budget.available(test_now()), 5.0);
    }

    #[test]
    fn a_policy_with_a_state_for_each_refresh_draws_from_the_same_bucket() {
        let delays = Delays::new(|| [Duration::ZERO; 2].into_iter());
        let budget = RetryBudget::new(delays).capacity(3.0).floor_per_second(0.0);
        let mut first = begin(&budget);
        assert_eq!(granted(&mut *first, test_now()), 2, "the iterator ends");
        let mut second = begin(&budget);
        assert_eq!(granted(&mut *second, test_now()), 1, "the bucket is empty");
    }

    #[test]
    fn another_policy_draws_from_the_same_bucket() {
        let budget = RetryBudget::new(Backoff::default()).capacity(3.0).floor_per_second(0.0);
        let other = budget.around(Backoff::default());
        assert_eq!(granted(&mut *begin(&other), test_now()), 3);
        assert_eq!(granted(&mut *begin(&budget), test_now()), 0);
    }

    /// The inner policy hears of it too.
    #[test]
    fn a_success_is_passed_on() {
        let outer = RetryBudget::new(Backoff::default()).capacity(3.0).floor_per_second(0.0);
        let inner = outer.clone();
        let mut run = begin(&RetryBudget::new(inner).per_success(0.0));
        assert_eq!(granted(&mut *run, test_now()), 3);
        run.succeeded(test_now());
        assert_eq!(outer.available(test_now()), 0.25);
    }
}
