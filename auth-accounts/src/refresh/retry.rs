//! Between two attempts.

use std::sync::Arc;

use auth_core::{Now, Waiting};

use super::{
    attempt::{Attempt, Attempted},
    failure::start_over,
    run::{Reading, Run},
};
use crate::{
    error::Reason,
    known::{Draft, Loaded},
    outcome::{Outcome, Source},
    record::{Fingerprint, Note},
    set_up::SetUp,
    store::{Lease, Version},
    store_error::{StoreError, StoreErrorKind},
};

/// Time is passing before a retry.
pub(crate) struct Sleeping {
    pub(super) attempt: Attempt,
    pub(super) waiting: Waiting,
}

pub(super) enum Slept {
    Attempt(Attempted),
    Look(BeforeRetry),
}

impl Sleeping {
    pub(super) fn resume(self, now: Now) -> Slept {
        let Self { attempt, waiting } = self;
        // Not only the last attempt counts: what an earlier one may have spent
        // stays so, and others may have stored a newer token meanwhile.
        if waiting.possibly_spent() {
            return Slept::Look(BeforeRetry { attempt, waiting: Box::new(waiting) });
        }
        Slept::Attempt(attempt.again(waiting, now))
    }
}

/// The token may be spent. The record is being read, for others may have stored
/// a newer one.
pub(crate) struct BeforeRetry {
    attempt: Attempt,
    waiting: Box<Waiting>,
}

pub(super) enum Looked {
    Attempt(Attempted),
    Note(NotingRetry),
    StartOver(Reading),
    Done(Outcome),
}

impl BeforeRetry {
    pub(super) fn run(&self) -> &Run {
        &self.attempt.run
    }

    pub(super) fn run_mut(&mut self) -> &mut Run {
        &mut self.attempt.run
    }

    pub(super) fn refuse(self, reason: Reason, now: Now) -> Outcome {
        self.attempt.refuse(reason, now)
    }

    pub(super) fn resolve(self, loaded: Loaded, now: Now) -> Looked {
        let Self { mut attempt, waiting } = self;
        match loaded {
            Ok(found) => attempt.known.read(found),
            // A newer token was seen before. The old one must not be sent, and
            // the newer one cannot be noted.
            Err(error) if attempt.known.token() != attempt.tried => {
                let Attempt { run, known, lease, .. } = attempt;
                return Looked::Done(run.fail(known, Some(lease), Reason::Store(error), now));
            }
            // The retry must be prompt. What others have done will be seen when
            // the tokens are saved.
            Err(_) => return Looked::Attempt(attempt.again(*waiting, now)),
        }
        if attempt.run.want.is_served_by(attempt.known.record.as_ref(), &attempt.run.context, now) {
            let Attempt { run, known, lease, .. } = attempt;
            let error = known.save_error(&run.context.account);
            return Looked::Done(Outcome::token(
                &run.context,
                known,
                Source::Record,
                error,
                Some(lease),
                now,
            ));
        }
        if attempt.known.set_up() != attempt.set_up {
            // A retry would go to another endpoint, or by another client, than the
            // token belongs to.
            let Attempt { run, known, lease, .. } = attempt;
            return match start_over(run, known, lease, now) {
                Ok(reading) => Looked::StartOver(reading),
                Err(outcome) => Looked::Done(outcome),
            };
        }
        let token = attempt.known.token();
        if token == attempt.tried {
            return Looked::Attempt(attempt.again(*waiting, now));
        }
        if let Some(reason) = attempt.run.obstacle(&attempt.known, now) {
            let Attempt { run, known, lease, .. } = attempt;
            return Looked::Done(run.fail(known, Some(lease), reason, now));
        }
        let Attempt { run, known, lease, tried, set_up } = attempt;
        let Some(mut record) = known.record.clone() else {
            return Looked::Attempt(Attempt::with_newer(run, known, lease, *waiting, now));
        };
        let token = token.unwrap_or(Fingerprint::NO_REFRESH_TOKEN);
        record.note = Some(Note::new(token, now.wall));
        let draft = Draft { record, known };
        Looked::Note(NotingRetry { run, draft, lease, tried, set_up, waiting })
    }
}

/// A retry with a newer refresh token is being noted.
pub(crate) struct NotingRetry {
    run: Box<Run>,
    pub(super) draft: Draft,
    lease: Arc<Lease>,
    tried: Option<Fingerprint>,
    set_up: Option<SetUp>,
    waiting: Box<Waiting>,
}

pub(super) enum RetryNoted {
    Attempt(Attempted),
    LookAgain(BeforeRetry),
    Done(Outcome),
}

impl NotingRetry {
    pub(super) fn resolve(self, saved: Result<Version, StoreError>, now: Now) -> RetryNoted {
        let Self { mut run, draft, lease, tried, set_up, waiting } = self;
        match saved {
            Ok(version) => {
                run.noted = Some((version.clone(), false));
                let known = draft.saved(version);
                RetryNoted::Attempt(Attempt::with_newer(run, known, lease, *waiting, now))
            }
            Err(error) if error.kind() == StoreErrorKind::Conflict && run.another_round() => {
                let attempt = Attempt { run, known: draft.known, lease, tried, set_up };
                RetryNoted::LookAgain(BeforeRetry { attempt, waiting })
            }
            Err(error) => {
                // It has a refresh token, and must not be spent unnoted.
                let reason = Reason::Store(error);
                RetryNoted::Done(run.fail(draft.known, Some(lease), reason, now))
            }
        }
    }
}
