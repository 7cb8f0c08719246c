//! Before each attempt it is confirmed that the lease is still ours.

use auth_core::Now;

use super::{
    attempt::{Attempt, Attempted, Confirming},
    taking_back::{Then, Withdrawn, withdraw},
};
use crate::{
    error::Reason,
    store::Lease,
    store_error::{StoreError, StoreErrorKind},
};

pub(super) enum Confirmed {
    Attempt(Attempted),
    Withdraw(Withdrawn),
}

impl Confirming {
    pub(crate) fn lease(&self) -> &Lease {
        &self.attempt.lease
    }

    /// Whether it is a retry with a token that may be spent.
    pub(super) fn is_doubtful(&self) -> bool {
        self.next.is_doubtful(&self.attempt.run)
    }

    pub(super) fn resolve(self, extended: Result<(), StoreError>, now: Now) -> Confirmed {
        let is_doubtful = self.is_doubtful();
        let Self { attempt, next } = self;
        match extended {
            Ok(()) => Confirmed::Attempt(attempt.go(next, now)),
            Err(error) if error.kind() == StoreErrorKind::LeaseLost => {
                let Attempt { mut run, known, lease, tried, .. } = attempt;
                if is_doubtful {
                    run.doubted = tried;
                }
                let then = match run.another_round() {
                    // Whoever holds it by now may have refreshed.
                    true => Then::ReadAgain,
                    false => Then::Fail(lease, Reason::Store(error)),
                };
                Confirmed::Withdraw(withdraw(run, known, is_doubtful, then, now))
            }
            // As before it, the store need not be there for a retry that must be
            // prompt.
            Err(_) if is_doubtful => Confirmed::Attempt(attempt.go(next, now)),
            Err(error) => {
                let Attempt { run, known, lease, .. } = attempt;
                let then = Then::Fail(lease, Reason::Store(error));
                Confirmed::Withdraw(withdraw(run, known, false, then, now))
            }
        }
    }
}
