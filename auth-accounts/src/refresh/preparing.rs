//! What a request needs is being read or signed, under the lease and noted.

use std::time::Duration;

use auth_core::{Credential, CredentialError, Now};

use super::{
    Step,
    attempt::{Attempt, Confirming, Met, Next, Preparing},
    on_attempt, on_withdrawn,
    taking_back::{Then, withdraw},
};
use crate::error::Reason;

/// After this the lease is confirmed again: the machine may have slept meanwhile, or
/// whoever keeps the lease may have lost it.
const A_MOMENT: Duration = Duration::from_secs(1);

impl Preparing {
    pub(crate) fn on_met(self, met: Result<Credential, CredentialError>, now: Now) -> Step {
        let Self { attempt, proving, reads, confirmed } = self;
        let by_wall = now.wall.duration_since(confirmed.wall).unwrap_or_default();
        let took = now.since(confirmed).max(by_wall);
        let is_late = took >= A_MOMENT && met.is_ok() && attempt.tried.is_some();
        let met = Met { proving, reads, met };
        if is_late {
            return Step::Extend(Confirming { attempt, next: Next::Met(met) });
        }
        on_attempt(met.go_on(attempt, now), now)
    }

    /// Somebody else is to come first. Nothing was sent, so that the note is taken back:
    /// it would say that the refresh token may be spent. The outcome is for nobody.
    pub(crate) fn on_give_way(self, now: Now) -> Step {
        let Attempt { run, known, lease, .. } = self.attempt;
        let then = Then::Fail(lease, Reason::UnderWay);
        on_withdrawn(withdraw(run, known, false, then, now))
    }
}
