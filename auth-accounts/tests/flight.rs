//! Single flight with callers that are alive and are not polled: through the
//! public API, and in every interleaving of threads.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod sync {
    //! What `single_flight` rests on, under loom's eyes. The `Arc` is that of std,
    //! since wakers are made of it.

    pub(crate) use std::sync::Arc;

    pub(crate) use loom::sync::{Mutex, MutexGuard, atomic::AtomicBool};
}

#[allow(dead_code, unreachable_pub, reason = "not every part of it is tested here")]
#[path = "../src/single_flight.rs"]
mod single_flight;

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

use auth_accounts::{Account, Accounts, BlockingTokenStore, MemoryStore, Record};
use auth_testkit::{FakeAuthServer, Fault, VirtualClock};

/// An account whose token is to be refreshed, at a server that takes 3 s to
/// answer, and its store.
fn slow() -> (Account, FakeAuthServer, MemoryStore) {
    let clock = VirtualClock::manual();
    let server = FakeAuthServer::builder().clock(&clock).build();
    let store = MemoryStore::new();
    store.put("ada", Record::obtained(server.log_in("ada"), clock.now().wall));
    clock.advance(Duration::from_secs(3600));
    server.fail_next([Fault::Delay(Duration::from_secs(3))]);
    let endpoint =
        auth_core::TokenEndpoint::new("https://auth.example.com/token", "my-client").unwrap();
    let accounts = Accounts::new(endpoint, server.clone(), store.clone(), clock);
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
        let mut crowd: Vec<_> = (0..100).map(|_| Box::pin(flight.join(start))).collect();
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
    type Owned = Pin<Box<single_flight::Participant<'static, u8>>>;
    impl Wake for Owner {
        fn wake(self: Arc<Self>) {}
    }
    loom::model(|| {
        let flight: &'static _ = Box::leak(Box::new(single_flight::SingleFlight::new()));
        let start = |_| -> single_flight::Work<u8> { Box::pin(std::future::pending()) };
        let owned = Box::pin(flight.join(start));
        let waker = Waker::from(Arc::new(Owner(std::sync::Mutex::new(Some(owned)))));
        let mut join = Box::pin(flight.join(start));
        assert!(join.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        assert!(poll_once(join.as_mut()).is_pending());
        drop(join);
        assert!(flight.join(start).started(), "all are gone, and so is the work");
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
        let mut leaves = Box::pin(flight.join(broken));
        assert!(poll_once(leaves.as_mut()).is_pending());
        let dropped = std::panic::AssertUnwindSafe(|| drop(leaves));
        assert!(std::panic::catch_unwind(dropped).is_err());
        let mut join = Box::pin(flight.join(|_| Box::pin(std::future::ready(2))));
        assert_eq!(poll_once(join.as_mut()), Poll::Ready(Ok(2)));
    });
}

mod threads {
    use loom::{
        sync::{Condvar, Mutex},
        thread,
    };

    use super::{
        single_flight::{GiveWay, SingleFlight, Work},
        *,
    };

    fn model(body: impl Fn() + Send + Sync + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(body);
    }

    /// Parks a thread until it is woken.
    #[derive(Default)]
    struct Parker {
        woken: Mutex<bool>,
        changed: Condvar,
    }

    impl Wake for Parker {
        fn wake(self: Arc<Self>) {
            *self.woken.lock().unwrap() = true;
            self.changed.notify_one();
        }
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        let parker = Arc::new(Parker::default());
        let waker = Waker::from(Arc::clone(&parker));
        let mut future = Box::pin(future);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            let mut woken = parker.woken.lock().unwrap();
            while !*woken {
                woken = parker.changed.wait(woken).unwrap();
            }
            *woken = false;
        }
    }

    /// Something that the work waits for.
    #[derive(Default)]
    struct Signal(Mutex<(bool, Option<Waker>)>);

    impl Signal {
        fn fire(&self) {
            let mut state = self.0.lock().unwrap();
            state.0 = true;
            let waker = state.1.take();
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
            }
        }

        fn poll(&self, context: &Context<'_>) -> Poll<()> {
            let mut state = self.0.lock().unwrap();
            if state.0 {
                return Poll::Ready(());
            }
            state.1 = Some(context.waker().clone());
            Poll::Pending
        }
    }

    /// From the first poll of the work until it is dropped.
    struct Busy {
        busy: Arc<loom::sync::atomic::AtomicBool>,
        entered: bool,
    }

    impl Busy {
        fn enter(&mut self) {
            if !std::mem::replace(&mut self.entered, true) {
                assert!(!self.busy.swap(true, Ordering::SeqCst), "two at a time");
            }
        }
    }

    impl Drop for Busy {
        fn drop(&mut self) {
            if self.entered {
                self.busy.store(false, Ordering::SeqCst);
            }
        }
    }

    struct World {
        flight: SingleFlight<usize>,
        signal: Arc<Signal>,
        /// How much work was started.
        started: Arc<AtomicUsize>,
        busy: Arc<loom::sync::atomic::AtomicBool>,
        panics: bool,
    }

    impl World {
        fn new(panics: bool) -> Arc<Self> {
            let flight = SingleFlight::new();
            let (signal, started) = Default::default();
            // One that loom knows of, so that it tries what may come between.
            let busy = Arc::new(loom::sync::atomic::AtomicBool::new(false));
            Arc::new(Self { flight, signal, started, busy, panics })
        }

        fn join(&self) -> single_flight::Participant<'_, usize> {
            self.flight.join(|give_way| self.work(give_way))
        }

        /// Work that comes to its own number, at the signal or when it is asked
        /// to give way, or panics if it is the first.
        fn work(&self, give_way: GiveWay) -> Work<usize> {
            let number = self.started.fetch_add(1, Ordering::SeqCst) + 1;
            let (signal, busy) = (Arc::clone(&self.signal), Arc::clone(&self.busy));
            let panics = self.panics && number == 1;
            let mut busy = Busy { busy, entered: false };
            Box::pin(std::future::poll_fn(move |context| {
                busy.enter();
                let ready = signal.poll(context);
                if panics && ready.is_ready() {
                    // Without a word, as there are thousands of runs.
                    std::panic::resume_unwind(Box::new("the work is broken"));
                }
                let ready = if give_way.is_asked() { Poll::Ready(()) } else { ready };
                ready.map(|()| number)
            }))
        }

        fn on_thread(
            self: &Arc<Self>,
            body: impl FnOnce(&Self) + 'static,
        ) -> thread::JoinHandle<()> {
            let world = Arc::clone(self);
            thread::spawn(move || body(&world))
        }
    }

    #[test]
    fn all_who_wait_are_answered_by_one_piece_of_work() {
        model(|| {
            let world = World::new(false);
            let (one, two) = (world.join(), world.join());
            let signal = Arc::clone(&world.signal);
            let fires = thread::spawn(move || signal.fire());
            let other = world.on_thread(|world| {
                // Its own, if the other two have ended already.
                assert!(block_on(world.join()).is_ok());
            });
            assert_eq!(block_on(one), Ok(1));
            assert_eq!(block_on(two), Ok(1));
            fires.join().unwrap();
            other.join().unwrap();
        });
    }

    #[test]
    fn one_that_is_alive_and_not_polled_holds_up_nobody() {
        model(|| {
            let world = World::new(false);
            let mut forgotten = Box::pin(world.join());
            assert!(poll_once(forgotten.as_mut()).is_pending());
            let waits = world.join();
            let signal = Arc::clone(&world.signal);
            let fires = thread::spawn(move || signal.fire());
            let other = world.on_thread(|world| assert!(block_on(world.join()).is_ok()));
            assert_eq!(block_on(waits), Ok(1));
            fires.join().unwrap();
            other.join().unwrap();
            assert_eq!(poll_once(forgotten.as_mut()), Poll::Ready(Ok(1)));
        });
    }

    /// It may be polled by the one at the very moment at which it is woken and
    /// the other looks.
    #[test]
    fn one_that_is_polled_again_and_then_forgotten_holds_up_nobody() {
        model(|| {
            let world = World::new(false);
            let waits = world.join();
            let signal = Arc::clone(&world.signal);
            let fires = thread::spawn(move || signal.fire());
            let forgets = world.on_thread(|world| {
                let mut forgotten = Box::pin(world.join());
                let _first = poll_once(forgotten.as_mut());
                // Alive for ever.
                std::mem::forget(forgotten);
            });
            assert_eq!(block_on(waits), Ok(1));
            fires.join().unwrap();
            forgets.join().unwrap();
        });
    }

    #[test]
    fn one_that_is_dropped_holds_up_nobody() {
        model(|| {
            let world = World::new(false);
            let waits = world.join();
            let signal = Arc::clone(&world.signal);
            let fires = thread::spawn(move || signal.fire());
            let leaves = world.on_thread(|world| {
                let mut leaves = Box::pin(world.join());
                let _first = poll_once(leaves.as_mut());
            });
            assert_eq!(block_on(waits), Ok(1));
            fires.join().unwrap();
            leaves.join().unwrap();
        });
    }

    /// Whoever comes may have to start anew while the old work is being
    /// dropped.
    #[test]
    fn the_last_to_leave_takes_the_work_along() {
        model(|| {
            let world = World::new(false);
            let mut leaves = Box::pin(world.join());
            assert!(poll_once(leaves.as_mut()).is_pending());
            let comes = world.on_thread(|world| while block_on(world.join()).is_err() {});
            drop(leaves);
            world.signal.fire();
            comes.join().unwrap();
        });
    }

    #[test]
    fn one_that_comes_and_goes_while_the_last_leaves_lets_nobody_in() {
        model(|| {
            let world = World::new(false);
            let mut leaves = Box::pin(world.join());
            assert!(poll_once(leaves.as_mut()).is_pending());
            let comes = world.on_thread(|world| {
                for _ in 0..2 {
                    let mut join = Box::pin(world.join());
                    let _first = poll_once(join.as_mut());
                }
            });
            drop(leaves);
            comes.join().unwrap();
        });
    }

    #[test]
    fn queued_work_comes_when_that_under_way_is_over() {
        model(|| {
            let world = World::new(false);
            let waits = world.join();
            let queues = world.on_thread(|world| {
                let (before, own) = world.flight.queue(|give_way| {
                    give_way.ask();
                    world.work(give_way)
                });
                for join in before {
                    assert_eq!(block_on(join), Ok(1));
                }
                assert_eq!(block_on(own), Ok(2));
            });
            // Nobody gives the signal: it was asked to give way.
            assert_eq!(block_on(waits), Ok(1));
            // Whoever comes then joins it, unless it is over, too.
            world.signal.fire();
            assert!(block_on(world.join()).is_ok());
            queues.join().unwrap();
        });
    }

    #[test]
    fn queued_work_of_one_that_leaves_holds_up_nobody() {
        model(|| {
            let world = World::new(false);
            let waits = world.join();
            let leaves = world.on_thread(|world| {
                let (before, own) = world.flight.queue(|give_way| world.work(give_way));
                let mut all = Box::pin(async move {
                    for join in before {
                        let _ = join.await;
                    }
                    own.await
                });
                let _first = poll_once(all.as_mut());
            });
            assert_eq!(block_on(waits), Ok(1));
            world.signal.fire();
            while block_on(world.join()).is_err() {}
            leaves.join().unwrap();
        });
    }

    #[test]
    fn a_queue_moves_up_in_order() {
        model(|| {
            let world = World::new(false);
            let mut waits = Box::pin(world.join());
            assert!(poll_once(waits.as_mut()).is_pending());
            let queue = || world.flight.queue(|give_way| world.work(give_way));
            let ((before_two, two), (before_three, three)) = (queue(), queue());
            assert_eq!((before_two.len(), before_three.len()), (1, 2));
            for (join, number) in before_three.into_iter().chain([three]).zip(1..) {
                world.signal.fire();
                assert_eq!(block_on(join), Ok(number));
            }
            for (join, number) in before_two.into_iter().chain([two]).zip(1..) {
                assert_eq!(block_on(join), Ok(number));
            }
            assert_eq!(poll_once(waits.as_mut()), Poll::Ready(Ok(1)));
            assert!(world.join().started());
        });
    }

    #[test]
    fn a_panic_is_seen_by_one_and_the_others_start_anew() {
        model(|| {
            let world = World::new(true);
            let (one, two) = (world.join(), world.join());
            let signal = Arc::clone(&world.signal);
            let fires = thread::spawn(move || signal.fire());
            let caught = |join| {
                let all = std::panic::AssertUnwindSafe(|| block_on(join));
                std::panic::catch_unwind(all)
            };
            let outcomes = [caught(one), caught(two)];
            fires.join().unwrap();
            assert!(outcomes[0].is_err());
            assert!(matches!(outcomes[1], Ok(Err(_))));
            assert_eq!(block_on(world.join()), Ok(2));
        });
    }
}
