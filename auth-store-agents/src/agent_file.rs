//! Credential files of other programs, used in place.
//!
//! Such a file is shared with its program: what one of them refreshes, the other
//! finds there. Its tokens are the record's tokens. What it has no place for
//! (the setback, the note of a refresh begun) stands in a file of ours beside
//! it, in the directory `.auth-store`.

use std::{
    ffi::OsStr,
    fmt,
    io::ErrorKind,
    marker::PhantomData,
    ops::Deref,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

use auth_accounts::{AccountId, Lease, Record, Version};
use auth_core::TokenSet;
use zeroize::Zeroizing;

use auth_store::internal::{Dir, FileError, FileLock, Files, Patience, Privacy, Problem};

use crate::{
    document::Document,
    side::{Notes, Side},
};

/// How another program keeps its tokens.
pub(crate) trait Format: Send + Sync + 'static {
    /// What the file is, for errors.
    const EXPECTED: &'static str;

    /// Members of a token response that the file itself has a place for.
    const KEPT_EXTRA: &'static [&'static str];

    /// The tokens; `None` if nobody is logged in. What the file does not say
    /// is left out.
    fn read(document: &Document) -> Result<Option<Found>, &'static str>;

    /// Puts the record's tokens in place and leaves everything else alone.
    fn write(document: &mut Document, record: &Record) -> Result<(), &'static str>;

    /// What is held beside our own lock.
    type Lock: Send + Sync + 'static;

    /// Keeps the program itself from refreshing, if it is not doing so. `ours`
    /// is held meanwhile and may carry a note for the next holder.
    fn try_lock_refresh(file: &Path, ours: &FileLock) -> Result<Option<Self::Lock>, FileError>;

    /// Keeps the program from changing the file, if it is not doing so.
    fn try_lock_write(file: &Path, ours: &FileLock) -> Result<Option<Self::Lock>, FileError>;
}

/// What a file says.
pub(crate) struct Found {
    pub(crate) tokens: TokenSet,
    pub(crate) obtained_at: Option<SystemTime>,
}

/// One file, as the store of one account. Cloning shares it.
pub(crate) struct AgentFile<F>(Arc<Inner<F>>);

impl<F: Format> AgentFile<F> {
    pub(crate) fn new(account: AccountId, file: PathBuf) -> Result<Self, FileError> {
        Ok(Self(Arc::new(Inner::new(account, file)?)))
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
    format: PhantomData<fn() -> F>,
}

/// The most that such a file may have. They hold a few kilobytes.
const MAX_FILE: usize = 1 << 20;

/// How long a save waits for others to end theirs.
const SAVE_WAIT: Duration = Duration::from_secs(10);

/// How long an unreadable file is given to become readable. Codex rewrites its
/// file in place, and so does everybody who edits it by hand. A fuzzer cannot
/// wait: nearly all that it tries is unreadable.
const SETTLE: Duration = Duration::from_millis(if cfg!(fuzzing) { 0 } else { 100 });

impl<F: Format> Inner<F> {
    fn new(account: AccountId, file: PathBuf) -> Result<Self, FileError> {
        let file = std::path::absolute(&file)
            .map_err(|error| FileError::io("make absolute", file, error))?;
        if file.file_name().and_then(OsStr::to_str).is_none() || file.parent().is_none() {
            return Err(FileError::new(file, Problem::WrongType { expected: "file name" }));
        }
        Ok(Self { account, file, format: PhantomData })
    }
}

impl<F: Format> Files for AgentFile<F> {
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
        let side = Side::open(self.dir_path(), self.name())?;
        let lock = FileLock::take(side.dir(), &side.names().lock, SAVE_WAIT)?;
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
        // The tokens first: if it ends in between, the notes that remain are
        // about a refresh token that is no longer there, and mean nothing.
        if current.document.as_ref() != Some(&document) {
            self.replace(current.document.as_ref(), &content)?;
        }
        side.write(&noted)?;
        // As it will be found.
        Ok(notes.version(&notes.record_of(found)))
    }

    fn try_lease(&self, account: &AccountId) -> Result<Option<Lease>, FileError> {
        self.check(account)?;
        let side = Side::open(self.dir_path(), self.name())?;
        let Some(lock) = FileLock::try_take(side.dir(), &side.names().lease)? else {
            return Ok(None);
        };
        // Ours first: of our own kind, one at a time asks for theirs.
        let Some(theirs) = F::try_lock_refresh(&self.file, &lock)? else { return Ok(None) };
        Ok(Some(Lease::new((theirs, lock))))
    }

    fn lease_timeout(&self, _account: &AccountId, waited: Duration) -> FileError {
        self.error(Problem::LeaseTimeout { waited })
    }
}

impl<F: Format> Inner<F> {
    /// The file and its notes, as one record. A file that cannot be read is
    /// looked at again for a moment: somebody may be writing it.
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
                let notes = Side::read(self.dir_path(), self.name())?;
                let record = notes.record_of(found);
                let version = notes.version(&record);
                Some((record, version))
            }
        };
        Ok(Current { document: Some(document), record })
    }

    /// The file's content; `None` if there is no file, or no directory: the
    /// program was never used.
    fn document(&self) -> Result<Option<Document>, FileError> {
        let dir = match Dir::open(self.dir_path(), Privacy::Unwritable) {
            Ok(dir) => dir,
            Err(FileError { problem: Problem::Io { error, .. }, .. })
                // A link that leads nowhere is not nothing.
                if error.kind() == ErrorKind::NotFound
                    && self.dir_path().symlink_metadata().is_err() =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        Document::read(&dir, self.name(), F::EXPECTED, MAX_FILE)
    }

    fn found(&self, document: &Document) -> Result<Option<Found>, FileError> {
        F::read(document).map_err(|reason| {
            self.error(Problem::Damaged { expected: F::EXPECTED, reason, line: 0, column: 0 })
        })
    }

    /// What to write, and what will be found in it: what cannot be read must not
    /// be written, for it would never be overwritten.
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
        let dir = Dir::open(self.dir_path(), Privacy::Unwritable)?;
        let temporary = format!("{}.auth-store.tmp", self.name());
        dir.replace(self.name(), &temporary, new, || {
            // Some programs take no lock, so this is looked at as late as can
            // be.
            match self.document()?.as_ref() == old {
                true => Ok(()),
                false => Err(self.error(Problem::Conflict)),
            }
        })
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

/// What was found.
struct Current {
    document: Option<Document>,
    record: Option<(Record, Version)>,
}

/// `file` in the directory that the environment variable `variable` names,
/// else in `directory` below the home directory.
pub(crate) fn in_home(variable: &str, directory: &str, file: &str) -> Result<PathBuf, FileError> {
    let named = std::env::var_os(variable).filter(|value| !value.is_empty());
    let directory = match named {
        Some(named) => PathBuf::from(named),
        None => etcetera::home_dir()
            .map_err(|_| FileError::new(directory, Problem::NoStateDirectory))?
            .join(directory),
    };
    Ok(directory.join(file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codex::Codex;

    /// Codex takes no lock: it may have written while a save was under way.
    #[test]
    fn what_was_written_at_the_last_moment_is_not_lost() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("auth.json");
        let import = Inner::<Codex>::new("codex".into(), file.clone()).unwrap();
        let document = |json: &str| {
            std::fs::write(&file, json).unwrap();
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                let mode = std::fs::Permissions::from_mode(0o600);
                std::fs::set_permissions(&file, mode).unwrap();
            }
            import.document().unwrap().unwrap()
        };
        let ours = document(r#"{"tokens":"ours"}"#);
        let old = document(r#"{"tokens":"old"}"#);
        let theirs = document(r#"{"tokens":"theirs"}"#);
        let bytes = |document: &Document| document.to_bytes(MAX_FILE).unwrap();

        let error = import.replace(Some(&old), &bytes(&ours)).unwrap_err();
        assert!(matches!(error.problem, Problem::Conflict));
        assert!(import.document().unwrap().unwrap() == theirs);
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 1);

        import.replace(Some(&theirs), &bytes(&ours)).unwrap();
        assert!(import.document().unwrap().unwrap() == ours);
        std::fs::remove_file(&file).unwrap();
        assert!(import.replace(Some(&ours), &bytes(&old)).is_err());
        import.replace(None, &bytes(&old)).unwrap();
    }
}
