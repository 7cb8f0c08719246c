//! Threads: the same as for tasks, step by step, and one refresh for all.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use auth_accounts::{AccountError, MemoryStore, StoreErrorKind, Token, store::Record};
use auth_core::TransportErrorKind;
use auth_testkit::{CallOutcome, CannedResponse, FakeAuthServer, Gate, Script, VirtualClock};
use pollster::block_on;
use support::{ADA, World, tokens};

/// What a caller sees, without what differs by chance.
fn outcome(result: &Result<Token, AccountError>) -> String {
    match result {
        Ok(token) => format!(
            "{} unsaved {:?} error {:?}",
            token.access_token().expose(),
            token.unsaved().map(ToString::to_string),
            token.refresh_error().map(ToString::to_string),
        ),
        Err(error) => error.to_string(),
    }
}

#[test]
fn both_worlds_take_the_same_steps() {
    type Scene = (&'static str, fn() -> Script, fn(&World));
    let scenes: [Scene; 8] = [
        ("refresh", || Script::new().tokens("at-2", "rt-2"), |_| {}),
        ("retries", || Script::new().status(502).status(502).tokens("at-2", "rt-2"), |_| {}),
        (
            "a lost response",
            || Script::new().unknown(TransportErrorKind::Reset).tokens("at-2", "rt-2"),
            |_| {},
        ),
        ("a refusal", || Script::new().oauth_error("invalid_grant"), |_| {}),
        ("an outage", || Script::new().status(503).status(503).status(503), |_| {}),
        (
            "a throttled client",
            || Script::new().then(CannedResponse::status(429).retry_after(Duration::from_secs(9))),
            |_| {},
        ),
        (
            "a full disk",
            || Script::new().tokens("at-2", "rt-2"),
            |world| world.store.fail("tokens", [Some(StoreErrorKind::Full)]),
        ),
        (
            "a conflict",
            || Script::new().tokens("at-2", "rt-2"),
            |world| world.store.fail("note", [Some(StoreErrorKind::Conflict)]),
        ),
    ];
    for (name, script, prepare) in scenes {
        for left in [10, 0] {
            let trace = |blocking: bool| {
                let world = World::new(script()).with_record(left);
                prepare(&world);
                let (threads, tasks) = (world.blocking().account(ADA), world.account());
                let token = || if blocking { threads.token() } else { block_on(tasks.token()) };
                let results = [token(), token()].each_ref().map(outcome);
                let record = String::from_utf8(world.record().to_json_exposed().to_vec()).unwrap();
                (results, world.store.log.take(), world.clock.sleeps(), record)
            };
            assert_eq!(trace(true), trace(false), "{name}, {left} s left");
        }
    }
}

#[test]
fn of_many_threads_one_refreshes_for_all() {
    let gate = Gate::new();
    let response = CannedResponse::tokens("at-2").refresh_token("rt-2").expires_in(3600);
    let world = World::new(Script::new().then(CallOutcome::from(response).once_open(&gate)));
    let world = world.with_record(10);
    let account = world.blocking().account(ADA);
    let start = Barrier::new(33);
    thread::scope(|scope| {
        let callers: Vec<_> = (0..32)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    account.token()
                })
            })
            .collect();
        start.wait();
        gate.block_until_waiting(1);
        gate.open();
        for caller in callers {
            let token = caller.join().unwrap().unwrap();
            assert_eq!(token.access_token().expose(), "at-2");
        }
    });
    assert_eq!(world.store.log.take(), "load lease load note send tokens free");
}

#[test]
fn accounts_that_share_a_store_wait_for_each_other() {
    let clock = VirtualClock::new();
    let server = FakeAuthServer::builder().clock(&clock).build();
    let world = World::logged_in(server);
    world.pass(3600);
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            let account = world.blocking().account(ADA);
            let start = &start;
            scope.spawn(move || {
                start.wait();
                for _ in 0..5 {
                    account.token().unwrap();
                }
            });
        }
    });
    assert_eq!(world.script.report().issued, 1);
    world.script.assert_never_replayed();
}

#[test]
fn a_panic_of_the_thread_that_refreshes_is_its_own() {
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(10);
    world.store.before("note", 0, |_| panic!("the store is broken"));
    let account = world.blocking().account(ADA);
    thread::scope(|scope| {
        let first = scope.spawn(|| account.token());
        assert!(first.join().is_err());
        assert_eq!(account.token().unwrap().access_token().expose(), "at-2");
    });
}

#[test]
fn everything_that_tasks_can_do() {
    let script = Script::new().tokens("at-2", "rt-2").tokens("at-3", "rt-3");
    let world = World::new(script).with_record(3600);
    let accounts = world.blocking();
    let account = accounts.account(ADA);
    assert_eq!(account.id().as_str(), ADA);
    assert_eq!(account.token().unwrap().access_token().expose(), "at-1");
    assert!(account.token_valid_for(Duration::from_secs(60)).is_ok());
    let new = account.refresh_now().unwrap();
    assert_eq!(new.access_token().expose(), "at-2");
    assert_eq!(account.token_refused(new.access_token()).unwrap().access_token().expose(), "at-3");
    assert!(account.store_login(tokens("at-4", "rt-4", world.now(), 3600)).is_ok());
    assert!(account.status().unwrap().logged_in);
    world.script.finish();
}

/// A thread of its own, whose sleeps take no time here: it refreshes until it is
/// told to end.
#[test]
fn an_account_is_kept_fresh_by_a_thread_until_it_is_dropped() {
    let clock = VirtualClock::new();
    let server = FakeAuthServer::builder().clock(&clock).build();
    let store = MemoryStore::new();
    store.put(ADA, Record::obtained(server.log_in(ADA), clock.now().wall));
    let accounts = auth_accounts::BlockingAccounts::new(
        server.endpoint(),
        server.clone(),
        store,
        clock.clone(),
    );
    let keep = accounts.account(ADA).keep_fresh().unwrap();
    let patience = Instant::now();
    while server.report().issued < 3 {
        assert!(patience.elapsed() < Duration::from_secs(60), "it refreshes");
        thread::yield_now();
    }
    drop(keep);
    // It ends at its next look, after which time stands still.
    let mut last = clock.elapsed();
    loop {
        thread::sleep(Duration::from_millis(20));
        let now = clock.elapsed();
        if now == last {
            break;
        }
        last = now;
        assert!(patience.elapsed() < Duration::from_secs(60), "it ends");
    }
    server.assert_never_replayed();
}
