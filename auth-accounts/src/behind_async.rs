//! What blocks, behind the async traits.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use auth_core::{
    BlockingClock, BlockingTransport, Clock, Now, Request, Response, TimeSource, Transport,
    TransportError,
};

use crate::{
    id::AccountId,
    off_thread::{Job, Key, OffThread},
    record::Record,
    store::{BlockingTokenStore, Lease, TokenStore, Version},
    store_error::StoreError,
};

/// Something that blocks, behind an async trait: it blocks within the poll.
/// Hidden: it is for the sibling crates, as all of `internal` is.
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

/// A store that blocks, behind the async trait: each call has a thread, so that
/// nobody has to wait for one that hangs.
#[derive(Debug)]
pub(crate) struct OnThreads<T> {
    store: Arc<T>,
    calls: OffThread,
}

impl<T: BlockingTokenStore + 'static> OnThreads<T> {
    pub(crate) fn new(store: T) -> Self {
        Self { store: Arc::new(store), calls: OffThread::default() }
    }

    async fn call<R: Send + 'static>(
        &self,
        key: Key,
        operation: impl FnOnce(&T) -> R + Send + 'static,
    ) -> R {
        let store = Arc::clone(&self.store);
        self.calls.call(key, on_thread, move || operation(&store)).await
    }
}

/// Runs it on a thread of its own; on this one if there can be no other.
fn on_thread(job: Job) {
    let here = Arc::new(Mutex::new(Some(job)));
    let there = Arc::clone(&here);
    let run = |job: &Mutex<Option<Job>>| {
        let job = job.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(job) = job {
            job();
        }
    };
    if thread::Builder::new().name("auth-store".into()).spawn(move || run(&there)).is_err() {
        run(&here);
    }
}

#[async_trait]
impl<T: BlockingTokenStore + 'static> TokenStore for OnThreads<T> {
    async fn load(&self, account: &AccountId) -> Result<Option<(Record, Version)>, StoreError> {
        let account = account.clone();
        let key = Key::Record(account.clone());
        self.call(key, move |store| store.load_blocking(&account)).await
    }

    async fn save(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        let (account, record, expected) = (account.clone(), record.clone(), expected.cloned());
        let key = Key::Record(account.clone());
        self.call(key, move |store| store.save_blocking(&account, &record, expected.as_ref())).await
    }

    async fn remove(&self, account: &AccountId, expected: &Version) -> Result<(), StoreError> {
        let (account, expected) = (account.clone(), expected.clone());
        let key = Key::Record(account.clone());
        self.call(key, move |store| store.remove_blocking(&account, &expected)).await
    }

    async fn list(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        let after = after.cloned();
        self.call(Key::List, move |store| store.list_blocking(after.as_ref(), most)).await
    }

    async fn lease(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
        let account = account.clone();
        let key = Key::Lease(account.clone());
        self.call(key, move |store| store.lease_blocking(&account, wait)).await
    }

    async fn extend(&self, account: &AccountId, lease: &Lease) -> Result<(), StoreError> {
        let (account, lease) = (account.clone(), lease.share());
        let key = Key::Record(account.clone());
        self.call(key, move |store| store.extend_blocking(&account, &lease)).await
    }
}
