use std::{
    pin::{Pin, pin},
    sync::mpsc,
    task::{Context, Wake},
    thread,
};

use super::*;

/// Jobs that were handed to threads which have not come round to them yet.
#[derive(Clone, Default)]
struct Threads(Arc<Mutex<Vec<Job>>>);

impl Threads {
    fn start(&self) -> impl FnOnce(Job) + Send + use<> {
        let jobs = Arc::clone(&self.0);
        move |job| lock(&jobs).push(job)
    }

    fn len(&self) -> usize {
        lock(&self.0).len()
    }

    fn take(&self) -> Job {
        lock(&self.0).remove(0)
    }
}

type Pending = Pin<Box<dyn Future<Output = u32> + Send>>;

fn call(calls: &OffThread, threads: &Threads, key: Key, result: u32) -> Pending {
    let (calls, start) = (calls.clone(), threads.start());
    Box::pin(async move { calls.call(key, start, move || result).await })
}

fn poll(call: &mut Pending) -> Poll<u32> {
    call.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn record(name: &str) -> Key {
    Key::Record(name.into())
}

#[test]
fn a_call_that_was_given_up_on_holds_back_its_key_and_no_other() {
    let keys = [record("ada"), Key::Lease("ada".into()), Key::List];
    for key in &keys {
        let (calls, threads) = (OffThread::default(), Threads::default());
        // Two, of which nobody waits any more.
        let mut stuck = [1, 2].map(|result| call(&calls, &threads, key.clone(), result));
        assert!(stuck.iter_mut().all(|stuck| poll(stuck).is_pending()));
        drop(stuck);
        let mut waits = call(&calls, &threads, key.clone(), 3);
        assert!(poll(&mut waits).is_pending());
        assert_eq!(threads.len(), 2, "{key:?}: it has not begun");
        for other in keys.iter().chain(&[record("bob")]).filter(|other| *other != key) {
            let mut other = call(&calls, &threads, other.clone(), 2);
            assert!(poll(&mut other).is_pending());
            assert_eq!(threads.len(), 3, "{key:?}: others begin");
            lock(&threads.0).pop().unwrap()();
            assert_eq!(poll(&mut other), Poll::Ready(2));
        }
        for _ in 0..2 {
            assert!(poll(&mut waits).is_pending(), "{key:?}: nor has it after one of them");
            threads.take()();
        }
        assert!(poll(&mut waits).is_pending());
        threads.take()();
        assert_eq!(poll(&mut waits), Poll::Ready(3), "{key:?}");
        assert!(lock(&calls.0).given_up.is_empty());
        assert_eq!(lock(&calls.0).under_way, 0);
    }
}

#[test]
fn calls_of_which_somebody_waits_hold_back_none() {
    let (calls, threads) = (OffThread::default(), Threads::default());
    let mut both = [1, 2].map(|result| call(&calls, &threads, record("ada"), result));
    for one in &mut both {
        assert!(poll(one).is_pending());
    }
    assert_eq!(threads.len(), 2);
    threads.take()();
    threads.take()();
    assert_eq!(both.each_mut().map(poll), [Poll::Ready(1), Poll::Ready(2)]);
    // Nor does one that is over, whether or not it was looked at.
    let mut over = call(&calls, &threads, record("ada"), 3);
    assert!(poll(&mut over).is_pending());
    threads.take()();
    drop(over);
    assert!(lock(&calls.0).given_up.is_empty());
}

#[test]
fn a_store_that_hangs_has_so_many_threads_and_no_more() {
    let (calls, threads) = (OffThread::default(), Threads::default());
    for number in 0..10 * MOST {
        let key = record(&number.to_string());
        assert!(poll(&mut call(&calls, &threads, key, 0)).is_pending());
    }
    assert_eq!(threads.len(), MOST);
    // Who waits for a lease takes nothing away from others.
    let mut leases: Vec<_> = (0..2 * MOST)
        .map(|number| call(&calls, &threads, Key::Lease(number.to_string().into()), 0))
        .collect();
    assert!(leases.iter_mut().all(|lease| poll(lease).is_pending()));
    assert_eq!(threads.len(), 3 * MOST);
    // Their turn comes when one is over.
    let mut waits = call(&calls, &threads, record("ada"), 7);
    assert!(poll(&mut waits).is_pending());
    assert_eq!(threads.len(), 3 * MOST);
    threads.take()();
    assert!(poll(&mut waits).is_pending());
    assert_eq!(threads.len(), 3 * MOST);
    lock(&threads.0).pop().unwrap()();
    assert_eq!(poll(&mut waits), Poll::Ready(7));
}

#[test]
fn who_waits_no_more_for_a_turn_is_forgotten() {
    let (calls, threads) = (OffThread::default(), Threads::default());
    drop_pending(call(&calls, &threads, record("ada"), 0));
    let mut waits = call(&calls, &threads, record("ada"), 1);
    for _ in 0..100 {
        let waker = Arc::new(Bell);
        let waker = Waker::from(waker);
        assert!(waits.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(lock(&calls.0).waiting.len(), 1);
        drop_pending(call(&calls, &threads, record("ada"), 2));
        assert_eq!(lock(&calls.0).waiting.len(), 1);
    }
    threads.take()();
    assert!(poll(&mut waits).is_pending());
    threads.take()();
    assert_eq!(poll(&mut waits), Poll::Ready(1));
    assert!(lock(&calls.0).waiting.is_empty());
}

/// Each is another one.
struct Bell;

impl Wake for Bell {
    fn wake(self: Arc<Self>) {}
}

fn drop_pending(mut call: Pending) {
    let waker = Waker::from(Arc::new(Bell));
    assert!(call.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
}

#[test]
fn whoever_waits_for_a_turn_is_woken() {
    let calls = OffThread::default();
    let threads = Threads::default();
    let mut stuck = call(&calls, &threads, record("ada"), 0);
    assert!(poll(&mut stuck).is_pending());
    drop(stuck);
    let (done, over) = mpsc::channel();
    let waits = {
        let calls = calls.clone();
        thread::spawn(move || {
            let start = |job: Job| job();
            done.send(pollster::block_on(calls.call(record("ada"), start, || 5))).unwrap();
        })
    };
    threads.take()();
    assert_eq!(over.recv(), Ok(5));
    waits.join().unwrap();
}

#[test]
fn a_panic_is_the_callers_and_a_lost_thread_is_one() {
    for lose in [false, true] {
        let (calls, threads) = (OffThread::default(), Threads::default());
        let work = {
            let (calls, start) = (calls.clone(), threads.start());
            async move { calls.call(record("ada"), start, || panic!("broken")).await }
        };
        let mut work: Pin<Box<dyn Future<Output = ()>>> = Box::pin(work);
        let mut context = Context::from_waker(Waker::noop());
        assert!(work.as_mut().poll(&mut context).is_pending());
        let job = threads.take();
        if lose {
            drop(job);
        } else {
            job();
        }
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(&mut context)));
        assert!(polled.is_err());
        drop(work);
        assert_eq!(lock(&calls.0).under_way, 0);
        let after = pin!(calls.call(record("ada"), |job| job(), || ()));
        pollster::block_on(after);
    }
}
