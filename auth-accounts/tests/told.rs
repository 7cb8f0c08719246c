//! What a program is told of its accounts' changes: each once.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::sync::{Arc, Mutex};

use auth_accounts::{
    AccountEvent, AccountState, Accounts, EventKind, StoreErrorKind, store::TokenStore,
};
use auth_core::{Backoff, FailureKind, TransportError, TransportErrorKind};
use auth_testkit::{CannedResponse, Script};
use pollster::block_on;
use support::{ADA, World, lock, record, run, tokens};

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<AccountEvent>>>);

impl Heard {
    fn of(&self, accounts: Accounts) -> Accounts {
        let heard = Arc::clone(&self.0);
        accounts.policy(Backoff::never()).on_event(move |event| lock(&heard).push(event.clone()))
    }

    /// The kinds of what was heard since the last call.
    fn take(&self) -> String {
        let events = std::mem::take(&mut *lock(&self.0));
        for event in &events {
            let shown = format!("{event} {event:?}");
            assert!(shown.contains(ADA), "{shown}");
            for secret in ["at-1", "at-2", "at-3", "rt-1", "rt-2", "rt-3"] {
                assert!(!shown.contains(secret), "{secret} in {shown}");
            }
        }
        let kinds: Vec<_> = events.iter().map(|event| event.kind().as_str()).collect();
        kinds.join(" ")
    }

    fn last(&self) -> AccountEvent {
        lock(&self.0).last().unwrap().clone()
    }
}

const LATER: u64 = 4000;

#[test]
fn each_change_is_told_once() {
    let reset = TransportError::unknown(TransportErrorKind::Reset);
    let script = Script::new()
        .tokens("at-2", "rt-2")
        .status(503)
        .status(503)
        .then(reset)
        .oauth_error("invalid_client")
        .tokens("at-3", "rt-3")
        .oauth_error("invalid_grant")
        .oauth_error("invalid_grant");
    let world = World::new(script);
    let heard = Heard::default();
    let accounts = heard.of(world.accounts());
    // An account that nobody holds on to is told of once all the same.
    let token = || run(accounts.account(ADA).token(), &world.clock);

    token().unwrap_err();
    assert_eq!(heard.take(), "", "who has never logged in has not changed");
    let login = tokens("at-1", "rt-1", world.now(), 3600);
    run(accounts.account(ADA).store_login(login), &world.clock).unwrap();
    assert_eq!(heard.take(), "logged_in");
    token().unwrap();
    assert_eq!(heard.take(), "");
    world.pass(LATER);
    token().unwrap();
    assert_eq!(heard.take(), "refreshed");

    world.pass(LATER);
    token().unwrap_err();
    let event = heard.last();
    assert_eq!((event.kind(), event.state()), (EventKind::SetBack, AccountState::SetBack));
    assert_eq!(event.failure(), Some(FailureKind::Unavailable));
    assert!(event.retry_at().is_some() && !event.was_on_record());
    token().unwrap_err();
    world.pass(LATER);
    token().unwrap_err();
    assert_eq!(heard.take(), "set_back", "two failures of one kind");
    world.pass(LATER);
    token().unwrap_err();
    assert!(heard.last().possibly_spent());
    world.pass(LATER);
    token().unwrap_err();
    token().unwrap_err();
    assert_eq!(heard.last().code().unwrap().as_str(), "invalid_client");
    assert_eq!(heard.take(), "set_back misconfigured");
    world.pass(LATER);
    token().unwrap();
    assert_eq!(heard.take(), "refreshed recovered");

    world.pass(LATER);
    for _ in 0..3 {
        token().unwrap_err();
        world.pass(LATER);
    }
    assert_eq!(heard.last().state(), AccountState::LoginNeeded);
    assert_eq!(heard.take(), "login_needed");
    let login = tokens("at-1", "rt-1", world.now(), 3600);
    run(accounts.account(ADA).store_login(login), &world.clock).unwrap();
    assert_eq!(heard.take(), "logged_in");
    world.pass(LATER);
    token().unwrap_err();
    assert_eq!(heard.take(), "login_needed", "that of another login");
    world.script.finish();
}

#[test]
fn a_refused_refresh_token_is_told_once_though_the_old_token_is_good() {
    let world = World::new(Script::new().oauth_error("invalid_grant")).with_record(3000);
    let heard = Heard::default();
    let account = heard.of(world.accounts()).account(ADA);
    run(account.refresh_now(), &world.clock).unwrap_err();
    assert_eq!(heard.take(), "login_needed");
    for _ in 0..5 {
        world.pass(60);
        run(account.token(), &world.clock).unwrap();
        run(account.refresh_now(), &world.clock).unwrap_err();
    }
    world.pass(LATER);
    for _ in 0..2 {
        run(account.token(), &world.clock).unwrap_err();
    }
    assert!(heard.last().error().is_some());
    assert_eq!(heard.take(), "ran_out");
}

#[test]
fn a_lease_that_somebody_else_has_for_a_moment_is_no_setback() {
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(3600);
    let heard = Heard::default();
    let account = heard.of(world.accounts()).account(ADA);
    run(account.token(), &world.clock).unwrap();
    world.pass(3580);
    world.store.fail("lease", [Some(StoreErrorKind::LeaseTimeout)]);
    let token = run(account.token(), &world.clock).unwrap();
    assert!(token.refresh_error().is_some());
    let event = heard.last();
    assert_eq!((event.kind(), event.state()), (EventKind::LeaseBusy, AccountState::Ready));
    assert!(event.error().unwrap().to_string().contains("held the lease"), "{event}");
    assert_eq!(heard.take(), "lease_busy");
    // Who has no token any more is set back.
    world.pass(20);
    world.store.fail("lease", [Some(StoreErrorKind::LeaseTimeout)]);
    run(account.token(), &world.clock).unwrap_err();
    assert_eq!(heard.take(), "set_back ran_out");
    world.pass(20);
    run(account.token(), &world.clock).unwrap();
    assert_eq!(heard.take(), "refreshed recovered");
}

#[test]
fn what_is_on_record_is_told_as_such() {
    let world = World::new(Script::new().oauth_error("invalid_grant")).with_record(0);
    run(world.account().token(), &world.clock).unwrap_err();
    let heard = Heard::default();
    let account = heard.of(world.accounts()).account(ADA);
    for _ in 0..3 {
        run(account.token(), &world.clock).unwrap_err();
    }
    assert!(heard.last().was_on_record());
    assert_eq!(heard.take(), "login_needed");
    // Another process logs in.
    let login = tokens("at-2", "rt-2", world.now(), 3600);
    run(world.account().store_login(login), &world.clock).unwrap();
    run(account.token(), &world.clock).unwrap();
    assert!(heard.last().was_on_record(), "that process has told it");
    assert_eq!(heard.take(), "recovered");
}

#[test]
fn an_account_that_ends_without_a_refresh_token_is_told_once() {
    let world = World::new(Script::new());
    let mut stored = record("at-1", "rt-1", world.now(), 3600);
    stored.tokens.refresh_token = None;
    world.store.inner.put(ADA, stored);
    let heard = Heard::default();
    let account = heard.of(world.accounts()).account(ADA);
    run(account.token(), &world.clock).unwrap();
    assert_eq!(heard.take(), "");
    world.pass(3570);
    run(account.token(), &world.clock).unwrap();
    world.pass(3600);
    run(account.token(), &world.clock).unwrap_err();
    assert_eq!(heard.take(), "login_needed ran_out");
}

#[test]
fn tokens_that_are_in_memory_only_are_told_of_until_they_are_not() {
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(0);
    let heard = Heard::default();
    let account = heard.of(world.accounts()).account(ADA);
    let full = || Some(StoreErrorKind::Full);
    world.store.fail("tokens", [full(), full(), full()]);
    for _ in 0..3 {
        assert!(run(account.token(), &world.clock).unwrap().unsaved().is_some());
        world.pass(2);
    }
    assert_eq!(heard.last().store_error().unwrap().kind(), StoreErrorKind::Full);
    assert_eq!(heard.take(), "refreshed unsaved");
    assert!(run(account.token(), &world.clock).unwrap().unsaved().is_none());
    assert_eq!(heard.take(), "saved_again");
}

#[test]
fn a_record_that_is_gone_is_told_once() {
    let world = World::new(Script::new()).with_record(3600);
    let heard = Heard::default();
    let account = heard.of(world.accounts()).account(ADA);
    run(account.token(), &world.clock).unwrap();
    let (_, version) = block_on(world.store.load(&ADA.into())).unwrap().unwrap();
    block_on(TokenStore::remove(&world.store.inner, &ADA.into(), &version)).unwrap();
    world.pass(LATER);
    for _ in 0..2 {
        run(account.token(), &world.clock).unwrap_err();
    }
    assert_eq!(heard.last().state(), AccountState::NotLoggedIn);
    assert!(heard.last().was_on_record(), "whoever has removed it");
    assert_eq!(heard.take(), "logged_out");
}

#[test]
fn a_logout_is_told_once() {
    let world = World::new(Script::new()).with_record(3600);
    let heard = Heard::default();
    let account = heard.of(world.accounts()).account(ADA);
    run(account.token(), &world.clock).unwrap();
    run(account.logout(), &world.clock).unwrap();
    for _ in 0..2 {
        run(account.token(), &world.clock).unwrap_err();
    }
    assert_eq!(heard.take(), "logged_out");
}

#[test]
fn a_panic_of_who_listens_harms_nobody() {
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(0);
    let heard = Heard::default();
    let accounts = world.accounts().on_event(|event| panic!("{event}"));
    let token = block_on(heard.of(accounts).account(ADA).token()).unwrap();
    assert_eq!(token.access_token().expose(), "at-2");
    assert_eq!(heard.take(), "refreshed");
    assert!(world.record().note.is_none());
}

#[test]
fn a_failure_that_is_no_rejection_has_its_response() {
    let limit = CannedResponse::status(429).header("retry-after", "120");
    let world = World::new(Script::new().then(limit)).with_record(0);
    let heard = Heard::default();
    let account = heard.of(world.accounts()).account(ADA);
    run(account.token(), &world.clock).unwrap_err();
    let event = heard.last();
    let wait = event.error().unwrap().retry_after(world.now()).unwrap();
    assert_eq!((event.failure(), wait.as_secs()), (Some(FailureKind::Throttled), 120));
    assert!(event.to_string().starts_with("set_back: account ada: "), "{event}");
}
