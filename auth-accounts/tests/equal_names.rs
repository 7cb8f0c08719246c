//! Equal names are the same account.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use auth_accounts::{Settings, StoreErrorKind};
use auth_testkit::{Fault, Script};
use support::{ADA, World, call, poll_once, run, strict};

#[test]
fn one_cache_and_one_refresh() {
    let world = strict(3600);
    let accounts = world.accounts();
    let (one, two) = (accounts.account(ADA), accounts.clone().account(ADA));
    let (mut first, mut second) = (call(&one), call(&two));
    world.script.fail_next([Fault::Delay(std::time::Duration::from_secs(3))]);
    assert!(poll_once(&mut first).is_pending() && poll_once(&mut second).is_pending());
    let token = run(second, &world.clock).unwrap();
    assert_eq!(run(first, &world.clock).unwrap(), token);
    world.store.log.take();
    assert_eq!(one.current(), Some(token.clone()));
    assert_eq!(run(accounts.account(ADA).token(), &world.clock).unwrap(), token);
    assert_eq!(world.store.log.take(), "", "it was cached");
    assert_eq!(world.script.report().issued, 1);
}

/// Asked for with each request of a client, and dropped after it.
#[test]
fn what_only_memory_has_survives_those_who_ask() {
    let world = strict(3600);
    let accounts = world.accounts();
    world.store.fail("tokens", [Some(StoreErrorKind::Full); 3]);
    let token = run(accounts.account(ADA).token(), &world.clock).unwrap();
    assert!(token.unsaved().is_some());
    for unsaved in [true, true, false] {
        world.pass(2);
        let again = run(accounts.account(ADA).token(), &world.clock).unwrap();
        assert_eq!(again, token);
        assert_eq!(again.unsaved().is_some(), unsaved);
    }
    assert_eq!(world.record().tokens.access_token, *token.access_token());
    assert_eq!(world.script.report().issued, 1);
    world.script.assert_never_replayed();
}

#[test]
fn a_token_that_was_refused_is_not_handed_out_again() {
    let world =
        World::new(Script::new().status(503).status(503).status(503).tokens("at-2", "rt-2"))
            .with_record(3600);
    let accounts = world.accounts();
    let token = run(accounts.account(ADA).token(), &world.clock).unwrap();
    let refused = accounts.account(ADA);
    run(refused.token_refused(token.access_token()), &world.clock).unwrap_err();
    drop(refused);
    run(accounts.account(ADA).token(), &world.clock).unwrap_err();
    world.pass(600);
    let token = run(accounts.account(ADA).token(), &world.clock).unwrap();
    assert_eq!(token.access_token().expose(), "at-2");
}

/// They may have other settings, and know of each other through the store only.
#[test]
fn accounts_that_were_set_up_otherwise_are_others() {
    let world = World::new(Script::new()).with_record(3600);
    let accounts = world.accounts();
    let before = accounts.account(ADA);
    run(before.token(), &world.clock).unwrap();
    let other = accounts.settings(Settings::default()).account(ADA);
    assert!(other.current().is_none());
    run(other.token(), &world.clock).unwrap();
    assert_eq!(other.current(), before.current());
}

/// Its `Accounts` are gone: the account goes on by itself.
#[test]
fn an_account_outlives_its_accounts() {
    let world = strict(3600);
    let account = world.accounts().account(ADA);
    world.store.fail("tokens", [Some(StoreErrorKind::Full)]);
    assert!(run(account.token(), &world.clock).unwrap().unsaved().is_some());
    world.pass(2);
    assert!(run(account.token(), &world.clock).unwrap().unsaved().is_none());
}
