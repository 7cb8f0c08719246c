//! All accounts of a store: refreshed ahead of need, so many at a time, and
//! listed with their states.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use auth_accounts::{
    AccountId, AccountState, Accounts, BlockingAccounts, MemoryStore, Settings, StoreErrorKind,
    store::{Record, TokenStore},
};
use auth_core::{
    BlockingTransport, Clock, Request, Response, TimeSource, Transport, TransportError,
};
use auth_testkit::{FakeAuthServer, Rotation, VirtualClock};
use pollster::block_on;
use support::{SpyStore, endpoint, lock, poll_once, run};

const LIMIT: usize = 16;

/// A server whose responses take a moment, and that counts how many requests are
/// under way.
#[derive(Clone)]
struct Slow {
    server: FakeAuthServer,
    clock: VirtualClock,
    under_way: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    /// When each request was sent.
    sent: Arc<Mutex<Vec<SystemTime>>>,
}

#[async_trait]
impl Transport for Slow {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let now = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
        lock(&self.sent).push(self.clock.wall());
        Clock::sleep(&self.clock, Duration::from_millis(300)).await;
        let response = self.server.send(request).await;
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        response
    }
}

struct Customers {
    slow: Slow,
    store: SpyStore,
    clock: VirtualClock,
    ids: Vec<AccountId>,
}

impl Customers {
    /// So many accounts whose tokens were obtained at the same time, so many
    /// seconds ago, for an hour.
    fn new(count: usize, ago: u64) -> Self {
        let clock = VirtualClock::manual();
        let server = FakeAuthServer::builder().rotation(Rotation::EachUse).clock(&clock).build();
        let slow = Slow {
            server,
            clock: clock.clone(),
            under_way: Arc::default(),
            most: Arc::default(),
            sent: Arc::default(),
        };
        let mut customers = Self { slow, store: SpyStore::default(), clock, ids: Vec::new() };
        for number in 0..count {
            customers.log_in(&format!("customer {number:04}"));
        }
        customers.clock.advance(Duration::from_secs(ago));
        customers
    }

    fn log_in(&mut self, name: &str) {
        let tokens = self.slow.server.log_in(name);
        self.store.inner.put(name, Record::obtained(tokens, self.clock.wall()));
        self.ids.push(name.into());
    }

    fn accounts(&self) -> Accounts {
        Accounts::new(endpoint(), self.slow.clone(), self.store.clone(), self.clock.clone())
            .settings(Settings::default().seed(1))
    }

    fn issued(&self) -> usize {
        self.slow.server.report().issued
    }

    fn most(&self) -> usize {
        self.slow.most.load(Ordering::Relaxed)
    }
}

#[test]
fn a_thousand_that_are_due_at_once_are_refreshed_a_few_at_a_time() {
    let customers = Customers::new(1_000, 4_000);
    let accounts = customers.accounts();
    let outcome = run(accounts.refresh_due(LIMIT), &customers.clock);
    assert!(outcome.failed.is_empty() && outcome.not_listed.is_none());
    let refreshed: BTreeSet<_> = outcome.refreshed.into_iter().collect();
    assert_eq!(refreshed, customers.ids.iter().cloned().collect());
    assert_eq!(customers.most(), LIMIT);
    customers.slow.server.assert_never_replayed();

    // Nobody is looked at before the time has come.
    customers.store.log.take();
    let next = outcome.next_at.unwrap().duration_since(customers.clock.wall()).unwrap();
    assert!(next > Duration::from_secs(2_900), "{next:?}");
    let again = run(accounts.refresh_due(LIMIT), &customers.clock);
    assert!(again.refreshed.is_empty());
    assert_eq!(customers.store.log.take(), "");
    customers.clock.advance(next);
    let again = run(accounts.refresh_due(LIMIT), &customers.clock);
    assert!((1..20).contains(&again.refreshed.len()), "{}", again.refreshed.len());
}

#[test]
fn a_program_that_starts_with_a_thousand_spreads_them() {
    for ago in [0, 4_000] {
        let customers = Customers::new(1_000, ago);
        let accounts = customers.accounts();
        let mut keeping = Box::pin(accounts.keep_all_fresh(LIMIT));
        let start = customers.clock.wall();
        let end = start + Duration::from_secs(if ago == 0 { 3_600 } else { 120 });
        while customers.clock.wall() < end {
            assert!(poll_once(&mut keeping).is_pending());
            assert!(customers.clock.advance_to_next().is_some());
        }
        assert_eq!(customers.issued(), 1_000);
        assert!(customers.most() <= LIMIT);
        customers.slow.server.assert_never_replayed();
        let mut in_second = std::collections::BTreeMap::<_, usize>::new();
        for at in &*lock(&customers.slow.sent) {
            *in_second.entry(at.duration_since(start).unwrap().as_secs()).or_default() += 1;
        }
        // At once they would be sent within 20 s.
        assert!(in_second.len() >= 35, "{in_second:?}");
        // None had to be refreshed because its token had died.
        if ago == 0 {
            assert!(in_second.keys().all(|second| (2_990..=3_320).contains(second)));
        }
    }
}

#[test]
fn who_comes_and_who_goes_is_noticed() {
    let mut customers = Customers::new(3, 0);
    let accounts = customers.accounts();
    run(accounts.refresh_due(LIMIT), &customers.clock);
    customers.log_in("zoe");
    let gone: AccountId = "customer 0001".into();
    let (_, version) = block_on(customers.store.load(&gone)).unwrap().unwrap();
    block_on(customers.store.remove(&gone, &version)).unwrap();
    customers.clock.advance(Duration::from_secs(3_500));
    customers.store.log.take();
    let outcome = run(accounts.refresh_due(LIMIT), &customers.clock);
    let names: BTreeSet<_> = outcome.refreshed.iter().map(AccountId::as_str).collect();
    assert_eq!(names, BTreeSet::from(["customer 0000", "customer 0002", "zoe"]));
    assert!(outcome.failed.is_empty(), "{:?}", outcome.failed);
}

#[test]
fn a_store_that_cannot_list_leaves_what_is_known() {
    let customers = Customers::new(3, 0);
    let accounts = customers.accounts();
    customers.store.fail("list", [Some(StoreErrorKind::Unavailable)]);
    let outcome = run(accounts.refresh_due(LIMIT), &customers.clock);
    assert_eq!(outcome.not_listed.unwrap().kind(), StoreErrorKind::Unavailable);
    assert_eq!(outcome.next_at, None);
    customers.clock.advance(Duration::from_secs(60));
    assert!(run(accounts.refresh_due(LIMIT), &customers.clock).not_listed.is_none());
    customers.clock.advance(Duration::from_secs(3_400));
    customers.store.fail("list", [Some(StoreErrorKind::Unavailable)]);
    let outcome = run(accounts.refresh_due(LIMIT), &customers.clock);
    assert_eq!((outcome.refreshed.len(), outcome.not_listed.is_some()), (3, true));
}

#[test]
fn what_was_broken_off_is_done_by_the_next_call() {
    let customers = Customers::new(40, 4_000);
    let accounts = customers.accounts();
    let mut broken_off = Box::pin(accounts.refresh_due(LIMIT));
    assert!(poll_once(&mut broken_off).is_pending());
    drop(broken_off);
    let outcome = run(accounts.refresh_due(LIMIT), &customers.clock);
    // Those whose request was under way may have been refreshed by it.
    assert!(outcome.failed.is_empty(), "{:?}", outcome.failed);
    assert!(outcome.refreshed.len() >= 40 - LIMIT);
    assert_eq!(customers.issued(), 40);
}

#[test]
fn an_account_that_needs_a_login_is_told_and_does_not_hold_up_the_others() {
    let customers = Customers::new(5, 4_000);
    customers.slow.server.revoke("customer 0002");
    let accounts = customers.accounts();
    let outcome = run(accounts.refresh_due(1), &customers.clock);
    assert_eq!(customers.most(), 1);
    assert_eq!((outcome.refreshed.len(), outcome.failed.len()), (4, 1));
    assert_eq!(outcome.failed[0].state(), AccountState::LoginNeeded);
    let requests = customers.slow.server.report().requests;
    for _ in 0..10 {
        customers.clock.advance(Duration::from_secs(60));
        run(accounts.refresh_due(LIMIT), &customers.clock);
    }
    assert_eq!(customers.slow.server.report().requests, requests);
}

#[test]
fn states_are_listed_in_pages() {
    let customers = Customers::new(5, 4_000);
    customers.slow.server.revoke("customer 0002");
    let accounts = customers.accounts();
    run(accounts.refresh_due(LIMIT), &customers.clock);
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = block_on(accounts.statuses(after.as_ref(), 2)).unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        seen.extend(page);
    }
    let ids: Vec<_> = seen.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(ids, customers.ids);
    for (id, status) in seen {
        let status = status.unwrap();
        assert_eq!(status.account, id);
        assert_eq!(status.login_needed, id.as_str() == "customer 0002");
    }
    // A record that cannot be read is a matter of its account.
    customers.store.fail("load", [None, Some(StoreErrorKind::Damaged)]);
    let page = block_on(accounts.statuses(None, 3)).unwrap();
    let readable: Vec<_> = page.iter().map(|(_, status)| status.is_ok()).collect();
    assert_eq!(readable, [true, false, true]);
    customers.store.fail("list", [Some(StoreErrorKind::Io)]);
    block_on(accounts.statuses(None, 3)).unwrap_err();
}

/// Lets nobody go on before so many threads are at the same point.
#[derive(Clone)]
struct Together {
    server: FakeAuthServer,
    expected: usize,
    arrived: Arc<(Mutex<usize>, Condvar)>,
}

impl BlockingTransport for Together {
    fn send_blocking(&self, request: Request) -> Result<Response, TransportError> {
        let (count, changed) = &*self.arrived;
        let mut count = lock(count);
        *count += 1;
        changed.notify_all();
        while *count < self.expected {
            let patience = Duration::from_secs(60);
            let (guard, waited) = changed.wait_timeout(count, patience).unwrap();
            assert!(!waited.timed_out(), "only {} at the same time", *guard);
            count = guard;
        }
        drop(count);
        self.server.send_blocking(request)
    }
}

#[test]
fn threads_refresh_several_at_the_same_time() {
    let server = FakeAuthServer::builder().rotation(Rotation::EachUse).build();
    let clock = server.clock().clone();
    let store = MemoryStore::new();
    for number in 0..20 {
        let name = format!("customer {number}");
        let tokens = server.log_in(&name);
        store.put(name.as_str(), Record::obtained(tokens, clock.wall()));
    }
    clock.advance(Duration::from_secs(4_000));
    let transport = Together { server: server.clone(), expected: 4, arrived: Arc::default() };
    let accounts = BlockingAccounts::new(endpoint(), transport, store, clock);
    let outcome = accounts.refresh_due(4);
    assert_eq!(outcome.refreshed.len(), 20);
    assert!(outcome.failed.is_empty() && outcome.next_at.is_some());
    assert_eq!(accounts.statuses(None, 100).unwrap().len(), 20);
    server.assert_never_replayed();
}

#[test]
fn a_thread_keeps_all_accounts_fresh_until_it_is_told_to_end() {
    let server = FakeAuthServer::builder().rotation(Rotation::EachUse).build();
    let clock = server.clock().clone();
    let store = MemoryStore::new();
    let tokens = server.log_in("ada");
    store.put("ada", Record::obtained(tokens, clock.wall()));
    clock.advance(Duration::from_secs(4_000));
    let (sender, told) = std::sync::mpsc::channel();
    let accounts = BlockingAccounts::new(endpoint(), server.clone(), store, clock)
        .on_event(move |event| sender.send(event.kind()).unwrap_or_default());
    let keeping = accounts.keep_all_fresh(LIMIT).unwrap();
    let told = told.recv_timeout(Duration::from_secs(60));
    assert_eq!(told, Ok(auth_accounts::EventKind::Refreshed));
    drop(keeping);
}
