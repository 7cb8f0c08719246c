//! The spy, as a store.

use std::{sync::atomic::Ordering, time::Duration};

use async_trait::async_trait;
use auth_accounts::{
    AccountId, StoreError,
    store::{BlockingTokenStore, Lease, Record, TokenStore, Version},
};

use super::{Freed, SpyStore, lock, save_name};

#[async_trait]
impl TokenStore for SpyStore {
    async fn load(&self, account: &AccountId) -> Result<Option<(Record, Version)>, StoreError> {
        self.pause().await;
        self.enter("load")?;
        let loaded = TokenStore::load(&self.inner, account).await;
        self.pause().await;
        loaded
    }

    async fn save(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        self.pause().await;
        self.enter(save_name(record))?;
        let saved = TokenStore::save(&self.inner, account, record, expected).await;
        let login = || lock(&self.logins).contains(&record.tokens.access_token);
        if saved.is_ok() && save_name(record) == "tokens" && !login() {
            self.tokens_saved.fetch_add(1, Ordering::Relaxed);
        }
        self.pause().await;
        saved
    }

    async fn remove(&self, account: &AccountId, expected: &Version) -> Result<(), StoreError> {
        self.pause().await;
        self.enter("remove")?;
        let removed = TokenStore::remove(&self.inner, account, expected).await;
        self.pause().await;
        removed
    }

    async fn list(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        self.pause().await;
        self.enter("list")?;
        TokenStore::list(&self.inner, after, most).await
    }

    async fn lease(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
        self.pause().await;
        self.enter("lease")?;
        let lease = TokenStore::lease(&self.inner, account, wait).await?;
        let lease = Lease::new(Freed { log: self.log.clone(), lease });
        self.pause().await;
        Ok(lease)
    }

    async fn extend(&self, account: &AccountId, lease: &Lease) -> Result<(), StoreError> {
        self.pause().await;
        self.extended.fetch_add(1, Ordering::Relaxed);
        let lease = &lease.guard::<Freed>().unwrap().lease;
        let extended = TokenStore::extend(&self.inner, account, lease).await;
        self.pause().await;
        extended
    }
}

impl BlockingTokenStore for SpyStore {
    fn load_blocking(&self, account: &AccountId) -> Result<Option<(Record, Version)>, StoreError> {
        self.enter("load")?;
        BlockingTokenStore::load_blocking(&self.inner, account)
    }

    fn save_blocking(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        self.enter(save_name(record))?;
        BlockingTokenStore::save_blocking(&self.inner, account, record, expected)
    }

    fn remove_blocking(&self, account: &AccountId, expected: &Version) -> Result<(), StoreError> {
        self.enter("remove")?;
        BlockingTokenStore::remove_blocking(&self.inner, account, expected)
    }

    fn list_blocking(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        self.enter("list")?;
        BlockingTokenStore::list_blocking(&self.inner, after, most)
    }

    fn lease_blocking(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
        self.enter("lease")?;
        let lease = BlockingTokenStore::lease_blocking(&self.inner, account, wait)?;
        Ok(Lease::new(Freed { log: self.log.clone(), lease }))
    }

    fn extend_blocking(&self, account: &AccountId, lease: &Lease) -> Result<(), StoreError> {
        let lease = &lease.guard::<Freed>().unwrap().lease;
        BlockingTokenStore::extend_blocking(&self.inner, account, lease)
    }
}
