//! The end of a program: what is under way is finished, and nothing begins.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{sync::atomic::Ordering, thread, time::Duration};

use async_trait::async_trait;
use auth_accounts::{
    Accounts, Closed, Reason, StoreErrorKind, WhyUnfinished, store::BlockingTokenStore,
};
use auth_core::{Advice, Clock, Now, TimeSource};
use auth_testkit::{CallOutcome, CannedResponse, FakeAuthServer, Fault, Gate, Script};
use support::{ADA, World, call, endpoint, poll_once, run, strict, tokens};

const LONG: Duration = Duration::from_secs(600);

fn accounts(world: &World<FakeAuthServer>) -> Accounts {
    let (server, store) = (world.script.clone(), world.store.clone());
    Accounts::new(endpoint(), server, store, world.clock.clone()).settings(world.settings.clone())
}

/// A refresh that waits for its response, and whose caller has left.
fn begun(faults: &[Fault]) -> (World<FakeAuthServer>, Accounts) {
    let world = strict(3600);
    world.store.yields.store(true, Ordering::Relaxed);
    world.script.fail_next(faults.iter().copied());
    let accounts = accounts(&world);
    let mut caller = call(&accounts.account(ADA));
    while world.script.report().requests == 0 {
        assert!(poll_once(&mut caller).is_pending());
    }
    (world, accounts)
}

#[test]
fn what_is_under_way_is_waited_for() {
    let (world, accounts) = begun(&[Fault::Delay(Duration::from_secs(3))]);
    let closed = run(accounts.close(LONG), &world.clock);
    assert!(closed.is_complete(), "{closed}");
    assert_eq!(closed.to_string(), "all is on record");
    assert!(world.record().note.is_none());
    assert_eq!(world.script.report().lost_responses, 0);
    // A second time there is nothing to do, and it takes no time.
    let before = world.clock.elapsed();
    assert!(run(accounts.clone().close(LONG), &world.clock).is_complete());
    assert_eq!(world.clock.elapsed(), before);
}

#[test]
fn what_takes_longer_is_named_and_goes_on() {
    let (world, accounts) = begun(&[Fault::Delay(Duration::from_secs(60))]);
    let closed = run(accounts.close(Duration::from_secs(5)), &world.clock);
    let [unfinished] = &closed.unfinished[..] else { panic!("{closed:?}") };
    assert_eq!(unfinished.account.as_str(), ADA);
    assert!(matches!(unfinished.why, WhyUnfinished::UnderWay));
    assert_eq!(closed.to_string(), "unfinished: account ada: still under way");
    assert!(world.record().note.is_some());
    assert!(run(accounts.close(LONG), &world.clock).is_complete());
    assert!(world.record().note.is_none());
}

#[test]
fn nothing_begins_any_more() {
    let world = strict(3590);
    let accounts = accounts(&world);
    let (old, never) = (accounts.account(ADA), accounts.account("never asked for a token"));
    world.script.fail_next([Fault::Status(503); 3]);
    let first = run(old.token(), &world.clock).unwrap();
    assert!(run(accounts.close(LONG), &world.clock).is_complete());
    let requests = world.script.report().requests;
    world.store.log.take();

    // The cached token, for as long as it is valid.
    let token = run(old.token(), &world.clock).unwrap();
    assert_eq!(token, first);
    world.pass(5);
    let is_closed = |error: &auth_accounts::AccountError| {
        assert!(matches!(error.reason(), Reason::Closed), "{error}");
        assert_eq!(error.advice(), Advice::TryLater);
        assert!(!error.possibly_spent() && error.kind().is_none() && error.retry_at().is_none());
    };
    world.pass(60);
    is_closed(&run(old.token(), &world.clock).unwrap_err());
    for account in [&old, &never, &accounts.account("new")] {
        let say = [
            run(account.token(), &world.clock),
            run(account.refresh_now(), &world.clock),
            run(account.token_valid_for(LONG), &world.clock),
            run(account.token_refused(first.access_token()), &world.clock),
            run(account.store_login(tokens("at-9", "rt-9", world.now(), 60)), &world.clock),
            run(account.refresh_if_due(), &world.clock).result.map(|_| first.clone()),
        ];
        say.iter().for_each(|result| is_closed(result.as_ref().unwrap_err()));
    }
    assert_eq!(world.script.report().requests, requests);
    assert_eq!(world.store.log.take(), "");
}

/// It is old, no longer good for as long as one wants, and not yet dead.
#[test]
fn the_cached_token_is_handed_out_while_it_is_valid() {
    let world = strict(0);
    let accounts = accounts(&world);
    let account = accounts.account(ADA);
    let first = run(account.token(), &world.clock).unwrap();
    world.pass(3590);
    assert!(run(accounts.close(LONG), &world.clock).is_complete());
    let token = run(account.token(), &world.clock).unwrap();
    assert_eq!(token, first);
    assert!(matches!(token.refresh_error().unwrap().reason(), Reason::Closed));
    // But not if an API has refused it.
    run(account.token_refused(first.access_token()), &world.clock).unwrap_err();
    run(account.token(), &world.clock).unwrap_err();
    assert_eq!(world.script.report().requests, 0);
}

/// Tokens that this many saves fail to store, the first before the end, and how long
/// it takes to save them in the end.
fn unsaved(failures: usize, deadline: Duration) -> (World<FakeAuthServer>, Closed, Duration) {
    let world = strict(3600);
    let accounts = accounts(&world);
    world.store.fail("tokens", vec![Some(StoreErrorKind::Full); failures]);
    // Nobody holds the account any more.
    let token = run(accounts.account(ADA).token(), &world.clock).unwrap();
    assert!(token.unsaved().is_some());
    let before = world.clock.elapsed();
    let closed = run(accounts.close(deadline), &world.clock);
    let on_record = world.record().tokens.access_token == *token.access_token();
    assert_eq!(on_record, closed.is_complete());
    assert_eq!(world.script.report().issued, 1);
    let took = world.clock.elapsed() - before;
    (world, closed, took)
}

#[test]
fn it_is_tried_to_save_until_that_is_done() {
    for (failures, millis) in [
        (1, 0),
        (2, 250),
        (3, 750),
        (4, 1_750),
        (5, 3_750),
        (6, 7_750),
        (7, 11_750),
        // The last try.
        (8, 14_750),
    ] {
        let (_, closed, took) = unsaved(failures, Duration::from_secs(15));
        assert!(closed.is_complete(), "{failures}: {closed}");
        assert_eq!(took, Duration::from_millis(millis), "{failures}");
    }
}

#[test]
fn what_stays_unsaved_until_the_deadline_is_named() {
    for (deadline, failures) in [(0, 2), (1, 5), (15, 9), (15, 100)] {
        let deadline = Duration::from_secs(deadline);
        let (world, closed, took) = unsaved(failures, deadline);
        assert!(took <= deadline, "{took:?}");
        let [unfinished] = &closed.unfinished[..] else { panic!("{deadline:?}: {closed:?}") };
        let WhyUnfinished::Unsaved(error) = &unfinished.why else { panic!("{closed}") };
        assert_eq!(error.kind(), StoreErrorKind::Full);
        let whole = "unfinished: account ada: new tokens are not saved: ";
        assert!(closed.to_string().starts_with(whole), "{closed}");
        // Nothing tries any more.
        let log = world.store.log.take();
        world.pass(60);
        assert_eq!(world.store.log.take(), "", "after {log}");
    }
}

/// A clock of somebody's tests.
struct StandsStill(Now);

impl TimeSource for StandsStill {
    fn now(&self) -> Now {
        self.0
    }
}

#[async_trait]
impl Clock for StandsStill {
    async fn sleep(&self, _: Duration) {}
}

#[test]
fn a_clock_that_stands_still_does_not_keep_it_trying() {
    let world = strict(3600);
    let clock = StandsStill(world.clock.now());
    let (server, store) = (world.script.clone(), world.store.clone());
    let accounts = Accounts::without_runtime(endpoint(), server, store, clock);
    world.store.fail("tokens", vec![Some(StoreErrorKind::Full); 100]);
    let account = accounts.account(ADA);
    assert!(pollster::block_on(account.token()).unwrap().unsaved().is_some());
    let closed = pollster::block_on(accounts.close(Duration::from_secs(15)));
    assert!(!closed.is_complete());
}

#[test]
fn a_store_that_is_slow_is_not_tried_beyond_the_deadline() {
    let world = strict(3600);
    let accounts = accounts(&world);
    world.store.fail("tokens", [Some(StoreErrorKind::Full)]);
    assert!(run(accounts.account(ADA).token(), &world.clock).unwrap().unsaved().is_some());
    let clock = world.clock.clone();
    // It answers a minute later, by the clock.
    world.store.before("tokens", 0, move |_| clock.advance(Duration::from_secs(60)));
    world.store.fail("tokens", [Some(StoreErrorKind::Io); 100]);
    let closed = run(accounts.close(Duration::from_secs(5)), &world.clock);
    assert!(matches!(closed.unfinished[0].why, WhyUnfinished::Unsaved(_)), "{closed}");
}

#[test]
fn a_loop_that_keeps_fresh_idles_afterwards() {
    let world = strict(3600);
    let accounts = accounts(&world);
    let account = accounts.account(ADA);
    let mut keeps = Box::pin(account.keep_fresh());
    for _ in 0..10 {
        assert!(poll_once(&mut keeps).is_pending());
        world.clock.advance_to_next();
    }
    let refreshed = world.script.report().requests;
    assert!(refreshed > 0);
    assert!(run(accounts.close(LONG), &world.clock).is_complete());
    for _ in 0..10 {
        world.pass(3600);
        assert!(poll_once(&mut keeps).is_pending());
    }
    assert_eq!(world.script.report().requests, refreshed);
    assert_eq!(world.clock.sleeping(), 0);
}

/// The server answers when the test says so.
fn gated(gate: &Gate) -> World {
    let response = CannedResponse::tokens("at-2").refresh_token("rt-2").expires_in(3600);
    let script = Script::new().then(CallOutcome::from(response).once_open(gate));
    World::new(script).with_record(0)
}

#[test]
fn a_thread_that_closes_waits_for_the_refreshes_of_others() {
    let gate = Gate::new();
    let world = gated(&gate);
    let accounts = world.blocking();
    thread::scope(|scope| {
        let caller = scope.spawn(|| accounts.account(ADA).token());
        gate.block_until_waiting(1);
        let closed: Closed = accounts.close(Duration::ZERO);
        assert!(matches!(closed.unfinished[0].why, WhyUnfinished::UnderWay));
        gate.open();
        assert!(accounts.close(LONG).is_complete());
        assert_eq!(caller.join().unwrap().unwrap().access_token().expose(), "at-2");
    });
    assert_eq!(world.record().tokens.access_token.expose(), "at-2");
    let error = accounts.account("bob").token().unwrap_err();
    assert!(matches!(error.reason(), Reason::Closed));
}

#[test]
fn a_thread_that_closes_saves_what_is_unsaved() {
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(0);
    world.store.fail("tokens", [Some(StoreErrorKind::Full); 3]);
    let accounts = world.blocking();
    assert!(accounts.account(ADA).token().unwrap().unsaved().is_some());
    // One try.
    let closed = accounts.close(Duration::ZERO);
    if let Some(unfinished) = closed.unfinished.first() {
        assert!(matches!(unfinished.why, WhyUnfinished::Unsaved(_)), "{closed}");
    }
    assert!(accounts.close(LONG).is_complete());
    assert_eq!(world.record().tokens.access_token.expose(), "at-2");
}

#[test]
fn a_thread_waits_no_longer_than_it_wants_to() {
    let gate = Gate::new();
    let world = gated(&gate);
    let accounts = world.blocking();
    let account = accounts.account(ADA);
    for _ in 0..3 {
        let error = account.token_within(Duration::ZERO).unwrap_err();
        assert!(matches!(error.reason(), Reason::UnderWay), "{error}");
        assert_eq!(error.advice(), Advice::TryLater);
    }
    // One refresh, in a thread of the account's own.
    gate.block_until_waiting(1);
    gate.open();
    assert_eq!(account.token_within(LONG).unwrap().access_token().expose(), "at-2");
    assert!(accounts.close(LONG).is_complete());
    world.script.finish();
}

#[test]
fn a_thread_without_patience_gets_the_old_token_while_it_is_valid() {
    let gate = Gate::new();
    let response = CannedResponse::tokens("at-2").refresh_token("rt-2").expires_in(3600);
    let script = Script::new().then(CallOutcome::from(response).once_open(&gate));
    let world = World::new(script).with_record(3600);
    let account = world.blocking().account(ADA);
    assert_eq!(account.token().unwrap().access_token().expose(), "at-1");
    world.pass(3590);
    let token = account.token_within(Duration::ZERO).unwrap();
    assert_eq!(token.access_token().expose(), "at-1");
    assert!(matches!(token.refresh_error().unwrap().reason(), Reason::UnderWay));
    gate.open();
    assert_eq!(account.token_within(LONG).unwrap().access_token().expose(), "at-2");
    // The lease is free.
    let free = BlockingTokenStore::lease_blocking(&world.store, &ADA.into(), LONG);
    assert!(free.is_ok());
}

#[test]
fn a_panic_in_the_thread_of_an_account_is_told() {
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(0);
    for _ in 0..2 {
        world.store.before("note", 0, |_| panic!("the store is broken"));
    }
    let account = world.blocking().account(ADA);
    let error = account.token_within(LONG).unwrap_err();
    assert!(matches!(error.reason(), Reason::Panicked), "{error}");
    assert_eq!(account.token_within(LONG).unwrap().access_token().expose(), "at-2");
}
