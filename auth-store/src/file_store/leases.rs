//! The leases that a store has given, and what is to follow when they are freed.
//!
//! Whoever drops a lease may be a thread of a runtime, or the only one of a timer,
//! and a file system may hang. So dropping it unlocks it and does no more with files.
//! If the account was found to have no record meanwhile, its lock files are removed
//! on another thread.

use std::{
    collections::{HashMap, hash_map::Entry},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use super::FileStore;
use crate::{
    error::FileError,
    lock::{FileLock, Patience},
    names::Names,
    sys::Dir,
};

/// A lease. Frees it when dropped.
#[derive(Debug)]
pub struct HeldLease {
    pub(super) lock: FileLock,
    names: Names,
    store: FileStore,
}

/// How long a lease is waited for that the own process holds to tidy up, which takes
/// some system calls.
const TIDYING: Duration = Duration::from_millis(200);

impl HeldLease {
    /// The lease; `None` if somebody else holds it.
    pub(super) fn try_take(
        store: &FileStore,
        dir: &Dir,
        names: Names,
    ) -> Result<Option<Self>, FileError> {
        let mut patience = Patience::new(TIDYING);
        let lock = loop {
            // Asked before: if it is freed after that, it was held until then.
            let is_tidied = store.leases.is_tidied(&names);
            if let Some(lock) = FileLock::try_take(dir, &names.lease)? {
                break lock;
            }
            match patience.next() {
                Some(pause) if is_tidied => thread::sleep(pause),
                _ => return Ok(None),
            }
        };
        store.leases.taken(&names);
        let held = Self { lock, names, store: store.clone() };
        // Only now, so that whoever removes the record from here on finds the lease
        // among those that are held.
        if !dir.has(&held.names.record)? {
            store.leases.record_is_gone(&held.names);
        }
        Ok(Some(held))
    }
}

impl AsRef<FileLock> for HeldLease {
    fn as_ref(&self) -> &FileLock {
        &self.lock
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        // In this order: whoever removes the record notes that first, and then tries
        // the lease. So either it can be had, or the note is found here.
        self.lock.free();
        if self.store.leases.freed(&self.names) {
            self.store.start_tidying();
        }
    }
}

/// The leases that are held. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Leases(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    held: HashMap<Names, Held>,
    /// The accounts whose lock files are to be removed.
    due: Vec<Names>,
    /// Whether a thread is about that. There is one at most, lest a file system that
    /// hangs takes more.
    is_being_done: bool,
    /// What it is about.
    doing: Option<Names>,
}

#[derive(Debug, Default)]
struct Held {
    /// More than one if the first was lost.
    leases: usize,
    record_is_gone: bool,
}

impl Leases {
    fn taken(&self, names: &Names) {
        self.state().held.entry(names.clone()).or_default().leases += 1;
    }

    /// Notes that the account was found to have no record, if its lease is held.
    pub(super) fn record_is_gone(&self, names: &Names) {
        if let Some(held) = self.state().held.get_mut(names) {
            held.record_is_gone = true;
        }
    }

    /// Notes that a lease was freed. Returns whether a thread has to be started, which
    /// does what is due.
    fn freed(&self, names: &Names) -> bool {
        let mut state = self.state();
        let Entry::Occupied(mut held) = state.held.entry(names.clone()) else { return false };
        held.get_mut().leases -= 1;
        if held.get().leases > 0 || !held.remove().record_is_gone || !Dir::TELLS_FILES_APART {
            return false;
        }
        state.due.push(names.clone());
        !mem::replace(&mut state.is_being_done, true)
    }

    /// Notes accounts whose lock files could not be removed yet. Returns the same.
    pub(super) fn put_off(&self, accounts: Vec<Names>) -> bool {
        if accounts.is_empty() || !Dir::TELLS_FILES_APART {
            return false;
        }
        let mut state = self.state();
        state.due.extend(accounts);
        !mem::replace(&mut state.is_being_done, true)
    }

    /// What that thread has to do next. It ends when there is nothing.
    pub(super) fn next_due(&self) -> Option<Names> {
        let mut state = self.state();
        state.doing = state.due.pop();
        state.is_being_done = state.doing.is_some();
        state.doing.clone()
    }

    /// Whether this process may hold the lease for no more than a moment, in which it
    /// removes the file.
    fn is_tidied(&self, names: &Names) -> bool {
        let state = self.state();
        let is_due = state.doing.as_ref() == Some(names) || state.due.contains(names);
        is_due && !state.held.contains_key(names)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs while it is held, nor anything that waits.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whose thread never comes round to it, as if the file system hung.
    #[test]
    fn one_thread_at_most_is_started() {
        let (leases, [ada, bob]) = (Leases::default(), ["ada", "bob"].map(Names::of));
        // There is a record.
        leases.taken(&ada);
        assert!(!leases.freed(&ada));
        // It is not held.
        leases.record_is_gone(&ada);
        leases.taken(&ada);
        assert!(!leases.freed(&ada));
        // One of two, the first of which was lost.
        leases.taken(&ada);
        leases.record_is_gone(&ada);
        leases.taken(&ada);
        assert!(!leases.freed(&ada));
        assert!(leases.freed(&ada));
        for _ in 0..2 {
            leases.taken(&bob);
            leases.record_is_gone(&bob);
            assert!(!leases.freed(&bob), "one has been started");
        }
        assert!(leases.is_tidied(&ada));
        // It does it all.
        assert_eq!(
            [(); 4].map(|()| leases.next_due()),
            [Some(bob.clone()), Some(bob), Some(ada.clone()), None]
        );
        assert!(!leases.is_tidied(&ada));
        leases.taken(&ada);
        leases.record_is_gone(&ada);
        assert!(leases.freed(&ada), "it has ended");
        assert_eq!(leases.next_due(), Some(ada.clone()));
        assert!(leases.is_tidied(&ada));
        leases.taken(&ada);
        assert!(!leases.is_tidied(&ada), "somebody holds it");
        leases.freed(&ada);
        assert!(leases.state().held.is_empty());
    }
}
