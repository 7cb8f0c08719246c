//! Panics of what an account is given: they are seen where they happen, and
//! nobody else hangs, aborts or starts anew without end.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use auth_accounts::{Accounts, Reason};
use auth_core::{Advice, Clock, Now, Request, Response, TimeSource, Transport, TransportError};
use auth_testkit::VirtualClock;
use support::{ADA, endpoint, strict, yield_once};

/// Breaks once it is told to.
struct BrokenClock {
    inner: VirtualClock,
    broken: Arc<AtomicBool>,
}

impl BrokenClock {
    fn tick(&self) {
        if self.broken.load(Ordering::SeqCst) {
            // Without a word, as it is meant to.
            resume_unwind(Box::new("the clock is broken"));
        }
    }
}

impl TimeSource for BrokenClock {
    fn now(&self) -> Now {
        self.tick();
        self.inner.now()
    }

    fn wall(&self) -> SystemTime {
        self.tick();
        TimeSource::wall(&self.inner)
    }
}

#[async_trait]
impl Clock for BrokenClock {
    async fn sleep(&self, duration: Duration) {
        Clock::sleep(&self.inner, duration).await;
    }
}

/// New tokens are there, and the clock breaks: twice, if it is asked again, and
/// that would abort the process.
#[test]
fn a_clock_that_panics_is_not_asked_again_on_the_way_out() {
    let world = strict(3600);
    let broken = Arc::new(AtomicBool::new(false));
    let breaks = Arc::clone(&broken);
    world.store.before("tokens", 0, move |_| breaks.store(true, Ordering::SeqCst));
    let clock = BrokenClock { inner: world.clock.clone(), broken: Arc::clone(&broken) };
    let accounts =
        Accounts::without_runtime(endpoint(), world.script.clone(), world.store.clone(), clock);
    let account = accounts.account(ADA);
    let asked = AssertUnwindSafe(|| pollster::block_on(account.token()));
    assert!(catch_unwind(asked).is_err());

    // Nothing is lost by it.
    broken.store(false, Ordering::SeqCst);
    pollster::block_on(account.token()).unwrap();
    world.script.assert_never_replayed();
}

/// Sends, and breaks.
struct BrokenTransport(Arc<AtomicUsize>);

#[async_trait]
impl Transport for BrokenTransport {
    async fn send(&self, _: Request) -> Result<Response, TransportError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        yield_once().await;
        resume_unwind(Box::new("the transport is broken"));
    }
}

/// Each time, the refresh token may be spent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transport_that_panics_in_another_task_is_not_tried_without_end() {
    let mut panicked = 0;
    for _ in 0..100 {
        let world = strict(3600);
        let sent = Arc::new(AtomicUsize::new(0));
        let transport = BrokenTransport(Arc::clone(&sent));
        let accounts = Accounts::without_runtime(
            endpoint(),
            transport,
            world.store.clone(),
            world.clock.clone(),
        )
        .spawner(|refresh| {
            tokio::spawn(refresh);
        });
        let account = accounts.account(ADA);
        // It panics itself, or is told that others did.
        if let Ok(result) = tokio::spawn(async move { account.token().await }).await {
            let error = result.unwrap_err();
            assert!(matches!(error.reason(), Reason::Panicked), "{error}");
            assert_eq!(error.advice(), Advice::FixSetup);
            panicked += 1;
        }
        assert!(sent.load(Ordering::SeqCst) <= 2, "{sent:?} requests");
    }
    println!("{panicked} of 100 were told");
}
