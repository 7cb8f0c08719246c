//! What is about to be done is being noted in the record.

use std::sync::Arc;

use auth_core::Now;

use super::{
    attempt::{Attempt, Attempted},
    run::{Access, Reading, Run},
};
use crate::{
    error::Reason,
    known::{Draft, Known},
    outcome::Outcome,
    record::{Fingerprint, Note, Record},
    store::{Lease, Version},
    store_error::{StoreError, StoreErrorKind},
};

/// The note before the first attempt is being saved.
pub(crate) struct Noting {
    run: Box<Run>,
    pub(super) draft: Draft,
    lease: Arc<Lease>,
    /// Whether the refresh token may be spent by an attempt that ended unheard:
    /// in a process that died, or before a setback.
    possibly_spent: bool,
}

pub(super) enum Noted {
    Attempt(Attempted),
    ReadAgain(Reading),
    Done(Outcome),
}

impl Noting {
    pub(super) fn new(
        run: Box<Run>,
        mut record: Record,
        known: Box<Known>,
        lease: Arc<Lease>,
        now: Now,
    ) -> Self {
        let token = known.token().unwrap_or(Fingerprint::NO_REFRESH_TOKEN);
        let note = record.note.replace(Note::new(token, now.wall));
        let possibly_spent = run
            .own_note(&known)
            .unwrap_or_else(|| note.is_some_and(|note| note.refresh_token == token))
            || run.doubted == Some(token)
            || known
                .setbacks()
                .any(|setback| setback.refresh_token == token && setback.possibly_spent);
        Self { run, draft: Draft { record, known }, lease, possibly_spent }
    }

    pub(super) fn resolve(self, saved: Result<Version, StoreError>, now: Now) -> Noted {
        let Self { mut run, draft, lease, possibly_spent } = self;
        match saved {
            Ok(version) => {
                run.noted = Some((version.clone(), possibly_spent));
                let known = draft.saved(version);
                Noted::Attempt(Attempt::first(run, known, lease, possibly_spent, now))
            }
            Err(error) if error.kind() == StoreErrorKind::Conflict && run.another_round() => {
                let access = Access::Granted(lease);
                Noted::ReadAgain(Reading { run, known: draft.known, access })
            }
            Err(error) => {
                let known = draft.known;
                // Without a refresh token there is none to spend unnoted. With
                // one nothing is sent: if the response could not be saved either
                // and the process ended, nobody would know that it is spent.
                if known.token().is_none() {
                    return Noted::Attempt(Attempt::first(run, known, lease, possibly_spent, now));
                }
                Noted::Done(run.fail(known, Some(lease), Reason::Store(error), now))
            }
        }
    }
}
