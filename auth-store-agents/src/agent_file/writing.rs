//! The file is written: replaced, or in place.
//!
//! | the file | is |
//! | --- | --- |
//! | of an agent that replaces it | replaced |
//! | of an agent that writes it in place | written in place, and so found by whoever has it mounted or linked |
//! | mounted by itself | written in place, since nothing can be renamed over it |
//! | in a directory in which nothing can be made | written in place |
//! | not there | created as a whole |

use std::{io::ErrorKind, thread, time::Duration};

use auth_store::internal::{
    Content, Dir, FileError, Patience, Problem, finish, is_marked, json::is_blank, moved_aside,
    read_whole, write_in_place,
};

use super::{
    Inner, MAX_FILE,
    reading::{Current, Damage},
};
use crate::{
    format::Format,
    notes::{names_aside, too_many_aside},
    our_lock::OurLock,
    ours::{Ours, is_denied},
    place::Place,
};

/// How long a save waits for other saves to end.
const SAVE_WAIT: Duration = Duration::from_secs(10);

/// The right to write the file. Freed on drop.
pub(super) struct Writing<'a, F: Format> {
    file: &'a Inner<F>,
    place: &'a Place,
    _theirs: F::Lock,
    _lock: OurLock,
    ours: Ours,
}

impl<F: Format> Inner<F> {
    /// Takes all the locks, and finishes what somebody had begun to write who died.
    pub(super) fn begin<'a>(&'a self, place: &'a Place) -> Result<Writing<'a, F>, FileError> {
        let ours = Ours::open(place)?;
        let lock = ours.lock_write(SAVE_WAIT)?;
        let theirs = self.lock_write(place, &lock)?;
        finish_in(&ours, place)?;
        Ok(Writing { file: self, place, _theirs: theirs, _lock: lock, ours })
    }

    /// Finishes what somebody had begun to write, if they died.
    pub(super) fn finish(&self, place: &Place) -> Result<(), FileError> {
        let ours = Ours::open(place)?;
        let Some(lock) = ours.try_lock_write()? else { return Ok(()) };
        let Some(_theirs) = F::try_lock_write(&place.path(), &lock)? else { return Ok(()) };
        finish_in(&ours, place)
    }

    fn lock_write(&self, place: &Place, ours: &OurLock) -> Result<F::Lock, FileError> {
        let mut patience = Patience::new(SAVE_WAIT);
        loop {
            if let Some(lock) = F::try_lock_write(&place.path(), ours)? {
                return Ok(lock);
            }
            match patience.next() {
                Some(pause) => thread::sleep(pause),
                None => return Err(self.error(Problem::Busy { waited: SAVE_WAIT })),
            }
        }
    }

    /// Checks that what a refresh brings can be saved, before it is made: afterwards the
    /// old tokens may be spent.
    pub(super) fn check_writable(&self, dir: &Dir, place: &Place) -> Result<(), FileError> {
        if !Self::is_written_in_place(dir, &place.name)? {
            return Ok(());
        }
        self.check_attached(dir, &place.name)
    }

    fn check_attached(&self, dir: &Dir, name: &str) -> Result<(), FileError> {
        match dir.open_to_write(name)? {
            Some(file) if !dir.has_a_name(&file) => Err(self.error(Problem::Detached)),
            Some(_) | None => Ok(()),
        }
    }

    fn is_written_in_place(dir: &Dir, name: &str) -> Result<bool, FileError> {
        Ok(F::WRITES_IN_PLACE || dir.is_mount_point(name)? || !dir.is_writable())
    }
}

fn finish_in(ours: &Ours, place: &Place) -> Result<(), FileError> {
    ours.side().map_or(Ok(()), |side| finish(ours.dir(), &place.name, side, MAX_FILE))
}

impl<F: Format> Writing<'_, F> {
    /// Keeps aside what is damaged, before it is written.
    pub(super) fn keep_aside(&self, found: &Current) -> Result<(), FileError> {
        match (&found.damage, found.bytes()) {
            (Some(Damage::File), Some(damaged)) => self.copy_aside(damaged),
            (Some(Damage::Notes(damaged)), _) if !is_blank(damaged) => self.ours.set_aside(),
            _ => Ok(()),
        }
    }

    /// Copies what is damaged to a name that nothing has.
    fn copy_aside(&self, damaged: &[u8]) -> Result<(), FileError> {
        let (dir, name) = (self.ours.dir(), &*self.place.name);
        // What one of ours left half-written where there was no place for a copy is what
        // a login is to replace, and there is still none.
        if is_blank(damaged) || is_marked(damaged) && self.ours.side().is_none() {
            return Ok(());
        }
        for aside in names_aside(name) {
            if dir.has(&aside)? {
                continue;
            }
            dir.replace(&aside, &format!("{name}.auth-store.tmp"), damaged, || Ok(()))?;
            moved_aside(&dir.path_of(name), &dir.path_of(aside));
            return Ok(());
        }
        Err(too_many_aside(dir, name))
    }

    /// Writes the file's new content, if it is still as it was found.
    pub(super) fn replace(&self, old: Option<&[u8]>, new: &[u8]) -> Result<(), FileError> {
        let (dir, name) = (self.ours.dir(), &*self.place.name);
        // Some agents take no lock, so this check comes as late as possible.
        let last_look = || match read_whole(dir, name, MAX_FILE)?.as_deref().map(Vec::as_slice) {
            found if found == old => Ok(()),
            _ => Err(self.file.error(Problem::Conflict)),
        };
        let in_place = |old: &[u8]| {
            // What is written into a file without a name is gone with this mount.
            self.file.check_attached(dir, name)?;
            write_in_place(dir, name, self.ours.side(), old, new, last_look)
        };
        match old {
            Some(old) if Inner::<F>::is_written_in_place(dir, name)? => in_place(old),
            _ => {
                let temporary = format!("{name}.auth-store.tmp");
                match (dir.replace(name, &temporary, new, last_look), old) {
                    (Err(error), Some(old)) if cannot_be_replaced(&error) => in_place(old),
                    (replaced, _) => replaced,
                }
            }
        }
    }

    /// Replaces the notes. Returns whether there is a place for them.
    pub(super) fn note(&self, notes: &Content) -> Result<bool, FileError> {
        self.ours.note(notes)?;
        Ok(self.ours.side().is_some())
    }
}

/// Whether the file may be written in place all the same.
fn cannot_be_replaced(error: &FileError) -> bool {
    let Problem::Io { error: cause, .. } = &error.problem else { return false };
    matches!(cause.kind(), ErrorKind::ResourceBusy | ErrorKind::CrossesDevices) || is_denied(error)
}
