//! Moving a file aside, in its directory.

use std::{
    fs,
    io::ErrorKind,
    time::{SystemTime, UNIX_EPOCH},
};

use super::Dir;
use crate::error::FileError;

impl Dir {
    /// Gives the file `name` the name `aside`, which nothing may have. Returns whether
    /// nothing had it. `name` may stay as another name of the same file, so that it is
    /// never missing: whoever wants it gone removes it.
    ///
    /// The caller holds a lock that all take who use these names.
    pub fn set_aside(&self, name: &str, aside: &str) -> Result<bool, FileError> {
        let (from, to) = (self.path_of(name), self.path_of(aside));
        match fs::hard_link(&from, &to) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            // Not every file system has a second name for a file.
            Err(_) if self.has(aside)? => Ok(false),
            Err(_) => match fs::rename(&from, &to) {
                Ok(()) => Ok(true),
                Err(error) => Err(FileError::io("move aside", from, error)),
            },
        }
    }

    /// Tells states of a file apart that is too large to be read.
    pub fn state_of(&self, name: &str) -> Result<Vec<u8>, FileError> {
        let path = self.path_of(name);
        let metadata = path
            .symlink_metadata()
            .map_err(|error| FileError::io("examine", path.clone(), error))?;
        let changed = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let changed = changed.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        Ok([u128::from(metadata.len()), changed].into_iter().flat_map(u128::to_be_bytes).collect())
    }
}
