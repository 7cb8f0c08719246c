//! The credential file of an agent, used in place.
//!
//! The agent and this program share the file: each finds the tokens that the
//! other refreshed. Its tokens are the record's tokens. What it has no place for
//! (the setback, the note that a refresh began) is kept in a file of ours beside
//! it, in the directory `.auth-store`.

use std::{
    ffi::{OsStr, OsString},
    fmt,
    io::ErrorKind,
    marker::PhantomData,
    ops::Deref,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use auth_accounts::{
    AccountId, Registration,
    store::{Record, Version},
};
use auth_store::internal::{
    Dir, FileError, FileLock, Files, Modes, OffThread, Patience, Privacy, Problem, home_directory,
    named_by,
};
use zeroize::Zeroizing;

use crate::{
    document::Document,
    format::{Format, Found},
    notes::{Notes, NotesDir},
};

/// An agent's file, as the store of one account. Cloning shares it.
pub(crate) struct AgentFile<F>(Arc<Inner<F>>);

impl<F: Format> AgentFile<F> {
    pub(crate) fn new(account: AccountId, file: PathBuf, modes: Modes) -> Result<Self, FileError> {
        Ok(Self(Arc::new(Inner::new(account, file, modes)?)))
    }
}

impl<F> Clone for AgentFile<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F> Deref for AgentFile<F> {
    type Target = Inner<F>;

    fn deref(&self) -> &Inner<F> {
        &self.0
    }
}

impl<F> fmt::Debug for AgentFile<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentFile")
            .field("account", &self.account)
            .field("file", &self.file)
            .finish()
    }
}

pub(crate) struct Inner<F> {
    pub(crate) account: AccountId,
    pub(crate) file: PathBuf,
    /// Whose tokens are in it.
    pub(crate) registration: Registration,
    modes: Modes,
    calls: OffThread,
    format: PhantomData<fn() -> F>,
}

/// The maximum size of such a file, in bytes. They hold a few kilobytes.
const MAX_FILE: usize = 1 << 20;

/// How long a save waits for other saves to end.
const SAVE_WAIT: Duration = Duration::from_secs(10);

/// How long an unreadable file is given to become readable. Codex rewrites its
/// file in place, as do people who edit it by hand. A fuzzer cannot wait, since
/// nearly all that it tries is unreadable.
const SETTLE: Duration = Duration::from_millis(if cfg!(fuzzing) { 0 } else { 100 });

impl<F: Format> Inner<F> {
    fn new(account: AccountId, file: PathBuf, modes: Modes) -> Result<Self, FileError> {
        let file = std::path::absolute(&file)
            .map_err(|error| FileError::io("make absolute", file, error))?;
        if file.file_name().and_then(OsStr::to_str).is_none() || file.parent().is_none() {
            return Err(FileError::new(file, Problem::WrongType { expected: "file name" }));
        }
        Dir::check_above_with(&file, modes)?;
        let registration = Registration::of(&F::endpoint());
        let calls = OffThread::default();
        Ok(Self { account, file, registration, modes, calls, format: PhantomData })
    }
}

impl<F: Format> Files for AgentFile<F> {
    fn calls(&self) -> &OffThread {
        &self.calls
    }

    fn load(&self, account: &AccountId) -> Result<Option<(Record, Version)>, FileError> {
        if *account != self.account {
            return Ok(None);
        }
        Ok(self.read()?.record)
    }

    fn save(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, FileError> {
        self.check(account)?;
        if record.set_up.is_some() {
            // The agent would refresh the tokens elsewhere.
            let reason = "the agent refreshes at its own endpoint, and the login brings another";
            return Err(self.error(Problem::Unfit { reason }));
        }
        let ours = self.ours()?;
        let lock = FileLock::take(ours.dir(), &ours.names().lock, SAVE_WAIT)?;
        let _theirs = self.lock_write(&lock)?;

        let current = self.read()?;
        if current.record.as_ref().map(|(_, version)| version) != expected {
            return Err(self.error(Problem::Conflict));
        }
        let mut document = current.document.clone().unwrap_or_default();
        F::write(&mut document, record).map_err(|reason| self.error(Problem::Unfit { reason }))?;
        let (content, found) =
            Inner::<F>::content(&document).map_err(|problem| self.error(problem))?;
        let (notes, noted) =
            Notes::of(record, F::KEPT_EXTRA).map_err(|problem| self.error(problem))?;
        // The tokens first: if this process dies in between, the old notes are
        // about a refresh token that is gone, and are ignored.
        if current.document.as_ref() != Some(&document) {
            self.replace(current.document.as_ref(), &content)?;
        }
        ours.write(&noted)?;
        // The version that a load will find.
        Ok(notes.version(&notes.record_of(found, &self.registration)))
    }

    fn remove(&self, account: &AccountId, expected: &Version) -> Result<(), FileError> {
        self.check(account)?;
        let ours = self.ours()?;
        let lock = FileLock::take(ours.dir(), &ours.names().lock, SAVE_WAIT)?;
        let _theirs = self.lock_write(&lock)?;

        let current = self.read()?;
        let (Some(old), Some((_, version))) = (current.document, current.record) else {
            return Err(self.error(Problem::Conflict));
        };
        if version != *expected {
            return Err(self.error(Problem::Conflict));
        }
        let mut document = old.clone();
        F::remove(&mut document);
        let content = document.to_bytes(MAX_FILE).map_err(|problem| self.error(problem))?;
        let blank = Notes::blank().map_err(|problem| self.error(problem))?;
        // The tokens first: once they are gone, there is no record.
        self.replace(Some(&old), &content)?;
        ours.write(&blank)
    }

    fn list(&self, after: Option<&AccountId>, most: usize) -> Result<Vec<AccountId>, FileError> {
        let is_after = after.is_none_or(|after| self.account > *after);
        // Of a file that cannot be read, a load says what is wrong.
        if most == 0 || !is_after || self.read().is_ok_and(|current| current.record.is_none()) {
            return Ok(Vec::new());
        }
        Ok(vec![self.account.clone()])
    }

    type Held = HeldLease<F::Lock>;

    fn try_lease(&self, account: &AccountId) -> Result<Option<Self::Held>, FileError> {
        self.check(account)?;
        let ours = self.ours()?;
        let Some(lock) = FileLock::try_take(ours.dir(), &ours.names().lease)? else {
            return Ok(None);
        };
        // Our lock first, so that only one of our processes tries the agent's.
        let Some(theirs) = F::try_lock_refresh(&self.file, &lock)? else { return Ok(None) };
        Ok(Some(HeldLease { theirs, lock }))
    }

    fn confirm(&self, account: &AccountId, held: &Self::Held) -> Result<(), FileError> {
        self.check(account)?;
        let ours = self.ours()?;
        if !F::is_held(&held.theirs) {
            return Err(self.error(Problem::LeaseLost));
        }
        held.lock.confirm(ours.dir(), &ours.names().lease)
    }

    fn lease_error(&self, _account: &AccountId, problem: Problem) -> FileError {
        self.error(problem)
    }
}

/// Our lock, and the agent's, which is freed first.
pub(crate) struct HeldLease<L> {
    theirs: L,
    lock: FileLock,
}

impl<L> AsRef<FileLock> for HeldLease<L> {
    fn as_ref(&self) -> &FileLock {
        &self.lock
    }
}

impl<F: Format> Inner<F> {
    /// Reads the file and its notes, as one record. A file that cannot be read is
    /// read again for a moment, since somebody may be writing it.
    fn read(&self) -> Result<Current, FileError> {
        let mut patience = Patience::new(SETTLE);
        loop {
            let result = self.read_once();
            let damaged =
                result.as_ref().is_err_and(|e| matches!(e.problem, Problem::Damaged { .. }));
            match patience.next() {
                Some(pause) if damaged => thread::sleep(pause),
                _ => return result,
            }
        }
    }

    fn read_once(&self) -> Result<Current, FileError> {
        let Some(document) = self.document()? else {
            return Ok(Current { document: None, record: None });
        };
        let record = match self.found(&document)? {
            None => None,
            Some(found) => {
                let notes = NotesDir::read(self.dir_path(), self.name(), self.modes)?;
                let record = notes.record_of(found, &self.registration);
                let version = notes.version(&record);
                Some((record, version))
            }
        };
        Ok(Current { document: Some(document), record })
    }

    /// The file's content; `None` if there is no file or no directory, since the
    /// agent was never used.
    fn document(&self) -> Result<Option<Document>, FileError> {
        let dir = match Dir::open_with(self.dir_path(), Privacy::Unwritable, self.modes) {
            Ok(dir) => dir,
            Err(FileError { problem: Problem::Io { error, .. }, .. })
                // A dangling link is not a missing directory.
                if error.kind() == ErrorKind::NotFound
                    && self.dir_path().symlink_metadata().is_err() =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        // Somebody else may have made what was missing when this store was.
        Dir::check_above_with(&self.file, self.modes)?;
        Document::read(&dir, self.name(), F::EXPECTED, MAX_FILE)
    }

    fn found(&self, document: &Document) -> Result<Option<Found>, FileError> {
        F::read(document).map_err(|reason| {
            self.error(Problem::Damaged { expected: F::EXPECTED, reason, line: 0, column: 0 })
        })
    }

    /// The content to write, and what a load will find in it. Content that cannot
    /// be read must not be written, since it would never be overwritten.
    fn content(document: &Document) -> Result<(Zeroizing<Vec<u8>>, Found), Problem> {
        let content = document.to_bytes(MAX_FILE)?;
        let found = match Document::parse(&content, F::EXPECTED) {
            Ok(document) => F::read(&document),
            Err(Problem::Damaged { reason, .. }) => Err(reason),
            Err(problem) => return Err(problem),
        };
        let found = found.map_err(|reason| Problem::Unreadable { reason })?;
        let found = found.ok_or(Problem::Unfit { reason: "there is no access token" })?;
        Ok((content, found))
    }

    fn replace(&self, old: Option<&Document>, new: &[u8]) -> Result<(), FileError> {
        let dir = Dir::open_with(self.dir_path(), Privacy::Unwritable, self.modes)?;
        let temporary = format!("{}.auth-store.tmp", self.name());
        dir.replace(self.name(), &temporary, new, || {
            // Some agents take no lock, so this check comes as late as possible.
            match self.document()?.as_ref() == old {
                true => Ok(()),
                false => Err(self.error(Problem::Conflict)),
            }
        })
    }

    /// Our own directory.
    fn ours(&self) -> Result<NotesDir, FileError> {
        Dir::check_above_with(&self.file, self.modes)?;
        NotesDir::open(self.dir_path(), self.name(), self.modes)
    }

    fn lock_write(&self, ours: &FileLock) -> Result<F::Lock, FileError> {
        let mut patience = Patience::new(SAVE_WAIT);
        loop {
            if let Some(lock) = F::try_lock_write(&self.file, ours)? {
                return Ok(lock);
            }
            match patience.next() {
                Some(pause) => thread::sleep(pause),
                None => return Err(self.error(Problem::Busy { waited: SAVE_WAIT })),
            }
        }
    }

    fn check(&self, account: &AccountId) -> Result<(), FileError> {
        if *account == self.account {
            return Ok(());
        }
        Err(self.error(Problem::UnknownAccount { known: self.account.to_string() }))
    }

    fn error(&self, problem: Problem) -> FileError {
        FileError::new(&*self.file, problem)
    }

    fn dir_path(&self) -> &Path {
        self.file.parent().unwrap_or_else(|| Path::new(""))
    }

    fn name(&self) -> &str {
        self.file.file_name().and_then(OsStr::to_str).unwrap_or_default()
    }
}

/// The file as it is now.
struct Current {
    document: Option<Document>,
    record: Option<(Record, Version)>,
}

/// `file` in the directory that the environment variable `variable` names as
/// `named`, else in `directory` below the home directory.
pub(crate) fn in_home(
    variable: &'static str,
    named: Option<OsString>,
    directory: &str,
    file: &str,
) -> Result<PathBuf, FileError> {
    let directory = match named {
        Some(named) => named_by(variable, named.into())?,
        None => home_directory()?.join(directory),
    };
    Ok(directory.join(file))
}

#[cfg(test)]
mod tests;
