//! [`mockall`] mocks of every trait of auth-core.
//!
//! Prefer a [`Script`](crate::Script) with its [`VirtualClock`] for a test of a
//! complete refresh: it knows the responses of a token endpoint, checks itself,
//! and shows all calls when it fails. Use a mock to look at one call of one trait:
//! how your policy is called, or how your code calls a policy or a clock.
//!
//! This example tests a wrapper around a policy: it asks the inner policy once,
//! with the facts unchanged, and only on other days than Sunday.
//!
//! ```
//! use std::time::Duration;
//! use auth_core::{
//!     Attempt, Decision, Failure, RetryPolicy, TransportError, TransportErrorKind,
//! };
//! use auth_testkit::{VirtualClock, mock::MockRetryPolicy};
//!
//! /// The code under test: no retry on Sundays.
//! struct ExceptSundays<P> {
//!     inner: P,
//!     is_sunday: bool,
//! }
//!
//! impl<P: RetryPolicy> RetryPolicy for ExceptSundays<P> {
//!     fn decide(&self, attempt: &Attempt<'_>) -> Decision {
//!         if self.is_sunday { Decision::Stop } else { self.inner.decide(attempt) }
//!     }
//! }
//!
//! let mut inner = MockRetryPolicy::new();
//! inner
//!     .expect_decide()
//!     .withf(|attempt| attempt.number == 1)
//!     .times(1)
//!     .return_const(Decision::RetryAfter(Duration::from_secs(7)));
//!
//! let failure = Failure::from(TransportError::not_sent(TransportErrorKind::Dns));
//! let attempt = Attempt::first(&failure, VirtualClock::new().now());
//! let mut policy = ExceptSundays { inner, is_sunday: true };
//! assert_eq!(policy.decide(&attempt), Decision::Stop);
//! policy.is_sunday = false;
//! assert_eq!(policy.decide(&attempt), Decision::RetryAfter(Duration::from_secs(7)));
//! ```
//!
//! `succeeded` does in [`MockRetryPolicy`] what it does by default; only
//! `decide` has expectations. A policy with a state for each refresh is a
//! [`MockRetrySchedule`] whose `begin` returns a [`MockRetryRun`].
//!
//! [`VirtualClock`]: crate::VirtualClock

// What mockall generates is documented by mockall.
#![allow(missing_docs, missing_debug_implementations)]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use auth_core::{
    Attempt, BackgroundTask, BlockingClock, BlockingTransport, Clock, Decision, Now, Request,
    Response, RetryPolicy, RetryRun, RetrySchedule, Runtime, TimeSource, Transport, TransportError,
};
use mockall::mock;

mock! {
    /// A mock of [`auth_core::Transport`].
    pub Transport {}

    #[async_trait]
    impl Transport for Transport {
        async fn send(&self, request: Request) -> Result<Response, TransportError>;
    }
}

mock! {
    /// A mock of [`auth_core::BlockingTransport`].
    pub BlockingTransport {}

    impl BlockingTransport for BlockingTransport {
        fn send_blocking(&self, request: Request) -> Result<Response, TransportError>;
    }
}

mock! {
    /// A mock of [`auth_core::Clock`], which is a [`auth_core::Runtime`] as well.
    pub Clock {}

    impl TimeSource for Clock {
        fn now(&self) -> Now;
    }

    #[async_trait]
    impl Clock for Clock {
        async fn sleep(&self, duration: Duration);
    }

    impl Runtime for Clock {
        fn spawn(&self, task: BackgroundTask);
    }
}

mock! {
    /// A mock of [`auth_core::BlockingClock`].
    pub BlockingClock {}

    impl TimeSource for BlockingClock {
        fn now(&self) -> Now;
    }

    impl BlockingClock for BlockingClock {
        fn sleep_blocking(&self, duration: Duration);
    }
}

mock! {
    /// A mock of [`auth_core::RetryPolicy`].
    pub RetryPolicy {}

    impl RetryPolicy for RetryPolicy {
        fn decide<'a>(&self, attempt: &Attempt<'a>) -> Decision;
    }
}

mock! {
    /// A mock of [`auth_core::RetrySchedule`].
    pub RetrySchedule {}

    impl RetrySchedule for RetrySchedule {
        fn begin(self: Arc<Self>) -> Box<dyn RetryRun>;
    }
}

mock! {
    /// A mock of [`auth_core::RetryRun`].
    pub RetryRun {}

    impl RetryRun for RetryRun {
        fn decide<'a>(&mut self, attempt: &Attempt<'a>) -> Decision;
        fn succeeded(&mut self, now: Now);
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{
        Refresh, RefreshToken, TokenEndpoint, TransportErrorKind, refresh, refresh_blocking,
    };
    use mockall::{Sequence, predicate::eq};

    use super::*;
    use crate::{CannedResponse, VirtualClock};

    fn planned(policy: impl RetrySchedule + 'static) -> Refresh {
        let endpoint = TokenEndpoint::new("https://auth.example.com/token", "c").unwrap();
        Refresh::new(endpoint, RefreshToken::new("rt-1")).policy(policy)
    }

    fn policy() -> MockRetryPolicy {
        let mut policy = MockRetryPolicy::new();
        policy
            .expect_decide()
            .withf(|attempt| attempt.number == 1)
            .times(1)
            .return_const(Decision::RetryAfter(Duration::from_secs(3)));
        policy
    }

    // Both drivers read the clock at the start, after each response and after
    // each wait.
    const READINGS: usize = 4;

    #[test]
    fn mocks_of_the_async_traits_drive_a_refresh() {
        let now = VirtualClock::new().now();
        let mut order = Sequence::new();
        let mut transport = MockTransport::new();
        let mut clock = MockClock::new();
        clock.expect_now().times(READINGS).return_const(now);
        transport
            .expect_send()
            .times(1)
            .in_sequence(&mut order)
            .returning(|_| Err(TransportError::not_sent(TransportErrorKind::Dns)));
        clock
            .expect_sleep()
            .with(eq(Duration::from_secs(3)))
            .times(1)
            .in_sequence(&mut order)
            .return_const(());
        transport
            .expect_send()
            .times(1)
            .in_sequence(&mut order)
            .returning(|_| Ok(CannedResponse::tokens("at-2").build()));
        pollster::block_on(refresh(planned(policy()), &transport, &clock)).unwrap();
    }

    #[test]
    fn a_mocked_schedule_has_a_run_for_each_refresh() {
        let now = VirtualClock::new().now();
        let mut transport = MockBlockingTransport::new();
        transport
            .expect_send_blocking()
            .times(1)
            .returning(|_| Ok(CannedResponse::tokens("at-2").build()));
        let mut clock = MockBlockingClock::new();
        clock.expect_now().return_const(now);
        let mut schedule = MockRetrySchedule::new();
        schedule.expect_begin().times(1).returning(move || {
            let mut run = MockRetryRun::new();
            run.expect_decide().never();
            run.expect_succeeded().with(eq(now)).times(1).return_const(());
            Box::new(run)
        });
        refresh_blocking(planned(schedule), &transport, &clock).unwrap();
    }

    #[test]
    fn mocks_of_the_blocking_traits_drive_a_refresh() {
        let now = VirtualClock::new().now();
        let mut transport = MockBlockingTransport::new();
        let mut clock = MockBlockingClock::new();
        clock.expect_now().times(READINGS).return_const(now);
        clock.expect_sleep_blocking().with(eq(Duration::from_secs(3))).times(1).return_const(());
        let mut outcomes = vec![
            Ok(CannedResponse::tokens("at-2").build()),
            Err(TransportError::not_sent(TransportErrorKind::Dns)),
        ];
        transport.expect_send_blocking().times(2).returning(move |_| outcomes.pop().unwrap());
        refresh_blocking(planned(policy()), &transport, &clock).unwrap();
    }
}
