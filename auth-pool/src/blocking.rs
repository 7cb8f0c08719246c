//! Pools for blocking programs: the same pool, run on the thread of the caller.

use std::{collections::HashSet, sync::Arc, time::Duration};

use auth_accounts::{Account, AccountId, BlockingAccount, DueRefreshes};
use http::StatusCode;

use crate::{
    error::PoolError, outcome::ReportOutcome, pool::AccountPool, settings::PoolSettings,
    token::PoolToken,
};

/// [`AccountPool`] for blocking programs.
#[derive(Debug, Clone)]
pub struct BlockingAccountPool {
    pub(crate) pool: AccountPool,
    /// In the order of the pool.
    accounts: Arc<[BlockingAccount]>,
}

impl BlockingAccountPool {
    /// See [`AccountPool::new`].
    pub fn new(
        accounts: impl IntoIterator<Item = BlockingAccount>,
        settings: PoolSettings,
    ) -> Self {
        // If several have the same id, the first one counts, here as there.
        let mut seen = HashSet::new();
        let accounts: Arc<[_]> =
            accounts.into_iter().filter(|account| seen.insert(account.id().clone())).collect();
        let pool = AccountPool::new(accounts.iter().cloned().map(Account::from), settings);
        Self { pool, accounts }
    }

    /// See [`AccountPool::token`].
    ///
    /// # Errors
    ///
    /// See [`AccountPool::token`].
    pub fn token(&self) -> Result<PoolToken, PoolError> {
        pollster::block_on(self.pool.token())
    }

    /// See [`AccountPool::token_for_session`].
    ///
    /// # Errors
    ///
    /// See [`AccountPool::token`].
    pub fn token_for_session(&self, session: &str) -> Result<PoolToken, PoolError> {
        pollster::block_on(self.pool.token_for_session(session))
    }

    /// See [`AccountPool::report`].
    pub fn report(
        &self,
        used: &PoolToken,
        status: StatusCode,
        retry_after: Option<Duration>,
    ) -> ReportOutcome {
        pollster::block_on(self.pool.report(used, status, retry_after))
    }

    /// See [`AccountPool::report_id`].
    pub fn report_id(
        &self,
        account: &AccountId,
        status: StatusCode,
        retry_after: Option<Duration>,
    ) -> ReportOutcome {
        pollster::block_on(self.pool.report_id(account, status, retry_after))
    }

    /// See [`AccountPool::refresh_due`]. The accounts are refreshed one after
    /// the other.
    pub fn refresh_due(&self) -> DueRefreshes {
        pollster::block_on(self.pool.refresh_due())
    }

    /// See [`AccountPool::disable`].
    pub fn disable(&self, account: &AccountId) {
        self.pool.disable(account);
    }

    /// See [`AccountPool::enable`].
    pub fn enable(&self, account: &AccountId) {
        self.pool.enable(account);
    }

    /// See [`AccountPool::accounts`].
    pub fn accounts(&self) -> impl ExactSizeIterator<Item = &BlockingAccount> {
        self.accounts.iter()
    }

    /// See [`AccountPool::account`].
    pub fn account(&self, id: &AccountId) -> Option<BlockingAccount> {
        self.pool.position(id).and_then(|index| self.accounts.get(index)).cloned()
    }
}
