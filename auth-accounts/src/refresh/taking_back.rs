//! A refresh gives up what it has noted: its own note is taken back.
//!
//! Whoever holds a lease that was [made anew](crate::store::Lease::made_anew) stands by
//! while a young note says that somebody may be under way. Whoever has lost the lease,
//! or cannot tell, is not under way any more, and says so. If the refresh token may be
//! spent, the record says that instead: a setback after which a retry may follow at once.

use std::sync::Arc;

use auth_core::Now;

use super::run::{Access, Reading, Run};
use crate::{
    error::Reason,
    known::{Draft, Known},
    outcome::Outcome,
    record::Setback,
    store::{Lease, Version},
    store_error::StoreError,
};

/// What follows, whether or not the note could be taken back.
pub(super) enum Then {
    /// The lease was lost, and is asked for again.
    ReadAgain,
    Fail(Arc<Lease>, Reason),
}

/// The note of this refresh is being taken back.
pub(crate) struct TakingBack {
    run: Box<Run>,
    pub(super) draft: Draft,
    then: Then,
}

pub(super) enum Withdrawn {
    TakeBack(TakingBack),
    ReadAgain(Reading),
    Done(Outcome),
}

/// Takes back the note, if that on record is of this refresh. `is_doubtful` is whether
/// an attempt of it may have spent the refresh token.
pub(super) fn withdraw(
    run: Box<Run>,
    known: Box<Known>,
    is_doubtful: bool,
    then: Then,
    now: Now,
) -> Withdrawn {
    let (Some(was_doubtful), Some(mut record)) = (run.own_note(&known), known.record.clone())
    else {
        return then.follow(run, known, now);
    };
    let note = record.note.take();
    if let Some(note) = note.filter(|_| is_doubtful || was_doubtful) {
        let setback = Setback::of_doubt(record.setback.take(), note.refresh_token, now.wall);
        record.setback = Some(setback);
    }
    Withdrawn::TakeBack(TakingBack { run, draft: Draft { record, known }, then })
}

impl TakingBack {
    /// If it cannot be saved, the note goes out of date by itself.
    pub(super) fn resolve(self, saved: Result<Version, StoreError>, now: Now) -> Withdrawn {
        let Self { mut run, draft, then } = self;
        let known = match saved {
            Ok(version) => {
                run.noted = None;
                draft.saved(version)
            }
            Err(_) => draft.known,
        };
        then.follow(run, known, now)
    }
}

impl Then {
    fn follow(self, run: Box<Run>, known: Box<Known>, now: Now) -> Withdrawn {
        match self {
            Self::ReadAgain => {
                Withdrawn::ReadAgain(Reading { run, known, access: Access::Unasked })
            }
            Self::Fail(lease, reason) => Withdrawn::Done(run.fail(known, Some(lease), reason, now)),
        }
    }
}
