//! Requests, one after another, under the lease and noted.

use std::{sync::Arc, time::Duration};

use auth_core::{Now, Pending, Refresh, RefreshError, Request, Response, TransportError, Waiting};

use super::{next_record::next_record, run::Run, saving::SavingTokens};
use crate::{
    error::Reason, known::Known, outcome::Outcome, record::Fingerprint, set_up::SetUp,
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
    /// Whether that token may be spent, so that a retry with it has to be prompt.
    is_doubtful: bool,
}

pub(super) enum Attempted {
    Send(Request, Sending),
    Wait(Duration, Attempt, Waiting),
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
        let shared = &run.context.shared;
        let endpoint = Arc::clone(shared.endpoint_of(known.record.as_ref()));
        let step = Refresh::new(endpoint, known.grant())
            .shared_policy(Arc::clone(&shared.policy))
            .possibly_spent(possibly_spent)
            .account(run.context.account.as_str())
            .start(now);
        let (tried, set_up) = (known.token(), known.set_up());
        Self { run, known, lease, tried, set_up, is_doubtful: false }.go_on(step, now, now)
    }

    /// With the same refresh token.
    pub(super) fn again(mut self, waiting: Waiting, now: Now) -> Attempted {
        self.is_doubtful = waiting.possibly_spent();
        self.go_on(waiting.resume(now), now, now)
    }

    /// With the refresh token that is now on record, by the same set-up.
    pub(super) fn with_newer(
        run: Box<Run>,
        known: Box<Known>,
        lease: Arc<Lease>,
        waiting: Waiting,
        now: Now,
    ) -> Attempted {
        let (tried, set_up) = (known.token(), known.set_up());
        let step = waiting.resume_with(known.grant(), now);
        Self { run, known, lease, tried, set_up, is_doubtful: false }.go_on(step, now, now)
    }

    /// A retry was about to be made with another token, and somebody saved first.
    pub(super) fn before_retry(
        run: Box<Run>,
        known: Box<Known>,
        lease: Arc<Lease>,
        tried: Option<Fingerprint>,
        set_up: Option<SetUp>,
    ) -> Self {
        Self { run, known, lease, tried, set_up, is_doubtful: false }
    }

    /// The record is somebody else's.
    pub(super) fn refuse(self, reason: Reason, now: Now) -> Outcome {
        let Self { run, known, lease, .. } = self;
        run.refuse(known, Some(lease), reason, now)
    }

    /// Follows what `auth-core` says about a request sent at `sent`.
    fn go_on(self, step: auth_core::Step, sent: Now, now: Now) -> Attempted {
        match step {
            auth_core::Step::Send(request, pending) => {
                Attempted::Send(request, Sending { attempt: self, pending, sent: now })
            }
            auth_core::Step::Wait(delay, waiting) => Attempted::Wait(delay, self, waiting),
            auth_core::Step::Done(Ok(tokens)) => {
                let Self { run, known, lease, set_up, .. } = self;
                let old = known.record.as_ref();
                let refused_at = old.and_then(|old| run.want.refused_at(old, &run.context, sent));
                let Shared { grant, settings, .. } = &*run.context.shared;
                let mut record = next_record(old, tokens, refused_at, *grant, settings, sent, now);
                run.context.shared.bind(&mut record, set_up);
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
    /// Whether the request could spend a refresh token.
    pub(super) fn could_spend(&self) -> bool {
        self.attempt.tried.is_some()
    }

    pub(super) fn lease(&self) -> &Lease {
        &self.attempt.lease
    }

    pub(super) fn is_doubtful(&self) -> bool {
        self.attempt.is_doubtful
    }

    /// The request is sent now, and not when it was made.
    pub(super) fn from(self, now: Now) -> Self {
        Self { sent: now, ..self }
    }

    /// Nothing is sent.
    pub(super) fn withdrawn(self) -> Attempt {
        self.attempt
    }

    pub(super) fn resolve(self, response: Result<Response, TransportError>, now: Now) -> Attempted {
        let step = self.pending.resolve(response, now);
        self.attempt.go_on(step, self.sent, now)
    }
}
