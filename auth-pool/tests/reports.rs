//! Pools: calls that are dropped, reports that come late or from elsewhere,
//! and accounts that are switched off.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::{
    collections::BTreeSet,
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use auth_accounts::{
    AccountId, Accounts, MemoryStore, StoreError,
    store::{Lease, Record, TokenStore, Version},
};
use auth_core::TokenEndpoint;
use auth_pool::{AccountPool, PoolSettings, PoolToken, ReportOutcome};
use auth_testkit::{FakeAuthServer, VirtualClock};
use http::StatusCode;
use pollster::block_on;

/// A store that lets others run before each load, and says whose they were.
#[derive(Clone, Default)]
struct Yielding {
    inner: MemoryStore,
    loads: Arc<AtomicUsize>,
    loaded: Arc<Mutex<BTreeSet<AccountId>>>,
    /// How many loads are in progress, and how many were at most.
    at_once: Arc<(AtomicUsize, AtomicUsize)>,
}

#[async_trait]
impl TokenStore for Yielding {
    async fn load(&self, account: &AccountId) -> Result<Option<(Record, Version)>, StoreError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let (now, most) = &*self.at_once;
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let mut yielded = false;
        poll_fn(|context| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        now.fetch_sub(1, Ordering::SeqCst);
        self.loaded.lock().unwrap().insert(account.clone());
        self.inner.load(account).await
    }

    async fn save(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        self.inner.save(account, record, expected).await
    }

    async fn remove(&self, account: &AccountId, expected: &Version) -> Result<(), StoreError> {
        self.inner.remove(account, expected).await
    }

    async fn list(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        self.inner.list(after, most).await
    }

    async fn lease(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
        self.inner.lease(account, wait).await
    }

    async fn extend(&self, account: &AccountId, lease: &Lease) -> Result<(), StoreError> {
        TokenStore::extend(&self.inner, account, lease).await
    }
}

/// So many accounts that have just logged in, named by their numbers.
struct World {
    server: FakeAuthServer,
    clock: VirtualClock,
    store: Yielding,
    accounts: Accounts,
    ids: Vec<AccountId>,
}

impl World {
    fn new(count: usize) -> Self {
        let clock = VirtualClock::manual();
        let server = FakeAuthServer::builder().clock(&clock).build();
        let store = Yielding::default();
        let ids: Vec<AccountId> = (0..count).map(|n| n.to_string().as_str().into()).collect();
        for id in &ids {
            let tokens = server.log_in(id.as_str());
            store.inner.put(id.clone(), Record::obtained(tokens, clock.now().wall));
        }
        let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client").unwrap();
        // So that what is dropped is broken off, and has to be found again.
        let accounts =
            Accounts::without_runtime(endpoint, server.clone(), store.clone(), clock.clone());
        Self { server, clock, store, accounts, ids }
    }

    fn pool(&self) -> AccountPool {
        self.pool_of(self.ids.iter().cloned())
    }

    fn pool_of(&self, ids: impl IntoIterator<Item = AccountId>) -> AccountPool {
        let accounts = ids.into_iter().map(|id| self.accounts.account(id));
        AccountPool::new(accounts, PoolSettings::default())
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    fn exchanges(&self) -> usize {
        self.server.report().issued
    }
}

fn refused(pool: &AccountPool, token: &PoolToken) -> ReportOutcome {
    block_on(pool.report(token, StatusCode::UNAUTHORIZED, None))
}

fn was_refreshed(verdict: &ReportOutcome) -> bool {
    match verdict {
        ReportOutcome::Refreshed => true,
        ReportOutcome::MovedOn { error: None, .. } => false,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_look_at_what_is_due_that_is_dropped_loses_no_account() {
    for polls in 0..10 {
        let world = World::new(100);
        let pool = world.pool();
        world.pass(3600);
        {
            let mut dropped = pin!(pool.refresh_due());
            for _ in 0..polls {
                let mut context = Context::from_waker(Waker::noop());
                assert!(dropped.as_mut().poll(&mut context).is_pending());
            }
        }
        let before = world.exchanges();
        let refreshed = block_on(pool.refresh_due());
        assert!(refreshed.failed.is_empty(), "after {polls} polls: {:?}", refreshed.failed);
        assert_eq!(refreshed.refreshed.len(), 100 - before, "after {polls} polls");
        assert_eq!(world.exchanges(), 100, "after {polls} polls");
        assert!(refreshed.next_at.unwrap() > world.clock.now().wall);
        assert_eq!(world.store.loaded.lock().unwrap().len(), 100);
    }
}

#[test]
fn so_many_accounts_are_checked_at_once_and_no_more() {
    for concurrency in [1, 3, 16] {
        let world = World::new(40);
        let members = world.ids.iter().map(|id| world.accounts.account(id));
        let settings = PoolSettings::default().concurrency(concurrency);
        let pool = AccountPool::new(members, settings);
        block_on(pool.refresh_due());
        assert_eq!(world.store.at_once.1.load(Ordering::SeqCst), concurrency);
        assert_eq!(world.store.loaded.lock().unwrap().len(), 40);
    }
}

#[test]
fn a_token_that_was_good_for_long_after_a_refusal_is_refreshed_when_it_is_refused() {
    let world = World::new(2);
    let pool = world.pool();
    let first = block_on(pool.token()).unwrap();
    assert!(was_refreshed(&refused(&pool, &first)));
    let second = block_on(pool.token()).unwrap();
    assert_ne!(second, first);
    world.pass(1800);
    assert_eq!(block_on(pool.token()).unwrap(), second);
    assert!(was_refreshed(&refused(&pool, &second)));
    assert_eq!(world.exchanges(), 2);
    let third = block_on(pool.token()).unwrap();
    assert_eq!(third.account(), first.account());
    assert_ne!(third, second);
}

#[test]
fn an_account_whose_new_token_is_refused_at_once_rests_and_is_then_refreshed_again() {
    let world = World::new(2);
    let pool = world.pool();
    let first = block_on(pool.token()).unwrap();
    assert!(was_refreshed(&refused(&pool, &first)));
    let second = block_on(pool.token()).unwrap();
    world.pass(30);
    // As many responses as there were requests under way.
    for _ in 0..3 {
        assert!(!was_refreshed(&refused(&pool, &second)));
    }
    assert_ne!(block_on(pool.token()).unwrap().account(), first.account());
    world.pass(59);
    assert!(!was_refreshed(&refused(&pool, &second)), "it still rests");
    assert_eq!(world.exchanges(), 1);
    world.pass(60);
    assert_eq!(block_on(pool.token()).unwrap(), second);
    assert!(was_refreshed(&refused(&pool, &second)));
    assert_eq!(world.exchanges(), 2);
}

#[test]
fn a_late_report_of_an_old_token_makes_the_current_one_no_younger() {
    let world = World::new(1);
    let pool = world.pool();
    let first = block_on(pool.token()).unwrap();
    assert!(was_refreshed(&refused(&pool, &first)));
    let second = block_on(pool.token()).unwrap();
    world.pass(600);
    assert!(was_refreshed(&refused(&pool, &first)), "there is another");
    assert_eq!(world.exchanges(), 1);
    assert!(was_refreshed(&refused(&pool, &second)));
    assert_eq!(world.exchanges(), 2);
}

#[test]
fn a_rest_for_another_reason_makes_no_old_refusal_count() {
    let world = World::new(1);
    let pool = world.pool();
    let first = block_on(pool.token()).unwrap();
    assert!(was_refreshed(&refused(&pool, &first)));
    let second = block_on(pool.token()).unwrap();
    world.pass(600);
    block_on(pool.report(&second, StatusCode::TOO_MANY_REQUESTS, None));
    assert!(was_refreshed(&refused(&pool, &second)));
}

#[test]
fn whoever_enables_an_account_starts_afresh() {
    let world = World::new(1);
    let pool = world.pool();
    let first = block_on(pool.token()).unwrap();
    assert!(was_refreshed(&refused(&pool, &first)));
    let second = block_on(pool.token()).unwrap();
    assert!(!was_refreshed(&refused(&pool, &second)));
    pool.enable(second.account());
    assert!(was_refreshed(&refused(&pool, &second)));
}

#[test]
fn a_report_from_another_pool_is_about_the_account_of_its_name() {
    let world = World::new(3);
    let old = world.pool();
    let new = world.pool_of(world.ids.iter().rev().cloned());
    let used = block_on(old.token()).unwrap();
    assert_eq!(used.account().as_str(), "0");
    let verdict = block_on(new.report(&used, StatusCode::TOO_MANY_REQUESTS, None));
    assert!(matches!(verdict, ReportOutcome::MovedOn { .. }));
    assert_eq!(block_on(new.token()).unwrap().account().as_str(), "2");
    new.disable(&world.ids[2]);
    new.disable(&world.ids[1]);
    let none = block_on(new.token()).unwrap_err();
    assert_eq!(none.first_back(), Some(&world.ids[0]));

    // There is no such account there, though there is one at its place.
    let other = world.pool_of([world.ids[1].clone()]);
    let verdict = block_on(other.report(&used, StatusCode::TOO_MANY_REQUESTS, None));
    assert!(matches!(verdict, ReportOutcome::Ignored));
    assert!(block_on(other.token()).is_ok());
}

#[test]
fn a_disabled_account_is_left_alone_until_it_is_enabled() {
    let world = World::new(10);
    let pool = world.pool();
    // One is known, and one was never looked at.
    let used = block_on(pool.token()).unwrap();
    pool.disable(&world.ids[7]);
    world.store.loaded.lock().unwrap().clear();
    assert!(block_on(pool.refresh_due()).refreshed.is_empty());
    pool.disable(&world.ids[0]);
    world.pass(3600);
    let mut refreshed = block_on(pool.refresh_due());
    refreshed.refreshed.sort();
    assert_eq!(refreshed.refreshed, [1, 2, 3, 4, 5, 6, 8, 9].map(|n| world.ids[n].clone()));
    assert!(refreshed.failed.is_empty());
    assert!(refreshed.next_at.unwrap() > world.clock.now().wall, "nothing to do meanwhile");
    // Nor does a late response refresh it.
    assert!(!was_refreshed(&refused(&pool, &used)));
    assert_eq!(world.exchanges(), 8);
    assert!(!world.store.loaded.lock().unwrap().contains(&world.ids[7]));

    // Another program has had it meanwhile.
    let other = world.accounts.account(world.ids[7].clone());
    let theirs = block_on(other.refresh_now()).unwrap();
    for index in [0, 7] {
        pool.enable(&world.ids[index]);
    }
    assert_eq!(block_on(pool.refresh_due()).refreshed, [world.ids[0].clone()]);
    let ours = pool.account(&world.ids[7]).unwrap();
    assert_eq!(block_on(ours.token()).unwrap(), theirs);
    assert_eq!(world.exchanges(), 10);
    world.server.assert_never_replayed();
}

#[test]
fn an_account_that_is_disabled_before_its_turn_is_not_refreshed() {
    let world = World::new(40);
    let pool = world.pool();
    world.pass(3600);
    let mut due = pin!(pool.refresh_due());
    assert!(due.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    pool.disable(&world.ids[39]);
    let refreshed = block_on(due);
    assert_eq!(refreshed.refreshed.len(), 39);
    assert!(!refreshed.refreshed.contains(&world.ids[39]));
    assert_eq!(world.exchanges(), 39);
    pool.enable(&world.ids[39]);
    assert_eq!(block_on(pool.refresh_due()).refreshed, [world.ids[39].clone()]);
}

#[test]
fn a_pool_of_disabled_accounts_has_nothing_due() {
    let world = World::new(3);
    let pool = world.pool();
    world.ids.iter().for_each(|id| pool.disable(id));
    assert_eq!(block_on(pool.refresh_due()).next_at, None);
    assert_eq!(world.store.loads.load(Ordering::SeqCst), 0);
}

/// Other processes have replaced it already, and those were refused as well.
#[test]
fn a_token_that_makes_do_is_no_other() {
    let world = World::new(2);
    let pool = world.pool();
    let elsewhere = || {
        let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client").unwrap();
        Accounts::new(endpoint, world.server.clone(), world.store.clone(), world.clock.clone())
            .account("0")
    };
    for _ in 0..2 {
        let other = elsewhere();
        let token = block_on(other.token()).unwrap();
        block_on(other.token_refused(token.access_token())).unwrap();
    }
    let token = block_on(pool.token()).unwrap();
    assert_eq!(token.account().as_str(), "0");
    match refused(&pool, &token) {
        ReportOutcome::MovedOn { until, error, .. } => {
            assert_eq!(until, world.clock.now().wall + Duration::from_secs(10));
            let reason = error.unwrap().reason().clone();
            assert!(matches!(reason, auth_accounts::Reason::RefusedAgain));
        }
        outcome => panic!("{outcome:?}"),
    }
    assert_eq!(world.exchanges(), 2);
    assert_eq!(block_on(pool.token()).unwrap().account().as_str(), "1");
}
