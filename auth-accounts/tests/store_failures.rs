//! Stores that fail: nothing is lost, nothing is sent in vain, and the error
//! is told.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::time::Duration;

use auth_accounts::{Reason, StoreErrorKind};
use auth_core::Advice;
use auth_testkit::Script;
use pollster::block_on;
use support::{ADA, World, record, refresh_token};

const KINDS: [StoreErrorKind; 6] = [
    StoreErrorKind::Full,
    StoreErrorKind::ReadOnly,
    StoreErrorKind::Permissions,
    StoreErrorKind::Io,
    StoreErrorKind::Unavailable,
    StoreErrorKind::Other,
];

#[test]
fn tokens_that_cannot_be_saved_are_handed_out_with_the_error_and_saved_later() {
    for kind in KINDS {
        let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(10);
        world.store.fail("tokens", [Some(kind), Some(kind)]);
        let account = world.account();
        let token = block_on(account.token()).unwrap();
        assert_eq!(token.access_token().expose(), "at-2");
        assert_eq!(token.unsaved().unwrap().kind(), kind);
        assert_eq!(refresh_token(&world.record()), "rt-1");
        let status = block_on(account.status()).unwrap();
        assert!(status.to_string().contains("newer tokens are not saved"), "{status}");

        // At once, nobody is bothered; then saving is tried again.
        world.store.log.take();
        assert!(block_on(account.token()).unwrap().unsaved().is_some());
        assert_eq!(world.store.log.take(), "");
        world.pass(1);
        assert!(block_on(account.token()).unwrap().unsaved().is_some());
        assert_eq!(world.store.log.take(), "load tokens");
        world.pass(1);
        let token = block_on(account.token()).unwrap();
        assert_eq!((token.access_token().expose(), token.unsaved().is_some()), ("at-2", false));
        assert_eq!(refresh_token(&world.record()), "rt-2");
        assert_eq!(world.record().note, None);
        world.script.finish();
    }
}

#[test]
fn while_tokens_are_not_saved_nobody_else_uses_the_spent_one() {
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(1);
    world.store.fail("tokens", [Some(StoreErrorKind::Full)]);
    world.pass(2);
    let account = world.account();
    block_on(account.token()).unwrap();
    let mut other = World::new(Script::new());
    other.store = world.store.clone();
    other.settings.clone_from(&world.settings.clone().lease_wait(Duration::ZERO));
    other.clock = world.clock.clone();
    let error = block_on(other.account().token()).unwrap_err();
    let Reason::Store(store) = error.reason() else { panic!("{error}") };
    assert_eq!(store.kind(), StoreErrorKind::LeaseTimeout);
    world.pass(1);
    block_on(account.token()).unwrap();
    assert_eq!(block_on(other.account().token()).unwrap().access_token().expose(), "at-2");
    other.script.finish();
}

#[test]
fn unsaved_tokens_are_refreshed_if_they_run_out_before_they_are_saved() {
    let script = Script::new().tokens("at-2", "rt-2").tokens("at-3", "rt-3");
    let world = World::new(script).with_record(10);
    world.store.fail("tokens", [Some(StoreErrorKind::Full), Some(StoreErrorKind::Full)]);
    let account = world.account();
    block_on(account.token()).unwrap();
    world.pass(3600);
    let token = block_on(account.token()).unwrap();
    assert_eq!((token.access_token().expose(), token.unsaved().is_some()), ("at-3", false));
    world.script.request(2).assert_param("refresh_token", "rt-2");
    assert_eq!(refresh_token(&world.record()), "rt-3");
}

#[test]
fn a_login_elsewhere_counts_more_than_unsaved_tokens() {
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(10);
    world.store.fail("tokens", [Some(StoreErrorKind::Full)]);
    let account = world.account();
    block_on(account.token()).unwrap();
    world.store.inner.put(ADA, record("at-9", "rt-9", world.now(), 3600));
    world.pass(1);
    let token = block_on(account.token()).unwrap();
    assert_eq!((token.access_token().expose(), token.unsaved().is_some()), ("at-9", false));
    assert_eq!(refresh_token(&world.record()), "rt-9");
}

#[test]
fn tokens_whose_save_is_refused_for_a_note_are_saved_over_it() {
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(10);
    world.store.before("tokens", 0, |store| {
        // The same tokens in another version, as from a program that rewrites
        // its file.
        let same = store.get(ADA).unwrap();
        store.put(ADA, same);
    });
    let token = block_on(world.account().token()).unwrap();
    assert_eq!((token.access_token().expose(), token.unsaved().is_some()), ("at-2", false));
    assert_eq!(refresh_token(&world.record()), "rt-2");
}

#[test]
fn a_store_that_always_refuses_does_not_hold_up_anybody_for_ever() {
    for name in ["note", "tokens", "setback"] {
        let script = match name {
            "note" => Script::new(),
            "tokens" => Script::new().tokens("at-2", "rt-2"),
            _ => Script::new().oauth_error("invalid_client"),
        };
        let world = World::new(script).with_record(1);
        world.pass(2);
        world.store.fail(name, [Some(StoreErrorKind::Conflict); 1_000]);
        let result = block_on(world.account().token());
        match name {
            "tokens" => assert!(result.unwrap().unsaved().is_some()),
            _ => assert!(result.is_err(), "{name}"),
        }
        world.script.finish();
    }
}

#[test]
fn what_cannot_be_read_is_told_and_left_alone() {
    for kind in [
        StoreErrorKind::Damaged,
        StoreErrorKind::NewerSchema,
        StoreErrorKind::Permissions,
        StoreErrorKind::Io,
    ] {
        let world = World::new(Script::new()).with_record(1);
        world.pass(2);
        let before = world.record();
        world.store.fail("load", [Some(kind)]);
        let error = block_on(world.account().token()).unwrap_err();
        let Reason::Store(store) = error.reason() else { panic!("{error}") };
        assert_eq!(store.kind(), kind);
        let advice = match kind {
            StoreErrorKind::Io => Advice::TryLater,
            _ => Advice::FixSetup,
        };
        assert_eq!(error.advice(), advice);
        assert_eq!(world.record(), before);
        assert_eq!(world.store.log.take(), "load");
    }
}

#[test]
fn a_store_that_fails_does_not_take_a_good_token_away() {
    let world = World::new(Script::new()).with_record(3600);
    let account = world.account();
    block_on(account.token()).unwrap();
    world.pass(3570);
    world.store.fail("load", [Some(StoreErrorKind::Io)]);
    let token = block_on(account.token()).unwrap();
    assert_eq!(token.access_token().expose(), "at-1");
    assert!(matches!(token.refresh_error().unwrap().reason(), Reason::Store(_)));
    world.pass(30);
    world.store.fail("load", [Some(StoreErrorKind::Io)]);
    assert!(block_on(account.token()).is_err());
}

#[test]
fn a_setback_that_cannot_be_saved_is_kept_in_memory() {
    let script = Script::new().status(503).status(503).status(503).tokens("at-2", "rt-2");
    let world = World::new(script).with_record(1);
    world.pass(2);
    world.store.fail("setback", [Some(StoreErrorKind::Full)]);
    let account = world.account();
    let first = block_on(account.token()).unwrap_err();
    assert_eq!(world.record().setback, None);
    let second = block_on(account.token()).unwrap_err();
    assert!(matches!(second.reason(), Reason::Setback(_)));
    assert_eq!(second.retry_at(), first.retry_at());
    world.clock.advance(first.retry_at().unwrap().duration_since(world.now()).unwrap());
    assert!(block_on(account.token()).is_ok());
    world.script.finish();
}

/// RFC 6749 section 6: a response may leave the refresh token out. Some servers say so
/// by `null`, or by an empty text.
#[test]
fn a_response_without_a_refresh_token_leaves_the_old_one_on_record() {
    for member in ["", r#","refresh_token":null"#, r#","refresh_token":"""#] {
        let body =
            format!(r#"{{"access_token":"at-2","token_type":"Bearer","expires_in":60{member}}}"#);
        let response = auth_testkit::CannedResponse::status(200)
            .header("content-type", "application/json")
            .body(body);
        let world = World::new(Script::new().then(response)).with_record(0);
        let token = block_on(world.account().token()).unwrap();
        assert_eq!(token.access_token().expose(), "at-2", "{member}");
        let record = world.record();
        assert_eq!(record.tokens.refresh_token.unwrap().expose(), "rt-1", "{member}");
        assert_eq!(record.tokens.access_token.expose(), "at-2", "{member}");
    }
}
