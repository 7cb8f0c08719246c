//! Errors about files.

use std::{io, path::PathBuf, time::Duration};

use auth_accounts::{StoreError, StoreErrorKind};

/// A problem with a file or a directory. It becomes a [`StoreError`] that names
/// the path.
#[derive(Debug)]
pub struct FileError {
    pub path: PathBuf,
    pub problem: Problem,
}

/// What is wrong, and what to do about it. It quotes no file's content.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(not(unix), allow(dead_code, reason = "modes and owners are Unix's"))]
pub enum Problem {
    #[error("could not {action}: {error}")]
    Io {
        action: &'static str,
        // Not a `source`, since the message holds all of it.
        error: io::Error,
    },
    #[error(
        "the record was replaced or removed, but its directory could not be flushed to disk: \
         {error}; load it again"
    )]
    NotDurable { error: io::Error },
    #[error("somebody else saved; load it again")]
    Conflict,
    #[error("somebody else holds the lease; waited for {waited:?}")]
    LeaseTimeout { waited: Duration },
    #[error("somebody removed it while it was locked; is the directory being tidied?")]
    LeaseLost,
    #[error("this lease is not of this store; a store around it must hand on what it was given")]
    ForeignLease,
    #[error("somebody else is saving, and did not end within {waited:?}; is a process stopped?")]
    Busy { waited: Duration },
    /// Whoever can plant a link could have secrets read from, or written to, a
    /// place of their choice.
    #[error("a symbolic link is not followed; name what it points to")]
    Symlink,
    #[error("it is not a {expected}")]
    WrongType { expected: &'static str },
    #[error(
        "its mode is {mode:04o}, so that others can get at secrets; if nobody has, run \
         `chmod {fix:o} {path:?}`, else log in again"
    )]
    LooseMode { path: PathBuf, mode: u32, fix: u32 },
    #[error(
        "its mode is {mode:04o}, so that everybody can take away the store below it, or plant one; \
         run `chmod o-w {path:?}`, or keep the store elsewhere"
    )]
    LooseAbove { path: PathBuf, mode: u32 },
    #[error(
        "it is a symbolic link of user {owner} in a directory that everybody may write to, and this \
         process runs as user {user}; name what it points to, if that is to be trusted"
    )]
    ForeignLink { owner: u32, user: u32 },
    #[error("it belongs to user {owner}, and this process runs as user {user}")]
    ForeignOwner { owner: u32, user: u32 },
    #[error(
        "it is a symbolic link of user {owner}, which is not followed, since this process runs as \
         user {user}; name what it points to, if that is to be trusted"
    )]
    LinkOfStranger { owner: u32, user: u32 },
    #[error("this symbolic link leads to {target:?}, where there is nothing")]
    DanglingLink { target: PathBuf },
    #[error("it leads through more than {limit} symbolic links; is there a circle?")]
    TooManyLinks { limit: usize },
    #[error(
        "it was replaced or removed where it is mounted from, so that what is seen here is the old \
         file; mount its directory instead of the file alone"
    )]
    Detached,
    #[error("the program is logged in {how}; log in there with an account, or use another store")]
    OtherLogin { how: &'static str },
    #[error("it is larger than {limit} bytes; it was not read")]
    TooLarge { limit: usize },
    #[error("it would have more than {limit} bytes; nothing was written")]
    RecordTooLarge { limit: usize },
    #[error("it could not be read again: {reason}; nothing was written")]
    Unreadable { reason: &'static str },
    #[error("it cannot be read as {expected}: {reason} (line {line}, column {column})")]
    Damaged { expected: &'static str, reason: &'static str, line: usize, column: usize },
    #[error("its schema has version {found}, and this program knows versions up to {known}")]
    NewerSchema { found: u64, known: u64 },
    #[error("it holds the record of another account; was it renamed or copied?")]
    WrongAccount,
    #[error("this file is for the account {known} alone")]
    UnknownAccount { known: String },
    #[error("{reason}; nothing was written")]
    Unfit { reason: &'static str },
    #[error("no directory is known for programs' state; name one")]
    NoStateDirectory,
    #[error("it names the directory {directory:?}, which is not an absolute path")]
    NotAbsolute { directory: PathBuf },
    #[error("it must be the plain name of one directory")]
    InvalidName,
}

impl FileError {
    pub fn new(path: impl Into<PathBuf>, problem: Problem) -> Self {
        Self { path: path.into(), problem }
    }

    pub fn io(action: &'static str, path: impl Into<PathBuf>, error: impl Into<io::Error>) -> Self {
        Self::new(path, Problem::Io { action, error: error.into() })
    }
}

impl From<FileError> for StoreError {
    fn from(FileError { path, problem }: FileError) -> Self {
        let concerns = path.display().to_string();
        let kind = match &problem {
            Problem::Io { error, .. } => io_kind(error),
            Problem::NotDurable { .. } => StoreErrorKind::Io,
            Problem::Conflict => StoreErrorKind::Conflict,
            Problem::LeaseTimeout { .. } => StoreErrorKind::LeaseTimeout,
            Problem::LeaseLost => StoreErrorKind::LeaseLost,
            Problem::Busy { .. } => StoreErrorKind::Unavailable,
            Problem::Symlink
            | Problem::LooseMode { .. }
            | Problem::LooseAbove { .. }
            | Problem::ForeignLink { .. }
            | Problem::LinkOfStranger { .. }
            | Problem::ForeignOwner { .. } => StoreErrorKind::Permissions,
            Problem::DanglingLink { .. } | Problem::TooManyLinks { .. } => StoreErrorKind::Io,
            Problem::Detached => StoreErrorKind::Detached,
            Problem::OtherLogin { .. } => StoreErrorKind::OtherLogin,
            Problem::WrongType { .. }
            | Problem::TooLarge { .. }
            | Problem::Damaged { .. }
            | Problem::WrongAccount => StoreErrorKind::Damaged,
            Problem::NewerSchema { .. } => StoreErrorKind::NewerSchema,
            Problem::Unfit { .. } => StoreErrorKind::Unfit,
            Problem::ForeignLease
            | Problem::RecordTooLarge { .. }
            | Problem::Unreadable { .. }
            | Problem::UnknownAccount { .. }
            | Problem::NoStateDirectory
            | Problem::NotAbsolute { .. }
            | Problem::InvalidName => StoreErrorKind::Other,
        };
        Self::new(kind, concerns).with_source(problem)
    }
}

/// The kind that `auth-accounts` gives to the error.
fn io_kind(error: &io::Error) -> StoreErrorKind {
    StoreError::from_io(io::Error::from(error.kind()), "").kind()
}
