//! What a pool hands out, and what it says of what it did.

use std::time::SystemTime;

use crate::Index;
use auth_accounts::{AccountError, AccountId, Token};

/// An access token, and whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolToken {
    pub(crate) account: AccountId,
    /// Where that stands in the pool that it is from, which need not be the
    /// one that it is reported to.
    pub(crate) index: Index,
    pub(crate) token: Token,
}

impl PoolToken {
    /// Whose it is.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The token.
    pub fn token(&self) -> &Token {
        &self.token
    }
}

/// What a report led to.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum ReportOutcome {
    /// Nothing: the status is not one to move on at.
    Ignored,
    /// The account has another access token now. Try again.
    Refreshed,
    /// The account rests until then, and others are used.
    MovedOn {
        /// When it is used again.
        until: SystemTime,
        /// Why there was no other token, after a 401.
        error: Option<AccountError>,
    },
}

/// What [`AccountPool::refresh_due`](crate::AccountPool::refresh_due) did.
#[non_exhaustive]
#[derive(Debug, Clone, Default)]
pub struct Refreshed {
    /// The accounts that were refreshed.
    pub refreshed: Vec<AccountId>,
    /// Why others could not be.
    pub failed: Vec<AccountError>,
    /// When to call again; at once if that is not in the future. `None` if no
    /// account is in use.
    pub next_at: Option<SystemTime>,
}
