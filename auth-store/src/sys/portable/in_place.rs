//! What a file needs that is written in place: here nothing is mounted over a file,
//! and a lock on a file would keep others from reading it.

use std::{
    fs::{File, OpenOptions},
    io::ErrorKind,
};

use super::Dir;
use crate::error::FileError;

/// A lock on what is no lock file. There is none here.
#[derive(Debug)]
pub enum BareLock {}

#[allow(clippy::unused_self, clippy::unnecessary_wraps)]
impl Dir {
    /// Whether something is mounted at `name`.
    pub fn is_mount_point(&self, _name: &str) -> Result<bool, FileError> {
        Ok(false)
    }

    /// Whether this user can make files here, which is found out by trying.
    pub fn is_writable(&self) -> bool {
        true
    }

    /// Opens a file to write into it; `None` if there is none. Creates nothing.
    pub fn open_to_write(&self, name: &str) -> Result<Option<File>, FileError> {
        if !self.is_regular(name)? {
            return Ok(None);
        }
        let opened = OpenOptions::new().read(true).write(true).open(self.path_of(name));
        opened.map(Some).map_err(|error| FileError::io("open", self.path_of(name), error))
    }

    /// Whether a file that was opened has a name anywhere.
    pub fn has_a_name(&self, _file: &File) -> bool {
        true
    }

    /// Fails.
    pub fn try_lock_itself(&self, name: &str) -> Result<Option<BareLock>, FileError> {
        Err(FileError::io("lock", self.path_of(name), ErrorKind::Unsupported))
    }

    /// Whether a file that was locked is still that of its name.
    pub fn confirm_itself(&self, _name: &str, lock: &BareLock) -> Result<(), FileError> {
        match *lock {}
    }
}
