//! Work that goes on when its callers have left.

use std::{
    future::poll_fn,
    sync::{Arc, Weak},
};

use super::{Account, inner::Inner};
use crate::{
    outcome::Ending,
    single_flight::{Owner, SingleFlight, Work},
};

impl Account {
    /// The same work, with a background task as one more participant as soon as
    /// it has to wait, if there is a spawner. Whoever polls the work then is a
    /// participant until the task is one, so that no moment is left at which the
    /// last of them could leave.
    pub(super) fn in_background(&self, mut work: Work<Ending>) -> Work<Ending> {
        let Some(spawner) = self.0.shared.spawner.clone() else { return work };
        let mut account = Some(self.clone());
        Box::pin(poll_fn(move |context| {
            let polled = work.as_mut().poll(context);
            if polled.is_pending()
                && let Some(Self(inner)) = account.take()
                // While it is polled, it is the one under way.
                && let Some(participant) = inner.flight.join_current(Arc::downgrade(&inner))
            {
                let participant = participant.carrying();
                spawner(Box::pin(async move {
                    let _ = participant.await;
                }));
            }
            polled
        }))
    }
}

/// The task keeps nothing alive but the work, which keeps the account.
impl Owner<Ending> for Weak<Inner> {
    fn with_flight(&self, call: impl FnOnce(&SingleFlight<Ending>)) {
        if let Some(inner) = self.upgrade() {
            call(&inner.flight);
        }
    }
}
