//! What a request needs is being read or signed, under the lease and noted.

use std::time::Duration;

use auth_core::{Credential, CredentialError, Now, Proving};

use super::{
    Step,
    attempt::{Attempt, Attempted, Confirming, Next},
    on_attempt, on_withdrawn,
    taking_back::{Then, withdraw},
};
use crate::{error::Reason, record::Fingerprint, set_up::SetUp};

/// Something is being read or signed for a request.
pub(crate) struct Preparing {
    pub(super) attempt: Attempt,
    pub(super) proving: Proving,
    /// Whether it is what tells one set-up of the client from another.
    pub(super) reads: bool,
    /// When the lease was confirmed, or what was demanded before this was had.
    pub(super) confirmed: Now,
}

/// Something was read or signed for a request.
pub(super) struct Met {
    proving: Proving,
    reads: bool,
    met: Result<Credential, CredentialError>,
}

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

impl Met {
    pub(super) fn go_on(self, mut attempt: Attempt, now: Now) -> Attempted {
        let Self { proving, reads, met } = self;
        let shared = &attempt.run.context.shared;
        let endpoint = attempt.set_up.as_ref().map_or(&shared.endpoint, SetUp::endpoint);
        if reads {
            attempt.run.client = Some(Fingerprint::of_client(endpoint, met.as_ref().ok()));
        }
        let step = proving.resolve(met, now);
        attempt.go_on(step, now, now)
    }
}
