//! Lock files go with their account.
//!
//! They are removed by whoever holds both, the lock and the lease, and finds no
//! record. Everybody takes them in this order, and tries the lease only. So if two
//! are about it at the same time, one of them succeeds. Whoever removes a record
//! while somebody holds the lease leaves the rest to that holder, whose store tidies
//! up when the lease is freed, if it knows that the record is gone. What stays is
//! removed when a store is opened. Whoever has such a lock at that moment may end, or
//! may have found the lease held by somebody who has ended since. So the store that was
//! opened comes back to it, on a thread of its own.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use crate::{
    error::{FileError, Problem},
    lock::FileLock,
    names::Names,
    sys::Dir,
};

/// Removes the lock files of an account without a record.
pub(super) fn tidy(dir: &Dir, names: &Names, wait: Duration) -> Result<(), FileError> {
    if dir.has(&names.record)? || !dir.has(&names.lock)? && !dir.has(&names.lease)? {
        return Ok(());
    }
    let _lock = FileLock::take(dir, &names.lock, wait)?;
    remove_locks(dir, names)
}

/// The same. The caller holds the lock, and goes on holding it.
pub(super) fn remove_locks(dir: &Dir, names: &Names) -> Result<(), FileError> {
    // Somebody may have logged in before the lock was taken.
    if !Dir::TELLS_FILES_APART || dir.has(&names.record)? {
        return Ok(());
    }
    if let Some(_lease) = FileLock::try_take(dir, &names.lease)? {
        // It has no writer: that would hold the lock.
        dir.remove(&names.temporary)?;
        dir.remove(&names.lease)?;
        dir.remove(&names.lock)?;
    }
    Ok(())
}

/// Removes what processes left that died: temporary files, which hold secrets, and
/// the lock files of accounts that are gone. Returns the accounts without a record
/// whose lock somebody has right now.
///
/// A live writer holds the account's lock, so a temporary file that is found
/// under the lock has no writer. Errors are ignored: the store may be open
/// for reading only.
#[must_use]
pub(super) fn sweep(dir: &Dir) -> Vec<Names> {
    let mut left_over = Vec::new();
    let (state, mut records) = (RandomState::new(), HashSet::new());
    let _ = dir.for_each_name(|name| {
        let Some(name) = name.to_str() else { return };
        left_over.extend(Names::of_temporary(name));
        records.extend(Names::of_record(name).map(|names| state.hash_one(names.record)));
    });
    for names in left_over {
        if let Ok(Some(_lock)) = FileLock::try_take(dir, &names.lock) {
            let _ = dir.remove(&names.temporary);
        }
    }
    let mut orphans = HashSet::new();
    let _ = dir.for_each_name(|name| {
        let names = name.to_str().and_then(Names::of_lock);
        // If two hashes are equal by accident, files stay.
        orphans.extend(names.filter(|names| !records.contains(&state.hash_one(&names.record))));
    });
    orphans.retain(|names| {
        let tidied = tidy(dir, names, Duration::ZERO);
        tidied.is_err_and(|error| matches!(error.problem, Problem::Busy { .. }))
    });
    orphans.into_iter().collect()
}
