//! Requests, one after another, under the lease and noted.

use std::{sync::Arc, time::Duration};

use auth_core::{
    Credential, CredentialError, Demand, Now, Pending, Proving, Refresh, RefreshError, Request,
    Response, TransportError, Waiting,
};

use super::{
    next_record::{as_asked, next_record},
    run::Run,
    saving::SavingTokens,
};
use crate::{
    error::Reason, known::Known, outcome::Outcome, past::Key, record::Fingerprint, set_up::SetUp,
    shared::Shared, store::Lease,
};

/// What the attempts of one refresh have in common.
pub(crate) struct Attempt {
    pub(super) run: Box<Run>,
    pub(super) known: Box<Known>,
    pub(super) lease: Arc<Lease>,
    /// The refresh token in the request.
    pub(super) tried: Option<Fingerprint>,
    /// What the login brought, by which the request is made.
    pub(super) set_up: Option<SetUp>,
}

/// An attempt is about to be made, if the lease is still ours.
pub(crate) struct Confirming {
    pub(super) attempt: Attempt,
    pub(super) next: Next,
}

/// Which attempt it is.
pub(super) enum Next {
    First {
        possibly_spent: bool,
    },
    /// With the same refresh token.
    Again(Waiting),
    /// With the one that is on record by now.
    WithNewer(Waiting),
    /// The one for which something was demanded: that took its time.
    Met(Met),
}

impl Next {
    /// Whether it is a retry with a token that may be spent.
    pub(super) fn is_doubtful(&self, run: &Run) -> bool {
        match self {
            Self::First { .. } | Self::WithNewer(_) => false,
            Self::Again(waiting) => waiting.possibly_spent(),
            Self::Met(_) => run.is_doubtful,
        }
    }
}

pub(super) enum Attempted {
    Confirm(Confirming),
    Prove(Demand, Preparing),
    Send(Request, Sending),
    Wait(Duration, Attempt, Waiting),
    Challenge(Attempt, Waiting),
    Tokens(SavingTokens),
    Failed(Attempt, RefreshError),
}

impl Attempt {
    pub(super) fn first(
        run: Box<Run>,
        known: Box<Known>,
        lease: Arc<Lease>,
        possibly_spent: bool,
        now: Now,
    ) -> Attempted {
        Self::new(run, known, lease).confirm(Next::First { possibly_spent }, now)
    }

    /// With the same refresh token.
    pub(super) fn again(self, waiting: Waiting, now: Now) -> Attempted {
        self.confirm(Next::Again(waiting), now)
    }

    /// With the refresh token that is now on record, by the same set-up.
    pub(super) fn with_newer(
        run: Box<Run>,
        known: Box<Known>,
        lease: Arc<Lease>,
        waiting: Waiting,
        now: Now,
    ) -> Attempted {
        Self::new(run, known, lease).confirm(Next::WithNewer(waiting), now)
    }

    fn new(run: Box<Run>, known: Box<Known>, lease: Arc<Lease>) -> Self {
        let (tried, set_up) = (known.token(), known.set_up());
        Self { run, known, lease, tried, set_up }
    }

    /// Has the lease confirmed, if there is a refresh token that could be spent.
    fn confirm(self, next: Next, now: Now) -> Attempted {
        match self.tried {
            Some(_) => Attempted::Confirm(Confirming { attempt: self, next }),
            None => self.go(next, now),
        }
    }

    /// Makes the attempt.
    pub(super) fn go(mut self, next: Next, now: Now) -> Attempted {
        self.run.is_doubtful = next.is_doubtful(&self.run);
        let Self { run, known, .. } = &self;
        let step = match next {
            Next::First { possibly_spent } => {
                let shared = &run.context.shared;
                let endpoint = Arc::clone(shared.endpoint_of(known.record.as_ref()));
                let refresh = Refresh::new(endpoint, known.grant(&shared.repeatable))
                    .shared_policy(Arc::clone(&shared.policy))
                    .possibly_spent(possibly_spent)
                    .account(run.context.account.as_str());
                run.context.asking(refresh).start(now)
            }
            Next::Again(waiting) => waiting.resume(now),
            Next::Met(met) => return met.go_on(self, now),
            Next::WithNewer(waiting) => {
                waiting.resume_with(known.grant(&run.context.shared.repeatable), now)
            }
        };
        self.go_on(step, now, now)
    }

    /// The record is somebody else's.
    pub(super) fn refuse(self, reason: Reason, now: Now) -> Outcome {
        let Self { run, known, lease, .. } = self;
        run.refuse(known, Some(lease), reason, now)
    }

    /// Follows what `auth-core` says about a request sent at `sent`.
    pub(super) fn go_on(self, step: auth_core::Step, sent: Now, now: Now) -> Attempted {
        match step {
            auth_core::Step::Prove(demand, proving) => {
                let shared = &self.run.context.shared;
                let endpoint = self.set_up.as_ref().map_or(&shared.endpoint, SetUp::endpoint);
                let reads = match &demand {
                    Demand::Credential(source) => endpoint.credential_source() == Some(source),
                    _ => false,
                };
                Attempted::Prove(
                    demand,
                    Preparing { attempt: self, proving, reads, confirmed: now },
                )
            }
            auth_core::Step::Challenge(waiting) => Attempted::Challenge(self, waiting),
            auth_core::Step::Send(request, pending) => {
                Attempted::Send(request, Sending { attempt: self, pending, sent: now })
            }
            auth_core::Step::Wait(delay, waiting) => Attempted::Wait(delay, self, waiting),
            auth_core::Step::Done(Ok(tokens)) => {
                let Self { run, mut known, lease, tried, set_up } = self;
                let old = known.record.as_ref();
                let which = &run.context.which;
                let refused_at =
                    which.of(old).and_then(|old| run.want.refused_at(&old, &run.context, sent));
                let Shared { grant, settings, .. } = &*run.context.shared;
                let tokens = as_asked(tokens, which, old);
                let next = which.of(old);
                let next = next.as_deref();
                let next = next_record(next, tokens, refused_at, *grant, settings, sent, now);
                let mut record = which.put(old, next, now.wall);
                let tried = tried.map(|tried| Key::new(tried, set_up.as_ref()));
                run.context.shared.bind(&mut record, set_up);
                which.keep_thumbprint(&mut record, old);
                if let Some(tried) = tried {
                    known.past.exchanged(tried, &record);
                }
                Attempted::Tokens(SavingTokens::new(run, known, record, lease))
            }
            auth_core::Step::Done(Err(error)) => Attempted::Failed(self, error),
        }
    }
}

/// A request is on its way.
pub(crate) struct Sending {
    attempt: Attempt,
    pending: Pending,
    sent: Now,
}

impl Sending {
    pub(super) fn resolve(self, response: Result<Response, TransportError>, now: Now) -> Attempted {
        let step = self.pending.resolve(response, now);
        self.attempt.go_on(step, self.sent, now)
    }
}

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
    pub(super) proving: Proving,
    pub(super) reads: bool,
    pub(super) met: Result<Credential, CredentialError>,
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
