//! The numbered steps of an account's refresh, one after the other.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::time::Duration;

use auth_accounts::{
    Reason, StoreErrorKind,
    store::{Fingerprint, Note, Setback},
};
use auth_core::{Advice, FailureKind, RefreshToken, TransportErrorKind};
use auth_testkit::{CallOutcome, CannedResponse, Script};
use pollster::block_on;
use support::{ADA, World, record, refresh_token};

/// What a refresh without trouble asks for.
const REFRESH: &str = "load lease load note send tokens free";

#[test]
fn step_1_a_token_that_lives_long_enough_is_handed_out_without_asking_anybody() {
    let world = World::new(Script::new()).with_record(3600);
    let account = world.account();
    assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-1");
    assert_eq!(world.store.log.take(), "load");
    for _ in 0..10 {
        assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-1");
    }
    assert_eq!(world.store.log.take(), "");
}

#[test]
fn step_2_of_many_callers_one_refreshes_for_all() {
    let script = Script::new().then(
        CallOutcome::from(CannedResponse::tokens("at-2").refresh_token("rt-2").expires_in(3600))
            .after(Duration::from_millis(50)),
    );
    let world = World::new(script).with_record(10);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let account = world.account();
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let account = account.clone();
            callers.spawn(async move { account.token().await });
        }
        for token in callers.join_all().await {
            assert_eq!(token.unwrap().access_token().expose(), "at-2");
        }
    });
    assert_eq!(world.store.log.take(), REFRESH);
}

#[test]
fn step_3_what_another_process_refreshed_is_adopted() {
    let world = World::new(Script::new()).with_record(3600);
    let account = world.account();
    block_on(account.token()).unwrap();
    world.pass(3590);
    world.store.inner.put(ADA, record("at-2", "rt-2", world.now(), 3600));
    world.store.log.take();

    assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-2");
    assert_eq!(world.store.log.take(), "load");
}

#[test]
fn step_4_a_setback_on_record_ends_it_at_once() {
    let world =
        World::new(Script::new().status(503).status(503).status(503).tokens("at-2", "rt-2"))
            .with_record(1);
    world.pass(2);
    let error = block_on(world.account().token()).unwrap_err();
    assert!(matches!(error.reason(), Reason::Refresh(_)));
    let retry_at = error.retry_at().unwrap();
    assert!(retry_at > world.now());
    assert_eq!(
        world.store.log.take(),
        "load lease load note send load send load send setback free",
    );
    assert_eq!(world.record().setback.unwrap().count, 1);
    assert_eq!(world.record().note, None);

    // Another process knows too.
    let other = world.account();
    let error = block_on(other.token()).unwrap_err();
    assert!(matches!(error.reason(), Reason::Setback(_)));
    assert_eq!(error.kind(), Some(FailureKind::Unavailable));
    assert_eq!(error.retry_at(), Some(retry_at));
    assert_eq!(error.advice(), Advice::TryLater);
    assert_eq!(world.store.log.take(), "load");

    // And when the time has come:
    world.clock.advance(retry_at.duration_since(world.now()).unwrap());
    assert_eq!(block_on(other.token()).unwrap().access_token().expose(), "at-2");
    assert_eq!(world.store.log.take(), REFRESH);
    assert_eq!(world.record().setback, None);
}

#[test]
fn step_5_the_order_is_lease_read_note_send_save_free() {
    let store = support::SpyStore::default();
    let seen = store.inner.clone();
    let script = Script::new().then(CallOutcome::computed(move |request| {
        request.assert_param("refresh_token", "rt-1");
        // The note is in the store before the request is sent.
        let note = seen.get(ADA).unwrap().note.unwrap();
        assert_eq!(note.refresh_token, Fingerprint::of(&RefreshToken::new("rt-1")));
        CannedResponse::tokens("at-2").refresh_token("rt-2").expires_in(3600).into()
    }));
    let mut world = World::new(script);
    world.store = store;
    let world = world.with_record(10);
    let token = block_on(world.account().token()).unwrap();
    assert_eq!(token.access_token().expose(), "at-2");
    assert_eq!(token.expires_at(), Some(world.now() + Duration::from_secs(3600)));
    assert_eq!(world.store.log.take(), REFRESH);

    let record = world.record();
    assert_eq!(refresh_token(&record), "rt-2");
    assert_eq!((record.note, record.setback), (None, None));
    assert_eq!(record.obtained_at, Some(world.now()));
}

#[test]
fn step_5_what_was_refreshed_while_waiting_for_the_lease_is_adopted() {
    let world = World::new(Script::new()).with_record(10);
    let now = world.now();
    world.store.before("load", 1, move |store| {
        store.put(ADA, record("at-2", "rt-2", now, 3600));
    });
    let token = block_on(world.account().token()).unwrap();
    assert_eq!(token.access_token().expose(), "at-2");
    assert_eq!(world.store.log.take(), "load lease load free");
}

#[test]
fn step_5_somebody_who_held_the_lease_for_too_long_may_have_refreshed() {
    let world = World::new(Script::new()).with_record(10);
    let now = world.now();
    world.store.fail("lease", [Some(StoreErrorKind::LeaseTimeout)]);
    world.store.before("load", 1, move |store| {
        store.put(ADA, record("at-2", "rt-2", now, 3600));
    });
    let token = block_on(world.account().token()).unwrap();
    assert_eq!(token.access_token().expose(), "at-2");
    assert_eq!(world.store.log.take(), "load lease load");
}

#[test]
fn step_5_without_the_lease_nothing_is_sent() {
    for kind in [StoreErrorKind::LeaseTimeout, StoreErrorKind::Io, StoreErrorKind::ReadOnly] {
        let world = World::new(Script::new()).with_record(1);
        world.pass(2);
        world.store.fail("lease", [Some(kind)]);
        let error = block_on(world.account().token()).unwrap_err();
        let Reason::Store(store) = error.reason() else { panic!("{error}") };
        assert_eq!(store.kind(), kind);
    }
}

#[test]
fn step_5_a_note_that_is_refused_starts_over() {
    let world = World::new(Script::new().tokens("at-3", "rt-3")).with_record(10);
    let now = world.now();
    world.store.before("note", 0, move |store| {
        store.put(ADA, record("at-2", "rt-2", now, 10));
    });
    let token = block_on(world.account().token()).unwrap();
    assert_eq!(token.access_token().expose(), "at-3");
    world.script.request(1).assert_param("refresh_token", "rt-2");
    assert_eq!(world.store.log.take(), "load lease load note load note send tokens free");
}

#[test]
fn step_5_before_a_retry_that_may_be_a_replay_the_store_is_read_again() {
    // Nothing new: the same token again.
    let script = Script::new().unknown(TransportErrorKind::Reset).tokens("at-2", "rt-2");
    let world = World::new(script).with_record(10);
    block_on(world.account().token()).unwrap();
    world.script.request(2).assert_param("refresh_token", "rt-1");
    assert_eq!(world.store.log.take(), "load lease load note send load send tokens free");

    // A token that serves: adopted.
    let world = World::new(Script::new().unknown(TransportErrorKind::Reset)).with_record(10);
    let now = world.now();
    world.store.before("load", 2, move |store| {
        store.put(ADA, record("at-9", "rt-9", now, 3600));
    });
    let token = block_on(world.account().token()).unwrap();
    assert_eq!(token.access_token().expose(), "at-9");
    assert_eq!(world.store.log.take(), "load lease load note send load free");

    // A newer refresh token: noted, and used instead.
    let script = Script::new().unknown(TransportErrorKind::Reset).tokens("at-3", "rt-3");
    let world = World::new(script).with_record(10);
    let now = world.now();
    world.store.before("load", 2, move |store| {
        store.put(ADA, record("at-2", "rt-2", now, 10));
    });
    block_on(world.account().token()).unwrap();
    world.script.request(2).assert_param("refresh_token", "rt-2");
    assert_eq!(world.store.log.take(), "load lease load note send load note send tokens free");

    // The store cannot be read: a prompt retry is worth more.
    let script = Script::new().unknown(TransportErrorKind::Reset).tokens("at-2", "rt-2");
    let world = World::new(script).with_record(10);
    world.store.fail("load", [None, None, Some(StoreErrorKind::Io)]);
    block_on(world.account().token()).unwrap();
    assert_eq!(world.store.log.take(), "load lease load note send load send tokens free");

    // What was never sent cannot be replayed.
    let script = Script::new().not_sent(TransportErrorKind::Refused).tokens("at-2", "rt-2");
    let world = World::new(script).with_record(10);
    block_on(world.account().token()).unwrap();
    assert_eq!(world.store.log.take(), "load lease load note send send tokens free");
}

#[test]
fn step_6_a_refusal_is_checked_against_the_store() {
    // Still the refused token: believed, recorded, and never asked again.
    let world = World::new(Script::new().oauth_error("invalid_grant")).with_record(1);
    world.pass(2);
    let error = block_on(world.account().token()).unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::Rejected));
    assert_eq!((error.advice(), error.possibly_spent()), (Advice::LogIn, false));
    assert_eq!(world.store.log.take(), "load lease load note send load setback free");
    assert_eq!(world.record().setback.unwrap().retry_at, None);
    for _ in 0..5 {
        world.pass(1_000_000);
        let error = block_on(world.account().token()).unwrap_err();
        assert_eq!((error.kind(), error.retry_at()), (Some(FailureKind::Rejected), None));
    }
    world.script.finish();

    // Another token that serves: adopted, and the record is left alone.
    let world = World::new(Script::new().oauth_error("invalid_grant")).with_record(10);
    let now = world.now();
    world.store.before("load", 2, move |store| {
        store.put(ADA, record("at-9", "rt-9", now, 3600));
    });
    let token = block_on(world.account().token()).unwrap();
    assert_eq!(token.access_token().expose(), "at-9");
    assert_eq!(world.store.log.take(), "load lease load note send load free");

    // Another refresh token: used.
    let script = Script::new().oauth_error("invalid_grant").tokens("at-3", "rt-3");
    let world = World::new(script).with_record(10);
    let now = world.now();
    world.store.before("load", 2, move |store| {
        store.put(ADA, record("at-2", "rt-2", now, 10));
    });
    let token = block_on(world.account().token()).unwrap();
    assert_eq!(token.access_token().expose(), "at-3");
    world.script.request(2).assert_param("refresh_token", "rt-2");

    // Another refresh token that is refused as well.
    let script = Script::new().oauth_error("invalid_grant").oauth_error("invalid_grant");
    let world = World::new(script).with_record(1);
    world.pass(2);
    let now = world.now();
    world.store.before("load", 2, move |store| {
        store.put(ADA, record("at-2", "rt-2", now, 0));
    });
    let error = block_on(world.account().token()).unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::Rejected));
    let setback = world.record().setback.unwrap();
    assert_eq!(setback.refresh_token, Fingerprint::of(&RefreshToken::new("rt-2")));
}

#[test]
fn step_6_a_record_of_another_token_is_never_touched() {
    // It changes between the check and the save.
    let script = Script::new().oauth_error("invalid_grant").status(500).status(500).status(500);
    let world = World::new(script).with_record(1);
    world.pass(2);
    let now = world.now();
    world.store.before("setback", 0, move |store| {
        store.put(ADA, record("at-2", "rt-2", now, 0));
    });
    let error = block_on(world.account().token()).unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::Unavailable));
    let record = world.record();
    assert_eq!(refresh_token(&record), "rt-2");
    // The setback is that of its own token.
    assert_eq!(Some(record.setback.as_ref().unwrap().refresh_token), record.fingerprint());
    assert_eq!(record.setback.unwrap().kind, FailureKind::Unavailable);
}

#[test]
fn step_7_a_failed_early_refresh_serves_the_old_token_while_it_is_valid() {
    for script in [
        Script::new().status(503).status(503).status(503),
        Script::new().oauth_error("invalid_grant"),
        Script::new().oauth_error("invalid_client"),
    ] {
        let world = World::new(script).with_record(30);
        let account = world.account();
        let token = block_on(account.token()).unwrap();
        assert_eq!(token.access_token().expose(), "at-1");
        let failed = token.refresh_error().unwrap();
        assert!(matches!(failed.reason(), Reason::Refresh(_)));
        assert!(world.record().setback.is_some());

        // Until it may be tried again, without asking anybody.
        world.store.log.take();
        let again = block_on(account.token()).unwrap();
        assert_eq!(again.refresh_error().unwrap().kind(), failed.kind());
        assert_eq!(world.store.log.take(), "");

        // To who asks for more, it is not handed out.
        let error = block_on(account.token_valid_for(Duration::from_secs(60))).unwrap_err();
        assert!(matches!(error.reason(), Reason::Setback(_)));
        world.script.finish();
    }
}

#[test]
fn step_7_an_expired_token_is_not_served() {
    let world = World::new(Script::new().oauth_error("invalid_grant")).with_record(30);
    let account = world.account();
    assert!(block_on(account.token()).unwrap().refresh_error().is_some());
    world.pass(30);
    assert_eq!(block_on(account.token()).unwrap_err().kind(), Some(FailureKind::Rejected));
}

#[test]
fn a_refresh_that_a_crash_broke_off_is_known_of() {
    // Tried promptly, and it succeeds.
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(10);
    let mut broken = world.record();
    let fingerprint = broken.fingerprint().unwrap();
    broken.note = Some(Note::new(fingerprint, world.now()));
    world.store.inner.put(ADA, broken.clone());
    block_on(world.account().token()).unwrap();

    // Or it proves dead, and the error says why that may be.
    let world = World::new(Script::new().oauth_error("invalid_grant")).with_record(1);
    world.store.inner.put(ADA, broken);
    world.pass(11);
    let error = block_on(world.account().token()).unwrap_err();
    assert!(error.possibly_spent());
    assert!(error.to_string().contains("whose response was lost"), "{error}");
    assert!(world.record().setback.unwrap().possibly_spent);
    // The next process says so too.
    let error = block_on(world.account().token()).unwrap_err();
    assert!(error.possibly_spent());
    assert!(error.to_string().contains("whose response was lost"), "{error}");

    // A note about another token means nothing.
    let world = World::new(Script::new().oauth_error("invalid_grant")).with_record(1);
    let mut record = world.record();
    record.note = Some(Note::new(Fingerprint::of(&RefreshToken::new("rt-0")), world.now()));
    world.store.inner.put(ADA, record);
    world.pass(2);
    assert!(!block_on(world.account().token()).unwrap_err().possibly_spent());
}

#[test]
fn what_may_be_spent_stays_so_until_the_token_changes() {
    let lost = || TransportErrorKind::Timeout;
    let script = Script::new()
        .unknown(lost())
        .unknown(lost())
        .unknown(lost())
        .then(CannedResponse::status(429).retry_after(Duration::from_secs(100)))
        .oauth_error("invalid_grant");
    let world = World::new(script).with_record(1);
    world.pass(2);
    let first = block_on(world.account().token()).unwrap_err();
    assert_eq!(first.kind(), Some(FailureKind::Interrupted));
    world.pass(60);
    let second = block_on(world.account().token()).unwrap_err();
    assert_eq!(second.kind(), Some(FailureKind::Throttled));
    assert_eq!(second.retry_at(), Some(world.now() + Duration::from_secs(100)));
    let Reason::Refresh(_) = second.reason() else { panic!("{second}") };
    let setback: Setback = world.record().setback.unwrap();
    assert!(setback.possibly_spent);
    assert_eq!(setback.count, 2);
    world.pass(100);
    assert!(block_on(world.account().token()).unwrap_err().possibly_spent());
}
