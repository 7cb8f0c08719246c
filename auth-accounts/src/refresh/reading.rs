//! The record is being read, before the lease and again under it, and decided
//! upon.

use std::{sync::Arc, time::Duration};

use auth_core::Now;

use super::{
    attempt::{Attempt, Attempted},
    catching_up::CatchingUp,
    identifying::Identifying,
    leasing::Leasing,
    noting::Noting,
    run::{Access, Reading},
    standing_by::{Stand, StandingBy},
};
use crate::{
    error::Reason,
    known::{Draft, Loaded},
    outcome::{Outcome, Source},
};

pub(super) enum Read {
    CatchUp(CatchingUp),
    Lease(Duration, Leasing),
    Note(Noting),
    Identify(auth_core::Source, Identifying),
    StandBy(Duration, StandingBy),
    /// Without a record there is nowhere to note it.
    Attempt(Attempted),
    Done(Outcome),
}

impl Reading {
    pub(super) fn resolve(mut self, loaded: Loaded, now: Now) -> Read {
        // Time has passed since, and it may be another's record.
        self.run.client = None;
        match loaded {
            Ok(found) => {
                self.known.read(found);
                self.decide(now)
            }
            Err(error) => {
                let tokens = self.known.unsaved.tokens.as_ref();
                if tokens.is_some_and(|tokens| tokens.is_of_login)
                    && let Some(version) = error.get_damaged_version()
                {
                    self.known.read_damaged(version.clone());
                    return self.decide(now);
                }
                let Self { run, known, access } = self;
                Read::Done(run.fail(known, access.lease(), Reason::Store(error), now))
            }
        }
    }

    /// Decides on the record that was read: steps 3 and 4, and under the lease 5.
    pub(super) fn decide(self, now: Now) -> Read {
        let Self { mut run, mut known, access } = self;
        if let Access::Denied(error) = &access
            && let Some(tokens) = known.unsaved.tokens.as_mut().filter(|tokens| tokens.is_put_back)
        {
            tokens.error = Some(error.clone());
            run.caught_up = true;
        }
        if !run.caught_up
            && let Some(tokens) = &known.unsaved.tokens
        {
            // Who refreshes elsewhere with what is on record now is let finish.
            if tokens.is_put_back && matches!(access, Access::Unasked) {
                let wait = run.want.lease_wait(known.record.as_ref(), &run.context, now);
                return Read::Lease(wait, Leasing { run, known });
            }
            run.caught_up = true;
            let draft = Draft { record: tokens.record.clone(), known };
            return Read::CatchUp(CatchingUp { run, draft, access });
        }
        run.want.record_read(run.context.which.of(known.record.as_ref()).as_deref());
        if run.want.is_served_by(known.record.as_ref(), &run.context, now) {
            let (error, lease) = (known.save_error(&run.context.account), access.lease());
            let context = &run.context;
            return Read::Done(Outcome::token(context, known, Source::Record, error, lease, now));
        }
        if let Some(damage) = known.damage(&run.context.account) {
            // A refresh takes the place of nothing that is damaged, nor does its note.
            return Read::Done(run.fail(known, access.lease(), Reason::Store(damage), now));
        }
        if let Some(source) = run.unidentified(&known, now) {
            return Read::Identify(source, Identifying { run, known, access });
        }
        if let Some(reason) = run.obstacle(&known, now) {
            return Read::Done(run.fail(known, access.lease(), reason, now));
        }
        let record = known.record.as_ref();
        if let Some(until) = run.want.makes_do_until(record, &run.context, now) {
            let lease = access.lease();
            return Read::Done(Outcome::refused_again(&run.context, known, until, lease, now));
        }
        if let Access::Granted(lease) = &access
            && let Some(stand) = run.stands(&known, lease, now)
        {
            let lease = Arc::clone(lease);
            return match stand {
                Stand::By(pause) => Read::StandBy(pause, StandingBy { run, known, lease }),
                Stand::Down(error) => {
                    Read::Done(run.fail(known, Some(lease), Reason::Store(error), now))
                }
            };
        }
        match access {
            Access::Unasked => {
                let wait = run.want.lease_wait(known.record.as_ref(), &run.context, now);
                run.was_brief = wait < run.context.shared.settings.lease_wait;
                Read::Lease(wait, Leasing { run, known })
            }
            Access::Denied(error) => Read::Done(run.fail(known, None, Reason::Store(error), now)),
            Access::Granted(lease) => match &known.record {
                Some(record) => Read::Note(Noting::new(run, record.clone(), known, lease, now)),
                None => Read::Attempt(Attempt::first(run, known, lease, false, now)),
            },
        }
    }
}
