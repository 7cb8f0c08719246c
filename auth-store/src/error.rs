//! Errors about files.

use std::{io, path::PathBuf, time::Duration};

use auth_accounts::{StoreError, StoreErrorKind, store::Version};

/// A problem with a file or a directory. It becomes a [`StoreError`] that names
/// the path.
#[derive(Debug)]
pub struct FileError {
    pub path: PathBuf,
    pub problem: Problem,
    /// Which state of a damaged record it is about, if that can be moved aside.
    pub damaged: Option<Version>,
}

/// What is wrong, and what to do about it. It quotes no file's content.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(not(unix), allow(dead_code, reason = "modes and owners are Unix's"))]
pub enum Problem {
    #[error("could not {action}{}", once(error))]
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
         `chmod {fix:o} {path:?}`, else log in again; if that changes nothing, this file system \
         does not keep modes, and the store's constructor `insecure_modes` says what there is to do"
    )]
    LooseMode { path: PathBuf, mode: u32, fix: u32 },
    #[error(
        "its mode is {mode:04o}, and others can get at secrets, unless its group {group} is this \
         user's alone ({reason}); if nobody has, run `chmod {fix:o} {path:?}`, else log in again; \
         if that comes back with each start, as in a volume of Kubernetes with an `fsGroup`, the \
         store's constructor `insecure_modes` accepts it as it is"
    )]
    SharedGroup { path: PathBuf, mode: u32, fix: u32, group: u32, reason: &'static str },
    #[error(
        "its mode is {mode:04o}, so that others can get at secrets, and this file system does not \
         keep modes: chmod changes nothing; keep the store elsewhere, or mount the file system so \
         that only this user has access; the store's constructor `insecure_modes` accepts it as it \
         is, and then everybody who can reach it can take the tokens, and plant others"
    )]
    ModesNotKept { mode: u32 },
    #[error(
        "its mode is {mode:04o}, so that everybody can take away the store below it, or plant one; \
         run `chmod o-w {path:?}` (if that changes nothing, this file system does not keep modes), or \
         keep the store elsewhere; if everybody who can reach it is trusted, as in a container of its \
         own, open the store with the constructor `{constructor}`"
    )]
    LooseAbove { path: PathBuf, mode: u32, constructor: &'static str },
    /// Only its owner can change its mode, and root.
    #[error(
        "its mode is {mode:04o}, so that everybody can take away the store below it, or plant one; it \
         belongs to user {owner}, as a volume of Kubernetes (`emptyDir`) does; have its owner change \
         it, or keep the store elsewhere; if everybody who can reach it is trusted, as in a container \
         of its own, open the store with the constructor `{constructor}`"
    )]
    LooseAboveOfOther { mode: u32, owner: u32, constructor: &'static str },
    /// Without an exclusive lease, two processes would spend one refresh token.
    #[error(
        "this file system has no locks ({error}); keep the store on another one, such as a local \
         disk, or mount it with locks: NFS needs version 4, or its lock service, or the option \
         `nolock` if this machine alone uses it; Lustre needs `flock`"
    )]
    NoLocks {
        // Not a `source`, since the message holds all of it.
        error: io::Error,
    },
    #[error(
        "it is a symbolic link of user {owner} in a directory that everybody may write to, and this \
         process runs as user {user}; name what it points to, if that is to be trusted"
    )]
    ForeignLink { owner: u32, user: u32 },
    #[error("it belongs to user {owner}, and this process runs as user {user}")]
    ForeignOwner { owner: u32, user: u32 },
    /// The directory of a store, as the volume itself is root's.
    #[error(
        "it belongs to user {owner}, and this process runs as user {user}; name a directory below it, \
         which the store makes, or have its owner change"
    )]
    ForeignDirectory { owner: u32, user: u32 },
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
    #[error("it is larger than {limit} bytes, and was not read")]
    TooLarge { limit: usize },
    #[error("it would have more than {limit} bytes; nothing was written")]
    RecordTooLarge { limit: usize },
    #[error("it could not be read again: {reason}; nothing was written")]
    Unreadable { reason: &'static str },
    #[error("it cannot be read as {expected}: {reason} (line {line}, column {column})")]
    Damaged { expected: &'static str, reason: &'static str, line: usize, column: usize },
    #[error("its schema has version {found}, and this program knows versions up to {known}")]
    NewerSchema { found: u64, known: u64 },
    #[error(
        "it holds the record of another account; was it renamed or copied? move it to where it \
         belongs, or away"
    )]
    WrongAccount,
    #[error(
        "{count} damaged files were moved aside before, to {first:?} and the like, and no more \
         are; move those away"
    )]
    TooManyAside { first: PathBuf, count: usize },
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
    #[error("it names neither a file nor a directory")]
    EmptyPath,
}

/// The constructor of a store here that ignores modes.
#[cfg_attr(not(unix), allow(dead_code, reason = "modes are Unix's"))]
pub(crate) const IGNORES_MODES: &str = "FileStore::insecure_modes";

/// An error of the system, after what could not be done. Where the kind of the error
/// says the same in words, before it, there is only the number left to say.
fn once(error: &io::Error) -> String {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem, StorageFull};
    match (error.kind(), error.raw_os_error()) {
        (PermissionDenied | ReadOnlyFilesystem | StorageFull, Some(code)) => {
            format!(" (os error {code})")
        }
        _ => format!(": {error}"),
    }
}

impl Problem {
    /// Whether it says what to do, and more exactly than its kind does.
    fn says_what_to_do(&self) -> bool {
        matches!(
            self,
            Self::Symlink
                | Self::LooseMode { .. }
                | Self::SharedGroup { .. }
                | Self::ModesNotKept { .. }
                | Self::LooseAbove { .. }
                | Self::LooseAboveOfOther { .. }
                | Self::ForeignLink { .. }
                | Self::ForeignDirectory { .. }
                | Self::LinkOfStranger { .. }
                | Self::NoLocks { .. }
                | Self::Detached
                | Self::OtherLogin { .. }
                | Self::WrongAccount
                | Self::TooManyAside { .. }
                | Self::NoStateDirectory
        )
    }
}

impl FileError {
    pub fn new(path: impl Into<PathBuf>, problem: Problem) -> Self {
        Self { path: path.into(), problem, damaged: None }
    }

    /// An error of the system from taking a lock: either this lock failed, or there are
    /// none.
    pub fn lock(action: &'static str, path: impl Into<PathBuf>, error: io::Error) -> Self {
        let problem = match has_no_locks(&error) {
            true => Problem::NoLocks { error },
            false => Problem::Io { action, error },
        };
        Self::new(path, problem)
    }

    /// Names the constructor of the store that ignores modes, if it names any.
    #[must_use]
    pub fn of_store_with(mut self, name: &'static str) -> Self {
        if let Problem::LooseAbove { constructor, .. }
        | Problem::LooseAboveOfOther { constructor, .. } = &mut self.problem
        {
            *constructor = name;
        }
        self
    }

    pub fn io(action: &'static str, path: impl Into<PathBuf>, error: impl Into<io::Error>) -> Self {
        Self::new(path, Problem::Io { action, error: error.into() })
    }
}

impl From<FileError> for StoreError {
    fn from(FileError { path, problem, damaged }: FileError) -> Self {
        let concerns = match (path.as_os_str().is_empty(), &problem) {
            (true, Problem::InvalidName) => "an empty name".into(),
            (true, _) => "an empty path".into(),
            (false, _) => path.display().to_string(),
        };
        let says_what_to_do = problem.says_what_to_do();
        let kind = match &problem {
            Problem::Io { error, .. } => io_kind(error),
            Problem::NotDurable { .. } => StoreErrorKind::Io,
            Problem::Conflict => StoreErrorKind::Conflict,
            Problem::LeaseTimeout { .. } => StoreErrorKind::LeaseTimeout,
            Problem::LeaseLost => StoreErrorKind::LeaseLost,
            Problem::Busy { .. } => StoreErrorKind::Unavailable,
            Problem::Symlink
            | Problem::LooseMode { .. }
            | Problem::SharedGroup { .. }
            | Problem::ModesNotKept { .. }
            | Problem::LooseAbove { .. }
            | Problem::LooseAboveOfOther { .. }
            | Problem::ForeignDirectory { .. }
            | Problem::ForeignLink { .. }
            | Problem::LinkOfStranger { .. }
            | Problem::ForeignOwner { .. } => StoreErrorKind::Permissions,
            Problem::DanglingLink { .. } | Problem::TooManyLinks { .. } => StoreErrorKind::Io,
            Problem::Detached => StoreErrorKind::Detached,
            Problem::OtherLogin { .. } => StoreErrorKind::OtherLogin,
            Problem::WrongType { .. }
            | Problem::TooLarge { .. }
            | Problem::Damaged { .. }
            | Problem::WrongAccount
            | Problem::TooManyAside { .. } => StoreErrorKind::Damaged,
            Problem::NewerSchema { .. } => StoreErrorKind::NewerSchema,
            Problem::Unfit { .. } => StoreErrorKind::Unfit,
            Problem::NoLocks { .. }
            | Problem::NoStateDirectory
            | Problem::NotAbsolute { .. }
            | Problem::InvalidName
            | Problem::EmptyPath => StoreErrorKind::Misconfigured,
            Problem::ForeignLease
            | Problem::RecordTooLarge { .. }
            | Problem::Unreadable { .. }
            | Problem::UnknownAccount { .. } => StoreErrorKind::Other,
        };
        let error = Self::new(kind, concerns).with_source(problem);
        let error = if says_what_to_do { error.source_says_what_to_do() } else { error };
        match damaged {
            Some(version) => error.damaged_version(version),
            None => error,
        }
    }
}

/// The kind that `auth-accounts` gives to the error.
fn io_kind(error: &io::Error) -> StoreErrorKind {
    // A loop of links. The standard library's name for it is unstable.
    #[cfg(unix)]
    if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
        return StoreErrorKind::Misconfigured;
    }
    StoreError::from_io(io::Error::from(error.kind()), "").kind()
}

/// Whether an error from taking a lock says that the file system has none. That does
/// not pass by itself. (`ENOLCK` may also say that the kernel has no memory left for
/// locks, `flock(2)`. But then everything fails; from NFS it says that there is no lock
/// service. `EINVAL` says that a lock is no operation on such a file, since the
/// operation itself is a valid one.)
fn has_no_locks(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
        || error.raw_os_error().is_some_and(|code| NO_LOCKS.contains(&code))
}

#[cfg(unix)]
const NO_LOCKS: &[i32] = {
    use rustix::io::Errno;
    &[
        Errno::NOLCK.raw_os_error(),
        Errno::NOSYS.raw_os_error(),
        Errno::OPNOTSUPP.raw_os_error(),
        Errno::NOTSUP.raw_os_error(),
        Errno::INVAL.raw_os_error(),
    ]
};

/// `ERROR_INVALID_FUNCTION`, `ERROR_NOT_SUPPORTED` (System Error Codes of Windows).
#[cfg(windows)]
const NO_LOCKS: &[i32] = &[1, 50];

#[cfg(not(any(unix, windows)))]
const NO_LOCKS: &[i32] = &[];

#[cfg(all(test, unix))]
mod tests {
    use auth_core::Advice;
    use rustix::io::Errno;

    use super::*;

    /// What a file system can answer, to anything and to a lock.
    #[test]
    fn each_error_of_the_system_has_its_advice() {
        use Advice::{FixSetup, TryLater};
        use StoreErrorKind::{Full, Io, Misconfigured, Permissions, ReadOnly};
        for (errno, kind, advice, locks) in [
            // It is for a person to mend.
            (Errno::PERM, Permissions, FixSetup, true),
            (Errno::ACCESS, Permissions, FixSetup, true),
            (Errno::ROFS, ReadOnly, FixSetup, true),
            (Errno::NOSPC, Full, FixSetup, true),
            (Errno::DQUOT, Full, FixSetup, true),
            (Errno::FBIG, Full, FixSetup, true),
            (Errno::NAMETOOLONG, Misconfigured, FixSetup, true),
            (Errno::NOTDIR, Misconfigured, FixSetup, true),
            (Errno::LOOP, Misconfigured, FixSetup, true),
            (Errno::NOSYS, Misconfigured, FixSetup, false),
            (Errno::OPNOTSUPP, Misconfigured, FixSetup, false),
            (Errno::NOTSUP, Misconfigured, FixSetup, false),
            (Errno::INVAL, Misconfigured, FixSetup, false),
            // It passes.
            (Errno::MFILE, Io, TryLater, true),
            (Errno::NFILE, Io, TryLater, true),
            (Errno::NOMEM, Io, TryLater, true),
            (Errno::INTR, Io, TryLater, true),
            (Errno::IO, Io, TryLater, true),
            // A server that was restarted, a disk that is not there now.
            (Errno::STALE, Io, TryLater, true),
            (Errno::NOTCONN, Io, TryLater, true),
            (Errno::TIMEDOUT, Io, TryLater, true),
            (Errno::NOENT, Io, TryLater, true),
            (Errno::NODEV, Io, TryLater, true),
            (Errno::BUSY, Io, TryLater, true),
            // Of locks only.
            (Errno::NOLCK, Io, TryLater, false),
        ] {
            let error = StoreError::from(FileError::io("open", "file", errno));
            assert_eq!((error.kind(), error.advice()), (kind, advice), "{errno}");
            let error = StoreError::from(FileError::lock("lock", "file", errno.into()));
            if locks {
                assert_eq!((error.kind(), error.advice()), (kind, advice), "{errno}");
                assert!(!error.to_string().contains("has no locks"), "{error}");
                continue;
            }
            assert_eq!((error.kind(), error.advice()), (Misconfigured, FixSetup), "{errno}");
            let text = error.to_string();
            assert!(text.contains("this file system has no locks"), "{text}");
            assert!(text.contains("keep the store on another one"), "{text}");
        }
        // Where the system itself has none.
        let none = FileError::lock("lock", "file", io::ErrorKind::Unsupported.into());
        assert!(matches!(none.problem, Problem::NoLocks { .. }));
    }
}
