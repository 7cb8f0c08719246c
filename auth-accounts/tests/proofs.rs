//! What is read or signed for each request: signers and sources that wait, fail or hang.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use async_trait::async_trait;
use auth_accounts::{AccountError, Login, Reason, Revocation, StoreErrorKind, Token};
use auth_core::{
    AsyncCredentialSource, Backoff, ClientAuth, Credential, CredentialError, CredentialErrorKind,
    Dpop, FailureKind, Source,
};
use auth_testkit::{CannedResponse, Script};
use pollster::block_on;
use support::{
    ADA, World,
    keys::{Key, key},
    poll_once, tokens,
};

fn with(key: impl Into<auth_core::SigningKey>, script: Script) -> World {
    let mut world = World::new(script).with_record(0);
    world.endpoint = world.endpoint.dpop(Dpop::new(key).unwrap());
    world.settings = world.settings.credential_wait(Duration::from_millis(20));
    world
}

/// By tasks and by threads.
fn each(world: impl Fn() -> World, check: impl Fn(&World, Result<Token, AccountError>)) {
    let tasks = world();
    let accounts = tasks.accounts().policy(Backoff::never());
    check(&tasks, block_on(accounts.account(ADA).token()));
    let threads = world();
    let accounts = threads.blocking().policy(Backoff::never());
    check(&threads, accounts.account(ADA).token());
}

#[test]
fn keys_that_wait_serve_tasks_and_threads() {
    let signed = Script::new;
    each(
        || with(key("key-1").asynchronous(), signed().tokens("at-2", "rt-2")),
        |world, result| {
            assert_eq!(result.unwrap().access_token().expose(), "at-2");
            assert!(world.script.requests()[0].headers().contains_key("dpop"));
            world.script.finish();
        },
    );
}

#[test]
fn a_key_that_hangs_holds_nobody_up_for_long_and_sends_nothing() {
    let hanging = || Key { hangs: true, ..key("key-1") };
    each(
        || with(hanging().asynchronous(), Script::new()),
        |world, result| {
            let error = result.unwrap_err();
            let Reason::Refresh(failure) = error.reason() else { panic!("{error}") };
            let cause = failure.failure().credential_error().unwrap();
            assert_eq!(cause.kind(), CredentialErrorKind::Unavailable);
            assert_eq!(error.kind(), Some(FailureKind::Unreachable));
            // The lease is free, and the doubt is none.
            assert_eq!(world.store.log.take(), "load lease load note setback free");
            let record = world.record();
            assert!(record.note.is_none());
            assert!(!record.setback.unwrap().possibly_spent);
            world.script.finish();
        },
    );
}

/// It has sent nothing that a login could lose.
#[test]
fn a_login_does_not_wait_for_a_key_that_hangs() {
    let hanging = Key { hangs: true, ..key("key-1") };
    let asked = Arc::clone(&hanging.asked);
    let mut world = with(hanging.asynchronous(), Script::new());
    world.settings = world.settings.credential_wait(Duration::from_secs(3600));
    let account = world.account();
    let mut refresh = support::call(&account);
    while asked.load(Ordering::SeqCst) == 0 {
        assert!(poll_once(&mut refresh).is_pending());
    }
    let login = tokens("at-5", "rt-5", world.now(), 3600);
    block_on(account.store_login(login)).unwrap();
    assert_eq!(block_on(refresh).unwrap().access_token().expose(), "at-5");
    assert!(world.record().note.is_none());
}

/// Nor does it leave a doubt behind, if that login comes to nothing.
#[test]
fn a_refresh_that_gives_way_to_nothing_leaves_no_doubt() {
    let hanging = Key { hangs: true, ..key("key-1") };
    let asked = Arc::clone(&hanging.asked);
    let mut world = with(hanging.asynchronous(), Script::new());
    world.settings = world.settings.credential_wait(Duration::from_secs(3600));
    let account = world.account();
    let mut refresh = support::call(&account);
    while asked.load(Ordering::SeqCst) == 0 {
        assert!(poll_once(&mut refresh).is_pending());
    }
    assert!(world.record().note.is_some());
    world.store.log.take();
    // It cannot see what it replaces.
    let login = tokens("at-5", "rt-5", world.now(), 3600);
    let mut login = Box::pin(account.store_login(login));
    world.store.fail("load", [Some(StoreErrorKind::Unavailable)]);
    let failed = loop {
        if let Poll::Ready(result) = poll_once(&mut login) {
            break result;
        }
        let _ = poll_once(&mut refresh);
    };
    assert!(failed.is_err());
    assert!(world.store.log.take().starts_with("tokens free "));
    assert!(world.record().note.is_none() && world.record().setback.is_none());
    drop(refresh);
    // So that the next refusal is no puzzle.
    let script = Script::new().oauth_error("invalid_grant");
    let mut next = with(key("key-1"), script);
    next.store.inner.put(ADA, world.record());
    next.settings = world.settings.clone();
    let error = block_on(next.account().token()).unwrap_err();
    assert_eq!((error.kind(), error.possibly_spent()), (Some(FailureKind::Rejected), false));
}

/// Nor does a logout wait for ever, or a login for the token that it has replaced.
#[test]
fn a_key_that_hangs_holds_up_no_revocation_for_long() {
    let world = || {
        let mut world = with(Key { hangs: true, ..key("key-1") }.asynchronous(), Script::new());
        world.endpoint = world.endpoint.revocation_url("https://auth.example.com/revoke").unwrap();
        let source = Source::asynchronous(Hanging(Arc::default()));
        world.endpoint = world.endpoint.client_auth(ClientAuth::ready_made_assertion(source));
        world
    };
    let out = world();
    let logout = block_on(out.account().logout()).unwrap();
    let Revocation::Failed(failure) = &logout.revocation else { panic!("{logout:?}") };
    assert_eq!(
        failure.credential_error().map(CredentialError::kind),
        Some(CredentialErrorKind::Unavailable)
    );
    assert!(logout.was_logged_in && out.store.inner.get(ADA).is_none());
    out.script.finish();
    let over = world();
    let login = Login::new(tokens("at-5", "rt-5", over.now(), 3600)).revoke_replaced(true);
    block_on(over.account().store_login(login)).unwrap();
    assert_eq!(over.record().tokens.access_token.expose(), "at-5");
    over.script.finish();
}

#[derive(Debug)]
struct Hanging(Arc<AtomicUsize>);

#[async_trait]
impl AsyncCredentialSource for Hanging {
    async fn read(&self) -> Result<Credential, CredentialError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        std::future::pending().await
    }
}

/// Nor does the source that says whether the client is another by now.
#[test]
fn a_source_that_hangs_fails_and_then_sets_back() {
    let asked = Arc::new(AtomicUsize::new(0));
    let mut world = World::new(Script::new()).with_record(0);
    let source = Source::asynchronous(Hanging(Arc::clone(&asked)));
    world.endpoint = world.endpoint.client_auth(ClientAuth::ready_made_assertion(source));
    world.settings = world.settings.credential_wait(Duration::from_millis(20));
    let accounts = world.accounts().policy(Backoff::never());
    for (times, is_setback) in [(1, false), (2, true)] {
        let error = block_on(accounts.account(ADA).token()).unwrap_err();
        assert_eq!(matches!(error.reason(), Reason::Setback(_)), is_setback, "{error}");
        assert_eq!(asked.load(Ordering::SeqCst), times);
    }
    world.script.finish();
}

/// The assertion had expired: the next attempt has another one.
#[test]
fn a_stale_assertion_holds_up_nobody_the_first_time() {
    let stale = || {
        CannedResponse::oauth_error("invalid_client")
            .with_status(401)
            .description("AADSTS700024: Client assertion is not within its valid time range.")
    };
    let script = Script::new().then(stale()).tokens("at-2", "rt-2");
    let mut world = World::new(script).with_record(0);
    let source = Source::callback(|| Ok(Credential::new("the same")));
    world.endpoint = world.endpoint.client_auth(ClientAuth::ready_made_assertion(source));
    let account = world.account();
    let error = block_on(account.token()).unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::Misconfigured));
    assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-2");
    world.script.finish();
    // One after another is another matter.
    let mut world = World::new(Script::new().then(stale()).then(stale())).with_record(0);
    world.endpoint = world.endpoint.client_auth(ClientAuth::basic("s3cret"));
    for is_setback in [false, false, true] {
        let error = block_on(world.account().token()).unwrap_err();
        assert_eq!(matches!(error.reason(), Reason::Setback(_)), is_setback, "{error}");
    }
    world.script.finish();
}
