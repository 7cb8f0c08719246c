//! One check of one account for a refresh ahead of its expiry.

use std::time::SystemTime;

use auth_accounts::{AccountError, AccountId};

use crate::{
    index::Index,
    shared::{Shared, later},
};

/// An account that was taken out of [`Due`](crate::due::Due), and goes back
/// when this is dropped, however the check ends.
pub(crate) struct Check<'a> {
    pool: &'a Shared,
    index: Index,
    /// When the account is due again: at once, unless the check ran to its end.
    next: SystemTime,
}

impl<'a> Check<'a> {
    pub(crate) fn new(pool: &'a Shared, index: Index) -> Self {
        Self { pool, index, next: SystemTime::UNIX_EPOCH }
    }

    /// Whether the account was refreshed.
    pub(crate) async fn run(mut self) -> (AccountId, Result<bool, AccountError>) {
        let Some(account) = self.pool.at(self.index) else {
            return (AccountId::from(""), Ok(false));
        };
        // It may have been disabled while it waited for its turn.
        if self.pool.lock().availability.is_disabled(self.index) {
            return (account.id().clone(), Ok(false));
        }
        let check = account.refresh_if_due().await;
        // At least a second: what is due and cannot be refreshed stays due.
        self.next = later(account.wall(), check.next_in);
        (account.id().clone(), check.result)
    }
}

impl Drop for Check<'_> {
    fn drop(&mut self) {
        self.pool.lock().due.put_back(self.index, self.next);
    }
}
