//! The file and its notes, read as one record.

use std::{thread, time::Duration};

use auth_accounts::store::{Record, Version};
use auth_store::internal::{FileError, Patience, Pending, Problem, is_marked, json, read_whole};
use zeroize::Zeroizing;

use super::{Inner, MAX_FILE};
use crate::{
    document::Document,
    format::{Format, Found},
    notes::{Notes, NotesDir},
    place::Place,
};

/// How long an unreadable file is given to become readable. Codex rewrites its
/// file in place, as do people who edit it by hand. A fuzzer cannot wait, since
/// nearly all that it tries is unreadable.
const SETTLE: Duration = Duration::from_millis(if cfg!(fuzzing) { 0 } else { 100 });

/// The same for a file that one of our processes is writing, each step of which is
/// flushed to a disk.
const FLUSHED: Duration = Duration::from_secs(2);

/// The file as it is now.
#[derive(Default)]
pub(super) struct Current {
    /// As it is, or as it is going to be.
    bytes: Option<Zeroizing<Vec<u8>>>,
    pub(super) document: Option<Document>,
    pub(super) record: Option<(Record, Version)>,
    /// Whether somebody is writing it, or died while they were.
    pub(super) is_unfinished: bool,
    /// What is damaged, as whoever asks has seen. What can be read is in `document` all
    /// the same, so that it stays.
    pub(super) damage: Option<Damage>,
}

/// What cannot be read. Whoever replaces it has to keep it aside.
pub(super) enum Damage {
    /// The agent's file.
    File,
    /// Our notes, with their content.
    Notes(Zeroizing<Vec<u8>>),
}

impl Current {
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        self.bytes.as_deref().map(Vec::as_slice)
    }
}

impl<F: Format> Inner<F> {
    /// Reads the file and its notes, as one record. A file that cannot be read is
    /// read again for a moment, since somebody may be writing it.
    pub(super) fn read(&self, place: &Place) -> Result<Current, FileError> {
        self.read_expecting(place, None)
    }

    /// The same for whoever may expect that it is damaged, in this very way.
    pub(super) fn read_expecting(
        &self,
        place: &Place,
        expected: Option<&Version>,
    ) -> Result<Current, FileError> {
        let mut patience = None;
        loop {
            let mut current = Current::default();
            let result = self.read_into(&mut current, place);
            let result = result.map_err(|error| identified(&current, error));
            let damaged = result.as_ref().err().and_then(|error| error.damaged.as_ref());
            if damaged.is_some() && damaged == expected {
                return Ok(current);
            }
            if !result.as_ref().is_err_and(|e| matches!(e.problem, Problem::Damaged { .. })) {
                return result.map(|()| current);
            }
            let is_ours = current.bytes().is_some_and(is_marked);
            let wait = if is_ours && !cfg!(fuzzing) { FLUSHED } else { SETTLE };
            match patience.get_or_insert_with(|| Patience::new(wait)).next() {
                Some(pause) => thread::sleep(pause),
                None => return result.map(|()| current),
            }
        }
    }

    fn read_into(&self, current: &mut Current, place: &Place) -> Result<(), FileError> {
        let Some(dir) = place.open()? else { return Ok(()) };
        let ours = NotesDir::find(&place.dir, &place.name, place.modes)?;
        current.bytes = read_whole(&dir, &place.name, MAX_FILE)?;
        // In this order: what is written meanwhile has its side file by now, or is
        // written by now, which the next look finds.
        let pending = ours.as_ref().map(|ours| Pending::read(ours.side(), MAX_FILE));
        if let Some(pending) = pending.transpose()?.flatten() {
            current.is_unfinished = true;
            if let Some(content) = pending.over(current.bytes()) {
                current.bytes = Some(Zeroizing::new(content.to_vec()));
            }
        }
        let Some(bytes) = current.bytes() else { return Ok(()) };
        let document = Document::parse(bytes, F::EXPECTED);
        current.damage = Some(Damage::File);
        let document = current.document.insert(document.map_err(|problem| self.error(problem))?);
        let found = self.found(document)?;
        current.damage = None;
        let Some(found) = found else { return Ok(()) };
        let notes = match ours.as_ref().map(|ours| Ok((ours.content()?, ours))).transpose()? {
            Some((Some(content), ours)) => match ours.parse(&content) {
                Ok(notes) => notes,
                Err(error) => {
                    current.damage = Some(Damage::Notes(content));
                    return Err(error);
                }
            },
            _ => Notes::default(),
        };
        let record = notes.record_of(found, &self.registration);
        let version = notes.version(&record);
        current.record = Some((record, version));
        Ok(())
    }

    fn found(&self, document: &Document) -> Result<Option<Found>, FileError> {
        F::read(document).map_err(|unread| self.error(unread.problem(F::EXPECTED)))
    }

    /// The content to write, and what a load will find in it. Content that cannot
    /// be read must not be written, since it would never be overwritten.
    pub(super) fn content(document: &Document) -> Result<(Zeroizing<Vec<u8>>, Found), Problem> {
        let content = document.to_bytes(MAX_FILE)?;
        let unread = match Document::parse(&content, F::EXPECTED) {
            Ok(document) => match F::read(&document) {
                Ok(Some(found)) => return Ok((content, found)),
                Ok(None) => return Err(Problem::Unfit { reason: "there is no access token" }),
                Err(unread) => unread.problem(F::EXPECTED),
            },
            Err(problem) => problem,
        };
        Err(match unread {
            Problem::Damaged { reason, .. } => Problem::Unreadable { reason },
            problem => problem,
        })
    }
}

/// The same error, with the version of what is damaged, if it is about that.
fn identified(current: &Current, error: FileError) -> FileError {
    let file = current.bytes().unwrap_or_default();
    let parts: &[&[u8]] = match &current.damage {
        Some(Damage::File) => &[b"damaged", file],
        Some(Damage::Notes(notes)) => &[b"damaged notes", file, notes],
        None => return error,
    };
    match error.problem {
        Problem::Damaged { .. } => {
            FileError { damaged: Some(Version::new(json::digest(parts))), ..error }
        }
        _ => error,
    }
}
