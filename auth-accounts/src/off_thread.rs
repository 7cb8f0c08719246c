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
    /// Who waits for a turn, by number.
    waiting: HashMap<u64, Waker>,
    last: u64,
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
        let mut turn = Turn { off_thread: self, key: &key, number: None };
        poll_fn(|context| turn.poll(context.waker())).await;
        drop(turn);
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
}

/// Somebody who waits for a turn, until this is dropped.
struct Turn<'a> {
    off_thread: &'a OffThread,
    key: &'a Key,
    number: Option<u64>,
}

impl Turn<'_> {
    /// Whether it is this call's turn. If it is, the call is under way.
    fn poll(&mut self, waker: &Waker) -> Poll<()> {
        let mut state = lock(&self.off_thread.0);
        let counts = self.key.counts();
        if state.given_up.contains_key(self.key) || counts && state.under_way >= MOST {
            state.last += 1;
            let number = *self.number.get_or_insert(state.last);
            // Dropped without a lock, for it may be the last of a task.
            let old = state.waiting.insert(number, waker.clone());
            drop(state);
            drop(old);
            return Poll::Pending;
        }
        state.under_way += usize::from(counts);
        Poll::Ready(())
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let waker = lock(&self.off_thread.0).waiting.remove(&number);
            drop(waker);
        }
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
        waiting.into_values().chain(caller).for_each(Waker::wake);
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
mod tests;
