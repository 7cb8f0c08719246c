//! [`Dir`] on Unix.

mod aside;
mod in_place;

use std::{
    ffi::OsStr,
    fs::{DirBuilder, File},
    io::{self, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt},
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags},
    io::Errno,
};
use zeroize::Zeroizing;

pub use in_place::{BareLock, this_user};

use super::{Modes, Privacy, above, access, modes::Kind, read_bounded};
use crate::error::{FileError, Problem};

/// A directory that was checked when it was opened.
///
/// Each operation on a store opens it anew, and so notices if it was replaced,
/// or made accessible to others.
#[derive(Debug)]
pub struct Dir {
    file: File,
    path: PathBuf,
    privacy: Privacy,
    modes: Modes,
}

impl Dir {
    /// Creates the directory and its parents, with mode 0700, unless they exist.
    pub fn create(path: &Path) -> Result<(), FileError> {
        let is_missing = |path: &&Path| path.symlink_metadata().is_err();
        let missing = path.ancestors().take_while(is_missing).count();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| FileError::io("create directory", path, error))?;
        // Otherwise a power failure may lose the whole store, with what was
        // flushed in it. A parent that cannot be opened cannot be flushed.
        for parent in path.ancestors().skip(1).take(missing) {
            if let Ok(file) = File::open(parent) {
                flush(&file).map_err(|error| FileError::io("flush", parent, error))?;
            }
        }
        Ok(())
    }

    /// Checks that nobody but those who are trusted can replace what is at `path`,
    /// by what is above it.
    pub fn check_above(path: &Path) -> Result<(), FileError> {
        Self::check_above_with(path, Modes::Enforced)
    }

    /// The same, where the program has said how far modes count.
    pub fn check_above_with(path: &Path, modes: Modes) -> Result<(), FileError> {
        above::check(path, modes)
    }

    /// Opens a directory that belongs to this user and is as private as required.
    pub fn open(path: &Path, privacy: Privacy) -> Result<Self, FileError> {
        Self::open_with(path, privacy, Modes::Enforced)
    }

    /// The same, where the program has said how far modes count.
    pub fn open_with(path: &Path, privacy: Privacy, modes: Modes) -> Result<Self, FileError> {
        // With a slash at its end, the system would follow a link all the same.
        let path = &*path.components().collect::<PathBuf>();
        let mut flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        if privacy == Privacy::Secret {
            flags |= OFlags::NOFOLLOW;
        }
        let opened = rustix::fs::openat(CWD, path, flags, Mode::empty());
        let file = File::from(opened.map_err(|error| {
            // Linux reports ENOTDIR for a link that is opened this way.
            match path.symlink_metadata() {
                Ok(metadata) if metadata.is_symlink() && privacy == Privacy::Secret => {
                    FileError::new(path, Problem::Symlink)
                }
                // A dangling link.
                Ok(metadata) if metadata.is_symlink() => {
                    FileError::io("open directory", path, error)
                }
                Ok(metadata) if !metadata.is_dir() => {
                    FileError::new(path, Problem::WrongType { expected: "directory" })
                }
                _ => FileError::io("open directory", path, error),
            }
        })?);
        let kind = match privacy {
            Privacy::Secret => Kind::Ours,
            Privacy::Unwritable => Kind::TheirDirectory,
        };
        if let Some(tightened) = access::check(&file, path, kind, modes)? {
            access::tighten_content(&file, path, &tightened);
        }
        Ok(Self { file, path: path.into(), privacy, modes })
    }

    /// Whether what is made in the directory at `path` gets the mode that is asked for;
    /// `None` if that cannot be tried.
    pub fn keeps_modes(path: &Path) -> Option<bool> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(CWD, path, flags, Mode::empty()).ok()?;
        access::keeps_modes(&File::from(dir))
    }

    /// The path of `name` in this directory, for messages.
    pub fn path_of(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// A file's content; `None` if there is no such file.
    pub fn read(&self, name: &str, limit: usize) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
        // Opening a pipe that somebody put there must not block.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let Some(file) = self.open_file(name, flags)? else { return Ok(None) };
        match read_bounded(&file, limit) {
            Ok(Some(content)) => Ok(Some(content)),
            Ok(None) => Err(FileError::new(self.path_of(name), Problem::TooLarge { limit })),
            Err(error) => Err(FileError::io("read", self.path_of(name), error)),
        }
    }

    /// Replaces `name`, or creates it, with mode 0600 or what the replaced file's
    /// allowed its owner. Whatever happens, `name` holds the whole old or the whole new
    /// content.
    ///
    /// The caller holds a lock that all writers of `name` take, so whatever is
    /// at `temporary` was left by one that died. If there may be writers that
    /// take no lock, `last_look` can still refuse just before the rename.
    pub fn replace(
        &self,
        name: &str,
        temporary: &str,
        content: &[u8],
        last_look: impl FnOnce() -> Result<(), FileError>,
    ) -> Result<(), FileError> {
        let mode = match self.open_file(name, OFlags::RDONLY | OFlags::NONBLOCK)? {
            // A group that had access may not be the group of the new file.
            Some(old) => owners_mode(&old)
                .map_err(|error| FileError::io("examine", self.path_of(name), error))?,
            None => 0o600,
        };
        self.remove(temporary)?;
        self.write_new(temporary, content, mode)
            .and_then(|()| last_look())
            .and_then(|()| {
                rustix::fs::renameat(&self.file, temporary, &self.file, name)
                    .map_err(|error| FileError::io("replace", self.path_of(name), error))
            })
            .inspect_err(|_| {
                // The temporary file holds secrets. A failure here changes
                // nothing: the next writer tries again.
                let _ = self.remove(temporary);
            })?;
        self.flush(name)
    }

    /// Makes the last change of `name` durable.
    pub fn flush(&self, name: &str) -> Result<(), FileError> {
        flush(&self.file)
            .map_err(|error| FileError::new(self.path_of(name), Problem::NotDurable { error }))
    }

    /// Opens a file to lock. Creates it unless it exists.
    pub fn lock_file(&self, name: &str) -> Result<File, FileError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NONBLOCK | OFlags::NOCTTY;
        match self.open_file(name, flags)? {
            Some(file) => Ok(file),
            // The directory was removed while it was open.
            None => Err(FileError::io("create", self.path_of(name), Errno::NOENT)),
        }
    }

    /// Whether a file that is locked can be told from a later one of its name.
    pub const TELLS_FILES_APART: bool = true;

    /// Whether there is anything of that name.
    pub fn has(&self, name: &str) -> Result<bool, FileError> {
        match rustix::fs::statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(FileError::io("examine", self.path_of(name), error)),
        }
    }

    /// Whether `name` is still the file that was opened. A file that was removed
    /// and created anew is another file, and so another lock.
    pub fn is_current(&self, name: &str, file: &File) -> Result<bool, FileError> {
        let error = |error: io::Error| FileError::io("examine", self.path_of(name), error);
        let ours = file.metadata().map_err(error)?;
        match rustix::fs::statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW) {
            // The types of these numbers differ between systems.
            #[allow(clippy::unnecessary_cast)]
            Ok(theirs) => {
                Ok(theirs.st_ino as u64 == ours.ino() && theirs.st_dev as u64 == ours.dev())
            }
            Err(Errno::NOENT) => Ok(false),
            Err(other) => Err(error(other.into())),
        }
    }

    /// Removes a file. Returns whether there was one.
    pub fn remove(&self, name: &str) -> Result<bool, FileError> {
        match rustix::fs::unlinkat(&self.file, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(FileError::io("remove", self.path_of(name), error)),
        }
    }

    /// Gives the names of everything in this directory, in no particular order.
    pub fn for_each_name(&self, mut with: impl FnMut(&OsStr)) -> Result<(), FileError> {
        let mut list = || -> rustix::io::Result<()> {
            for entry in rustix::fs::Dir::read_from(&self.file)? {
                let entry = entry?;
                let name = entry.file_name().to_bytes();
                if name != b"." && name != b".." {
                    with(OsStr::from_bytes(name));
                }
            }
            Ok(())
        };
        list().map_err(|error| FileError::io("list", self.path.clone(), error))
    }

    /// Opens a regular file that belongs to this user and that nobody else can
    /// access; `None` if there is none.
    fn open_file(&self, name: &str, flags: OFlags) -> Result<Option<File>, FileError> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let path = || self.path_of(name);
        let file = match rustix::fs::openat(&self.file, name, flags, Mode::from(0o600)) {
            Ok(opened) => File::from(opened),
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => {
                let stat = rustix::fs::statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW);
                return Err(match stat.map(|stat| FileType::from_raw_mode(stat.st_mode)) {
                    Ok(FileType::Symlink) => FileError::new(path(), Problem::Symlink),
                    Ok(FileType::RegularFile) | Err(_) => FileError::io("open", path(), error),
                    Ok(_) => {
                        FileError::new(path(), Problem::WrongType { expected: "regular file" })
                    }
                });
            }
        };
        let metadata = file.metadata().map_err(|error| FileError::io("examine", path(), error))?;
        if !metadata.is_file() {
            return Err(FileError::new(path(), Problem::WrongType { expected: "regular file" }));
        }
        let kind = match self.privacy {
            Privacy::Secret => Kind::Ours,
            Privacy::Unwritable => Kind::Theirs,
        };
        if let Some(tightened) = access::check(&file, &path(), kind, self.modes)? {
            access::report(&path(), &tightened);
        }
        Ok(Some(file))
    }

    fn write_new(&self, name: &str, content: &[u8], mode: u32) -> Result<(), FileError> {
        let error = |error: io::Error| FileError::io("write", self.path_of(name), error);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(mode as rustix::fs::RawMode);
        let opened = rustix::fs::openat(&self.file, name, flags, Mode::from(0o600));
        let mut file = File::from(opened.map_err(|errno| error(errno.into()))?);
        // The umask may have removed bits. Where modes cannot be changed, what counts is
        // which one it has.
        let _ = rustix::fs::fchmod(&file, mode);
        access::check_new(&file, &self.path_of(name), self.modes)?;
        file.write_all(content).map_err(error)?;
        file.sync_all().map_err(error)
    }
}

/// Makes a directory's last change durable.
fn flush(dir: &File) -> io::Result<()> {
    match dir.sync_all() {
        // Some network file systems cannot flush a directory, and need not.
        Err(error)
            if matches!(Errno::from_io_error(&error), Some(Errno::INVAL | Errno::NOTSUP)) =>
        {
            Ok(())
        }
        result => result,
    }
}

fn owners_mode(file: &File) -> io::Result<u32> {
    Ok(file.metadata()?.mode() & 0o700)
}
