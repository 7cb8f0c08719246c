//! Exponential backoff, the default policy.

use std::time::Duration;

use super::{Attempt, Decision, Jitter, RetryPolicy};
use crate::{Failure, FailureKind, TransportError, TransportErrorKind, failure::is_server_error};

/// Exponential backoff with a bounded number of retries.
///
/// The default retries a failure of the network and a 5xx: first after 500 ms,
/// then after 1000 ms. It does not retry anything else.
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

    /// A policy that never tries again.
    pub fn never() -> Self {
        Self::default().max_retries(0)
    }

    /// Whether the default policy retries `failure`: a failure of the network or
    /// a 5xx. It never retries a 4xx, nor a call that its caller cancelled.
    pub fn retries_by_default(failure: &Failure) -> bool {
        let transport = failure.transport_error().map(TransportError::kind);
        if transport == Some(TransportErrorKind::Cancelled) {
            return false;
        }
        match failure.kind() {
            FailureKind::Unreachable | FailureKind::Interrupted => true,
            FailureKind::Unavailable | FailureKind::Throttled => {
                failure.status().is_some_and(is_server_error)
            }
            FailureKind::Rejected | FailureKind::Misconfigured => false,
        }
    }

    /// The largest number of retries. The default is 2, which is 3 attempts in
    /// all.
    #[must_use]
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// The wait before the first retry. The default is 500 ms.
    #[must_use]
    pub fn base_delay(mut self, delay: Duration) -> Self {
        self.base_delay = delay;
        self
    }

    /// The factor by which each wait is longer than the one before. The default
    /// is 2. A factor below 1, or NaN, counts as 1.
    #[must_use]
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = if factor >= 1.0 { factor } else { 1.0 };
        self
    }

    /// The longest wait of the backoff, jitter included. The default is 30 s. A
    /// `Retry-After` has a limit of its own: see
    /// [`retry_throttled`](Self::retry_throttled).
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// How the waits are randomised. The default is [`Jitter::None`].
    #[must_use]
    pub fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// Makes the jitter repeatable: the same seed gives the same waits. For
    /// tests only; clients that share a seed retry at the same moments.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// The latest time for a retry to start, counted from the start of the
    /// refresh. None by default.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Retries throttled requests too. Off by default.
    ///
    /// If the server asks for a wait (`Retry-After`, in a 5xx as well) that is
    /// longer than the backoff's own, the policy waits as long as the server
    /// asked. If it asks for more than `cap`, the policy stops; the error holds
    /// the time.
    #[must_use]
    pub fn retry_throttled(mut self, cap: Duration) -> Self {
        self.retry_throttled = Some(cap);
        self
    }

    fn delay(&self, attempt: &Attempt<'_>) -> Duration {
        let exponent = attempt.number.saturating_sub(1).min(i32::MAX as u32) as i32;
        // An overflow is infinite, and so the longest; but not of nothing.
        let growth = self.factor.powi(exponent).min(f64::MAX);
        let seconds = self.base_delay.as_secs_f64() * growth;
        let delay = Duration::try_from_secs_f64(seconds).unwrap_or(self.max_delay);
        self.jitter
            .apply(delay.min(self.max_delay), self.base_delay, attempt.previous_delay, || {
                super::jitter::random(self.seed, attempt.number)
            })
            .min(self.max_delay)
    }

    fn retries(&self, failure: &Failure) -> bool {
        Self::retries_by_default(failure)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Response, read_response, test_now};

    fn response(status: u16, retry_after: Option<&str>) -> Failure {
        let mut response = Response::new(Vec::new());
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        if let Some(value) = retry_after {
            response.headers_mut().insert("retry-after", value.parse().unwrap());
        }
        read_response(&response, &[], test_now()).unwrap_err()
    }

    fn decide(policy: &Backoff, failure: &Failure, number: u32, elapsed_ms: u64) -> Option<u64> {
        let attempt = Attempt {
            number,
            elapsed: Duration::from_millis(elapsed_ms),
            ..Attempt::first(failure, test_now())
        };
        match policy.decide(&attempt) {
            Decision::RetryAfter(delay) => Some(delay.as_millis() as u64),
            Decision::Stop => None,
        }
    }

    fn delays(policy: &Backoff, failure: &Failure) -> Vec<u64> {
        (1..).map_while(|number| decide(policy, failure, number, 0)).take(50).collect()
    }

    #[test]
    fn the_default() {
        let policy = Backoff::default();
        let dns = TransportError::not_sent(TransportErrorKind::Dns).into();
        let reset = TransportError::unknown(TransportErrorKind::Reset).into();
        let certificate = TransportError::not_sent(TransportErrorKind::BadCertificate).into();
        for failure in
            [&dns, &reset, &response(500, None), &response(502, Some("60")), &response(599, None)]
        {
            assert_eq!(delays(&policy, failure), [500, 1000], "{failure}");
        }
        // An unreadable 200.
        assert_eq!(delays(&policy, &response(200, None)), [500, 1000]);
        for failure in [
            &certificate,
            &response(302, None),
            &response(400, None),
            &response(403, None),
            &response(408, None),
            &response(429, Some("1")),
        ] {
            assert_eq!(delays(&policy, failure), [0; 0], "{failure}");
        }
    }

    #[test]
    fn settings() {
        let failure = response(503, None);
        let ms = Duration::from_millis;
        let policy = Backoff::new().max_retries(5).base_delay(ms(100));
        assert_eq!(delays(&policy, &failure), [100, 200, 400, 800, 1600]);
        assert_eq!(delays(&policy.factor(1.5), &failure), [100, 150, 225, 337, 506]);
        assert_eq!(delays(&policy.factor(0.5), &failure), [100; 5]);
        assert_eq!(delays(&policy.factor(f64::NAN), &failure), [100; 5]);
        assert_eq!(delays(&policy.factor(f64::INFINITY), &failure)[1..], [30_000; 4]);
        assert_eq!(delays(&policy.max_delay(ms(300)), &failure), [100, 200, 300, 300, 300]);
        assert_eq!(delays(&policy.max_retries(0), &failure), [0; 0]);
        assert_eq!(delays(&Backoff::never(), &failure), [0; 0]);
        let at_once = policy.base_delay(Duration::ZERO);
        assert_eq!(delays(&at_once, &failure), [0; 5]);
        assert_eq!(delays(&at_once.factor(1e200), &failure), [0; 5]);
        assert_eq!(delays(&policy.base_delay(Duration::MAX), &failure), [30_000; 5]);
    }

    #[test]
    fn the_deadline_counts_the_wait() {
        let policy = Backoff::new().deadline(Duration::from_millis(1000));
        let failure = response(503, None);
        assert_eq!(decide(&policy, &failure, 1, 500), Some(500));
        assert_eq!(decide(&policy, &failure, 1, 501), None);
        assert_eq!(decide(&policy.deadline(Duration::MAX), &failure, 2, u64::MAX), Some(1000));
    }

    #[test]
    fn throttled_when_asked_for() {
        let policy = Backoff::new().retry_throttled(Duration::from_secs(5));
        for (status, retry_after, expected) in [
            (429, None, Some(500)),
            (429, Some("0"), Some(500)),
            (429, Some("1"), Some(1000)),
            (429, Some("5"), Some(5000)),
            (429, Some("6"), None),
            (503, Some("3"), Some(3000)),
            (503, Some("6"), None),
            (400, Some("1"), None),
        ] {
            let failure = response(status, retry_after);
            assert_eq!(decide(&policy, &failure, 1, 0), expected, "{status} {retry_after:?}");
        }
        assert_eq!(decide(&policy, &response(429, Some("1")), 3, 0), None, "counts as a retry");
    }

    #[test]
    fn jitter_stays_within_its_bounds_and_a_seed_repeats_it() {
        let failure = response(503, None);
        let policy = Backoff::new().max_retries(20).base_delay(Duration::from_millis(100));
        for seed in 0..200 {
            let plain = delays(&policy, &failure);
            for (jitter, low) in [(Jitter::Full, 0), (Jitter::Equal, 1)] {
                let policy = policy.jitter(jitter).seed(seed);
                let spread = delays(&policy, &failure);
                assert_eq!(spread, delays(&policy, &failure));
                for (d, full) in spread.iter().zip(&plain) {
                    assert!((low * full / 2..=*full).contains(d), "{jitter:?} {d} of {full}");
                }
            }
            let policy = policy.jitter(Jitter::Decorrelated).seed(seed);
            let mut previous = None;
            for number in 1..=20 {
                let attempt = Attempt {
                    number,
                    previous_delay: previous,
                    ..Attempt::first(&failure, test_now())
                };
                let Decision::RetryAfter(delay) = policy.decide(&attempt) else { panic!() };
                let high = previous.unwrap_or(Duration::from_millis(100)) * 3;
                assert!(delay >= Duration::from_millis(100) && delay <= high);
                assert!(delay <= Duration::from_secs(30));
                previous = Some(delay);
            }
        }
        // Spread over the whole of it, by attempts and by seeds.
        for number in [1, 2, 5] {
            let full = u64::pow(2, number - 1) * 100;
            let draws: Vec<u64> = (0..200)
                .filter_map(|seed| {
                    let policy = policy.jitter(Jitter::Full).seed(seed);
                    decide(&policy, &failure, number, 0)
                })
                .collect();
            assert!(draws.iter().any(|draw| *draw < full / 5), "{draws:?}");
            assert!(draws.iter().any(|draw| *draw > full * 4 / 5), "{draws:?}");
            let mut distinct = draws.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert!(distinct.len() > 50, "{draws:?}");
        }
        let policy = policy.jitter(Jitter::Full);
        assert_ne!(delays(&policy, &failure), delays(&policy, &failure), "no seed, no repetition");
    }
}
