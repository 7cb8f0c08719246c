//! The machine of a login by itself.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use auth_core::{AccessToken, Backoff, RefreshToken, TokenEndpoint, TokenSet};

use super::*;
use crate::{
    past::Past,
    record::Setback,
    registration::Registration,
    seen::Sights,
    settings::Settings,
    shared::{GrantKind, Shared},
    unsaved::identity,
};

fn now() -> Now {
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    Now { monotonic: Instant::now(), wall }
}

fn tokens(number: u8) -> TokenSet {
    let mut tokens = TokenSet::new(AccessToken::new(format!("at-{number}")));
    tokens.refresh_token = Some(RefreshToken::new(format!("rt-{number}")));
    tokens.expires_at = Some(now().wall + Duration::from_secs(3600));
    tokens
}

/// The tokens of a login.
fn login(number: u8) -> Record {
    Record::logged_in(tokens(number), now().wall)
}

fn begin(memory: Unsaved) -> Step {
    let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client").unwrap();
    let settings = Settings::default().seed(1);
    let shared = Shared::of_a_test(endpoint, GrantKind::RefreshToken, settings);
    let shared = Arc::new(shared);
    let context = Context {
        shared,
        account: "ada".into(),
        which: crate::further::Which::Main,
        cached: None,
        refused: None,
        sights: Sights::default(),
        past: Past::default(),
    };
    start(context, login(9), memory)
}

fn error(kind: StoreErrorKind) -> StoreError {
    StoreError::new(kind, "a test")
}

/// It reads the record, and finds this one in this version.
fn reads(step: Step, found: Option<Record>, version: u64) -> Saving {
    let Step::Load(state) = step else { panic!("it does not load") };
    let found = found.map(|record| (record, Version::from(version)));
    let Step::Save(state) = state.on_loaded(Ok(found), now()) else { panic!("it does not save") };
    assert_eq!(state.draft().record, login(9));
    state
}

fn ends(step: Step) -> Outcome {
    let (Step::Done(outcome) | Step::Saved(outcome, _)) = step else { panic!("it does not end") };
    assert!(outcome.ended.is_login);
    outcome
}

/// It ends with the tokens of the login.
fn gives(step: Step, is_saved: bool) -> Outcome {
    let outcome = ends(step);
    let token = outcome.ended.result.as_ref().unwrap();
    assert_eq!(token.access_token().expose(), "at-9");
    assert!(outcome.ended.is_new);
    assert_eq!((token.unsaved().is_none(), outcome.unsaved.is_none()), (is_saved, is_saved));
    outcome
}

#[test]
fn without_trouble_it_is_load_and_save() {
    for found in [None, Some(login(1)), Some(Record::new(tokens(2)))] {
        let version = found.as_ref().map(|_| Version::from(3));
        let state = reads(begin(Unsaved::default()), found, 3);
        assert_eq!(state.draft().known.version, version);
        let outcome = gives(state.on_saved(Ok(Version::from(4)), now()), true);
        assert!(outcome.sights.tokens(&login(9)).is_some(), "it was seen when it ended");
    }
}

/// The refresh token that may be revoked when the login of `rt-9` is saved.
fn replaces(memory: Unsaved, found: Option<Record>) -> Option<String> {
    let state = reads(begin(memory), found, 1);
    let Step::Saved(_, replaced) = state.on_saved(Ok(Version::from(2)), now()) else {
        panic!("it is not saved")
    };
    replaced.map(|replaced| replaced.token.expose().to_owned())
}

#[test]
fn it_names_the_refresh_token_that_it_replaces() {
    let (old, lease) = (login(1), Arc::new(Lease::new(())));
    let newer = || {
        let record = Record::new(tokens(2));
        let tokens = UnsavedTokens::of_refresh(record, Some(identity(&old)), None, &lease);
        Unsaved { tokens: Some(tokens), setback: None }
    };
    let none = Unsaved::default;
    assert_eq!(replaces(none(), None), None);
    assert_eq!(replaces(none(), Some(old.clone())).as_deref(), Some("rt-1"));
    // That of the store is spent.
    assert_eq!(replaces(newer(), Some(old.clone())).as_deref(), Some("rt-2"));
    assert_eq!(replaces(newer(), Some(login(3))).as_deref(), Some("rt-3"));
    // The same is not to be revoked.
    assert_eq!(replaces(none(), Some(login(9))), None);

    // Of the record that it replaces in the end, and only if it is saved.
    let state = reads(begin(none()), Some(login(1)), 1);
    let state =
        reads(state.on_saved(Err(error(StoreErrorKind::Conflict)), now()), Some(login(2)), 2);
    let Step::Saved(_, replaced) = state.on_saved(Ok(Version::from(3)), now()) else { panic!() };
    assert_eq!(replaced.unwrap().token, RefreshToken::new("rt-2"));
    let state = reads(begin(none()), Some(login(1)), 1);
    assert!(matches!(state.on_saved(Err(error(StoreErrorKind::Full)), now()), Step::Done(_)));
}

#[test]
fn what_cannot_be_read_is_left_alone() {
    for kind in [StoreErrorKind::Damaged, StoreErrorKind::NewerSchema, StoreErrorKind::Io] {
        let Step::Load(state) = begin(Unsaved::default()) else { panic!("it does not load") };
        let outcome = ends(state.on_loaded(Err(error(kind)), now()));
        let failed = outcome.ended.result.unwrap_err();
        assert!(matches!(failed.reason(), Reason::Store(_)));
        assert!(!outcome.ended.is_new && outcome.unsaved.is_none());
    }
}

/// What cannot be read, in this version.
fn damaged(version: u64) -> StoreError {
    error(StoreErrorKind::Damaged).damaged_version(Version::from(version))
}

#[test]
fn what_is_damaged_is_replaced_if_the_store_knows_it_again() {
    let finds = |step, version| {
        let Step::Load(state) = step else { panic!("it does not load") };
        let step = state.on_loaded(Err(damaged(version)), now());
        let Step::Save(state) = step else { panic!("it does not save") };
        assert_eq!(state.draft().record, login(9));
        assert_eq!(state.draft().known.version, Some(Version::from(version)));
        state
    };
    let began = || finds(begin(Unsaved::default()), 1);
    gives(began().on_saved(Ok(Version::from(2)), now()), true);
    // It was damaged in another way meanwhile, or mended, or somebody logged in.
    let again = finds(began().on_saved(Err(damaged(2)), now()), 2);
    let conflict = || Err(error(StoreErrorKind::Conflict));
    let state = reads(again.on_saved(conflict(), now()), Some(login(1)), 3);
    gives(state.on_saved(Ok(Version::from(4)), now()), true);
    // A record that could be read a moment ago.
    let state = reads(begin(Unsaved::default()), Some(login(1)), 1);
    finds(state.on_saved(Err(damaged(2)), now()), 2);
    // It cannot be moved aside.
    for kind in [StoreErrorKind::Full, StoreErrorKind::Damaged, StoreErrorKind::NewerSchema] {
        let outcome = gives(began().on_saved(Err(error(kind)), now()), false);
        let tokens = outcome.unsaved.unwrap().tokens.unwrap();
        assert_eq!(tokens.error.as_ref().unwrap().kind(), kind);
        assert!(tokens.is_of_login);
    }
    // Only what is damaged has such a version.
    for kind in [StoreErrorKind::NewerSchema, StoreErrorKind::Permissions, StoreErrorKind::Io] {
        let Step::Load(state) = begin(Unsaved::default()) else { panic!("it does not load") };
        let error = error(kind).damaged_version(Version::from(1));
        let outcome = ends(state.on_loaded(Err(error), now()));
        assert!(outcome.ended.result.is_err() && outcome.unsaved.is_none());
    }
}

#[test]
fn it_replaces_whatever_somebody_else_saves_meanwhile() {
    let mut state = reads(begin(Unsaved::default()), Some(login(1)), 1);
    for version in 2..10 {
        let step = state.on_saved(Err(error(StoreErrorKind::Conflict)), now());
        state = reads(step, Some(login(2)), version);
        assert_eq!(state.draft().known.version, Some(Version::from(version)));
    }
    // But not for ever.
    let outcome = gives(state.on_saved(Err(error(StoreErrorKind::Conflict)), now()), false);
    assert!(outcome.unsaved.unwrap().tokens.unwrap().error.is_some());
}

#[test]
fn tokens_that_cannot_be_saved_stay_in_memory() {
    let state = reads(begin(Unsaved::default()), Some(login(1)), 1);
    let outcome = gives(state.on_saved(Err(error(StoreErrorKind::Full)), now()), false);
    let tokens = outcome.unsaved.unwrap().tokens.unwrap();
    assert_eq!(tokens.error.as_ref().unwrap().kind(), StoreErrorKind::Full);
    assert!(tokens.replaces_login_of(Some(&login(1))));
    // Nor if the record can no longer be read.
    let state = reads(begin(Unsaved::default()), Some(login(1)), 1);
    let step = state.on_saved(Err(error(StoreErrorKind::Conflict)), now());
    let Step::Load(state) = step else { panic!("it does not load") };
    gives(state.on_loaded(Err(error(StoreErrorKind::Io)), now()), false);
}

#[test]
fn older_tokens_in_memory_and_a_setback_are_dropped_and_their_lease_is_kept() {
    let old = login(1);
    let lease = Arc::new(Lease::new(()));
    let older =
        UnsavedTokens::of_refresh(Record::new(tokens(2)), Some(identity(&old)), None, &lease);
    let failure = auth_core::TransportError::not_sent(auth_core::TransportErrorKind::Refused);
    let setback = setback(&old, failure);
    let memory = Unsaved { tokens: Some(older), setback: Some(setback) };
    let state = reads(begin(memory), Some(old), 1);
    // While it is saved, and for as long as it is not.
    let unsaved = &state.draft().known.unsaved;
    assert!(unsaved.setback.is_none());
    assert!(unsaved.tokens.as_ref().unwrap().lease().is_some());
    let outcome = gives(state.on_saved(Ok(Version::from(2)), now()), true);
    assert!(outcome.lease.is_some(), "it is freed after the rest");
}

fn setback(record: &Record, failure: auth_core::TransportError) -> Setback {
    let refresh = auth_core::Refresh::new(
        TokenEndpoint::new("https://auth.example.com/token", "my-client").unwrap(),
        RefreshToken::new("rt-1"),
    )
    .policy(Backoff::default().max_retries(0));
    let auth_core::Step::Send(_, pending) = refresh.start(now()) else { panic!("it sends") };
    let auth_core::Step::Done(Err(error)) = pending.resolve(Err(failure), now()) else {
        panic!("it fails")
    };
    Setback::new(record.fingerprint().unwrap(), &error, now().wall, None)
}

/// Neither the store nor memory is changed.
#[test]
fn what_may_not_be_replaced_or_cannot_be_held_leaves_all_as_it_was() {
    let bound_to = |client_id| {
        let registration = Registration::new("https://auth.example.com/token", client_id);
        Record { bound_to: Some(registration.unwrap()), ..login(1) }
    };
    let memory = || {
        let lease = Arc::new(Lease::new(()));
        let follows = Some(identity(&login(1)));
        let tokens = UnsavedTokens::of_refresh(Record::new(tokens(2)), follows, None, &lease);
        Unsaved { tokens: Some(tokens), setback: None }
    };
    let loads = |memory, found: Record| {
        let Step::Load(state) = begin(memory) else { panic!("it does not load") };
        state.on_loaded(Ok(Some((found, Version::from(1)))), now())
    };
    let saves = |memory, kind| {
        let state = reads(begin(memory), Some(bound_to("my-client")), 1);
        state.on_saved(Err(error(kind)), now())
    };
    let refused = |step| {
        let outcome = ends(step);
        assert!(!outcome.ended.is_new && outcome.found.is_login);
        (outcome.ended.result.unwrap_err(), outcome.unsaved)
    };
    // Whose record it is, and what the store says of the login's.
    for memory in [Unsaved::default, memory] {
        let held = memory().tokens.map(|tokens| identity(&tokens.record));
        let (error, left) = refused(loads(memory(), bound_to("another")));
        assert!(matches!(error.reason(), Reason::OtherEndpoint { .. }), "{error}");
        assert_eq!(left.and_then(|left| left.tokens).map(|one| identity(&one.record)), held);
        let (error, left) = refused(saves(memory(), StoreErrorKind::Unfit));
        let Reason::Store(error) = error.reason() else { panic!("{error}") };
        assert_eq!(error.kind(), StoreErrorKind::Unfit);
        assert_eq!(left.and_then(|left| left.tokens).map(|one| identity(&one.record)), held);
    }
    // What may be held another time stays in memory.
    for kind in [StoreErrorKind::Full, StoreErrorKind::Permissions, StoreErrorKind::Unavailable] {
        let outcome = gives(saves(memory(), kind), false);
        let kept = outcome.unsaved.unwrap().tokens.unwrap();
        assert_eq!(identity(&kept.record), identity(&login(9)));
    }
}

#[test]
fn over_what_is_damaged_it_names_the_refresh_token_in_memory() {
    let held = |number| {
        let lease = Arc::new(Lease::new(()));
        let tokens = UnsavedTokens::of_refresh(Record::new(tokens(number)), None, None, &lease);
        Unsaved { tokens: Some(tokens), setback: None }
    };
    for (memory, replaced) in [
        (Unsaved::default(), None),
        (held(2), Some("rt-2")),
        // The same is not to be revoked.
        (held(9), None),
    ] {
        let Step::Load(state) = begin(memory) else { panic!("it does not load") };
        let Step::Save(state) = state.on_loaded(Err(damaged(1)), now()) else { panic!() };
        let Step::Saved(_, named) = state.on_saved(Ok(Version::from(2)), now()) else { panic!() };
        assert_eq!(named.as_ref().map(|named| named.token.expose()), replaced);
    }
}
