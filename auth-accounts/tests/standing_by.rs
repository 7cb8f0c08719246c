//! Somebody who has lost the lease may be under way, and is waited for.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    pin::Pin,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use auth_accounts::{
    Account, AccountId, Accounts, BlockingAccounts, MemoryStore, Reason, Settings, StoreError,
    StoreErrorKind,
    store::{BlockingTokenStore, Lease, Note, Record, TokenStore, Version},
};
use auth_testkit::{Script, VirtualClock};
use support::{ADA, endpoint, poll_once, record, run, tokens};

/// A store whose leases are all made anew.
#[derive(Clone)]
struct Anew(MemoryStore);

#[async_trait]
impl TokenStore for Anew {
    async fn load(&self, account: &AccountId) -> Result<Option<(Record, Version)>, StoreError> {
        TokenStore::load(&self.0, account).await
    }

    async fn save(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        TokenStore::save(&self.0, account, record, expected).await
    }

    async fn remove(&self, account: &AccountId, expected: &Version) -> Result<(), StoreError> {
        TokenStore::remove(&self.0, account, expected).await
    }

    async fn list(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        TokenStore::list(&self.0, after, most).await
    }

    async fn lease(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
        Ok(TokenStore::lease(&self.0, account, wait).await?.made_anew(true))
    }

    async fn extend(&self, account: &AccountId, lease: &Lease) -> Result<(), StoreError> {
        TokenStore::extend(&self.0, account, lease).await
    }
}

impl BlockingTokenStore for Anew {
    fn load_blocking(&self, account: &AccountId) -> Result<Option<(Record, Version)>, StoreError> {
        self.0.load_blocking(account)
    }

    fn save_blocking(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        self.0.save_blocking(account, record, expected)
    }

    fn remove_blocking(&self, account: &AccountId, expected: &Version) -> Result<(), StoreError> {
        self.0.remove_blocking(account, expected)
    }

    fn list_blocking(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        self.0.list_blocking(after, most)
    }

    fn lease_blocking(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
        Ok(self.0.lease_blocking(account, wait)?.made_anew(true))
    }

    fn extend_blocking(&self, account: &AccountId, lease: &Lease) -> Result<(), StoreError> {
        self.0.extend_blocking(account, lease)
    }
}

/// A record of tokens that last so many seconds more, with a note of just now.
fn noted(now: SystemTime, left: u64) -> Record {
    let mut record = record("at-1", "rt-1", now, left);
    record.note = Some(Note::new(record.fingerprint().unwrap(), now));
    record
}

fn scene(clock: &VirtualClock, left: u64, script: Script) -> (MemoryStore, Account) {
    let store = MemoryStore::new();
    store.put(ADA, noted(clock.now().wall, left));
    let anew = Anew(store.clone());
    let accounts = Accounts::without_runtime(endpoint(), script, anew, clock.clone());
    (store, accounts.settings(Settings::default().seed(1)).account(ADA))
}

#[test]
fn what_somebody_saves_meanwhile_is_used() {
    let clock = VirtualClock::manual();
    let (store, account) = scene(&clock, 0, Script::new());
    let mut call = support::call(&account);
    for _ in 0..20 {
        assert!(poll_once(&mut call).is_pending());
        clock.advance_to_next();
    }
    store.put(ADA, record("at-2", "rt-2", clock.now().wall, 3600));
    let token = run(call, &clock).unwrap();
    assert_eq!(token.access_token().expose(), "at-2");
}

#[test]
fn it_gives_way_to_a_login_and_to_a_logout() {
    let clock = VirtualClock::manual();
    let (_, account) = scene(&clock, 0, Script::new());
    let began = clock.elapsed();
    let mut call = support::call(&account);
    assert!(poll_once(&mut call).is_pending());
    assert_eq!(clock.sleeping(), 1, "it stands by");
    let new = tokens("at-2", "rt-2", clock.now().wall, 3600);
    let mut login = Box::pin(account.store_login(new));
    let done = |done: &mut dyn FnMut() -> bool| (0..20).any(|_| done());
    assert!(done(&mut || poll_once(&mut login).is_ready()));
    // The caller has what came of it.
    let mut token = None;
    assert!(done(&mut || {
        if let std::task::Poll::Ready(result) = poll_once(&mut call) {
            token = Some(result.unwrap());
        }
        token.is_some()
    }));
    assert_eq!(token.unwrap().access_token().expose(), "at-2");
    assert_eq!(clock.elapsed(), began);

    let (store, account) = scene(&clock, 0, Script::new());
    let mut call = support::call(&account);
    assert!(poll_once(&mut call).is_pending());
    let mut logout: Pin<Box<_>> = Box::pin(account.logout());
    assert!(done(&mut || poll_once(&mut logout).is_ready()));
    assert_eq!(store.get(ADA), None);
    assert_eq!(clock.elapsed(), began);
}

/// Whoever has a token that is good for a while does not wait for long.
#[test]
fn the_old_token_is_handed_out_meanwhile() {
    let clock = VirtualClock::manual();
    let (store, account) = scene(&clock, 50, Script::new());
    for _ in 0..2 {
        let began = clock.elapsed();
        let token = run(account.token(), &clock).unwrap();
        assert_eq!(token.access_token().expose(), "at-1");
        let Reason::Store(error) = token.refresh_error().unwrap().reason() else { panic!() };
        assert_eq!(error.kind(), StoreErrorKind::LeaseTimeout);
        assert!(clock.elapsed() - began <= Duration::from_secs(1));
    }
    assert!(store.get(ADA).unwrap().note.is_some(), "it is somebody else's");
}

#[test]
fn threads_stand_by_too() {
    let clock = VirtualClock::new();
    let store = MemoryStore::new();
    store.put(ADA, noted(clock.now().wall, 0));
    let script = Script::new().tokens("at-2", "rt-2");
    let accounts = BlockingAccounts::new(endpoint(), script, Anew(store.clone()), clock.clone());
    let token = accounts.account(ADA).token().unwrap();
    assert_eq!(token.access_token().expose(), "at-2");
    let waited: Duration = clock.sleeps().iter().sum();
    assert_eq!(waited, Duration::from_secs(60), "as long as a refresh may take");
}
