//! What a file needs that is written in place, or cannot be replaced.

use std::{
    fs::{File, TryLockError},
    os::unix::fs::MetadataExt,
};

use rustix::fs::{Access, AtFlags, OFlags};

use super::Dir;
use crate::error::{FileError, Problem};

impl Dir {
    /// Whether something is mounted at `name`. Then nothing can be renamed over it
    /// (EBUSY in `rename(2)`).
    pub fn is_mount_point(&self, name: &str) -> Result<bool, FileError> {
        if let Some(told) = self.told_mount_point(name) {
            return Ok(told);
        }
        // What is mounted comes from elsewhere as a rule.
        let error = |errno| FileError::io("examine", self.path_of(name), errno);
        let theirs = match rustix::fs::statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(theirs) => theirs,
            Err(rustix::io::Errno::NOENT) => return Ok(false),
            Err(errno) => return Err(error(errno)),
        };
        Ok(theirs.st_dev != rustix::fs::fstat(&self.file).map_err(error)?.st_dev)
    }

    /// The same as the system says it: Linux does from 5.8 on (`statx(2)`).
    #[cfg(target_os = "linux")]
    fn told_mount_point(&self, name: &str) -> Option<bool> {
        use rustix::fs::{StatxAttributes, StatxFlags};

        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        let told = rustix::fs::statx(&self.file, name, flags, StatxFlags::empty()).ok()?;
        let is_told = told.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT);
        is_told.then(|| told.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
    }

    #[cfg(not(target_os = "linux"))]
    #[allow(clippy::unused_self)]
    fn told_mount_point(&self, _name: &str) -> Option<bool> {
        None
    }

    /// Whether this user can make files here.
    pub fn is_writable(&self) -> bool {
        use rustix::io::Errno;

        let asked = rustix::fs::accessat(&self.file, ".", Access::WRITE_OK, AtFlags::EACCESS);
        // What cannot be asked is found out by trying.
        !matches!(asked, Err(Errno::ACCESS | Errno::ROFS | Errno::PERM))
    }

    /// Opens a file to write into it; `None` if there is none. Creates nothing.
    pub fn open_to_write(&self, name: &str) -> Result<Option<File>, FileError> {
        self.open_file(name, OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY)
    }

    /// Whether a file that was opened has a name anywhere. One that is mounted has
    /// none any more after it was replaced or removed where it comes from.
    pub fn has_a_name(&self, file: &File) -> bool {
        file.metadata().map_or(true, |metadata| metadata.nlink() > 0)
    }

    /// Locks the file `name` itself, in which nothing is written for it; `None` if
    /// somebody else holds it. The lock is of the file and not of its name, so that it
    /// excludes whoever has the same file mounted elsewhere. It does not keep
    /// anybody from reading or writing.
    pub fn try_lock_itself(&self, name: &str) -> Result<Option<BareLock>, FileError> {
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        // Network file systems want one that is open for writing.
        let opened = match self.open_file(name, flags | OFlags::RDWR) {
            Ok(opened) => opened,
            Err(_) => self.open_file(name, flags | OFlags::RDONLY)?,
        };
        let Some(file) = opened else {
            return Err(FileError::io("lock", self.path_of(name), rustix::io::Errno::NOENT));
        };
        match file.try_lock() {
            Ok(()) => Ok(Some(BareLock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(FileError::lock("lock", self.path_of(name), error))
            }
        }
    }

    /// Confirms that a file that was locked is still that of its name.
    pub fn confirm_itself(&self, name: &str, lock: &BareLock) -> Result<(), FileError> {
        match self.is_current(name, &lock.0)? {
            true => Ok(()),
            false => Err(FileError::new(self.path_of(name), Problem::LeaseLost)),
        }
    }
}

/// As whom this process touches files.
pub fn this_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// A lock on what is no lock file. Freed on drop.
#[derive(Debug)]
pub struct BareLock(File);

impl Drop for BareLock {
    fn drop(&mut self) {
        // See `FileLock`.
        let _ = self.0.unlock();
    }
}
