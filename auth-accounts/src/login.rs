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
//! It needs no lease: whoever refreshes meanwhile finds that its save conflicts.

use std::sync::Arc;

use auth_core::Now;

use crate::{
    context::Context,
    error::Reason,
    known::{Known, Loaded},
    outcome::{Outcome, Source},
    record::Record,
    store::{Lease, Version},
    store_error::{StoreError, StoreErrorKind},
    unsaved::{Unsaved, UnsavedTokens},
};

/// How often somebody else's save may send us back.
const MAX_ROUNDS: u32 = 8;

/// What to do next.
pub(crate) enum Step {
    /// Load the record.
    Load(Reading),
    /// Save [`Saving::record`]. From here on the login counts.
    Save(Saving),
    Done(Outcome),
}

/// Begins a login whose tokens are in `record`.
pub(crate) fn start(context: Context, record: Record, memory: Unsaved) -> Step {
    let lease = memory.tokens.as_ref().and_then(UnsavedTokens::lease);
    let login = Box::new(Login { context, record, lease, rounds: 0 });
    Step::Load(Reading { login, known: Known::new(memory) })
}

struct Login {
    context: Context,
    /// What is to be put in place.
    record: Record,
    /// Kept in memory with older tokens until now, and with these from now on.
    lease: Option<Arc<Lease>>,
    rounds: u32,
}

/// The record is being read.
pub(crate) struct Reading {
    login: Box<Login>,
    known: Box<Known>,
}

impl Reading {
    pub(crate) fn on_loaded(self, loaded: Loaded, now: Now) -> Step {
        let Self { login, mut known } = self;
        match loaded {
            Ok(found) => {
                known.unsaved.tokens = None;
                known.read(found);
                known.logged_in(login.record.clone(), login.lease.clone());
                Step::Save(Saving { login, known })
            }
            Err(error) if login.rounds > 0 => {
                // It could be read a moment ago.
                Step::Done(login.keep(known, error, now))
            }
            Err(error) => {
                let reason = Reason::Store(error);
                let Login { context, lease, .. } = *login;
                let mut outcome = Outcome::failure(&context, known, lease, reason, now);
                outcome.ended.is_login = true;
                Step::Done(outcome)
            }
        }
    }
}

/// The tokens of the login are being saved.
pub(crate) struct Saving {
    login: Box<Login>,
    known: Box<Known>,
}

impl Saving {
    pub(crate) fn record(&self) -> &Record {
        &self.login.record
    }

    /// The version that the store has to hold.
    pub(crate) fn expected(&self) -> Option<&Version> {
        self.known.version.as_ref()
    }

    /// What would be lost if nothing were heard of the save again.
    pub(crate) fn unsaved(&self) -> &Unsaved {
        &self.known.unsaved
    }

    pub(crate) fn on_saved(self, saved: Result<Version, StoreError>, now: Now) -> Step {
        let Self { mut login, known } = self;
        match saved {
            Ok(_) => {
                let unsaved = Unsaved::default();
                Step::Done(login.succeed(unsaved, None, now))
            }
            Err(error) if error.kind() == StoreErrorKind::Conflict && login.rounds < MAX_ROUNDS => {
                login.rounds += 1;
                Step::Load(Reading { login, known })
            }
            Err(error) => Step::Done(login.keep(known, error, now)),
        }
    }
}

impl Login {
    /// Ends with tokens that are in memory only.
    fn keep(self, mut known: Box<Known>, error: StoreError, now: Now) -> Outcome {
        known.not_saved(error.clone());
        self.succeed(known.unsaved, Some(error), now)
    }

    fn succeed(self, unsaved: Unsaved, error: Option<StoreError>, now: Now) -> Outcome {
        let Self { context, record, lease, .. } = self;
        Outcome::token(&context, &record, Source::Login, unsaved, error, lease, now)
    }
}
