//! What blocks, behind the async traits: it blocks within the poll.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use auth_core::{
    BlockingClock, BlockingTransport, Clock, Now, Request, Response, TimeSource, Transport,
    TransportError,
};

use crate::{
    id::AccountId,
    record::Record,
    store::{BlockingTokenStore, Lease, TokenStore, Version},
    store_error::StoreError,
};

/// Something that blocks, behind an async trait. Hidden: it is for the sibling
/// crates, as all of `internal` is.
#[derive(Debug)]
#[doc(hidden)]
pub struct Blocking<T>(pub T);

#[async_trait]
impl<T: BlockingTransport> Transport for Blocking<T> {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.0.send_blocking(request)
    }
}

impl<T: BlockingClock> TimeSource for Blocking<T> {
    fn now(&self) -> Now {
        self.0.now()
    }

    fn wall(&self) -> SystemTime {
        self.0.wall()
    }
}

#[async_trait]
impl<T: BlockingClock> Clock for Blocking<T> {
    async fn sleep(&self, duration: Duration) {
        self.0.sleep_blocking(duration);
    }
}

#[async_trait]
impl<T: BlockingTokenStore> TokenStore for Blocking<T> {
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
