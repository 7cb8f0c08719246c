//! The locks that Claude Code takes, as it takes them.
//!
//! It uses the npm package `proper-lockfile`: a lock is a directory, made to
//! take it and removed to free it. Its holder sets the directory's time of
//! modification every 5 s, and one that has not been touched for 60 s is taken
//! for a dead process's. Which locks, and these two times, are from Claude
//! Code 2.1.144 to 2.1.287 as others have read them (github.com:
//! anaclumos/tokenmaxxing#27, cnighswonger/claude-code-cache-fix#372,
//! anthropics/claude-code#95739): for a renewal `.oauth_refresh.lock` in the
//! directory of the credentials, then `<real path of that directory>.lock`;
//! for a change of the file `.storage-write.lock` beside it.

use std::{
    fs::{self, File, FileTimes},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, SystemTime},
};

use crate::error::FileError;

const HEARTBEAT: Duration = Duration::from_secs(5);
const STALE: Duration = Duration::from_secs(60);

/// Keeps Claude Code from renewing.
pub(super) struct RenewalLock {
    /// Ends the thread that touches the locks, by being dropped.
    _beat: mpsc::Sender<()>,
    _locks: Vec<DirLock>,
}

impl RenewalLock {
    pub(super) fn try_take(file: &Path) -> Result<Option<Self>, FileError> {
        let Some(dir) = file.parent() else { return Ok(None) };
        let first = dir.join(".oauth_refresh.lock");
        let Some(first) = DirLock::try_take(&first).map_err(error_at(&first))? else {
            return Ok(None);
        };
        let real = fs::canonicalize(dir).map_err(error_at(dir))?;
        let second = real.with_file_name({
            let mut name = real.file_name().unwrap_or_default().to_owned();
            name.push(".lock");
            name
        });
        let mut locks = vec![first];
        match DirLock::try_take(&second) {
            Ok(Some(second)) => locks.push(second),
            Ok(None) => return Ok(None),
            // The first is what counts; this is for older versions, and is not
            // in a directory that must be writable.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
                ) => {}
            Err(error) => return Err(error_at(&second)(error)),
        }
        let shared: Vec<_> = locks.iter().map(|lock| Arc::clone(&lock.0)).collect();
        let (beat, ended) = mpsc::channel::<()>();
        thread::Builder::new()
            .name("claude-lock".into())
            .spawn(move || {
                while ended.recv_timeout(HEARTBEAT) == Err(mpsc::RecvTimeoutError::Timeout) {
                    shared.iter().for_each(|lock| lock.touch());
                }
            })
            .map_err(|error| FileError::io("keep locked", dir, error))?;
        Ok(Some(Self { _beat: beat, _locks: locks }))
    }
}

/// Keeps Claude Code from changing the file.
pub(super) struct WriteLock {
    _lock: DirLock,
}

impl WriteLock {
    pub(super) fn try_take(file: &Path) -> Result<Option<Self>, FileError> {
        let path = file.with_file_name(".storage-write.lock");
        let lock = DirLock::try_take(&path).map_err(error_at(&path))?;
        Ok(lock.map(|lock| Self { _lock: lock }))
    }
}

fn error_at(path: &Path) -> impl Fn(io::Error) -> FileError {
    move |error| FileError::io("lock as Claude Code does", path, error)
}

/// A lock that is a directory. Freed on drop.
struct DirLock(Arc<Held>);

struct Held {
    path: PathBuf,
    /// The time that was set last, by which the lock is known to be ours still;
    /// `None` once it was freed or lost.
    ours: Mutex<Option<SystemTime>>,
}

impl DirLock {
    fn try_take(path: &Path) -> io::Result<Option<Self>> {
        match fs::create_dir(path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if !remove_if_stale(path)? {
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
            // One that cannot be removed grows stale.
            let _ = fs::remove_dir(&self.0.path);
        }
    }
}

impl Held {
    fn ours(&self) -> MutexGuard<'_, Option<SystemTime>> {
        // No panic can happen while it is held.
        self.ours.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows that the holder is alive, if it still holds the lock.
    fn touch(&self) {
        let mut ours = self.ours();
        let Some(last) = *ours else { return };
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
            // Somebody took us for dead.
            Ok(_) => *ours = None,
            Err(error) if error.kind() == ErrorKind::NotFound => *ours = None,
            Err(_) => {}
        }
    }
}

fn modified(path: &Path) -> io::Result<SystemTime> {
    path.symlink_metadata()?.modified()
}

/// Removes a lock that nobody has touched for long, and says whether it is
/// gone.
///
/// Between the look and the removal somebody else may have taken the lock
/// over. `proper-lockfile` has the same gap; here it is one system call wide,
/// and what is saved is compared all the same.
fn remove_if_stale(path: &Path) -> io::Result<bool> {
    let gone = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => Ok(true),
        _ => Err(error),
    };
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) => return gone(error),
    };
    let (now, then) = (SystemTime::now(), metadata.modified()?);
    // A time in the future is from before the clock was set back. Whoever is
    // alive would have set it again by now.
    let age = now.duration_since(then).unwrap_or_else(|error| error.duration());
    if age <= STALE {
        return Ok(false);
    }
    let removed = match metadata.is_dir() {
        true => fs::remove_dir(path),
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
