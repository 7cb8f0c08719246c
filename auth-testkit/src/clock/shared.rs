//! What the handles of one virtual clock share.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::{state::State, tasks::Tasks};

pub(super) struct Shared {
    state: Mutex<State>,
    /// Something that a blocked thread may be waiting for has changed.
    changed: Condvar,
    pub(super) tasks: Tasks,
}

impl Shared {
    pub(super) fn new(state: State) -> Self {
        Self { state: Mutex::new(state), changed: Condvar::new(), tasks: Tasks::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and then wakes the tasks that the change concerns,
    /// without holding the lock.
    pub(super) fn change<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = act(&mut state);
        let wakers = state.take_wakers();
        drop(state);
        self.changed.notify_all();
        for waker in wakers {
            waker.wake();
        }
        result
    }
}
