//! Locks where nothing can be made beside the agent's file: on the file itself.
//!
//! Nobody but its user can open the file, and so lock it. (Others may be able to open its
//! directory.) There is one lock for whoever refreshes and for whoever writes, so that
//! both exclude those who have the same file mounted elsewhere. Within a process, whoever
//! writes shares the lock of whoever refreshes.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use auth_store::internal::{BareLock, Dir, FileError};

/// Whoever refreshes. Freed on drop, but not while a write lasts that shares it.
pub(crate) struct BareLease(Arc<Shared>);

/// Whoever writes. Freed on drop.
pub(crate) struct BareWrite(Arc<Shared>);

struct Shared {
    lock: BareLock,
    is_written: AtomicBool,
}

/// The leases of this process, by path. There are few.
static LEASES: Mutex<Vec<(PathBuf, Weak<Shared>)>> = Mutex::new(Vec::new());

fn leases() -> MutexGuard<'static, Vec<(PathBuf, Weak<Shared>)>> {
    // Nothing that can panic runs while it is held, nor anything that waits.
    LEASES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl BareLease {
    /// The lease; `None` if somebody else refreshes or writes.
    pub(crate) fn try_take(dir: &Dir, name: &str) -> Result<Option<Self>, FileError> {
        let Some(lock) = dir.try_lock_itself(name)? else { return Ok(None) };
        let shared = Arc::new(Shared { lock, is_written: AtomicBool::new(false) });
        let mut leases = leases();
        leases.retain(|(_, lease)| lease.strong_count() > 0);
        leases.push((dir.path_of(name), Arc::downgrade(&shared)));
        Ok(Some(Self(shared)))
    }

    /// Confirms that it is still exclusive.
    pub(crate) fn confirm(&self, dir: &Dir, name: &str) -> Result<(), FileError> {
        dir.confirm_itself(name, &self.0.lock)
    }
}

impl BareWrite {
    /// The right to write; `None` if somebody else writes, or if another process
    /// refreshes.
    pub(crate) fn try_take(dir: &Dir, name: &str) -> Result<Option<Self>, FileError> {
        let path = dir.path_of(name);
        let lease = leases()
            .iter()
            .rev()
            .filter(|lease| lease.0 == path)
            .find_map(|(_, lease)| lease.upgrade());
        if let Some(shared) = lease {
            let is_free = !shared.is_written.swap(true, Ordering::AcqRel);
            return Ok(is_free.then_some(Self(shared)));
        }
        let shared = |lock| Arc::new(Shared { lock, is_written: AtomicBool::new(true) });
        Ok(dir.try_lock_itself(name)?.map(|lock| Self(shared(lock))))
    }
}

impl Drop for BareWrite {
    fn drop(&mut self) {
        self.0.is_written.store(false, Ordering::Release);
    }
}
