//! A refresh has failed.

use std::sync::Arc;

use auth_core::{FailureKind, Now, RefreshError};

use super::{
    attempt::Attempt,
    run::{Access, Reading, Run},
};
use crate::{
    context::Context,
    error::Reason,
    known::{Draft, Known, Loaded},
    outcome::{Outcome, Source},
    past::Key,
    record::{Fingerprint, Setback},
    set_up::SetUp,
    setback::Client,
    store::{Lease, Version},
    store_error::{StoreError, StoreErrorKind},
};

pub(super) enum Failed {
    Check(CheckingRejection),
    SetBack(SetBack),
}

pub(super) enum SetBack {
    Save(SavingSetback),
    Done(Outcome),
}

/// A refresh has failed with `error`.
pub(super) fn failed(mut attempt: Attempt, error: RefreshError, now: Now) -> Failed {
    if attempt.run.context.which.is_alone(&error) {
        return Failed::SetBack(set_back_alone(attempt, error, now));
    }
    if error.kind() == FailureKind::Rejected {
        if let Some(tried) = attempt.tried {
            let Attempt { known, set_up, .. } = &mut attempt;
            known.past.refused(Key::new(tried, set_up.as_ref()));
        }
        return Failed::Check(CheckingRejection { attempt, error });
    }
    Failed::SetBack(set_back(attempt, error, now))
}

/// Records the failure, if there is a record.
fn set_back(mut attempt: Attempt, error: RefreshError, now: Now) -> SetBack {
    let setback = setback(&mut attempt, &error, now);
    let Attempt { run, mut known, lease, tried, .. } = attempt;
    let Some(mut record) = known.record.clone() else {
        return SetBack::Done(run.fail(known, Some(lease), Reason::Refresh(error), now));
    };
    record.setback = Some(setback);
    record.note = None;
    // For the callers, whether or not it can be saved.
    known.record = Some(record.clone());
    SetBack::Save(SavingSetback { run, draft: Draft { record, known }, lease, tried, error })
}

/// Records a failure that concerns the token alone which was asked for, if there is a
/// record.
fn set_back_alone(attempt: Attempt, error: RefreshError, now: Now) -> SetBack {
    let Attempt { run, mut known, lease, tried, set_up, .. } = attempt;
    let Some(mut record) = known.record.clone() else {
        return SetBack::Done(run.fail(known, Some(lease), Reason::Refresh(error), now));
    };
    let token = tried.unwrap_or(Fingerprint::NO_REFRESH_TOKEN);
    let context = &run.context;
    let endpoint = set_up.as_ref().map_or(&context.shared.endpoint, SetUp::endpoint);
    let client = Client { endpoint, read: run.client };
    let previous = context.which.setback(Some(&record));
    let (account, settings) = (&context.account, &context.shared.settings);
    let mut setback = Setback::after(previous, account, token, &error, now.wall, client, settings);
    if setback.retry_at.is_none() {
        // The user may do elsewhere what is wanted, and the refresh token stays.
        setback.retry_at = now.wall.checked_add(settings.setback_max);
    }
    if setback.possibly_spent {
        // That concerns all.
        let doubt = Setback::of_doubt(record.setback.take(), token, now.wall);
        record.setback = Some(doubt);
    }
    context.which.set_back(&mut record, setback, now.wall);
    record.note = None;
    // For the callers, whether or not it can be saved.
    known.record = Some(record.clone());
    SetBack::Save(SavingSetback { run, draft: Draft { record, known }, lease, tried, error })
}

/// The setback after `error` for the token that was tried, whatever is on record
/// by now. It is kept in memory until it is on record.
fn setback(attempt: &mut Attempt, error: &RefreshError, now: Now) -> Setback {
    let Attempt { run, known, tried, set_up, .. } = attempt;
    let token = tried.unwrap_or(Fingerprint::NO_REFRESH_TOKEN);
    let previous = known
        .setbacks()
        .filter(|setback| setback.refresh_token == token)
        .max_by_key(|setback| setback.count);
    let Context { account, shared, .. } = &run.context;
    let endpoint = set_up.as_ref().map_or(&shared.endpoint, SetUp::endpoint);
    let client = Client { endpoint, read: run.client };
    let setback =
        Setback::after(previous, account, token, error, now.wall, client, &shared.settings);
    known.unsaved.setback = Some(setback.clone());
    if let (FailureKind::Rejected, Some(tried)) = (setback.kind, tried) {
        known.past.set_back(Key::new(*tried, set_up.as_ref()), &setback);
    }
    setback
}

/// A refresh token was rejected. The record is being read, for it may hold
/// another one by now.
pub(crate) struct CheckingRejection {
    attempt: Attempt,
    error: RefreshError,
}

pub(super) enum Checked {
    StartOver(Reading),
    SetBack(SetBack),
    Done(Outcome),
}

impl CheckingRejection {
    pub(super) fn run(&self) -> &Run {
        &self.attempt.run
    }

    pub(super) fn run_mut(&mut self) -> &mut Run {
        &mut self.attempt.run
    }

    pub(super) fn refuse(self, reason: Reason, now: Now) -> Outcome {
        self.attempt.refuse(reason, now)
    }

    pub(super) fn resolve(self, loaded: Loaded, now: Now) -> Checked {
        let Self { mut attempt, error } = self;
        match loaded {
            Ok(found) => attempt.known.read(found),
            Err(store) => {
                // Kept in memory. It counts once the record can be read and
                // still holds the rejected token.
                setback(&mut attempt, &error, now);
                let Attempt { run, known, lease, .. } = attempt;
                return Checked::Done(run.fail(known, Some(lease), Reason::Store(store), now));
            }
        }
        // What one registration is refused need not be refused to another.
        if attempt.known.token() == attempt.tried && attempt.known.set_up() == attempt.set_up {
            return Checked::SetBack(set_back(attempt, error, now));
        }
        let Attempt { run, known, lease, .. } = attempt;
        if known.record.is_none() {
            return Checked::Done(run.fail(known, Some(lease), Reason::Refresh(error), now));
        }
        match start_over(run, known, lease, now) {
            Ok(reading) => Checked::StartOver(reading),
            Err(outcome) => Checked::Done(outcome),
        }
    }
}

/// Decides anew, for the record holds another refresh token or set-up.
#[allow(clippy::result_large_err, reason = "it is no error, and made once a refresh")]
pub(super) fn start_over(
    mut run: Box<Run>,
    known: Box<Known>,
    lease: Arc<Lease>,
    now: Now,
) -> Result<Reading, Outcome> {
    // That may be another's.
    run.client = None;
    if run.another_round() {
        return Ok(Reading { run, known, access: Access::Granted(lease) });
    }
    let reason = Reason::Store(run.conflict());
    Err(run.fail(known, Some(lease), reason, now))
}

/// A setback is being saved.
pub(crate) struct SavingSetback {
    run: Box<Run>,
    pub(super) draft: Draft,
    lease: Arc<Lease>,
    tried: Option<Fingerprint>,
    error: RefreshError,
}

pub(super) enum SetbackSaved {
    Read(SetbackConflict),
    Done(Outcome),
}

impl SavingSetback {
    pub(super) fn resolve(mut self, saved: Result<Version, StoreError>, now: Now) -> SetbackSaved {
        match saved {
            Ok(version) => {
                let Self { run, draft, lease, error, .. } = self;
                let known = draft.saved(version);
                let reason = Reason::Refresh(error);
                SetbackSaved::Done(run.fail(known, Some(lease), reason, now))
            }
            Err(store) if store.kind() == StoreErrorKind::Conflict && self.run.another_round() => {
                SetbackSaved::Read(SetbackConflict(self))
            }
            // A record that changes without end may hold any token by now.
            Err(store) if store.kind() == StoreErrorKind::Conflict && self.is_rejection() => {
                SetbackSaved::Done(self.give_up(Reason::Store(store), now))
            }
            Err(_) => {
                let reason = Reason::Refresh(self.error.clone());
                SetbackSaved::Done(self.give_up(reason, now))
            }
        }
    }

    fn is_rejection(&self) -> bool {
        self.error.kind() == FailureKind::Rejected && !self.run.context.which.is_alone(&self.error)
    }

    /// Ends without the setback on record. Memory keeps it.
    fn give_up(self, reason: Reason, now: Now) -> Outcome {
        let Self { run, draft, lease, .. } = self;
        run.fail(draft.known, Some(lease), reason, now)
    }
}

/// Somebody else saved first. The record is being read.
pub(crate) struct SetbackConflict(SavingSetback);

pub(super) enum SetbackRead {
    Save(SavingSetback),
    StartOver(Reading),
    Done(Outcome),
}

impl SetbackConflict {
    pub(super) fn run(&self) -> &Run {
        &self.0.run
    }

    pub(super) fn run_mut(&mut self) -> &mut Run {
        &mut self.0.run
    }

    pub(super) fn refuse(self, reason: Reason, now: Now) -> Outcome {
        let SavingSetback { run, draft, lease, .. } = self.0;
        run.refuse(draft.known, Some(lease), reason, now)
    }

    pub(super) fn resolve(self, loaded: Loaded, now: Now) -> SetbackRead {
        let Self(mut saving) = self;
        let found = match loaded {
            Ok(found) => found,
            Err(store) => {
                // What the record holds now is not known, and with it whether a
                // rejection still counts.
                let reason = match saving.is_rejection() {
                    true => Reason::Store(store),
                    false => Reason::Refresh(saving.error.clone()),
                };
                return SetbackRead::Done(saving.give_up(reason, now));
            }
        };
        let known = &mut saving.draft.known;
        if known.may_replace(found.as_ref().map(|(record, _)| record)) {
            known.version = found.map(|(_, version)| version);
            return SetbackRead::Save(saving);
        }
        let is_rejection = saving.is_rejection();
        let SavingSetback { run, draft, lease, tried, error } = saving;
        let mut known = draft.known;
        known.give_way(found);
        if run.want.is_served_by(known.record.as_ref(), &run.context, now) {
            let lease = Some(lease);
            return SetbackRead::Done(Outcome::token(
                &run.context,
                known,
                Source::Record,
                None,
                lease,
                now,
            ));
        }
        // A rejection concerns the refresh token that was tried, and no other.
        if is_rejection && known.record.is_some() && known.token() != tried {
            return match start_over(run, known, lease, now) {
                Ok(reading) => SetbackRead::StartOver(reading),
                Err(outcome) => SetbackRead::Done(outcome),
            };
        }
        SetbackRead::Done(run.fail(known, Some(lease), Reason::Refresh(error), now))
    }
}
