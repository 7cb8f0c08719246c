//! A store with one file for each account, in one directory.

mod damage;
mod form;
mod leases;
mod listing;
mod opening;
mod tidying;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use auth_accounts::{
    AccountId, StoreError,
    internal::OffThread,
    store::{Record, Version},
};

use self::{
    damage::Stored,
    leases::{HeldLease, Leases},
};
use crate::{
    content::MAX_SIZE,
    error::{FileError, Problem},
    events,
    files::Files,
    internal::token_store,
    lock::FileLock,
    names::Names,
    sys::{Dir, Modes, Privacy},
};

/// Keeps each account's record in a file of its own, in one directory.
///
/// It implements [`TokenStore`](auth_accounts::store::TokenStore), on any async
/// runtime, and [`BlockingTokenStore`](auth_accounts::store::BlockingTokenStore).
/// Cloning shares the store. Any number of processes may share a directory.
/// [The crate's documentation](crate) says what is promised, and on which
/// systems.
///
/// A program hands it to its accounts, and stores a login by
/// [`store_login`](auth_accounts::Account::store_login), the first one and any
/// later one. It has no other business with the store.
///
/// ```
/// use auth_store::{FileStore, auth_accounts::BlockingAccounts};
///
/// # let scratch = tempfile::tempdir().unwrap();
/// # let directory = scratch.path().join("tokens");
/// # let server = auth_testkit::FakeAuthServer::new();
/// # let (endpoint, transport) = (server.endpoint(), server.clone());
/// # let (clock, tokens) = (server.clock().clone(), server.log_in("ada"));
/// let store = FileStore::open(directory)?;
/// let accounts = BlockingAccounts::new(endpoint, transport, store, clock);
///
/// // After a login, be it the first or another:
/// let ada = accounts.account("ada@example.com");
/// ada.store_login(tokens)?;
///
/// // Later, in any process:
/// let token = ada.token()?;
/// # let again = server.log_in("ada");
/// # ada.store_login(again.clone())?;
/// # assert_eq!(ada.token()?.access_token(), &again.access_token);
/// # assert_ne!(token.access_token(), &again.access_token);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct FileStore {
    directory: Arc<Path>,
    modes: Modes,
    calls: OffThread,
    leases: Leases,
}

/// How long a save waits for other saves to end. A save takes as long as
/// flushing a small file to disk.
const SAVE_WAIT: Duration = Duration::from_secs(10);

impl FileStore {
    /// Opens the store in `directory`. Creates the directory with mode 0700, and
    /// its parents, if they do not exist. Removes the temporary files of
    /// processes that died during a save, and lock files without a record. Takes
    /// access from the group of the directory, and of the files in it, if it has
    /// any. It blocks the thread for a short time.
    ///
    /// # Errors
    ///
    /// If the directory cannot be created or opened. With the kind
    /// [`Permissions`](auth_accounts::StoreErrorKind::Permissions), if it
    /// belongs to another user, is a symbolic link, is accessible to everybody, or
    /// has above it a directory that everybody may write to, or somebody else's
    /// link in one like `/tmp`; or if its file system does not keep modes
    /// ([`insecure_modes`](Self::insecure_modes)).
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, StoreError> {
        Ok(Self::open_with(directory.into(), Modes::Enforced)?)
    }

    /// Opens the store in the directory `application` below the platform's
    /// directory for programs' state: `$XDG_STATE_HOME` or `~/.local/state` on
    /// Linux, `~/Library/Application Support` on macOS,
    /// `%USERPROFILE%\AppData\Local` on Windows.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open). Also if `application` is not the plain
    /// name of one directory, or if this user has no home directory, or a relative
    /// one. A relative `XDG_STATE_HOME` is ignored, as its specification says.
    pub fn for_application(application: &str) -> Result<Self, StoreError> {
        Self::open(Self::application_directory(application)?)
    }

    /// The directory of the store.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Removes the record of `account`, whatever its version, and also if it
    /// cannot be read, and what was moved aside of it. Returns whether there was any.
    /// It is for a person who has given it up:
    /// [`remove`](auth_accounts::store::TokenStore::remove) moves aside what it cannot
    /// read, if it does anything. It blocks the thread: for a short time, and for
    /// up to 10 s while another process saves.
    ///
    /// A refresh in progress elsewhere does not bring the record back: its save
    /// finds that the record is gone, and fails.
    ///
    /// # Errors
    ///
    /// If the record cannot be removed.
    pub fn discard(&self, account: &AccountId) -> Result<bool, StoreError> {
        let dir = self.dir()?;
        let names = Names::of(account.as_str());
        let _lock = FileLock::take(&dir, &names.lock, SAVE_WAIT)?;
        let any_aside = damage::remove_aside(&dir, &names)?;
        Ok(self.take_away(&dir, &names)? || any_aside)
    }

    fn dir(&self) -> Result<Dir, FileError> {
        Dir::open_with(&self.directory, Privacy::Secret, self.modes).map_err(|mut error| {
            if let Problem::ForeignOwner { owner, user } = error.problem {
                error.problem = Problem::ForeignDirectory { owner, user };
            }
            error
        })
    }

    /// Removes a record, and what a writer that died has left of it. Returns whether
    /// there was one. The caller holds the lock, which goes too if the lease can be had.
    fn take_away(&self, dir: &Dir, names: &Names) -> Result<bool, FileError> {
        dir.remove(&names.temporary)?;
        let removed = dir.remove(&names.record)?;
        // Before the lease is tried: whoever holds it frees it, and then looks for this.
        self.leases.record_is_gone(names);
        dir.flush(&names.record)?;
        // Of a removal that is done nothing fails any more.
        let _ = tidying::remove_locks(dir, names);
        Ok(removed)
    }

    /// Starts the thread that removes the lock files of accounts that are
    /// [due](Leases::next_due).
    fn start_tidying(&self) {
        let store = self.clone();
        let work = move || {
            while let Some(names) = store.leases.next_due() {
                // What stays is removed when the store is opened again.
                let _ = store.dir().and_then(|dir| tidying::tidy(&dir, &names, SAVE_WAIT));
            }
        };
        blocking::unblock(work).detach();
    }
}

/// A record that was read.
struct Found {
    account: AccountId,
    record: Record,
    version: Version,
}

/// Reads the file of a record, which must belong to `account` if that is given.
fn read(dir: &Dir, name: &str, account: Option<&AccountId>) -> Result<Option<Found>, FileError> {
    let content = dir.read(name, MAX_SIZE);
    let content = content.map_err(|error| damage::identified(dir, name, None, error))?;
    let Some(content) = content else { return Ok(None) };
    let error = |problem| {
        let error = FileError::new(dir.path_of(name), problem);
        damage::identified(dir, name, Some(&content), error)
    };
    let (owner, record) = form::parse(&content).map_err(error)?;
    // A file that was copied to another name belongs to no account.
    if account.is_some_and(|account| account.as_str() != owner) || Names::of(&owner).record != name
    {
        return Err(error(Problem::WrongAccount));
    }
    Ok(Some(Found { account: owner.into(), record, version: form::version(&content) }))
}

/// Notes in the lock whose it is, if its name does not say so: then the account
/// is listed even if its record cannot be read. Without the note the record says
/// whose it is, so a failure costs little.
fn note_owner(lock: &FileLock, names: &Names, account: &AccountId) {
    if names.are_digests() && !lock.note().is_ok_and(|noted| noted == account.as_str()) {
        let _ = lock.set_note(account.as_str());
    }
}

/// Replaces the record, if the lock is still exclusive. What is damaged is moved aside
/// at the last moment, when the new record is there whole.
fn put(
    dir: &Dir,
    names: &Names,
    lock: &FileLock,
    stored: &Stored,
    content: &[u8],
) -> Result<(), FileError> {
    dir.replace(&names.record, &names.temporary, content, || {
        // Otherwise somebody else may have saved.
        if !lock.is_current(dir, &names.lock)? {
            return Err(FileError::new(dir.path_of(&names.record), Problem::Conflict));
        }
        match stored {
            Stored::Damaged => damage::move_aside(dir, names),
            Stored::Nothing | Stored::Record(_) => Ok(()),
        }
    })
}

impl Files for FileStore {
    fn calls(&self) -> &OffThread {
        &self.calls
    }

    fn load(&self, account: &AccountId) -> Result<Option<(Record, Version)>, FileError> {
        let names = Names::of(account.as_str());
        let found = read(&self.dir()?, &names.record, Some(account))?;
        if found.is_none() {
            // Another process may have removed it.
            self.leases.record_is_gone(&names);
        }
        Ok(found.map(|found| (found.record, found.version)))
    }

    fn save(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, FileError> {
        let dir = self.dir()?;
        let names = Names::of(account.as_str());
        let error = |problem| FileError::new(dir.path_of(&names.record), problem);

        let content = form::write(account, record).map_err(error)?;
        let lock = FileLock::take(&dir, &names.lock, SAVE_WAIT)?;
        // If the old file cannot be read, the save fails here, unless whoever saves has
        // seen that very file. So it is never overwritten unseen.
        let stored = Stored::of(read(&dir, &names.record, Some(account)), expected)?;
        if !stored.is(expected) {
            return Err(error(Problem::Conflict));
        }
        note_owner(&lock, &names, account);
        put(&dir, &names, &lock, &stored, &content.bytes)?;
        if let Some(reason) = content.left_out {
            events::extra_left_out(&dir.path_of(&names.record), reason);
        }
        Ok(form::version(&content.bytes))
    }

    fn remove(&self, account: &AccountId, expected: &Version) -> Result<(), FileError> {
        let dir = self.dir()?;
        let names = Names::of(account.as_str());
        let _lock = FileLock::take(&dir, &names.lock, SAVE_WAIT)?;
        // If the file cannot be read, the removal fails here, as a save does.
        let stored = Stored::of(read(&dir, &names.record, Some(account)), Some(expected))?;
        if !stored.is(Some(expected)) {
            return Err(FileError::new(dir.path_of(&names.record), Problem::Conflict));
        }
        if matches!(stored, Stored::Damaged) {
            damage::move_aside(&dir, &names)?;
        }
        self.take_away(&dir, &names).map(drop)
    }

    fn list(&self, after: Option<&AccountId>, most: usize) -> Result<Vec<AccountId>, FileError> {
        listing::page(&self.dir()?, after, most)
    }

    type Held = HeldLease;

    fn try_lease(&self, account: &AccountId) -> Result<Option<HeldLease>, FileError> {
        HeldLease::try_take(self, &self.dir()?, Names::of(account.as_str()))
    }

    fn confirm(&self, account: &AccountId, held: &HeldLease) -> Result<(), FileError> {
        held.lock.confirm(&self.dir()?, &Names::of(account.as_str()).lease)
    }

    fn lease_error(&self, account: &AccountId, problem: Problem) -> FileError {
        FileError::new(self.directory.join(Names::of(account.as_str()).lease), problem)
    }
}

token_store!(FileStore, |store| store);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_save_whose_lock_was_removed_is_a_conflict() {
        let scratch = tempfile::tempdir().unwrap();
        let store = FileStore::open(scratch.path().join("store")).unwrap();
        let (dir, names) = (store.dir().unwrap(), Names::of("ada"));
        let lock = FileLock::take(&dir, &names.lock, Duration::ZERO).unwrap();
        put(&dir, &names, &lock, &Stored::Nothing, b"1").unwrap();
        dir.remove(&names.lock).unwrap();
        let _other = FileLock::take(&dir, &names.lock, Duration::ZERO).unwrap();
        let error = put(&dir, &names, &lock, &Stored::Nothing, b"2").unwrap_err();
        assert!(matches!(error.problem, Problem::Conflict), "{error:?}");
        assert_eq!(**dir.read(&names.record, 10).unwrap().unwrap(), *b"1");
    }
}
