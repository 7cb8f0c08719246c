//! What to do about the record that was read.

use std::time::Duration;

use auth_core::Now;

use super::{
    attempt::{Attempt, Attempted},
    catching_up::CatchingUp,
    draft::Draft,
    leasing::Leasing,
    noting::Noting,
    reading::{Access, Reading},
};
use crate::{
    error::Reason,
    outcome::{Outcome, Source},
};

pub(super) enum Decision {
    CatchUp(CatchingUp),
    Lease(Duration, Leasing),
    Note(Noting),
    /// Without a record there is nowhere to note it.
    Attempt(Attempted),
    Done(Outcome),
}

/// Decides on the record that was read: steps 3 and 4, and under the lease 5.
pub(super) fn decide(reading: Reading, now: Now) -> Decision {
    let Reading { mut run, known, access } = reading;
    if !run.caught_up
        && let Some(tokens) = &known.unsaved.tokens
    {
        run.caught_up = true;
        let draft = Draft { record: tokens.record.clone(), known };
        return Decision::CatchUp(CatchingUp { run, draft, access });
    }
    run.want.record_read(known.record.as_ref());
    if run.is_served(&known, now) {
        let error = known.save_error();
        return Decision::Done(run.succeed(known, Source::Record, error, access.lease(), now));
    }
    if let Some(reason) = run.obstacle(&known, now) {
        return Decision::Done(run.fail(known, access.lease(), reason, now));
    }
    match access {
        Access::Unasked => {
            let wait = run.want.lease_wait(known.record.as_ref(), &run.context, now);
            Decision::Lease(wait, Leasing { run, known })
        }
        Access::Denied(error) => Decision::Done(run.fail(known, None, Reason::Store(error), now)),
        Access::Granted(lease) => match &known.record {
            Some(record) => Decision::Note(Noting::new(run, record.clone(), known, lease, now)),
            None => Decision::Attempt(Attempt::first(run, known, lease, false, now)),
        },
    }
}
