//! The lease is being waited for.

use std::sync::Arc;

use auth_core::Now;

use super::run::{Access, Reading, Run};
use crate::{
    error::Reason,
    known::Known,
    outcome::Outcome,
    store::Lease,
    store_error::{StoreError, StoreErrorKind},
};

/// The lease is being waited for.
pub(crate) struct Leasing {
    pub(super) run: Box<Run>,
    pub(super) known: Box<Known>,
}

pub(super) enum Leased {
    Read(Reading),
    Done(Outcome),
}

impl Leasing {
    pub(super) fn resolve(self, leased: Result<Lease, StoreError>, now: Now) -> Leased {
        let Self { run, known } = self;
        let access = match leased {
            Ok(lease) => Access::Granted(Arc::new(lease)),
            Err(error) if error.kind() == StoreErrorKind::LeaseTimeout => Access::Denied(error),
            Err(error) => return Leased::Done(run.fail(known, None, Reason::Store(error), now)),
        };
        Leased::Read(Reading { run, known, access })
    }
}
