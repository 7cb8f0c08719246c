//! The locks of Claude Code, taken as Claude Code takes them.
//!
//! It uses the npm package `proper-lockfile`: a lock is a directory, created to
//! take it and removed to free it. Its holder sets the directory's modification
//! time every 5 s. If that time is older than 60 s, the holder counts as dead. Which
//! locks, and these two times, are from Claude Code 2.1.144 to 2.1.287 as others have
//! read them (github.com:
//! anaclumos/tokenmaxxing#27, cnighswonger/claude-code-cache-fix#372,
//! anthropics/claude-code#95739): for a refresh `.oauth_refresh.lock` in the
//! directory of the credentials, then `<real path of that directory>.lock`;
//! for a change of the file `.storage-write.lock` beside it.

use std::{
    fs::{self, File, FileTimes, Metadata},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, SystemTime},
};

use auth_store::internal::FileError;

use crate::our_lock::OurLock;

const HEARTBEAT: Duration = Duration::from_secs(5);
const STALE: Duration = Duration::from_secs(60);

/// Some of Claude Code's locks, held. Freed on drop.
pub(crate) struct ClaudeLocks {
    /// Ends the thread that touches the locks, by being dropped.
    _beat: Option<mpsc::Sender<()>>,
    locks: Vec<DirLock>,
}

impl ClaudeLocks {
    /// Keeps Claude Code from refreshing.
    pub(crate) fn try_refresh(file: &Path, ours: &OurLock) -> Result<Option<Self>, FileError> {
        let dir = file.parent().unwrap_or_else(|| Path::new(""));
        let first = dir.join(".oauth_refresh.lock");
        let real = fs::canonicalize(dir).map_err(error_at(dir))?;
        let mut second = real.into_os_string();
        second.push(".lock");
        let second = PathBuf::from(second);

        let note = ours.note().map_err(error_at(file))?;
        let first = match DirLock::try_take(&first, &note) {
            Ok(Some(first)) => first,
            Ok(None) => return Ok(None),
            Err(error) if ours.is_bare() && is_denied(&error) => return Ok(Some(Self::none())),
            Err(error) => return Err(not_taken(&first)(error)),
        };
        let mut locks = vec![first];
        match DirLock::try_take(&second, &note) {
            Ok(Some(second)) => locks.push(second),
            // Its directory may be one in which everybody can make such a lock, and
            // keep it for ever.
            Ok(None) if is_strangers(&second, &locks[0].0.path) => {}
            Ok(None) => return Ok(None),
            Err(error) if is_for_nobody(&error) => {}
            Err(error) => return Err(not_taken(&second)(error)),
        }
        leave_note(ours, &locks).map_err(error_at(file))?;
        let beat = keep_fresh(&locks).map_err(error_at(file))?;
        Ok(Some(Self { _beat: Some(beat), locks }))
    }

    /// Keeps Claude Code from changing the file, for a moment.
    pub(crate) fn try_write(file: &Path, ours: &OurLock) -> Result<Option<Self>, FileError> {
        let path = file.with_file_name(".storage-write.lock");
        let note = ours.note().map_err(error_at(file))?;
        let lock = match DirLock::try_take(&path, &note) {
            Ok(Some(lock)) => lock,
            Ok(None) => return Ok(None),
            Err(error) if ours.is_bare() && is_denied(&error) => return Ok(Some(Self::none())),
            Err(error) => return Err(not_taken(&path)(error)),
        };
        let locks = vec![lock];
        leave_note(ours, &locks).map_err(error_at(file))?;
        Ok(Some(Self { _beat: None, locks }))
    }

    /// Nobody here can make any: neither we nor Claude Code. One that has the directory
    /// from elsewhere, and can, is not kept from anything.
    fn none() -> Self {
        Self { _beat: None, locks: Vec::new() }
    }

    /// Whether no other process took one of them as stale, which it may have while
    /// this one was stopped. Shows that this process is alive.
    pub(crate) fn are_held(&self) -> bool {
        self.locks.iter().all(|lock| lock.0.touch())
    }
}

/// Whether the second lock can be left out. The first is what counts; the second is for
/// older versions, and is not in a directory that must be writable. Where it can never be
/// made, by its name or by its file system, they cannot make it either.
fn is_for_nobody(error: &io::Error) -> bool {
    use ErrorKind::{InvalidFilename, PermissionDenied, ReadOnlyFilesystem, Unsupported};
    let kinds = [PermissionDenied, ReadOnlyFilesystem, Unsupported, InvalidFilename];
    kinds.contains(&error.kind())
}

/// Whether `path` belongs to somebody who is neither root nor the owner of `ours`.
#[cfg(unix)]
fn is_strangers(path: &Path, ours: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let owner = |path: &Path| path.symlink_metadata().map(|metadata| metadata.uid());
    let (Ok(theirs), Ok(ours)) = (owner(path), owner(ours)) else { return false };
    theirs != ours && theirs != 0
}

#[cfg(not(unix))]
fn is_strangers(_path: &Path, _ours: &Path) -> bool {
    false
}

fn is_denied(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}

fn error_at(path: &Path) -> impl Fn(io::Error) -> FileError {
    move |error| FileError::io("lock as Claude Code does", path, error)
}

/// Of the lock itself: where no directory can be made, or none has a time, there are no
/// such locks.
fn not_taken(path: &Path) -> impl Fn(io::Error) -> FileError {
    move |error| FileError::lock("lock as Claude Code does", path, error)
}

/// Notes which directories are ours, in case this process dies: the next holder
/// of `ours` need not wait until they are stale.
fn leave_note(ours: &OurLock, locks: &[DirLock]) -> io::Result<()> {
    let mut note = String::new();
    for lock in locks {
        if let Some(identity) = identity(&lock.0.path.symlink_metadata()?) {
            note.push_str(&identity);
            note.push('\n');
        }
    }
    ours.set_note(&note)
}

/// Identifies a directory, also against a later one of the same name; `None` on
/// systems where that is impossible.
#[cfg(unix)]
fn identity(metadata: &Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt;

    let made = metadata.created().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(format!("{} {} {}", metadata.dev(), metadata.ino(), made.as_nanos()))
}

#[cfg(not(unix))]
fn identity(_metadata: &Metadata) -> Option<String> {
    None
}

/// Touches the locks every 5 s, until the returned value is dropped.
fn keep_fresh(locks: &[DirLock]) -> io::Result<mpsc::Sender<()>> {
    let locks: Vec<_> = locks.iter().map(|lock| Arc::clone(&lock.0)).collect();
    let (beat, ended) = mpsc::channel();
    thread::Builder::new().name("claude-lock".into()).spawn(move || {
        while ended.recv_timeout(HEARTBEAT) == Err(mpsc::RecvTimeoutError::Timeout) {
            locks.iter().for_each(|lock| _ = lock.touch());
        }
    })?;
    Ok(beat)
}

/// A lock that is a directory. Freed on drop.
struct DirLock(Arc<Held>);

struct Held {
    path: PathBuf,
    /// The modification time that was set last, which shows that the lock is still
    /// ours; `None` once it was freed or lost.
    ours: Mutex<Option<SystemTime>>,
}

impl DirLock {
    /// Takes the lock, unless a live process holds it. `note` names directories
    /// that earlier holders of our own lock created.
    fn try_take(path: &Path, note: &str) -> io::Result<Option<Self>> {
        match fs::create_dir(path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if !remove_if_dead(path, note)? {
                    return Ok(None);
                }
                match fs::create_dir(path) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(None),
                    Err(error) => return Err(error),
                }
            }
            Err(error) => return Err(error),
        }
        let lock = Self(Arc::new(Held { path: path.into(), ours: Mutex::new(None) }));
        // As the file system rounds it.
        *lock.0.ours() = Some(modified(path)?);
        Ok(Some(lock))
    }
}

impl Drop for DirLock {
    fn drop(&mut self) {
        let mut ours = self.0.ours();
        if ours.take().is_some_and(|ours| modified(&self.0.path).is_ok_and(|time| time == ours)) {
            // A directory that cannot be removed becomes stale.
            let _ = fs::remove_dir(&self.0.path);
        }
    }
}

impl Held {
    fn ours(&self) -> MutexGuard<'_, Option<SystemTime>> {
        // No panic can happen while it is held.
        self.ours.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows that this process is alive, if it still holds the lock. Returns whether
    /// it does.
    fn touch(&self) -> bool {
        let mut ours = self.ours();
        let Some(last) = *ours else { return false };
        match modified(&self.path) {
            Ok(time) if time == last => {
                let now = FileTimes::new().set_modified(SystemTime::now());
                let touched = open_dir(&self.path)
                    .and_then(|dir| dir.set_times(now))
                    .and_then(|()| modified(&self.path));
                // If that failed, the next beat tries again.
                if let Ok(time) = touched {
                    *ours = Some(time);
                }
            }
            // Another process took the lock as stale.
            Ok(_) => *ours = None,
            Err(error) if error.kind() == ErrorKind::NotFound => *ours = None,
            Err(_) => {}
        }
        ours.is_some()
    }
}

fn modified(path: &Path) -> io::Result<SystemTime> {
    path.symlink_metadata()?.modified()
}

/// Removes a lock that is stale or in the note. Returns whether it is gone.
///
/// Another process may take the lock over between the check and the removal.
/// `proper-lockfile` has the same gap. Here it is one system call wide, and a
/// save is compare-and-swap all the same.
fn remove_if_dead(path: &Path, note: &str) -> io::Result<bool> {
    let gone = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => Ok(true),
        _ => Err(error),
    };
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) => return gone(error),
    };
    let noted = identity(&metadata).is_some_and(|ours| note.lines().any(|line| line == ours));
    let (now, then) = (SystemTime::now(), metadata.modified()?);
    // A time in the future is from before the clock was set back. A live holder
    // would have set it again by now.
    let age = now.duration_since(then).unwrap_or_else(|error| error.duration());
    if !noted && age <= STALE {
        return Ok(false);
    }
    let removed = match metadata.is_dir() {
        true => fs::remove_dir(path),
        // Some versions leave a file.
        false => fs::remove_file(path),
    };
    removed.map(|()| true).or_else(gone)
}

#[cfg(not(windows))]
fn open_dir(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(windows)]
fn open_dir(path: &Path) -> io::Result<File> {
    use std::os::windows::fs::OpenOptionsExt;

    // FILE_WRITE_ATTRIBUTES, FILE_FLAG_BACKUP_SEMANTICS (docs of CreateFileW).
    fs::OpenOptions::new().access_mode(0x0100).custom_flags(0x0200_0000).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of Linux.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_cannot_be_locked_so_is_for_a_person_to_change() {
        use auth_accounts::{StoreError, StoreErrorKind as Kind};
        use auth_core::Advice::{FixSetup, TryLater};

        for (what, errno, kind, advice, for_nobody) in [
            ("EPERM", 1, Kind::Permissions, FixSetup, true),
            ("EACCES", 13, Kind::Permissions, FixSetup, true),
            ("EROFS", 30, Kind::ReadOnly, FixSetup, true),
            ("ENOSYS", 38, Kind::Misconfigured, FixSetup, true),
            ("EOPNOTSUPP", 95, Kind::Misconfigured, FixSetup, true),
            ("ENAMETOOLONG", 36, Kind::Misconfigured, FixSetup, true),
            ("ENOLCK", 37, Kind::Misconfigured, FixSetup, false),
            ("ENOTDIR", 20, Kind::Misconfigured, FixSetup, false),
            ("ENOSPC", 28, Kind::Full, FixSetup, false),
            ("EDQUOT", 122, Kind::Full, FixSetup, false),
            ("EMFILE", 24, Kind::Io, TryLater, false),
            ("ESTALE", 116, Kind::Io, TryLater, false),
            ("EIO", 5, Kind::Io, TryLater, false),
        ] {
            let error = io::Error::from_raw_os_error(errno);
            assert_eq!(is_for_nobody(&error), for_nobody, "{what}");
            let error = StoreError::from(not_taken(Path::new("x.lock"))(error));
            assert_eq!((error.kind(), error.advice()), (kind, advice), "{what}");
            let no_locks = ["ENOSYS", "EOPNOTSUPP", "ENOLCK"].contains(&what);
            assert_eq!(error.to_string().contains("has no locks"), no_locks, "{error}");
        }
    }

    fn with_path(test: impl FnOnce(&Path)) {
        let scratch = tempfile::tempdir().unwrap();
        test(&scratch.path().join("x.lock"));
    }

    fn age(path: &Path, by: Duration) {
        let times = FileTimes::new().set_modified(SystemTime::now() - by);
        open_dir(path).unwrap().set_times(times).unwrap();
    }

    #[test]
    fn a_beat_keeps_a_lock_from_growing_stale() {
        with_path(|path| {
            let lock = DirLock::try_take(path, "").unwrap().unwrap();
            age(path, Duration::from_secs(50));
            *lock.0.ours() = Some(modified(path).unwrap());
            lock.0.touch();
            let age = SystemTime::now().duration_since(modified(path).unwrap());
            assert!(age.unwrap_or_default() < Duration::from_secs(40));
            // And it is still known to be ours.
            drop(lock);
            assert!(!path.exists());
        });
    }

    #[test]
    fn a_lost_lock_is_left_to_its_new_holder() {
        for gone in [true, false] {
            with_path(|path| {
                let lock = DirLock::try_take(path, "").unwrap().unwrap();
                if gone {
                    fs::remove_dir(path).unwrap();
                } else {
                    age(path, Duration::from_secs(1));
                }
                let theirs = modified(path).ok();
                lock.0.touch();
                assert_eq!(*lock.0.ours(), None);
                assert_eq!(modified(path).ok(), theirs);
                drop(lock);
                assert_eq!(path.exists(), !gone);
            });
        }
    }

    /// What a process that was killed left, and what Claude Code made in its
    /// place.
    #[cfg(unix)]
    #[test]
    fn a_noted_lock_is_removed_at_once() {
        with_path(|path| {
            let killed = DirLock::try_take(path, "").unwrap().unwrap();
            let note = format!("0 0 0\n{}\n", identity(&path.metadata().unwrap()).unwrap());
            std::mem::forget(killed);
            assert!(DirLock::try_take(path, "").unwrap().is_none());
            assert!(DirLock::try_take(path, "0 0 0\n").unwrap().is_none());
            let lock = DirLock::try_take(path, &note).unwrap().unwrap();
            // Another directory, also if it has the number of the first.
            assert!(DirLock::try_take(path, &note).unwrap().is_none());
            drop(lock);
        });
    }
}
