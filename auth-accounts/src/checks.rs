//! Checks of many accounts, each for a refresh ahead of its expiry. What a pool
//! and [all accounts of a store](crate::Accounts) share.

use std::{panic::resume_unwind, sync::Arc, thread, time::SystemTime};

use futures_util::{StreamExt as _, stream::FuturesUnordered};

use crate::{account::Account, due_refreshes::DueRefreshes, error::AccountError, id::AccountId};

/// Where accounts that are due are taken from, and go back to.
pub trait Queue: Send + Sync + 'static {
    /// What the accounts are told apart by.
    type Key: Clone + Send + Sync + 'static;

    /// Takes out the next account that is due, if there is one.
    fn next(&self) -> Option<(Self::Key, Account)>;

    /// Puts it back, to be checked at this time.
    fn put_back(&self, key: Self::Key, at: SystemTime);
}

/// Checks the accounts of this queue, at most `limit` at the same time, until it
/// has no more. If the future is dropped, those that were taken out are due.
///
/// It owns all that it needs, and names no lifetime: so it can be spawned.
pub async fn refresh_each<Q: Queue>(queue: Arc<Q>, limit: usize) -> DueRefreshes {
    let mut outcome = DueRefreshes::default();
    let mut under_way = FuturesUnordered::new();
    loop {
        while under_way.len() < limit.max(1)
            && let Some(check) = Check::next(&queue)
        {
            under_way.push(check.run());
        }
        match under_way.next().await {
            Some(checked) => outcome.add(checked),
            None => return outcome,
        }
    }
}

/// The same on threads: at most `limit`, and no more than there are accounts to
/// be checked.
pub(crate) fn refresh_each_blocking<Q: Queue>(queue: &Arc<Q>, limit: usize) -> DueRefreshes {
    thread::scope(|scope| {
        let mut threads = Vec::new();
        while threads.len() + 1 < limit
            && let Some(check) = Check::next(queue)
        {
            let started =
                thread::Builder::new().name("auth-refresh".into()).spawn_scoped(scope, move || {
                    let mut outcome = DueRefreshes::default();
                    outcome.add(pollster::block_on(check.run()));
                    outcome.append(pollster::block_on(refresh_each(Arc::clone(queue), 1)));
                    outcome
                });
            match started {
                Ok(thread) => threads.push(thread),
                // The check is back in the queue, and this thread makes it.
                Err(_) => break,
            }
        }
        let mut outcome = pollster::block_on(refresh_each(Arc::clone(queue), 1));
        for thread in threads {
            outcome.append(thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        outcome
    })
}

/// An account that was taken out of a [`Queue`], and goes back when this is
/// dropped, however the check ends.
struct Check<Q: Queue> {
    queue: Arc<Q>,
    key: Q::Key,
    account: Account,
    /// When the account is due again: at once, unless the check ran to its end.
    next: SystemTime,
}

impl<Q: Queue> Check<Q> {
    fn next(queue: &Arc<Q>) -> Option<Self> {
        let (key, account) = queue.next()?;
        Some(Self { queue: Arc::clone(queue), key, account, next: SystemTime::UNIX_EPOCH })
    }

    /// Whether the account was refreshed.
    async fn run(mut self) -> (AccountId, Result<bool, AccountError>) {
        let check = self.account.refresh_if_due().await;
        // At least a second: what is due and cannot be refreshed stays due.
        let now = self.account.wall();
        self.next = now.checked_add(check.next_in).unwrap_or(now);
        (self.account.id().clone(), check.result)
    }
}

impl<Q: Queue> Drop for Check<Q> {
    fn drop(&mut self) {
        self.queue.put_back(self.key.clone(), self.next);
    }
}
