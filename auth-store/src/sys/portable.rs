//! [`Dir`] by paths, for systems other than Unix.
//!
//! It is compiled for this crate's tests everywhere.

mod aside;
#[cfg_attr(unix, allow(dead_code, reason = "it is compiled for the tests"))]
mod in_place;

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

#[cfg_attr(unix, allow(unused_imports, reason = "it is compiled for the tests"))]
pub use in_place::BareLock;

use super::{Modes, Privacy, read_bounded};
use crate::error::{FileError, Problem};

/// A directory.
#[derive(Debug)]
pub struct Dir {
    path: PathBuf,
}

impl Dir {
    /// Creates the directory and its parents unless they exist.
    pub fn create(path: &Path) -> Result<(), FileError> {
        fs::create_dir_all(path).map_err(|error| FileError::io("create directory", path, error))
    }

    /// Does nothing: there are no modes to check.
    #[allow(clippy::unnecessary_wraps)]
    pub fn check_above(_path: &Path) -> Result<(), FileError> {
        Ok(())
    }

    /// Does nothing either.
    #[allow(clippy::unnecessary_wraps)]
    pub fn check_above_with(path: &Path, _modes: Modes) -> Result<(), FileError> {
        Self::check_above(path)
    }

    /// Opens a directory: there are no modes to ignore.
    pub fn open_with(path: &Path, privacy: Privacy, _modes: Modes) -> Result<Self, FileError> {
        Self::open(path, privacy)
    }

    /// There are none.
    pub fn keeps_modes(_path: &Path) -> Option<bool> {
        None
    }

    /// Opens a directory.
    pub fn open(path: &Path, privacy: Privacy) -> Result<Self, FileError> {
        let metadata = match privacy {
            Privacy::Secret => path.symlink_metadata(),
            Privacy::Unwritable => path.metadata(),
        };
        let metadata = metadata.map_err(|error| FileError::io("open directory", path, error))?;
        if metadata.is_symlink() {
            return Err(FileError::new(path, Problem::Symlink));
        }
        if !metadata.is_dir() {
            return Err(FileError::new(path, Problem::WrongType { expected: "directory" }));
        }
        Ok(Self { path: path.into() })
    }

    /// The path of `name` in this directory.
    pub fn path_of(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// A file's content; `None` if there is no such file.
    pub fn read(&self, name: &str, limit: usize) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
        if !self.is_regular(name)? {
            return Ok(None);
        }
        let path = self.path_of(name);
        let content = match File::open(&path) {
            Ok(file) => read_bounded(&file, limit),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FileError::io("open", path, error)),
        };
        match content {
            Ok(Some(content)) => Ok(Some(content)),
            Ok(None) => Err(FileError::new(path, Problem::TooLarge { limit })),
            Err(error) => Err(FileError::io("read", path, error)),
        }
    }

    /// Replaces `name`, or creates it. Whatever happens, `name` holds the whole
    /// old or the whole new content.
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
        self.is_regular(name)?;
        self.remove(temporary)?;
        self.write_new(temporary, content)
            .and_then(|()| last_look())
            .and_then(|()| {
                fs::rename(self.path_of(temporary), self.path_of(name))
                    .map_err(|error| FileError::io("replace", self.path_of(name), error))
            })
            .inspect_err(|_| {
                // The temporary file holds secrets. A failure here changes
                // nothing: the next writer tries again.
                let _ = self.remove(temporary);
            })
    }

    /// Does nothing: a directory cannot be flushed here.
    #[allow(clippy::unused_self, clippy::unnecessary_wraps)]
    pub fn flush(&self, _name: &str) -> Result<(), FileError> {
        Ok(())
    }

    /// Opens a file to lock. Creates it unless it exists.
    pub fn lock_file(&self, name: &str) -> Result<File, FileError> {
        self.is_regular(name)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        options
            .open(self.path_of(name))
            .map_err(|error| FileError::io("create", self.path_of(name), error))
    }

    /// Whether a file that is locked can be told from a later one of its name. Not
    /// for sure, so that lock files stay.
    pub const TELLS_FILES_APART: bool = false;

    /// Whether there is anything of that name.
    pub fn has(&self, name: &str) -> Result<bool, FileError> {
        match self.path_of(name).symlink_metadata() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(FileError::io("examine", self.path_of(name), error)),
        }
    }

    /// Whether `name` is still the file that was opened. Windows frees the name of an
    /// open file that is removed. A file has no number here, but a time at which it
    /// was last changed, which its holder sets.
    pub fn is_current(&self, name: &str, file: &File) -> Result<bool, FileError> {
        let error = |error: io::Error| FileError::io("examine", self.path_of(name), error);
        let ours = file.metadata().and_then(|ours| ours.modified()).map_err(error)?;
        match self.path_of(name).symlink_metadata().and_then(|theirs| theirs.modified()) {
            Ok(theirs) => Ok(theirs == ours),
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(other) => Err(error(other)),
        }
    }

    /// Removes a file. Returns whether there was one.
    pub fn remove(&self, name: &str) -> Result<bool, FileError> {
        match fs::remove_file(self.path_of(name)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(FileError::io("remove", self.path_of(name), error)),
        }
    }

    /// Gives the names of everything in this directory, in no particular order.
    pub fn for_each_name(&self, mut with: impl FnMut(&OsStr)) -> Result<(), FileError> {
        fs::read_dir(&self.path)
            .and_then(|mut entries| {
                entries.try_for_each(|entry| {
                    with(&entry?.file_name());
                    Ok(())
                })
            })
            .map_err(|error| FileError::io("list", self.path.clone(), error))
    }

    /// Whether there is a regular file of that name. Anything else of that name
    /// is an error.
    fn is_regular(&self, name: &str) -> Result<bool, FileError> {
        let path = self.path_of(name);
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_file() => Ok(true),
            Ok(metadata) if metadata.is_symlink() => Err(FileError::new(path, Problem::Symlink)),
            Ok(_) => Err(FileError::new(path, Problem::WrongType { expected: "regular file" })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(FileError::io("examine", path, error)),
        }
    }

    fn write_new(&self, name: &str, content: &[u8]) -> Result<(), FileError> {
        let error = |error| FileError::io("write", self.path_of(name), error);
        let mut options = OpenOptions::new();
        let mut file =
            options.write(true).create_new(true).open(self.path_of(name)).map_err(error)?;
        file.write_all(content).map_err(error)?;
        file.sync_all().map_err(error)
    }
}
