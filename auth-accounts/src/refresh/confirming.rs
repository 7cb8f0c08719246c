//! Before each attempt it is confirmed that the lease is still ours.

use auth_core::{Now, Request};

use super::{
    attempt::{Attempt, Sending},
    run::{Access, Reading},
};
use crate::{
    error::Reason,
    outcome::Outcome,
    store::Lease,
    store_error::{StoreError, StoreErrorKind},
};

/// A request is ready to be sent, if the lease is still ours.
pub(crate) struct Confirming {
    request: Request,
    sending: Sending,
}

pub(super) enum Confirmed {
    Send(Request, Sending),
    ReadAgain(Reading),
    Done(Outcome),
}

impl Confirming {
    pub(super) fn new(request: Request, sending: Sending) -> Self {
        Self { request, sending }
    }

    pub(crate) fn lease(&self) -> &Lease {
        self.sending.lease()
    }

    pub(super) fn resolve(self, extended: Result<(), StoreError>, now: Now) -> Confirmed {
        let Self { request, sending } = self;
        match extended {
            Ok(()) => Confirmed::Send(request, sending.from(now)),
            Err(error) if error.kind() == StoreErrorKind::LeaseLost => {
                let is_doubtful = sending.is_doubtful();
                let Attempt { mut run, known, lease, tried, .. } = sending.withdrawn();
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
            Err(_) if sending.is_doubtful() => Confirmed::Send(request, sending.from(now)),
            Err(error) => {
                let Attempt { run, known, lease, .. } = sending.withdrawn();
                Confirmed::Done(run.fail(known, Some(lease), Reason::Store(error), now))
            }
        }
    }
}
