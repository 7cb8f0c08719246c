//! A store that does not answer, until it is let.

use std::{
    collections::HashSet,
    future::poll_fn,
    sync::{Arc, Condvar, Mutex, PoisonError},
    task::{Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use auth_accounts::{
    AccountId, MemoryStore, StoreError, StoreErrorKind,
    store::{BlockingTokenStore, Lease, Record, TokenStore, Version},
};

use super::{lock, save_name};

/// A [`MemoryStore`] of which some operations do not answer. Names are those of
/// [`super::Log`], or such a name and an account's: `load ada`.
#[derive(Clone, Default)]
pub struct Gated {
    pub inner: MemoryStore,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    state: Mutex<State>,
    opened: Condvar,
}

#[derive(Default)]
struct State {
    shut: HashSet<String>,
    /// Whether somebody else holds all leases.
    are_held: bool,
    asked: Vec<String>,
    waits: Vec<Duration>,
    /// How many operations are stuck.
    stuck: usize,
    /// How often the gate was opened.
    opened: usize,
    wakers: Vec<Waker>,
}

impl Gated {
    /// Lets operations of this name answer no more.
    pub fn shut(&self, name: &str) {
        lock(&self.gate.state).shut.insert(name.into());
    }

    /// Lets all operations answer again, those that are stuck included.
    pub fn open(&self) {
        let mut state = lock(&self.gate.state);
        state.shut.clear();
        state.opened += 1;
        self.gate.opened.notify_all();
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Lets all leases be held by somebody else. Who waits for one waits in vain,
    /// until the gate is opened.
    pub fn hold_leases(&self) {
        let mut state = lock(&self.gate.state);
        state.are_held = true;
        state.shut.insert("lease".into());
    }

    /// What was asked since the last call.
    pub fn asked(&self) -> String {
        std::mem::take(&mut lock(&self.gate.state).asked).join(" ")
    }

    /// How long it was to wait for leases, since the last call.
    pub fn waits(&self) -> Vec<Duration> {
        std::mem::take(&mut lock(&self.gate.state).waits)
    }

    /// How many operations are stuck.
    pub fn stuck(&self) -> usize {
        lock(&self.gate.state).stuck
    }

    fn begin(&self, name: &str) {
        lock(&self.gate.state).asked.push(name.into());
    }

    fn wait_for(&self, wait: Duration) -> bool {
        let mut state = lock(&self.gate.state);
        state.waits.push(wait);
        state.are_held
    }

    async fn pass(&self, name: &str, account: &AccountId) {
        let mut is_stuck = Stuck::new(&self.gate);
        poll_fn(|context| {
            let mut state = lock(&self.gate.state);
            if !is_stuck.stays(&mut state, name, account) {
                return Poll::Ready(());
            }
            state.wakers.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn pass_blocking(&self, name: &str, account: &AccountId) {
        let mut is_stuck = Stuck::new(&self.gate);
        let mut state = lock(&self.gate.state);
        while is_stuck.stays(&mut state, name, account) {
            state = self.gate.opened.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
    }
}

impl State {
    fn is_shut(&self, name: &str, account: &AccountId) -> bool {
        self.shut.contains(name) || self.shut.contains(&format!("{name} {account}"))
    }
}

struct Stuck<'a> {
    gate: &'a Gate,
    /// How often the gate had been opened before.
    since: Option<usize>,
}

impl<'a> Stuck<'a> {
    fn new(gate: &'a Gate) -> Self {
        Self { gate, since: None }
    }

    fn stays(&mut self, state: &mut State, name: &str, account: &AccountId) -> bool {
        match self.since {
            Some(since) => since == state.opened,
            None if state.is_shut(name, account) => {
                state.stuck += 1;
                self.since = Some(state.opened);
                true
            }
            None => false,
        }
    }
}

impl Drop for Stuck<'_> {
    fn drop(&mut self) {
        lock(&self.gate.state).stuck -= usize::from(self.since.is_some());
    }
}

fn held() -> StoreError {
    StoreError::new(StoreErrorKind::LeaseTimeout, "held")
}

#[async_trait]
impl TokenStore for Gated {
    async fn load(&self, account: &AccountId) -> Result<Option<(Record, Version)>, StoreError> {
        self.begin("load");
        self.pass("load", account).await;
        TokenStore::load(&self.inner, account).await
    }

    async fn save(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        self.begin(save_name(record));
        self.pass(save_name(record), account).await;
        TokenStore::save(&self.inner, account, record, expected).await
    }

    async fn remove(&self, account: &AccountId, expected: &Version) -> Result<(), StoreError> {
        self.begin("remove");
        self.pass("remove", account).await;
        TokenStore::remove(&self.inner, account, expected).await
    }

    async fn list(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        self.begin("list");
        self.pass("list", &"all".into()).await;
        TokenStore::list(&self.inner, after, most).await
    }

    async fn lease(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
        self.begin("lease");
        let is_held = self.wait_for(wait);
        self.pass("lease", account).await;
        if is_held {
            return Err(held());
        }
        TokenStore::lease(&self.inner, account, wait).await
    }

    async fn extend(&self, account: &AccountId, lease: &Lease) -> Result<(), StoreError> {
        TokenStore::extend(&self.inner, account, lease).await
    }
}

impl BlockingTokenStore for Gated {
    fn load_blocking(&self, account: &AccountId) -> Result<Option<(Record, Version)>, StoreError> {
        self.begin("load");
        self.pass_blocking("load", account);
        self.inner.load_blocking(account)
    }

    fn save_blocking(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        self.begin(save_name(record));
        self.pass_blocking(save_name(record), account);
        self.inner.save_blocking(account, record, expected)
    }

    fn remove_blocking(&self, account: &AccountId, expected: &Version) -> Result<(), StoreError> {
        self.begin("remove");
        self.pass_blocking("remove", account);
        self.inner.remove_blocking(account, expected)
    }

    fn list_blocking(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        self.begin("list");
        self.pass_blocking("list", &"all".into());
        self.inner.list_blocking(after, most)
    }

    fn lease_blocking(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
        self.begin("lease");
        let is_held = self.wait_for(wait);
        self.pass_blocking("lease", account);
        if is_held {
            return Err(held());
        }
        self.inner.lease_blocking(account, wait)
    }

    fn extend_blocking(&self, account: &AccountId, lease: &Lease) -> Result<(), StoreError> {
        self.inner.extend_blocking(account, lease)
    }
}
