//! Every interleaving of threads, by loom.

use loom::{
    sync::{Condvar, Mutex},
    thread,
};

use super::{
    single_flight::{GiveWay, SingleFlight, Work},
    *,
};

pub(super) fn model(body: impl Fn() + Send + Sync + 'static) {
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

pub(super) fn block_on<F: Future>(future: F) -> F::Output {
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
pub(super) struct Signal(Mutex<(bool, Option<Waker>)>);

impl Signal {
    pub(super) fn fire(&self) {
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

pub(super) struct World {
    pub(super) flight: SingleFlight<usize>,
    pub(super) signal: Arc<Signal>,
    /// How much work was started.
    started: Arc<AtomicUsize>,
    busy: Arc<loom::sync::atomic::AtomicBool>,
    panics: bool,
}

impl World {
    pub(super) fn new(panics: bool) -> Arc<Self> {
        let flight = SingleFlight::new();
        let (signal, started) = Default::default();
        // One that loom knows of, so that it tries what may come between.
        let busy = Arc::new(loom::sync::atomic::AtomicBool::new(false));
        Arc::new(Self { flight, signal, started, busy, panics })
    }

    pub(super) fn join(&self) -> single_flight::Caller<'_, usize> {
        self.flight.join(|give_way| self.work(give_way)).unwrap()
    }

    /// Work that comes to its own number, at the signal or when it is asked
    /// to give way, or panics if it is the first.
    pub(super) fn work(&self, give_way: GiveWay) -> Work<usize> {
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

    pub(super) fn on_thread(
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
            let queued = world.flight.queue(None, |give_way| {
                give_way.ask();
                world.work(give_way)
            });
            let (before, own) = queued.unwrap();
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
            let (before, own) = world.flight.queue(None, |give_way| world.work(give_way)).unwrap();
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
        let queue = || world.flight.queue(None, |give_way| world.work(give_way)).unwrap();
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
