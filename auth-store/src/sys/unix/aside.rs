//! Moving a file aside, in its directory.

use rustix::{fs::AtFlags, io::Errno};

use super::Dir;
use crate::error::FileError;

impl Dir {
    /// Gives the file `name` the name `aside`, which nothing may have. Returns whether
    /// nothing had it but this file: a writer may have died in between. `name` may stay
    /// as another name of the same file, so that it is never missing: whoever wants it
    /// gone removes it.
    ///
    /// The caller holds a lock that all take who use these names.
    pub fn set_aside(&self, name: &str, aside: &str) -> Result<bool, FileError> {
        let error = |errno| FileError::io("move aside", self.path_of(name), errno);
        match rustix::fs::linkat(&self.file, name, &self.file, aside, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => self.are_one_file(name, aside),
            Err(Errno::NOENT) => Err(error(Errno::NOENT)),
            // Not every file system has a second name for a file.
            Err(_) if self.has(aside)? => Ok(false),
            Err(_) => match rustix::fs::renameat(&self.file, name, &self.file, aside) {
                Ok(()) => Ok(true),
                Err(errno) => Err(error(errno)),
            },
        }
    }

    fn are_one_file(&self, one: &str, other: &str) -> Result<bool, FileError> {
        let file = |name| {
            rustix::fs::statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW)
                .map(|stat| (stat.st_dev, stat.st_ino))
                .map_err(|error| FileError::io("examine", self.path_of(name), error))
        };
        Ok(file(one)? == file(other)?)
    }

    /// Tells states of a file apart that is too large to be read.
    pub fn state_of(&self, name: &str) -> Result<Vec<u8>, FileError> {
        let stat = rustix::fs::statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|error| FileError::io("examine", self.path_of(name), error))?;
        // The types of these numbers differ between systems.
        let numbers = [stat.st_ino as i128, stat.st_size as i128, stat.st_mtime as i128];
        let nanoseconds = stat.st_mtime_nsec as i128;
        Ok(numbers.into_iter().chain([nanoseconds]).flat_map(i128::to_be_bytes).collect())
    }
}
