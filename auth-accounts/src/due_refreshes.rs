//! What a refresh of the accounts that are due did.

use std::time::SystemTime;

use crate::{error::AccountError, id::AccountId, store_error::StoreError};

/// What a refresh of all accounts that are due did.
#[non_exhaustive]
#[derive(Debug, Clone, Default)]
pub struct DueRefreshes {
    /// The accounts that were refreshed.
    pub refreshed: Vec<AccountId>,
    /// Why other accounts could not be refreshed.
    pub failed: Vec<AccountError>,
    /// Why the store could not list its accounts. Those that were known before
    /// have been checked all the same. Always `None` for a pool.
    pub not_listed: Option<StoreError>,
    /// When to call again: at once, if this time is not in the future. `None` if
    /// there are no accounts, or, in a pool, no enabled ones. Call again at least
    /// once a minute all the same, also if it is `None`: that is how new accounts
    /// are noticed.
    pub next_at: Option<SystemTime>,
}

impl DueRefreshes {
    pub(crate) fn add(&mut self, (account, result): (AccountId, Result<bool, AccountError>)) {
        match result {
            Ok(true) => self.refreshed.push(account),
            Ok(false) => {}
            Err(error) => self.failed.push(error),
        }
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.refreshed.append(&mut other.refreshed);
        self.failed.append(&mut other.failed);
    }
}
