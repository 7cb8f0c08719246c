//! Directories that the environment names, and paths that are relative to one.

use std::path::{Path, PathBuf};

use crate::error::{FileError, Problem};

/// What names the home directory, unless the system does.
const HOME: &str = if cfg!(windows) { "USERPROFILE" } else { "HOME" };

/// The path from the root: after `chdir`, a relative one would mean another place.
pub fn absolute(path: &Path) -> Result<PathBuf, FileError> {
    match path.as_os_str().is_empty() {
        true => Err(FileError::new(path, Problem::EmptyPath)),
        false => {
            std::path::absolute(path).map_err(|error| FileError::io("make absolute", path, error))
        }
    }
}

/// The home directory of this user.
pub fn home_directory() -> Result<PathBuf, FileError> {
    let home = etcetera::home_dir();
    below_home(home.map_err(|_| FileError::new(HOME, Problem::NoStateDirectory))?)
}

/// A directory that is absolute if the home directory is.
pub(crate) fn below_home(directory: PathBuf) -> Result<PathBuf, FileError> {
    named_by(HOME, directory)
}

/// The directory that `variable` names. It is absolute, lest it be another one in
/// each working directory, and anybody's who may write to that.
pub fn named_by(variable: &'static str, directory: PathBuf) -> Result<PathBuf, FileError> {
    match directory.is_absolute() {
        true => Ok(directory),
        false => Err(FileError::new(variable, Problem::NotAbsolute { directory })),
    }
}
