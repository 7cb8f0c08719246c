//! Tokens that are in memory only are saved, though nobody asks for them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use async_trait::async_trait;
use auth_accounts::{
    AccountId, Accounts, EventKind, MemoryStore, StoreError, StoreErrorKind, WhyUnfinished,
    store::{BlockingTokenStore, Lease, Record, TokenStore, Version},
};
use auth_testkit::{FakeAuthServer, Script};
use support::{ADA, SpyStore, World, endpoint, poll_once, record, run, strict, tokens};

const FULL: Option<StoreErrorKind> = Some(StoreErrorKind::Full);
const HOUR: Duration = Duration::from_secs(3600);

/// A process at the server and the store of `world`, whose `store` fails by itself.
fn process(world: &World<FakeAuthServer>, store: &SpyStore) -> Accounts {
    let (server, clock) = (world.script.clone(), world.clock.clone());
    Accounts::new(endpoint(), server, store.clone(), clock).settings(world.settings.clone())
}

/// Another view of the same store.
fn view(world: &World<FakeAuthServer>) -> SpyStore {
    let mut view = SpyStore::default();
    view.inner = world.store.inner.clone();
    view
}

fn lease_is_free(world: &World<FakeAuthServer>) -> bool {
    BlockingTokenStore::lease_blocking(&world.store.inner, &ADA.into(), Duration::ZERO).is_ok()
}

/// A process that has refreshed, whose saves fail so often; and nobody has its account.
fn unsaved(failures: usize) -> (World<FakeAuthServer>, Accounts) {
    let world = strict(3600);
    let accounts = process(&world, &world.store);
    world.store.fail("tokens", vec![FULL; failures]);
    let token = run(accounts.account(ADA).token(), &world.clock).unwrap();
    assert_eq!(token.unsaved().map(StoreError::kind), FULL);
    world.store.log.take();
    (world, accounts)
}

/// Lets time pass for so long, from one sleep to the next. Returns when the save of
/// tokens was tried, from the beginning on.
fn tries(world: &World<FakeAuthServer>, within: Duration) -> Vec<Duration> {
    let began = world.clock.elapsed();
    let mut tries = Vec::new();
    world.clock.run_tasks();
    loop {
        let passed = world.clock.elapsed() - began;
        let log = world.store.log.take();
        tries.extend(log.split(' ').filter(|name| *name == "tokens").map(|_| passed));
        if passed >= within || world.clock.advance_to_next().is_none() {
            return tries;
        }
    }
}

#[test]
fn a_process_that_nobody_asks_saves_by_itself() {
    for failures in 1..6 {
        let (world, accounts) = unsaved(failures);
        let there = view(&world);
        let elsewhere = process(&world, &there).account(ADA);
        assert!(!lease_is_free(&world), "nobody else sends the spent token");
        assert_eq!(tries(&world, Duration::from_secs(60)).len(), failures);
        let there = there.log.take();
        assert!(!there.contains("tokens") && !there.contains("note"), "{there}");
        let token = run(elsewhere.token(), &world.clock).unwrap();
        assert_eq!(world.record().tokens.access_token, *token.access_token());
        assert_eq!(world.record().note, None);
        assert!(lease_is_free(&world));
        let report = world.script.report();
        assert_eq!((report.requests, report.issued), (1, 1), "nothing more was sent");
        world.script.assert_never_replayed();
        // Nothing goes on for ever.
        assert_eq!((world.clock.tasks(), world.clock.sleeping()), (0, 0));
        drop(accounts);
    }
}

#[test]
fn it_is_told_when_they_are_saved() {
    let world = strict(3600);
    let saved = Arc::new(AtomicUsize::new(0));
    let told = Arc::clone(&saved);
    let accounts = process(&world, &world.store).on_event(move |event| {
        told.fetch_add(usize::from(event.kind() == EventKind::SavedAgain), Ordering::Relaxed);
    });
    world.store.fail("tokens", [FULL; 4]);
    let account = accounts.account(ADA);
    run(account.token(), &world.clock).unwrap();
    tries(&world, Duration::from_secs(60));
    assert_eq!(saved.load(Ordering::Relaxed), 1);
    assert!(account.peek().expect("a token").unsaved().is_none());
}

#[test]
fn a_login_saves_itself_as_well() {
    let world = strict(0);
    let accounts = process(&world, &world.store);
    world.store.fail("tokens", [FULL; 3]);
    let login = world.script.log_in(ADA);
    let token = run(accounts.account(ADA).store_login(login), &world.clock).unwrap();
    assert!(token.unsaved().is_some());
    assert_eq!(tries(&world, Duration::from_secs(60)).len(), 1 + 3);
    assert_eq!(world.record().tokens.access_token, *token.access_token());
}

/// The store fails for longer than the lease is held.
#[test]
fn it_goes_on_at_growing_distances_and_just_before_the_lease_goes() {
    let (world, _accounts) = unsaved(10_000);
    let extended = world.store.extended.load(Ordering::Relaxed);
    // The tokens live for an hour.
    let first = tries(&world, Duration::from_secs(3590));
    assert!(!lease_is_free(&world));
    // Each time, lest a cleaner deletes its file, or its time is over.
    assert_eq!(world.store.extended.load(Ordering::Relaxed) - extended, first.len());
    assert!(first[0] <= Duration::from_millis(250), "{first:?}");
    let gaps: Vec<_> = first.windows(2).map(|two| two[1] - two[0]).collect();
    for (number, gap) in gaps[..100].iter().enumerate() {
        let longest = Duration::from_millis((500 << number.min(10)).min(30_000));
        assert!((longest / 2..=longest).contains(gap), "{number}: {gap:?}");
    }
    let began = world.clock.elapsed();
    let last = tries(&world, Duration::from_secs(100)).into_iter().map(|time| began + time);
    let times: Vec<_> = first.iter().map(|time| HOUR + *time).chain(last).collect();
    let just_before = Duration::from_secs(7_199)..Duration::from_secs(7_200);
    assert!(times.iter().any(|time| just_before.contains(time)), "{times:?}");
    assert!(lease_is_free(&world));

    // Nobody has moved on meanwhile.
    world.store.mend();
    assert_eq!(tries(&world, Duration::from_secs(60)).len(), 1);
    assert_eq!(world.clock.tasks(), 0);
    let token = run(world.account().refresh_now(), &world.clock).unwrap();
    assert_eq!(world.script.report().issued, 2);
    assert_eq!(world.record().tokens.access_token, *token.access_token());
    world.script.assert_never_replayed();
}

#[test]
fn a_login_elsewhere_ends_it() {
    let (world, accounts) = unsaved(3);
    let now = world.now();
    world.store.inner.put(ADA, record("at-9", "rt-9", now, 3600));
    assert!(tries(&world, Duration::from_secs(60)).is_empty());
    assert_eq!(world.record().tokens.access_token.expose(), "at-9");
    assert!(lease_is_free(&world));
    assert_eq!((world.clock.tasks(), world.clock.sleeping()), (0, 0));
    drop(accounts);
}

#[test]
fn a_logout_ends_it() {
    let (world, accounts) = unsaved(1_000);
    run(accounts.account(ADA).logout(), &world.clock).unwrap();
    assert!(tries(&world, Duration::from_secs(600)).is_empty());
    assert!(world.store.inner.get(ADA).is_none());
    assert_eq!((world.clock.tasks(), world.clock.sleeping()), (0, 0));
}

#[test]
fn the_end_of_the_program_ends_it() {
    let (world, accounts) = unsaved(1_000);
    let closed = run(accounts.close(Duration::from_secs(60)), &world.clock);
    let [unfinished] = &closed.unfinished[..] else { panic!("{closed}") };
    assert!(matches!(unfinished.why, WhyUnfinished::Unsaved(_)), "{closed}");
    world.store.log.take();
    assert!(tries(&world, Duration::from_secs(600)).is_empty());
    assert_eq!((world.clock.tasks(), world.clock.sleeping()), (0, 0));
    // Whoever closes again tries again.
    world.store.mend();
    assert!(run(accounts.close(Duration::from_secs(60)), &world.clock).is_complete());
}

/// A save that is under way is waited for.
#[test]
fn the_end_of_the_program_waits_for_it() {
    let (world, accounts) = unsaved(1);
    world.store.yields.store(true, Ordering::Relaxed);
    world.clock.advance(Duration::from_millis(250));
    let closed = run(accounts.close(Duration::from_secs(60)), &world.clock);
    assert!(closed.is_complete(), "{closed}");
    assert_eq!(world.store.log.take(), "load tokens free");
}

#[test]
fn it_keeps_no_account_alive() {
    let (world, accounts) = unsaved(1_000);
    drop(accounts);
    assert!(lease_is_free(&world), "the memory is gone, and the note says so");
    assert!(tries(&world, Duration::from_secs(600)).is_empty());
    assert_eq!((world.clock.tasks(), world.clock.sleeping()), (0, 0));
}

/// Its `Accounts` are gone: the account goes on by itself.
#[test]
fn an_account_without_accounts_saves_itself() {
    let world = strict(3600);
    let account = process(&world, &world.store).account(ADA);
    world.store.fail("tokens", [FULL; 2]);
    run(account.token(), &world.clock).unwrap();
    tries(&world, Duration::from_secs(60));
    assert!(account.peek().expect("a token").unsaved().is_none());
}

#[test]
fn who_asks_meanwhile_joins_it() {
    let (world, accounts) = unsaved(1);
    world.store.yields.store(true, Ordering::Relaxed);
    world.pass(1);
    let account = accounts.account(ADA);
    let mut callers: Vec<_> = (0..3).map(|_| support::call(&account)).collect();
    for caller in &mut callers {
        assert!(poll_once(caller).is_pending());
    }
    for caller in callers {
        assert!(run(caller, &world.clock).unwrap().unsaved().is_none());
    }
    // Whoever sees to it may still be confirming the lease.
    world.clock.run_tasks();
    assert_eq!(world.store.log.take(), "load tokens free");
}

#[test]
fn a_save_that_panics_is_tried_again() {
    let world = strict(3600);
    let accounts = process(&world, &world.store);
    for _ in 0..3 {
        world.store.before("tokens", 0, |_| panic!("the store is broken"));
    }
    let account = accounts.account(ADA);
    assert!(catch_unwind(AssertUnwindSafe(|| run(account.token(), &world.clock))).is_err());
    assert_eq!(tries(&world, Duration::from_secs(60)).len(), 1 + 3);
    assert_eq!(world.script.report().issued, 1);
    assert!(world.script.is_live(world.record().tokens.refresh_token.as_ref().unwrap()));
    assert!(lease_is_free(&world));
}

#[test]
fn a_runtime_that_ends_ends_it_until_somebody_asks() {
    let (world, accounts) = unsaved(3);
    world.clock.drop_tasks();
    assert!(tries(&world, Duration::from_secs(60)).is_empty());
    world.pass(2);
    let token = run(accounts.account(ADA).token(), &world.clock).unwrap();
    assert!(token.unsaved().is_some());
    world.store.log.take();
    assert_eq!(tries(&world, Duration::from_secs(60)).len(), 2);
    assert!(lease_is_free(&world));
}

/// All disks are full when all of them refresh.
#[test]
fn many_accounts_do_not_ask_a_broken_store_more_often_than_few() {
    const COUNT: usize = 1_000;
    let world = strict(0);
    let accounts = process(&world, &world.store);
    let now = world.now();
    let name = |number| format!("user {number}");
    world.store.fail("tokens", vec![FULL; 100_000]);
    for number in 0..COUNT {
        let login = tokens(&format!("at-{number}"), &format!("rt-{number}"), now, 3600);
        let token = run(accounts.account(name(number)).store_login(login), &world.clock);
        assert!(token.unwrap().unsaved().is_some());
    }
    world.store.log.take();
    assert_eq!(world.clock.tasks(), 1);
    let began = world.clock.elapsed();
    let mut tries = 0;
    world.clock.run_tasks();
    while world.clock.elapsed() - began < Duration::from_secs(60) {
        world.clock.advance_to_next().expect("it goes on");
        tries += world.store.log.take().split(' ').filter(|name| *name == "tokens").count();
    }
    assert!((500..=16 * 62).contains(&tries), "{tries} in a minute");
    // It works again: that is noticed soon, and then all of them are saved.
    world.store.mend();
    let began = world.clock.elapsed();
    while world.clock.tasks() > 0 {
        world.clock.advance_to_next().expect("it goes on");
    }
    assert!(world.clock.elapsed() - began < Duration::from_secs(31));
    for number in 0..COUNT {
        let record = world.store.inner.get(name(number)).expect("a record");
        assert_eq!(record.tokens.access_token.expose(), format!("at-{number}"));
    }
}

/// A store that cannot save the record of one account, and for a time no other.
#[derive(Clone, Default)]
struct OneBad {
    inner: MemoryStore,
    is_full: Arc<AtomicBool>,
}

#[async_trait]
impl TokenStore for OneBad {
    async fn load(&self, account: &AccountId) -> Result<Option<(Record, Version)>, StoreError> {
        TokenStore::load(&self.inner, account).await
    }

    async fn save(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, StoreError> {
        if account.as_str() == "bad" || self.is_full.load(Ordering::Relaxed) {
            return Err(StoreError::new(StoreErrorKind::Full, account.to_string()));
        }
        TokenStore::save(&self.inner, account, record, expected).await
    }

    async fn remove(&self, account: &AccountId, expected: &Version) -> Result<(), StoreError> {
        TokenStore::remove(&self.inner, account, expected).await
    }

    async fn list(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        TokenStore::list(&self.inner, after, most).await
    }

    async fn lease(&self, account: &AccountId, wait: Duration) -> Result<Lease, StoreError> {
        TokenStore::lease(&self.inner, account, wait).await
    }

    async fn extend(&self, account: &AccountId, lease: &Lease) -> Result<(), StoreError> {
        TokenStore::extend(&self.inner, account, lease).await
    }
}

#[test]
fn one_record_that_cannot_be_saved_does_not_hold_up_the_others() {
    let world = strict(0);
    let store = OneBad::default();
    let (server, clock) = (world.script.clone(), world.clock.clone());
    let accounts = Accounts::new(endpoint(), server, store.clone(), clock);
    let names = || (0..20).map(|number| number.to_string()).chain(["bad".to_owned()]);
    store.is_full.store(true, Ordering::Relaxed);
    for name in names() {
        let login = tokens("at", "rt", world.now(), 3600);
        let token = run(accounts.account(name).store_login(login), &world.clock).unwrap();
        assert!(token.unsaved().is_some());
    }
    store.is_full.store(false, Ordering::Relaxed);
    world.clock.run_tasks();
    while world.clock.elapsed() < Duration::from_secs(2) {
        world.clock.advance_to_next().expect("it goes on");
    }
    let saved: Vec<_> = names().filter(|name| store.inner.get(name.as_str()).is_some()).collect();
    assert_eq!((saved.len(), saved.contains(&"bad".to_owned())), (20, false));
    assert_eq!(world.clock.tasks(), 1, "one is tried again and again");
}

/// On a thread, which waits by real time, and tries by the account's clock.
#[test]
fn a_thread_saves_what_nobody_asks_for() {
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(0);
    world.store.fail("tokens", [FULL; 2]);
    let accounts = world.blocking();
    let account = accounts.account(ADA);
    assert!(account.token().unwrap().unsaved().is_some());
    let is_saved = || world.record().tokens.access_token.expose() == "at-2";
    for _ in 0..6_000 {
        if !is_saved() {
            world.pass(1);
            thread::park_timeout(Duration::from_millis(10));
        }
    }
    assert!(is_saved());
    // The thread has seen that by then, or does when it is free.
    assert!(accounts.close(Duration::from_secs(600)).is_complete());
    assert!(account.current().unwrap().unsaved().is_none());
    let store: &MemoryStore = &world.store.inner;
    let lease = BlockingTokenStore::lease_blocking(store, &ADA.into(), Duration::from_secs(600));
    assert!(lease.is_ok());
}
