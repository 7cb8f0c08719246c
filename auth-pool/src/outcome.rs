//! What a pool says of what it did.

use std::time::SystemTime;

use auth_accounts::AccountError;

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
