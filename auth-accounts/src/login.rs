//! The machine of a login: it puts other tokens in the place of whatever the
//! account had.
//!
//! ```text
//!          ┌───────────┐          ┌───────────┐
//!  start ─▶│  Reading  │─────────▶│  Saving   │──▶ Done
//!          │   load    │◀─────────│   save    │
//!          └───────────┘ conflict └───────────┘
//! ```
//!
//! A record of another registration is not replaced, for it is somebody else's
//! session under the same name. Nor is one that cannot be read, but for what the store
//! says is damaged, and can move aside. If nobody can tell what is there,
//! nobody can tell later whether another login has come since.
//!
//! It needs no lease: whoever refreshes meanwhile finds that its save conflicts.

use std::sync::Arc;

use auth_core::Now;

use crate::{
    context::{Context, Rounds},
    error::Reason,
    known::{Draft, Known, Loaded},
    outcome::{Outcome, Source},
    record::Record,
    shared::Revocable,
    store::{Lease, Version},
    store_error::{StoreError, StoreErrorKind},
    unsaved::{Unsaved, UnsavedTokens},
};

/// What to do next.
#[allow(clippy::large_enum_variant, reason = "a step is made once and moved at once")]
pub(crate) enum Step {
    /// Load the record.
    Load(Reading),
    /// Save [`Saving::draft`]. From here on the login counts.
    Save(Saving),
    /// The tokens of the login are saved, in the place of this refresh token, if
    /// there was one. It may be revoked when the outcome is published.
    Saved(Outcome, Option<Revocable>),
    Done(Outcome),
}

/// Begins a login whose tokens are in `record`.
pub(crate) fn start(context: Context, record: Record, memory: Unsaved) -> Step {
    let lease = memory.tokens.as_ref().and_then(UnsavedTokens::lease);
    let known = Known::new(context.shared.grant, memory.clone()).remembering(&context.past);
    let before = memory;
    let rounds = Rounds::default();
    let login = Box::new(Login { context, record, before, replaced: None, lease, rounds });
    Step::Load(Reading { login, known })
}

struct Login {
    context: Context,
    /// What is to be put in place.
    record: Record,
    /// What memory held.
    before: Unsaved,
    /// The refresh token in whose place it is put.
    replaced: Option<Revocable>,
    /// Kept in memory with older tokens until now, and with these from now on.
    lease: Option<Arc<Lease>>,
    rounds: Rounds,
}

/// The record is being read.
pub(crate) struct Reading {
    login: Box<Login>,
    known: Box<Known>,
}

impl Reading {
    pub(crate) fn on_loaded(self, loaded: Loaded, now: Now) -> Step {
        let Self { mut login, mut known } = self;
        let damaged = loaded.as_ref().err().and_then(StoreError::get_damaged_version).cloned();
        match (loaded, damaged) {
            (Ok(found), _) => {
                let record = found.as_ref().map(|(record, _)| record);
                if let Some(reason) = record.and_then(|record| login.refuses(record)) {
                    return Step::Done(login.refuse(known, reason, now));
                }
                login.note_replaced(&found);
                known.unsaved.tokens = None;
                known.read(found);
                known.logged_in(login.record.clone(), login.lease.clone());
                Self::save(login, known)
            }
            (Err(_), Some(version)) => {
                // Nobody knows whose it was.
                login.note_replaced_in_memory();
                known.read_damaged(version);
                login.put_blindly(&mut known);
                Self::save(login, known)
            }
            (Err(error), None) if login.rounds.any() => {
                // It could be read a moment ago.
                Step::Done(login.keep(known, error, now))
            }
            (Err(error), None) => Step::Done(login.fail(known, Reason::Store(error), now)),
        }
    }

    fn save(login: Box<Login>, known: Box<Known>) -> Step {
        let draft = Draft { record: login.record.clone(), known };
        Step::Save(Saving { login, draft })
    }
}

/// The tokens of the login are being saved.
pub(crate) struct Saving {
    login: Box<Login>,
    draft: Draft,
}

impl Saving {
    /// The record to be saved, and what is known until it is.
    pub(crate) fn draft(&self) -> &Draft {
        &self.draft
    }

    pub(crate) fn on_saved(self, saved: Result<Version, StoreError>, now: Now) -> Step {
        let Self { mut login, draft } = self;
        match saved {
            Ok(version) => {
                let replaced = login.replaced.take();
                Step::Saved(login.end(draft.saved(version), None, now), replaced)
            }
            // Or it was damaged meanwhile, or in another way.
            Err(error)
                if (error.kind() == StoreErrorKind::Conflict
                    || error.get_damaged_version().is_some())
                    && login.rounds.another() =>
            {
                Step::Load(Reading { login, known: draft.known })
            }
            // It never will be.
            Err(error) if error.kind() == StoreErrorKind::Unfit => {
                Step::Done(login.refuse(draft.known, Reason::Store(error), now))
            }
            Err(error) => Step::Done(login.keep(draft.known, error, now)),
        }
    }
}

impl Login {
    fn refuses(&self, record: &Record) -> Option<Reason> {
        self.context.shared.binding.refuses_login(record, &self.record)
    }

    /// Notes which refresh token was in use: the store's, or a newer one in memory.
    fn note_replaced(&mut self, found: &Option<(Record, Version)>) {
        let before = Known::new(self.context.shared.grant, self.before.clone());
        let mut before = before.remembering(&self.context.past);
        before.read(found.clone());
        self.note_replaced_record(before.record);
    }

    /// The same, where the store's cannot be read.
    fn note_replaced_in_memory(&mut self) {
        let tokens = self.before.tokens.as_ref();
        self.note_replaced_record(tokens.map(|tokens| tokens.record.clone()));
    }

    /// Puts the tokens in the place of what is damaged.
    fn put_blindly(&self, known: &mut Known) {
        let before = self.before.tokens.as_ref();
        known.logged_in_blindly(self.record.clone(), before, self.lease.clone());
    }

    fn note_replaced_record(&mut self, before: Option<Record>) {
        let replaced = before.and_then(|record| self.revocable(&record));
        self.replaced =
            replaced.filter(|old| Some(&old.token) != self.record.tokens.refresh_token.as_ref());
    }

    /// The refresh token of `record`, with where it may be revoked. That of another
    /// registration is replaced only if this login brings its endpoint.
    fn revocable(&self, record: &Record) -> Option<Revocable> {
        self.context.shared.revocable(record).or_else(|| {
            let endpoint = Arc::clone(self.record.set_up.as_ref()?.endpoint());
            Some(Revocable { token: record.tokens.refresh_token.clone()?, endpoint })
        })
    }

    /// Ends with nothing changed: the record is somebody else's, or the store
    /// cannot hold that of the login.
    fn refuse(mut self, mut known: Box<Known>, reason: Reason, now: Now) -> Outcome {
        known.record = None;
        known.unsaved = std::mem::take(&mut self.before);
        self.fail(known, reason, now)
    }

    fn fail(self, known: Box<Known>, reason: Reason, now: Now) -> Outcome {
        let Self { context, lease, .. } = self;
        let mut outcome = Outcome::failure(&context, known, lease, reason, now);
        outcome.ended.is_login = true;
        outcome.found.is_login = true;
        outcome
    }

    /// Ends with tokens that are in memory only.
    fn keep(self, mut known: Box<Known>, error: StoreError, now: Now) -> Outcome {
        known.not_saved(error.clone());
        known.record = Some(self.record.clone());
        self.end(known, Some(error), now)
    }

    fn end(self, known: Box<Known>, error: Option<StoreError>, now: Now) -> Outcome {
        let Self { context, lease, .. } = self;
        Outcome::token(&context, known, Source::Login, error, lease, now)
    }
}

#[cfg(test)]
mod tests;
