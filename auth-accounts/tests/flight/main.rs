//! Single flight with callers that are alive and are not polled: through the
//! public API, and in every interleaving of threads.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod leaving;
mod sync {
    //! What `single_flight` rests on, under loom's eyes. The `Arc` is that of std,
    //! since wakers are made of it.

    pub(crate) use std::sync::Arc;

    pub(crate) use loom::sync::{Mutex, MutexGuard, atomic::AtomicBool};
}

#[allow(dead_code, unreachable_pub, reason = "not every part of it is tested here")]
#[path = "../../src"]
mod src {
    pub(crate) mod single_flight;
}
mod threads;

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use auth_accounts::{
    Account, Accounts, MemoryStore,
    store::{BlockingTokenStore, Record},
};
use auth_testkit::{FakeAuthServer, Fault, VirtualClock};
use src::single_flight;

/// An account whose token is to be refreshed, at a server that takes 3 s to
/// respond, and its store.
fn slow() -> (Account, FakeAuthServer, MemoryStore) {
    let clock = VirtualClock::manual();
    let server = FakeAuthServer::builder().clock(&clock).build();
    let store = MemoryStore::new();
    store.put("ada", Record::obtained(server.log_in("ada"), clock.now().wall));
    clock.advance(Duration::from_secs(3600));
    server.fail_next([Fault::Delay(Duration::from_secs(3))]);
    let endpoint =
        auth_core::TokenEndpoint::new("https://auth.example.com/token", "my-client").unwrap();
    let accounts = Accounts::without_runtime(endpoint, server.clone(), store.clone(), clock);
    (accounts.account("ada"), server, store)
}

/// Counts how often it is woken.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Bell {
    fn rung(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// As an executor does it: polls only after a wake, and lets time pass when
/// there was none.
fn run<F: Future>(future: F, clock: &VirtualClock) -> F::Output {
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mut future = pin!(future);
    loop {
        let before = bell.rung();
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        if bell.rung() == before {
            clock.advance_to_next();
        }
        assert!(bell.rung() > before, "nobody wakes the one that is polled");
    }
}

#[test]
fn a_caller_that_is_alive_and_not_polled_holds_up_nobody() {
    let (account, server, store) = slow();
    let clock = server.clock().clone();
    let mut forgotten = pin!(account.token());
    assert!(poll_once(forgotten.as_mut()).is_pending());
    // Another branch of the same `select!`, and then another task.
    let token = run(account.token(), &clock).unwrap();
    assert_eq!(run(account.token(), &clock).unwrap(), token);
    assert_eq!(server.report().issued, 1);
    // Nor other processes: the lease is free.
    drop(BlockingTokenStore::lease_blocking(&store, &"ada".into(), Duration::ZERO).unwrap());
    // It gets what came of it, when it is polled at last.
    assert_eq!(run(forgotten, &clock).unwrap(), token);
}

#[test]
fn nor_does_one_that_is_woken_and_not_polled() {
    let (account, server, _store) = slow();
    let clock = server.clock().clone();
    let mut first = Box::pin(account.token());
    let mut forgotten = pin!(account.token());
    assert!(poll_once(first.as_mut()).is_pending());
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mut waiting = pin!(account.token());
    let mut context = Context::from_waker(&waker);
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    assert!(poll_once(forgotten.as_mut()).is_pending());
    drop(first);
    loop {
        let before = bell.rung();
        clock.advance_to_next();
        assert!(bell.rung() > before, "the one that waits is woken as well");
        if waiting.as_mut().poll(&mut context).is_ready() {
            break;
        }
    }
    assert_eq!(server.report().issued, 1);
}

#[tokio::test]
async fn the_loser_of_a_select_that_asks_again_is_answered() {
    let (account, server, _store) = slow();
    let clock = server.clock().clone();
    // Far more than the 3 s that it takes.
    let time = async move {
        for _ in 0..1_000 {
            clock.advance_to_next();
            tokio::task::yield_now().await;
        }
    };
    let all = async {
        let mut first = pin!(account.token());
        tokio::select! {
            biased;
            _ = &mut first => panic!("that takes 3 s"),
            () = std::future::ready(()) => {}
        }
        let others = [(); 100].map(|()| {
            let account = account.clone();
            tokio::spawn(async move { account.token().await })
        });
        let token = account.token().await.unwrap();
        for other in others {
            assert_eq!(other.await.unwrap().unwrap(), token);
        }
        assert_eq!(first.await.unwrap(), token);
    };
    tokio::select! {
        () = all => {}
        () = time => panic!("nobody polls the refresh"),
    }
    assert_eq!(server.report().issued, 1);
}

/// The work is polled once for each time that it is woken, however many wait.
#[test]
fn a_crowd_that_is_woken_polls_the_work_once() {
    loom::model(|| {
        let flight = single_flight::SingleFlight::new();
        let polls = Arc::new(AtomicUsize::new(0));
        let wake: Arc<std::sync::Mutex<Option<Waker>>> = Arc::default();
        let start = |_| -> single_flight::Work<u8> {
            let (polls, wake) = (Arc::clone(&polls), Arc::clone(&wake));
            Box::pin(std::future::poll_fn(move |context| {
                *wake.lock().unwrap() = Some(context.waker().clone());
                if polls.fetch_add(1, Ordering::SeqCst) < 3 {
                    Poll::Pending
                } else {
                    Poll::Ready(7)
                }
            }))
        };
        let mut crowd: Vec<_> = (0..100).map(|_| Box::pin(flight.join(start).unwrap())).collect();
        assert_eq!(crowd.iter().filter(|join| join.started()).count(), 1);
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(Arc::clone(&bell));
        let mut context = Context::from_waker(&waker);
        for round in 1..4 {
            for join in &mut crowd {
                assert!(join.as_mut().poll(&mut context).is_pending());
            }
            assert_eq!(polls.load(Ordering::SeqCst), round);
            assert_eq!(bell.rung(), 100 * (round - 1));
            let woken = wake.lock().unwrap().clone().unwrap();
            woken.wake_by_ref();
            woken.wake();
            assert_eq!(bell.rung(), 100 * round);
        }
        for join in &mut crowd {
            assert_eq!(join.as_mut().poll(&mut context), Poll::Ready(Ok(7)));
        }
        assert_eq!(polls.load(Ordering::SeqCst), 4);
    });
}

/// A waker that owns a participant, as that of a task may.
#[test]
fn a_waker_may_own_a_participant() {
    struct Owner(#[allow(dead_code, reason = "only dropped")] std::sync::Mutex<Option<Owned>>);
    type Owned = Pin<Box<single_flight::Caller<'static, u8>>>;
    impl Wake for Owner {
        fn wake(self: Arc<Self>) {}
    }
    loom::model(|| {
        let flight: &'static _ = Box::leak(Box::new(single_flight::SingleFlight::new()));
        let start = |_| -> single_flight::Work<u8> { Box::pin(std::future::pending()) };
        let owned = Box::pin(flight.join(start).unwrap());
        let waker = Waker::from(Arc::new(Owner(std::sync::Mutex::new(Some(owned)))));
        let mut join = Box::pin(flight.join(start).unwrap());
        assert!(join.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        assert!(poll_once(join.as_mut()).is_pending());
        drop(join);
        assert!(flight.join(start).unwrap().started(), "all are gone, and so is the work");
    });
}

/// Work that panics when it is dropped, by the last to leave.
#[test]
fn a_panic_in_dropping_the_work_holds_up_nobody() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("the guard is broken"));
        }
    }
    loom::model(|| {
        let flight = single_flight::SingleFlight::new();
        let broken = |_| -> single_flight::Work<u8> {
            let panics = Panics;
            Box::pin(async move {
                std::future::pending::<()>().await;
                drop(panics);
                1
            })
        };
        let mut leaves = Box::pin(flight.join(broken).unwrap());
        assert!(poll_once(leaves.as_mut()).is_pending());
        let dropped = std::panic::AssertUnwindSafe(|| drop(leaves));
        assert!(std::panic::catch_unwind(dropped).is_err());
        let join = flight.join(|_| Box::pin(std::future::ready(2)));
        let mut join = Box::pin(join.unwrap());
        assert_eq!(poll_once(join.as_mut()), Poll::Ready(Ok(2)));
    });
}
