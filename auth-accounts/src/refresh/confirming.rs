//! Before each attempt it is confirmed that the lease is still ours.

use auth_core::Now;

use super::{
    attempt::{Attempt, Attempted, Confirming, Next},
    run::{Access, Reading},
};
use crate::{
    error::Reason,
    outcome::Outcome,
    store::Lease,
    store_error::{StoreError, StoreErrorKind},
};

pub(super) enum Confirmed {
    Attempt(Attempted),
    ReadAgain(Reading),
    Done(Outcome),
}

impl Confirming {
    pub(crate) fn lease(&self) -> &Lease {
        &self.attempt.lease
    }

    pub(super) fn resolve(self, extended: Result<(), StoreError>, now: Now) -> Confirmed {
        let Self { attempt, next } = self;
        let is_doubtful = matches!(&next, Next::Again(waiting) if waiting.possibly_spent());
        match extended {
            Ok(()) => Confirmed::Attempt(attempt.go(next, now)),
            Err(error) if error.kind() == StoreErrorKind::LeaseLost => {
                let Attempt { mut run, known, lease, tried, .. } = attempt;
                if is_doubtful {
                    run.doubted = tried;
                }
                if !run.another_round() {
                    let reason = Reason::Store(error);
                    return Confirmed::Done(run.fail(known, Some(lease), reason, now));
                }
                // Whoever holds it by now may have refreshed.
                Confirmed::ReadAgain(Reading { run, known, access: Access::Unasked })
            }
            // As before it, the store need not be there for a retry that must be
            // prompt.
            Err(_) if is_doubtful => Confirmed::Attempt(attempt.go(next, now)),
            Err(error) => {
                let Attempt { run, known, lease, .. } = attempt;
                Confirmed::Done(run.fail(known, Some(lease), Reason::Store(error), now))
            }
        }
    }
}
