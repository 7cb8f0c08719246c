//! The bridge from the `backoff` crate (feature `backoff`).

use std::time::Instant;

use backoff::{Clock, backoff::Backoff as _, exponential::ExponentialBackoff};

use super::Delays;

impl Delays {
    /// Takes the waits from the `backoff` crate: a fresh instance for each
    /// refresh. Only with the feature `backoff`.
    ///
    /// `max_elapsed_time` becomes the [`deadline`](Self::deadline), measured by
    /// the machine. The `backoff` crate's own clock is not read.
    ///
    /// ```
    /// use auth_core::Delays;
    /// use backoff::ExponentialBackoff;
    ///
    /// let policy = Delays::from_backoff(&ExponentialBackoff::default());
    /// ```
    pub fn from_backoff<C>(settings: &ExponentialBackoff<C>) -> Self {
        let template = ExponentialBackoff {
            current_interval: settings.initial_interval,
            initial_interval: settings.initial_interval,
            randomization_factor: settings.randomization_factor,
            multiplier: settings.multiplier,
            max_interval: settings.max_interval,
            start_time: settings.start_time,
            max_elapsed_time: None,
            clock: Stopped(settings.start_time),
        };
        let policy = Self::new(move || {
            // A copy, of a type that is not `Clone`.
            let mut fresh = ExponentialBackoff { ..template };
            std::iter::from_fn(move || fresh.next_backoff())
        });
        match settings.max_elapsed_time {
            Some(limit) => policy.deadline(limit),
            None => policy,
        }
    }
}

/// A clock that always shows the time at which the refresh began.
#[derive(Debug, Clone, Copy)]
struct Stopped(Instant);

impl Clock for Stopped {
    fn now(&self) -> Instant {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{Attempt, Decision, RetrySchedule, TransportError, TransportErrorKind, test_now};

    #[test]
    fn waits_as_the_settings_say_afresh_for_each_refresh() {
        let mut settings = backoff::ExponentialBackoff {
            randomization_factor: 0.0,
            max_interval: Duration::from_millis(1500),
            max_elapsed_time: Some(Duration::from_secs(60)),
            ..Default::default()
        };
        // A used instance is a template all the same.
        settings.current_interval = Duration::from_secs(50);
        let policy = Arc::new(Delays::from_backoff(&settings));
        let failure = TransportError::unknown(TransportErrorKind::Reset).into();
        for _ in 0..2 {
            let mut run = Arc::clone(&policy).begin();
            let mut decide = |elapsed| {
                run.decide(&Attempt {
                    elapsed: Duration::from_secs(elapsed),
                    ..Attempt::first(&failure, test_now())
                })
            };
            for expected in [500, 750, 1125, 1500, 1500] {
                assert_eq!(decide(1), Decision::RetryAfter(Duration::from_millis(expected)));
            }
            assert_eq!(decide(59), Decision::Stop, "the machine's clock ends it");
        }
    }
}
