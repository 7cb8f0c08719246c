//! What the suite says of an async store that blocks.

use std::time::Duration;

use auth_accounts::{
    AccountId, MemoryStore, StoreError,
    store::{BlockingTokenStore, Lease, Record, Version},
};

/// An async store that waits as a blocking one does.
struct Blocks(MemoryStore);

#[async_trait::async_trait]
impl auth_accounts::store::TokenStore for Blocks {
    async fn load(&self, account: &AccountId) -> Result<Option<(Record, Version)>, StoreError> {
        self.0.load_blocking(account)
    }

    async fn save(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        self.0.save_blocking(account, record, expected)
    }

    async fn remove(&self, account: &AccountId, expected: &Version) -> Result<(), StoreError> {
        self.0.remove_blocking(account, expected)
    }

    async fn list(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        self.0.list_blocking(after, most)
    }

    async fn lease(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
        self.0.lease_blocking(account, wait)
    }

    async fn extend(&self, account: &AccountId, lease: &Lease) -> Result<(), StoreError> {
        self.0.extend_blocking(account, lease)
    }
}

#[test]
fn an_async_store_that_blocks_is_told_so_and_not_waited_for() {
    let place = MemoryStore::new();
    let suite = auth_conformance::store(move || Blocks(place.clone()))
        .excuse("lease_of_the_dead", "one process")
        .excuse("damaged", "memory");
    let report = pollster::block_on(suite.run());
    let failed: Vec<_> = report.failed().map(|case| case.name).collect();
    assert_eq!(failed, ["lease_yields", "lease_waits", "lease_given_up", "lease_contention"]);
    assert!(report.to_string().contains("waits by a timer"), "{report}");
}
