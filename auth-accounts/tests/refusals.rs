//! A refused refresh token: when it is believed, and what it bars.

mod support;

use auth_accounts::{Account, AccountError, Reason, StoreErrorKind, Token};
use auth_core::{Advice, FailureKind, TransportErrorKind};
use auth_testkit::{CannedResponse, Script};
use pollster::block_on;
use support::{ADA, World, record};

fn token(account: &Account) -> Result<Token, AccountError> {
    block_on(account.token())
}

#[test]
fn a_refusal_is_not_believed_while_the_store_cannot_be_read() {
    // At its check, or when its save was refused since somebody else saved.
    for (at, loads) in [("load", 2), ("setback", 3)] {
        let world = World::new(Script::new().oauth_error("invalid_grant")).with_record(1);
        world.pass(2);
        let now = world.now();
        let skipped = if at == "load" { loads } else { 0 };
        world.store.before(at, skipped, move |store| {
            store.put(ADA, record("at-9", "rt-9", now, 3600));
        });
        let faults = (0..loads).map(|_| None).chain([Some(StoreErrorKind::Unavailable)]);
        world.store.fail("load", faults);
        let account = world.account();
        let error = token(&account).unwrap_err();
        assert!(matches!(error.reason(), Reason::Store(_)), "{error}");
        assert_eq!(error.advice(), Advice::TryLater);

        assert_eq!(token(&account).unwrap().access_token().expose(), "at-9");
        world.script.finish();
    }
}

#[test]
fn a_refusal_that_could_not_be_checked_is_believed_once_it_can() {
    let world = World::new(Script::new().oauth_error("invalid_grant")).with_record(1);
    world.pass(2);
    world.store.fail("load", [None, None, Some(StoreErrorKind::Io), Some(StoreErrorKind::Io)]);
    let account = world.account();
    for _ in 0..2 {
        assert!(matches!(token(&account).unwrap_err().reason(), Reason::Store(_)));
    }
    // It is not sent again.
    let error = token(&account).unwrap_err();
    assert!(matches!(error.reason(), Reason::Setback(_)));
    assert_eq!(error.advice(), Advice::LogIn);
    world.script.finish();
}

#[test]
fn a_refusal_does_not_concern_a_token_that_is_stored_meanwhile() {
    // Between its check and its save, with an access token that is used up.
    let script = Script::new().oauth_error("invalid_grant").tokens("at-3", "rt-3");
    let world = World::new(script).with_record(1);
    world.pass(2);
    let now = world.now();
    world.store.before("setback", 0, move |store| {
        store.put(ADA, record("at-2", "rt-2", now, 0));
    });
    assert_eq!(token(&world.account()).unwrap().access_token().expose(), "at-3");
    world.script.request(2).assert_param("refresh_token", "rt-2");
}

#[test]
fn a_token_that_replaced_another_within_a_refresh_is_refused_once() {
    let script = Script::new().unknown(TransportErrorKind::Timeout).oauth_error("invalid_grant");
    let world = World::new(script).with_record(1);
    world.pass(2);
    let now = world.now();
    world.store.before("load", 2, move |store| {
        store.put(ADA, record("at-2", "rt-2", now, 0));
    });
    let error = token(&world.account()).unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::Rejected));
    assert!(!error.possibly_spent(), "rt-2 was sent but once");
    world.script.request(2).assert_param("refresh_token", "rt-2");
    world.script.finish();
}

#[test]
fn an_access_token_that_was_refused_is_not_handed_out_while_another_is_obtained() {
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(3600);
    let account = world.account();
    let refused = token(&account).unwrap();
    assert!(account.peek().is_some());
    world.store.yields.store(true, std::sync::atomic::Ordering::Relaxed);
    let mut report = Box::pin(account.token_refused(refused.access_token()));
    let mut other = Box::pin(account.token_valid_for(std::time::Duration::from_secs(9)));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(report.as_mut().poll(&mut context).is_pending());
    assert!(account.peek().is_none());
    assert!(other.as_mut().poll(&mut context).is_pending());
    assert_eq!(block_on(report).unwrap().access_token().expose(), "at-2");
    assert_eq!(block_on(other).unwrap().access_token().expose(), "at-2");
    assert_eq!(world.script.requests().len(), 1);
}

/// It joins a refresh that began before, and that fails.
#[test]
fn an_access_token_that_was_refused_is_not_handed_out_whoever_began_the_refresh() {
    let script = Script::new().status(503).status(503).status(503);
    let world = World::new(script).with_record(3600);
    let account = world.account();
    let refused = token(&account).unwrap();
    world.store.yields.store(true, std::sync::atomic::Ordering::Relaxed);
    let mut first = Box::pin(account.refresh_now());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(first.as_mut().poll(&mut context).is_pending());
    let joined = account.token_refused(refused.access_token());
    assert!(block_on(joined).is_err());
    assert!(block_on(first).is_err());
    assert!(token(&account).is_err(), "the API has refused it");
}

/// `invalid_grant` for an exchange without a grant: some servers do that while
/// a client is locked or its clock is off.
#[test]
fn a_client_is_not_barred_for_ever_by_a_refusal() {
    let script = Script::new().oauth_error("invalid_grant").tokens("at-2", "rt-2");
    let world = World::new(script).with_record(1);
    world.pass(2);
    let client = || world.accounts().client_credentials().account(ADA);
    let error = token(&client()).unwrap_err();
    assert_eq!(
        (error.kind(), error.advice()),
        (Some(FailureKind::Misconfigured), Advice::FixSetup)
    );
    assert!(error.to_string().contains("invalid_grant"), "{error}");
    assert!(!error.to_string().contains("log in"), "{error}");
    let retry_at = error.retry_at().unwrap();

    let error = token(&client()).unwrap_err();
    assert!(matches!(error.reason(), Reason::Setback(_)));
    assert_eq!(error.advice(), Advice::FixSetup);
    assert!(!block_on(client().status()).unwrap().login_needed);

    world.clock.advance(retry_at.duration_since(world.now()).unwrap());
    assert_eq!(token(&client()).unwrap().access_token().expose(), "at-2");
}

/// The server goes on with the very refresh token that it had refused, which
/// one process could not record.
#[test]
fn a_refusal_in_memory_gives_way_to_a_later_refresh_on_record() {
    let again = |access| CannedResponse::tokens(access).refresh_token("rt-1").expires_in(3600);
    let script = Script::new().oauth_error("invalid_grant").then(again("at-2")).then(again("at-3"));
    let world = World::new(script).with_record(1);
    world.pass(2);
    world.store.fail("setback", [Some(StoreErrorKind::Full)]);
    let (one, other) = (world.account(), world.account());
    assert_eq!(token(&one).unwrap_err().advice(), Advice::LogIn);
    world.pass(600);
    assert_eq!(token(&one).unwrap_err().advice(), Advice::LogIn);
    assert_eq!(token(&other).unwrap().access_token().expose(), "at-2");
    world.pass(3600);
    assert_eq!(token(&one).unwrap().access_token().expose(), "at-3");
}
