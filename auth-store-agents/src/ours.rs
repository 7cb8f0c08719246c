//! What is ours beside an agent's file: locks, notes, and the file's new content while
//! it is written in place.
//!
//! Where nothing can be made beside it, as in a container that has the file alone from
//! its host, the agent's file itself is the lock, nothing is noted, and a write in place
//! has no side file: losing that is better than losing the session.

use std::{io::ErrorKind, thread, time::Duration};

use auth_store::internal::{
    BareLock, Content, Dir, FileError, FileLock, Held, Patience, Privacy, Problem, Side,
};

use crate::{
    bare::{BareLease, BareWrite},
    notes::NotesDir,
    our_lock::OurLock,
    place::Place,
};

pub(crate) struct Ours {
    /// `None` if nothing can be made.
    notes: Option<NotesDir>,
    /// The agent's directory.
    dir: Dir,
    name: String,
}

impl Ours {
    /// Makes our directory unless it exists.
    pub(crate) fn open(place: &Place) -> Result<Self, FileError> {
        let opened = match NotesDir::open(&place.dir, &place.name, place.modes) {
            Ok(notes) if notes.dir().is_writable() => Ok(Some(notes)),
            Ok(notes) => {
                Err(FileError::io("write to", notes.dir().path_of(""), ErrorKind::PermissionDenied))
            }
            Err(error) => Err(error),
        };
        let dir = Dir::open_with(&place.dir, Privacy::Unwritable, place.modes);
        let notes = match opened {
            Ok(notes) => notes,
            // Without a file to lock there is nothing.
            Err(error) if is_denied(&error) => match &dir {
                Ok(dir) if matches!(dir.open_to_write(&place.name), Ok(Some(_))) => None,
                _ => return Err(error),
            },
            Err(error) => return Err(error),
        };
        Ok(Self { notes, dir: dir?, name: place.name.clone() })
    }

    /// The agent's directory.
    pub(crate) fn dir(&self) -> &Dir {
        &self.dir
    }

    pub(crate) fn side(&self) -> Option<Side<'_>> {
        self.notes.as_ref().map(NotesDir::side)
    }

    /// Replaces the notes, where there is a place for them.
    pub(crate) fn note(&self, notes: &Content) -> Result<(), FileError> {
        self.notes.as_ref().map_or(Ok(()), |ours| ours.write(notes))
    }

    /// Keeps the notes, which are damaged, under another name, too.
    pub(crate) fn set_aside(&self) -> Result<(), FileError> {
        self.notes.as_ref().map_or(Ok(()), NotesDir::set_aside)
    }

    /// The lock that our processes take to write; `None` if somebody else is writing.
    pub(crate) fn try_lock_write(&self) -> Result<Option<OurLock>, FileError> {
        match &self.notes {
            Some(ours) => {
                Ok(FileLock::try_take(ours.dir(), &ours.names().lock)?.map(OurLock::File))
            }
            None => Ok(BareWrite::try_take(&self.dir, &self.name)?.map(OurLock::BareWrite)),
        }
    }

    /// The same, waiting for others to end.
    pub(crate) fn lock_write(&self, wait: Duration) -> Result<OurLock, FileError> {
        let mut patience = Patience::new(wait);
        loop {
            if let Some(lock) = self.try_lock_write()? {
                return Ok(lock);
            }
            match patience.next() {
                Some(pause) => thread::sleep(pause),
                None => {
                    let path = self.dir.path_of(&self.name);
                    return Err(FileError::new(path, Problem::Busy { waited: wait }));
                }
            }
        }
    }

    /// The locks of whoever refreshes; `None` if somebody else does.
    pub(crate) fn try_lease(&self) -> Result<Option<OurLease>, FileError> {
        let Some(ours) = &self.notes else {
            let locked = BareLease::try_take(&self.dir, &self.name)?;
            return Ok(locked.map(|lock| OurLease { lock: OurLock::Bare(lock), itself: None }));
        };
        let Some(lock) = FileLock::try_take(ours.dir(), &ours.names().lease)? else {
            return Ok(None);
        };
        // Whoever has the file mounted has another directory, with another lease.
        let itself = match self.dir.try_lock_itself(&self.name) {
            Ok(Some(itself)) => Some(itself),
            Ok(None) => return Ok(None),
            // There is no file yet, or there are no such locks.
            Err(_) => None,
        };
        Ok(Some(OurLease { lock: OurLock::File(lock), itself }))
    }

    /// Confirms that a lease is still exclusive.
    pub(crate) fn confirm(&self, lease: &OurLease) -> Result<(), FileError> {
        match (&lease.lock, &self.notes) {
            (OurLock::File(lock), Some(ours)) => lock.confirm(ours.dir(), &ours.names().lease),
            (OurLock::Bare(lock), _) => lock.confirm(&self.dir, &self.name),
            (OurLock::File(_), None) | (OurLock::BareWrite(_), _) => {
                Err(FileError::new(self.dir.path_of(&self.name), Problem::LeaseLost))
            }
        }
    }
}

/// What our processes exclude each other with.
pub(crate) struct OurLease {
    pub(crate) lock: OurLock,
    /// On the agent's file, where it is not the lock anyhow.
    #[allow(dead_code, reason = "it is freed on drop")]
    itself: Option<BareLock>,
}

impl Held for OurLease {
    fn is_made_anew(&self) -> bool {
        match &self.lock {
            OurLock::File(lock) => !lock.is_marked(),
            // Nobody removes the agent's file to tidy up.
            OurLock::Bare(_) | OurLock::BareWrite(_) => false,
        }
    }
}

/// Whether nothing can be made there.
pub(crate) fn is_denied(error: &FileError) -> bool {
    let Problem::Io { error, .. } = &error.problem else { return false };
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}
