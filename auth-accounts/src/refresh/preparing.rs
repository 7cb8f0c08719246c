//! What a request needs is being read or signed, under the lease and noted.

use auth_core::{Credential, CredentialError, Now, Proving};

use super::{
    Step,
    attempt::{Attempt, Attempted},
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
}

impl Preparing {
    pub(crate) fn on_met(self, met: Result<Credential, CredentialError>, now: Now) -> Step {
        on_attempt(self.resolve(met, now), now)
    }

    /// Somebody else is to come first. Nothing was sent, so that the note is taken back:
    /// it would say that the refresh token may be spent. The outcome is for nobody.
    pub(crate) fn on_give_way(self, now: Now) -> Step {
        let Attempt { run, known, lease, .. } = self.attempt;
        let then = Then::Fail(lease, Reason::UnderWay);
        on_withdrawn(withdraw(run, known, false, then, now))
    }

    fn resolve(self, met: Result<Credential, CredentialError>, now: Now) -> Attempted {
        let Self { mut attempt, proving, reads } = self;
        let shared = &attempt.run.context.shared;
        let endpoint = attempt.set_up.as_ref().map_or(&shared.endpoint, SetUp::endpoint);
        if reads {
            attempt.run.client = Some(Fingerprint::of_client(endpoint, met.as_ref().ok()));
        }
        let step = proving.resolve(met, now);
        attempt.go_on(step, now, now)
    }
}
