//! Which access token is handed out, and when a refresh is tried, while
//! something is out of order.

mod support;

use async_trait::async_trait;
use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Waker},
    time::Duration,
};

use auth_accounts::{
    Account, AccountId, Accounts, MemoryStore, Reason, Settings, StoreError, StoreErrorKind,
    store::{Lease, Record, TokenStore, Version},
};
use auth_core::FailureKind;
use auth_testkit::{CannedResponse, FakeAuthServer, Rotation, Script, VirtualClock};
use pollster::block_on;
use support::{ADA, World, endpoint, lock, record};

#[test]
fn an_access_token_that_an_api_refused_is_not_handed_out_again() {
    let script = Script::new()
        .status(503)
        .status(503)
        .status(503)
        .then(CannedResponse::tokens("at-2").refresh_token("rt-2").expires_in(3600));
    let world = World::new(script).with_record(3000);
    let account = world.account();
    let refused = block_on(account.token()).unwrap();
    let error = block_on(account.token_refused(refused.access_token())).unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::Unavailable));
    for _ in 0..3 {
        let error = block_on(account.token()).unwrap_err();
        assert!(matches!(error.reason(), Reason::Setback(_)), "{error}");
        block_on(account.token_valid_for(Duration::from_secs(60))).unwrap_err();
    }
    // Another process knows nothing of it.
    assert_eq!(block_on(world.account().token()).unwrap(), refused);

    world.pass(60);
    assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-2");

    // And another token on record does.
    let script = Script::new().status(503).status(503).status(503);
    let world = World::new(script).with_record(3000);
    let account = world.account();
    block_on(account.token_refused(block_on(account.token()).unwrap().access_token())).unwrap_err();
    world.store.inner.put(ADA, record("at-9", "rt-9", world.now(), 3600));
    assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-9");
}

/// Some servers send the same token for as long as it lives.
#[test]
fn an_access_token_that_the_server_gives_again_is_handed_out_again() {
    let same = || CannedResponse::tokens("at-1").refresh_token("rt-1").expires_in(3600);
    let world = World::new(Script::new().then(same())).with_record(3000);
    let account = world.account();
    let refused = block_on(account.token()).unwrap();
    let again = block_on(account.token_refused(refused.access_token())).unwrap();
    assert_eq!(again.access_token(), refused.access_token());
    block_on(account.token()).unwrap();
    world.script.finish();
}

/// A store whose lease somebody else holds, and never frees.
#[derive(Clone, Default)]
struct Stuck {
    inner: MemoryStore,
    waits: Arc<Mutex<Vec<Duration>>>,
    loads: Arc<AtomicUsize>,
}

#[async_trait]
impl TokenStore for Stuck {
    async fn load(&self, account: &AccountId) -> Result<Option<(Record, Version)>, StoreError> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        TokenStore::load(&self.inner, account).await
    }

    async fn save(
        &self,
        _account: &AccountId,
        _record: &Record,
        _expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        panic!("nothing is to be saved without the lease");
    }

    async fn remove(&self, _account: &AccountId, _expected: &Version) -> Result<(), StoreError> {
        panic!("nothing is to be removed without the lease");
    }

    async fn list(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        TokenStore::list(&self.inner, after, most).await
    }

    async fn lease(&self, _account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
        lock(&self.waits).push(wait);
        support::yield_once().await;
        Err(StoreError::new(StoreErrorKind::LeaseTimeout, "stuck"))
    }

    async fn extend(&self, _: &AccountId, _: &Lease) -> Result<(), StoreError> {
        Ok(())
    }
}

#[test]
fn a_valid_token_does_not_wait_for_a_lease_that_is_stuck() {
    let clock = VirtualClock::manual();
    let store = Stuck::default();
    store.inner.put(ADA, record("at-1", "rt-1", clock.now().wall, 65));
    let wait = Duration::from_secs(60);
    let settings = Settings::default().lease_wait(wait).seed(1);
    let account =
        Accounts::without_runtime(endpoint(), Script::new(), store.clone(), clock.clone())
            .settings(settings)
            .account(ADA);
    for _ in 0..29 {
        let token = block_on(account.token()).unwrap();
        assert_eq!(token.access_token().expose(), "at-1");
        assert!(matches!(token.refresh_error().unwrap().reason(), Reason::Store(_)));
        clock.advance(Duration::from_secs(1));
    }
    assert_eq!(*lock(&store.waits), [Duration::from_secs(1)], "briefly, and once");
    assert_eq!(store.loads.swap(0, Ordering::Relaxed), 2);
    clock.advance(Duration::from_secs(1));
    block_on(account.token()).unwrap();
    assert_eq!(lock(&store.waits).len(), 2, "and looked at again");

    // Who asks for more waits as long as is set, even after a wait of others.
    let mut usual = Box::pin(account.token());
    let mut strict = Box::pin(account.token_valid_for(Duration::from_secs(50)));
    clock.advance(Duration::from_secs(30));
    lock(&store.waits).clear();
    let mut context = Context::from_waker(Waker::noop());
    // 5 s of it are left.
    assert!(usual.as_mut().poll(&mut context).is_pending());
    assert!(strict.as_mut().poll(&mut context).is_pending());
    block_on(usual).unwrap();
    block_on(strict).unwrap_err();
    assert_eq!(*lock(&store.waits), [Duration::from_secs(1), wait]);

    // So does everyone when the token has expired.
    lock(&store.waits).clear();
    clock.advance(Duration::from_secs(5));
    block_on(account.token()).unwrap_err();
    assert_eq!(*lock(&store.waits), [wait]);
}

/// `expires_in` is 0, and three processes keep the account fresh.
#[test]
fn tokens_that_do_not_live_are_not_refreshed_without_end() {
    let clock = VirtualClock::manual();
    let server = FakeAuthServer::builder()
        .rotation(Rotation::EachUse)
        .access_lifetime(Duration::ZERO)
        .clock(&clock)
        .build();
    let world = World::logged_in(server);
    world.pass(60);
    let accounts: Vec<Account> = (0..3).map(|_| world.account()).collect();
    let mut keepers: Vec<_> =
        accounts.iter().map(|account| Box::pin(account.keep_fresh())).collect();
    let mut context = Context::from_waker(Waker::noop());
    let start = clock.elapsed();
    while clock.elapsed() - start < Duration::from_secs(600) {
        for keeper in &mut keepers {
            assert!(keeper.as_mut().poll(&mut context).is_pending());
        }
        clock.advance_to_next().expect("all of them sleep");
    }
    let exchanges = world.script.report().issued;
    assert!((19..=21).contains(&exchanges), "{exchanges} in 10 minutes, for all of them");
    let loads = world.store.log.take().split(' ').filter(|what| *what == "load").count();
    assert!(loads < 200, "{loads} looks at the store");
}
