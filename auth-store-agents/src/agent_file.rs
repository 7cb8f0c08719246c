//! The credential file of an agent, used in place.
//!
//! The agent and this program share the file: each finds the tokens that the
//! other refreshed. Its tokens are the record's tokens. What it has no place for
//! (the setback, the note that a refresh began) is kept in a file of ours beside
//! it, in the directory `.auth-store`.

mod reading;
mod writing;

use std::{ffi::OsString, fmt, marker::PhantomData, ops::Deref, path::PathBuf, sync::Arc};

use auth_accounts::{
    AccountId, Registration,
    store::{Record, Version},
};
use auth_store::internal::{
    FileError, Files, Held, Modes, OffThread, Problem, absolute, home_directory, named_by,
};

use crate::{
    format::Format,
    notes::Notes,
    ours::{OurLease, Ours},
    place::Place,
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

impl<F: Format> Inner<F> {
    fn new(account: AccountId, file: PathBuf, modes: Modes) -> Result<Self, FileError> {
        let file = absolute(&file)?;
        Place::of(&file, false, modes).map_err(Self::with_constructor)?;
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
        let place = self.place()?;
        let current = self.read(&place)?;
        if current.is_unfinished {
            // Whoever was writing may have died. If not, they hold the lock. Nothing
            // depends on it: until then each load finds the same.
            let _ = self.finish(&place);
        }
        Ok(current.record)
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
        let place = self.place()?;
        let writing = self.begin(&place)?;
        let current = self.read_expecting(&place, expected)?;
        let version = current.record.as_ref().map(|(_, version)| version);
        if version != expected && current.damage.is_none() {
            return Err(self.error(Problem::Conflict));
        }
        let mut document = current.document.clone().unwrap_or_default();
        let old = current.record.as_ref().map(|(old, _)| old);
        let filled = F::write(&mut document, record, old)
            .map_err(|reason| self.error(Problem::Unfit { reason }))?;
        let (content, found) =
            Inner::<F>::content(&document).map_err(|problem| self.error(problem))?;
        let (notes, noted) =
            Notes::of(record, F::KEPT_EXTRA, filled).map_err(|problem| self.error(problem))?;
        writing.keep_aside(&current)?;
        // The tokens first: if this process dies in between, the old notes are
        // about a refresh token that is gone, and are ignored.
        if current.document.as_ref() != Some(&document) {
            writing.replace(current.bytes(), &content)?;
        }
        if !writing.note(&noted)? {
            // Without notes, the record is what the file says.
            let saved = self.read(&place)?.record;
            return saved.map(|(_, version)| version).ok_or(self.error(Problem::Conflict));
        }
        // The version that a load will find.
        Ok(notes.version(&notes.record_of(found, &self.registration)))
    }

    fn remove(&self, account: &AccountId, expected: &Version) -> Result<(), FileError> {
        self.check(account)?;
        let place = self.place()?;
        let writing = self.begin(&place)?;
        let current = self.read_expecting(&place, Some(expected))?;
        let version = current.record.as_ref().map(|(_, version)| version);
        if version != Some(expected) && current.damage.is_none() {
            return Err(self.error(Problem::Conflict));
        }
        let mut document = current.document.clone().unwrap_or_default();
        F::remove(&mut document);
        let content = document.to_bytes(MAX_FILE).map_err(|problem| self.error(problem))?;
        let blank = Notes::blank().map_err(|problem| self.error(problem))?;
        writing.keep_aside(&current)?;
        // The tokens first: once they are gone, there is no record.
        writing.replace(current.bytes(), &content)?;
        writing.note(&blank).map(drop)
    }

    fn list(&self, after: Option<&AccountId>, most: usize) -> Result<Vec<AccountId>, FileError> {
        let is_after = after.is_none_or(|after| self.account > *after);
        // Of a file that cannot be read, a load says what is wrong.
        let is_nobodys = || {
            self.place()
                .and_then(|place| self.read(&place))
                .is_ok_and(|current| current.record.is_none())
        };
        if most == 0 || !is_after || is_nobodys() {
            return Ok(Vec::new());
        }
        Ok(vec![self.account.clone()])
    }

    type Held = HeldLease<F::Lock>;

    fn try_lease(&self, account: &AccountId) -> Result<Option<Self::Held>, FileError> {
        self.check(account)?;
        let place = self.place()?;
        let ours = Ours::open(&place)?;
        // Our lock first, so that only one of our processes tries the agent's.
        let Some(lease) = ours.try_lease()? else { return Ok(None) };
        self.check_writable(ours.dir(), &place)?;
        let Some(theirs) = F::try_lock_refresh(&place.path(), &lease.lock)? else {
            return Ok(None);
        };
        Ok(Some(HeldLease { theirs, ours: lease }))
    }

    fn confirm(&self, account: &AccountId, held: &Self::Held) -> Result<(), FileError> {
        self.check(account)?;
        let place = self.place()?;
        let ours = Ours::open(&place)?;
        if !F::is_held(&held.theirs) {
            return Err(self.error(Problem::LeaseLost));
        }
        ours.confirm(&held.ours)?;
        self.check_writable(ours.dir(), &place)
    }

    fn lease_error(&self, _account: &AccountId, problem: Problem) -> FileError {
        self.error(problem)
    }
}

/// Our locks, and the agent's, which are freed first.
pub(crate) struct HeldLease<L> {
    theirs: L,
    ours: OurLease,
}

impl<L> Held for HeldLease<L> {
    fn is_made_anew(&self) -> bool {
        self.ours.is_made_anew()
    }
}

impl<F: Format> Inner<F> {
    /// Where the file is now.
    fn place(&self) -> Result<Place, FileError> {
        Place::of(&self.file, F::WRITES_IN_PLACE, self.modes).map_err(Self::with_constructor)
    }

    fn with_constructor(error: FileError) -> FileError {
        error.of_store_with(F::IGNORES_MODES)
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
