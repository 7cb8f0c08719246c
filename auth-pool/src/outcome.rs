//! What a pool says of what it did.

use std::time::SystemTime;

use auth_accounts::{AccountError, AccountId};

/// What [`AccountPool::report`](crate::AccountPool::report) did.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum ReportOutcome {
    /// Nothing. The status is none of
    /// [`PoolSettings::move_on_at`](crate::PoolSettings::move_on_at), or the
    /// account is not in this pool.
    Ignored,
    /// The account has another access token now. Send the request again.
    Refreshed,
    /// The account is suspended, and the pool moves on to other accounts.
    #[non_exhaustive]
    MovedOn {
        /// When the account can be used again.
        until: SystemTime,
        /// After a 401, why there was no other token.
        error: Option<AccountError>,
    },
}

/// What [`AccountPool::refresh_due`](crate::AccountPool::refresh_due) did.
#[non_exhaustive]
#[derive(Debug, Clone, Default)]
pub struct DueRefreshes {
    /// The accounts that were refreshed.
    pub refreshed: Vec<AccountId>,
    /// Why other accounts could not be refreshed.
    pub failed: Vec<AccountError>,
    /// When to call again: at once, if this time is not in the future. `None`
    /// if the pool has no enabled accounts.
    pub next_at: Option<SystemTime>,
}
