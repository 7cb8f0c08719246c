//! One round of checks for refreshes ahead of expiry.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::SystemTime,
};

use auth_accounts::{Account, internal::Queue};

use crate::{index::Index, shared::Shared};

/// The accounts of a pool that are due at one moment, up to so many.
pub(crate) struct Round {
    pool: Arc<Shared>,
    now: SystemTime,
    left: AtomicUsize,
}

impl Round {
    pub(crate) fn new(pool: &Arc<Shared>) -> Arc<Self> {
        let (now, left) = (pool.wall(), pool.settings.batch.into());
        Arc::new(Self { pool: Arc::clone(pool), now, left })
    }
}

impl Queue for Round {
    type Key = Index;

    fn next(&self) -> Option<(Index, Account)> {
        let one_less = |left: usize| left.checked_sub(1);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).ok()?;
        let index = self.pool.lock().take_due(self.now)?;
        Some((index, self.pool.at(index)?.clone()))
    }

    fn put_back(&self, index: Index, at: SystemTime) {
        self.pool.lock().due.put_back(index, at);
    }
}
