//! A store in memory only.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    future::poll_fn,
    ops::Bound,
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures_timer::Delay;

use crate::{
    id::AccountId,
    record::Record,
    store::{BlockingTokenStore, Lease, TokenStore, Version},
    store_error::{StoreError, StoreErrorKind},
};

/// Keeps records in memory, for tests and for programs that obtain new tokens
/// whenever they start. Cloning shares the records.
///
/// Nothing in it is durable. A program that rotates refresh tokens and wants to
/// stay logged in over a restart needs a durable store, such as those in
/// `auth-store`.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Shared>);

#[derive(Default)]
struct Shared {
    inner: Mutex<Inner>,
    freed: Condvar,
}

#[derive(Default)]
struct Inner {
    records: BTreeMap<AccountId, (Record, u64)>,
    /// The last version given out, over all accounts.
    version: u64,
    /// The leases that are held, each with who waits for it.
    leases: HashMap<AccountId, Vec<Waker>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stores a record, whatever was there before. For tests, and to fill a store
    /// at the start.
    pub fn put(&self, account: impl Into<AccountId>, record: Record) -> Version {
        self.lock().put(&account.into(), &record)
    }

    /// Returns the record of `account`, if there is one.
    pub fn get(&self, account: impl Into<AccountId>) -> Option<Record> {
        self.lock().records.get(&account.into()).map(|(record, _)| record.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No panic can happen while it is held.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn put(&mut self, account: &AccountId, record: &Record) -> Version {
        self.version += 1;
        self.records.insert(account.clone(), (record.clone(), self.version));
        Version::from(self.version)
    }

    fn load(&self, account: &AccountId) -> Option<(Record, Version)> {
        let (record, version) = self.records.get(account)?;
        Some((record.clone(), Version::from(*version)))
    }

    fn save(
        &mut self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        let stored = self.records.get(account).map(|(_, version)| Version::from(*version));
        if stored.as_ref() != expected {
            return Err(error(StoreErrorKind::Conflict, account));
        }
        Ok(self.put(account, record))
    }

    fn remove(&mut self, account: &AccountId, expected: &Version) -> Result<(), StoreError> {
        match self.records.get(account) {
            Some((_, version)) if Version::from(*version) == *expected => {
                self.records.remove(account);
                Ok(())
            }
            _ => Err(error(StoreErrorKind::Conflict, account)),
        }
    }

    fn list(&self, after: Option<&AccountId>, most: usize) -> Vec<AccountId> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let accounts = self.records.range::<AccountId, _>((from, Bound::Unbounded));
        accounts.take(most).map(|(account, _)| account.clone()).collect()
    }

    fn try_lease(&mut self, account: &AccountId, shared: &Arc<Shared>) -> Option<Lease> {
        if self.leases.contains_key(account) {
            return None;
        }
        self.leases.insert(account.clone(), Vec::new());
        Some(Lease::new(Held { shared: Arc::clone(shared), account: account.clone() }))
    }
}

fn error(kind: StoreErrorKind, account: &AccountId) -> StoreError {
    StoreError::new(kind, format!("account {account} in memory"))
}

/// Frees the lease when dropped.
struct Held {
    shared: Arc<Shared>,
    account: AccountId,
}

impl Drop for Held {
    fn drop(&mut self) {
        let waiters = self.shared.lock().leases.remove(&self.account).unwrap_or_default();
        self.shared.freed.notify_all();
        waiters.into_iter().for_each(Waker::wake);
    }
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn load(&self, account: &AccountId) -> Result<Option<(Record, Version)>, StoreError> {
        Ok(self.lock().load(account))
    }

    async fn save(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        self.lock().save(account, record, expected)
    }

    async fn remove(&self, account: &AccountId, expected: &Version) -> Result<(), StoreError> {
        self.lock().remove(account, expected)
    }

    async fn list(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        Ok(self.lock().list(after, most))
    }

    async fn lease(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
        // Only somebody who finds the lease taken needs one.
        let mut alarm = None;
        poll_fn(|context| {
            let mut inner = self.lock();
            if let Some(lease) = inner.try_lease(account, &self.0) {
                return Poll::Ready(Ok(lease));
            }
            if let Some(waiters) = inner.leases.get_mut(account)
                && !waiters.iter().any(|waiter| waiter.will_wake(context.waker()))
            {
                waiters.push(context.waker().clone());
            }
            drop(inner);
            Pin::new(alarm.get_or_insert_with(|| Delay::new(wait.min(LONGEST_WAIT))))
                .poll(context)
                .map(|()| Err(error(StoreErrorKind::LeaseTimeout, account)))
        })
        .await
    }

    /// A lease in memory cannot be lost.
    async fn extend(&self, _: &AccountId, _: &Lease) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A year: timers do not take much more.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3600);

impl BlockingTokenStore for MemoryStore {
    fn load_blocking(&self, account: &AccountId) -> Result<Option<(Record, Version)>, StoreError> {
        Ok(self.lock().load(account))
    }

    fn save_blocking(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        self.lock().save(account, record, expected)
    }

    fn remove_blocking(&self, account: &AccountId, expected: &Version) -> Result<(), StoreError> {
        self.lock().remove(account, expected)
    }

    fn list_blocking(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        Ok(self.lock().list(after, most))
    }

    fn lease_blocking(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
        let until = Instant::now().checked_add(wait);
        let mut inner = self.lock();
        loop {
            if let Some(lease) = inner.try_lease(account, &self.0) {
                return Ok(lease);
            }
            // A wait without end, in practice.
            let left = until
                .map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Err(error(StoreErrorKind::LeaseTimeout, account));
            }
            let woken = self.0.freed.wait_timeout(inner, left);
            inner = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// A lease in memory cannot be lost.
    fn extend_blocking(&self, _: &AccountId, _: &Lease) -> Result<(), StoreError> {
        Ok(())
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accounts = self.lock().list(None, usize::MAX);
        f.debug_struct("MemoryStore").field("accounts", &accounts).finish()
    }
}
