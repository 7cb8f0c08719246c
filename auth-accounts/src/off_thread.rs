//! Calls that block, on threads that their callers can give up on.
//!
//! A thread that hangs in the kernel cannot be ended: a file system may not
//! answer for hours. So whoever waits for it leaves, and it goes on alone. That
//! must not happen again and again, for each caller one more thread:
//!
//! 1. While a call that was given up on is still under way, no other one of its
//!    key begins. It waits, and occupies no thread.
//! 2. Only so many calls of one store are under way at the same time, those that
//!    hang included ([waits for a lease](Key::Lease) apart). Others wait likewise, and
//!    so leave threads to other stores.

use std::{
    any::Any,
    collections::{HashMap, hash_map::Entry},
    fmt,
    future::poll_fn,
    mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use crate::id::AccountId;

/// How many calls of a store are under way at the same time.
const MOST: usize = 32;

/// What a call is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// The record of this account.
    Record(AccountId),
    /// The lease of this account, and waits for it. Any number of them may be under
    /// way: if they were all there could be, whoever holds a lease could not save.
    Lease(AccountId),
    /// The list of accounts.
    List,
}

/// What a thread has to do.
pub type Job = Box<dyn FnOnce() + Send>;

/// The calls of one store that block. Cloning shares them.
#[derive(Clone, Default)]
pub struct OffThread(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    under_way: usize,
    /// How many calls there are of each key that nobody waits for any more.
    given_up: HashMap<Key, usize>,
    waiting: Vec<Waker>,
}

impl OffThread {
    /// Runs `operation` on the thread that `start` brings about, when its turn has
    /// come. A panic in it is one of the caller's.
    ///
    /// If the future is dropped before the operation begins, it never does. If it is
    /// dropped after that, the operation goes on, and what comes of it is dropped.
    pub async fn call<T: Send + 'static>(
        &self,
        key: Key,
        start: impl FnOnce(Job),
        operation: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        poll_fn(|context| self.turn(&key, context.waker())).await;
        let call = Arc::new(Call { off_thread: self.clone(), key, state: Mutex::default() });
        // From here on it is under way until this is dropped, run or not.
        let running = Running(Arc::clone(&call));
        let job = move || {
            let result = catch_unwind(AssertUnwindSafe(operation));
            running.0.end(Some(result));
        };
        let waits = Waits(&call);
        start(Box::new(job));
        poll_fn(|context| waits.0.poll(context.waker())).await
    }

    /// Whether it is this call's turn. If it is, the call is under way.
    fn turn(&self, key: &Key, waker: &Waker) -> Poll<()> {
        let mut state = lock(&self.0);
        let counts = key.counts();
        if state.given_up.contains_key(key) || counts && state.under_way >= MOST {
            if !state.waiting.iter().any(|waiting| waiting.will_wake(waker)) {
                state.waiting.push(waker.clone());
            }
            return Poll::Pending;
        }
        state.under_way += usize::from(counts);
        Poll::Ready(())
    }
}

impl Key {
    fn counts(&self) -> bool {
        !matches!(self, Self::Lease(_))
    }
}

/// A call, which its thread and its caller share.
struct Call<T> {
    off_thread: OffThread,
    key: Key,
    state: Mutex<CallState<T>>,
}

struct CallState<T> {
    result: Option<Result<T, Box<dyn Any + Send>>>,
    waker: Option<Waker>,
    is_over: bool,
    is_given_up: bool,
}

impl<T> Default for CallState<T> {
    fn default() -> Self {
        Self { result: None, waker: None, is_over: false, is_given_up: false }
    }
}

impl<T> Call<T> {
    fn poll(&self, waker: &Waker) -> Poll<T> {
        let mut state = lock(&self.state);
        match state.result.take() {
            Some(Ok(result)) => Poll::Ready(result),
            Some(Err(panic)) => {
                drop(state);
                resume_unwind(panic)
            }
            None if state.is_over => {
                drop(state);
                resume_unwind(Box::new("the thread of a store's call was lost"))
            }
            None => {
                state.waker = Some(waker.clone());
                Poll::Pending
            }
        }
    }

    /// It is over. `None` if it was dropped before it was run.
    fn end(&self, result: Option<Result<T, Box<dyn Any + Send>>>) {
        let mut call = lock(&self.state);
        if call.is_over {
            return;
        }
        call.is_over = true;
        let caller = call.waker.take();
        // Dropped without a lock, for it may be a lease.
        let unwanted;
        (call.result, unwanted) = if call.is_given_up { (None, result) } else { (result, None) };
        let mut state = lock(&self.off_thread.0);
        state.under_way -= usize::from(self.key.counts());
        if call.is_given_up
            && let Entry::Occupied(mut given_up) = state.given_up.entry(self.key.clone())
        {
            *given_up.get_mut() -= 1;
            if *given_up.get() == 0 {
                given_up.remove();
            }
        }
        let waiting = mem::take(&mut state.waiting);
        drop(state);
        drop(call);
        waiting.into_iter().chain(caller).for_each(Waker::wake);
        drop(unwanted);
    }
}

/// The thread's side.
struct Running<T>(Arc<Call<T>>);

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        self.0.end(None);
    }
}

/// The caller's side.
struct Waits<'a, T>(&'a Call<T>);

impl<T> Drop for Waits<'_, T> {
    fn drop(&mut self) {
        let Call { off_thread, key, state } = self.0;
        let mut call = lock(state);
        call.is_given_up = true;
        if !call.is_over {
            *lock(&off_thread.0).given_up.entry(key.clone()).or_default() += 1;
        }
        // Dropped without a lock, for it may be a lease.
        let unwanted = call.result.take();
        drop(call);
        drop(unwanted);
    }
}

impl fmt::Debug for OffThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = lock(&self.0);
        f.debug_struct("OffThread")
            .field("under_way", &state.under_way)
            .field("given_up", &state.given_up.len())
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic runs while it is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{
        pin::{Pin, pin},
        sync::mpsc,
        task::Context,
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
}
