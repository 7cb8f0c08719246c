//! Somebody who has lost the lease may be under way, and is waited for.
//!
//! Whoever takes a lease that was [made anew](Lease::made_anew) may not be the only
//! one who holds it. A young note on the refresh token in use says so: its refresh
//! may still be waiting for the response. With an old lease the same note says that
//! a process died, for otherwise it would hold the lease; then the retry has to be
//! prompt.

use std::{sync::Arc, time::Duration};

use auth_core::Now;

use super::run::{Access, Patience, Reading, Run};
use crate::{
    known::Known,
    silence::A_YEAR,
    store::Lease,
    store_error::{StoreError, StoreErrorKind},
};

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);

/// What to do about somebody who may be under way.
pub(super) enum Stand {
    /// Read again after this time.
    By(Duration),
    /// The caller can do without, and has waited long enough.
    Down(StoreError),
}

/// Time is passing, in which somebody else may save.
pub(crate) struct StandingBy {
    pub(super) run: Box<Run>,
    pub(super) known: Box<Known>,
    pub(super) lease: Arc<Lease>,
}

impl StandingBy {
    pub(super) fn resume(self) -> Reading {
        let Self { run, known, lease } = self;
        Reading { run, known, access: Access::Granted(lease) }
    }
}

impl Run {
    /// What to do about somebody who may be under way; `None` if nobody is.
    pub(super) fn stands(&mut self, known: &Known, lease: &Lease, now: Now) -> Option<Stand> {
        if !lease.get_made_anew() || self.own_note(known).is_some() {
            return None;
        }
        let record = known.record.as_ref()?;
        let note = record.note.as_ref()?;
        // Without a refresh token there is none to spend twice.
        if known.token() != Some(note.refresh_token) {
            return None;
        }
        let (want, context) = (&self.want, &self.context);
        let known_of = self.patience.take().filter(|known| known.token == note.refresh_token);
        let patience = self.patience.insert(known_of.unwrap_or_else(|| Patience {
            token: note.refresh_token,
            over: now.monotonic + context.may_last(note, now).min(A_YEAR),
            enough: now.monotonic + want.lease_wait(Some(record), context, now).min(A_YEAR),
            pause: FIRST,
        }));
        let until = patience.over.min(patience.enough);
        if patience.over <= now.monotonic {
            return None;
        }
        if until <= now.monotonic {
            let error = StoreError::new(StoreErrorKind::LeaseTimeout, context.account.to_string());
            return Some(Stand::Down(
                error.with_source("a refresh that lost the lease is under way"),
            ));
        }
        let pause = patience.pause.min(until.saturating_duration_since(now.monotonic));
        patience.pause = (patience.pause * 2).min(LONGEST);
        Some(Stand::By(pause))
    }
}
