//! The record is being read, before the lease and again under it.

use std::sync::Arc;

use auth_core::Now;

use super::run::Run;
use crate::{
    error::Reason,
    known::{Known, Loaded},
    outcome::Outcome,
    store::Lease,
    store_error::StoreError,
};

/// The right to send.
pub(super) enum Access {
    /// The lease was not asked for.
    Unasked,
    Granted(Arc<Lease>),
    /// Somebody else held the lease all the time, and may have refreshed.
    Denied(StoreError),
}

impl Access {
    pub(super) fn lease(self) -> Option<Arc<Lease>> {
        match self {
            Self::Granted(lease) => Some(lease),
            Self::Unasked | Self::Denied(_) => None,
        }
    }
}

/// The record is being read.
pub(crate) struct Reading {
    pub(super) run: Box<Run>,
    pub(super) known: Box<Known>,
    pub(super) access: Access,
}

pub(super) enum Read {
    Decide(Reading),
    Done(Outcome),
}

impl Reading {
    pub(super) fn resolve(mut self, loaded: Loaded, now: Now) -> Read {
        match loaded {
            Ok(found) => {
                self.known.read(found);
                Read::Decide(self)
            }
            Err(error) => {
                let Self { run, known, access } = self;
                Read::Done(run.fail(known, access.lease(), Reason::Store(error), now))
            }
        }
    }
}
