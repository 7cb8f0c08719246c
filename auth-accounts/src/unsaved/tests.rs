//! The table, row by row.

use std::time::{Instant, SystemTime};

use auth_core::{AccessToken, RefreshToken, TokenEndpoint, TokenSet};

use super::*;
use crate::{set_up::SetUp, store_error::StoreErrorKind};

fn record(name: &str, login: &str) -> Record {
    let mut tokens = TokenSet::new(AccessToken::new(format!("at-{name}")));
    tokens.refresh_token = Some(RefreshToken::new(format!("rt-{name}")));
    let login = (!login.is_empty()).then(|| Fingerprint::of(&RefreshToken::new(login)));
    Record { login, ..Record::new(tokens) }
}

fn lease() -> Arc<Lease> {
    Arc::new(Lease::new(()))
}

fn refreshed(name: &str, from: Option<&Record>) -> UnsavedTokens {
    UnsavedTokens::of_refresh(record(name, "first"), from.map(identity), None, &lease())
}

fn failed(mut tokens: UnsavedTokens) -> UnsavedTokens {
    tokens.error = Some(StoreError::new(StoreErrorKind::Full, "a test"));
    tokens
}

#[test]
fn tokens_replace_the_record_that_they_follow() {
    let old = record("1", "first");
    let tokens = refreshed("2", Some(&old));
    assert_eq!(tokens.against(Some(&old)), Against::Replace);
    // Whatever was noted in it since.
    let mut noted = old.clone();
    noted.obtained_at = Some(SystemTime::UNIX_EPOCH);
    assert_eq!(tokens.against(Some(&noted)), Against::Replace);
    assert_eq!(failed(tokens).against(Some(&old)), Against::Replace);
}

#[test]
fn a_login_over_what_was_damaged_replaces_what_is_older() {
    let at = |seconds: u64| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    let of = |name, obtained_at| Record { obtained_at, ..record(name, name) };
    let login = || UnsavedTokens::of_login(of("2", at(20)), None, None, None);
    for (obtained_at, expected) in [
        (at(19), Against::Replace),
        // Somebody else has logged in since, or nobody knows when.
        (at(20), Against::Drop),
        (at(21), Against::Drop),
        (None, Against::Drop),
    ] {
        let mended = of("1", obtained_at);
        let over = UnsavedTokens::of_blind_login(of("2", at(20)), None, None);
        assert_eq!(over.against(Some(&mended)), expected, "{obtained_at:?}");
        assert_eq!(login().against(Some(&mended)), Against::Drop, "it could");
        // Nor do its tokens forget it that were refreshed since.
        let next = UnsavedTokens::of_refresh(over.record.clone(), None, Some(&over), &lease());
        assert_eq!(next.against(Some(&mended)), expected);
        assert!(next.is_of_login);
    }
}

#[test]
fn a_blind_login_knows_what_memory_knew_and_what_it_sees() {
    let at = |seconds: u64| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    let new = || Record { obtained_at: at(20), ..record("9", "new") };
    let (first, other) = (record("1", "first"), record("3", "other"));
    let before = refreshed("2", Some(&first));
    let blind = || UnsavedTokens::of_blind_login(new(), Some(&before), None);
    let mut login = blind();
    for (what, found, expected) in [
        ("nothing", None, Against::Replace),
        ("what memory followed", Some(&first), Against::Replace),
        ("what others made of that login", Some(&record("4", "first")), Against::Replace),
        ("a login of whenever", Some(&other), Against::Drop),
    ] {
        assert_eq!(login.against(found), expected, "{what}");
    }
    // Others have logged in since, and it is to be replaced all the same.
    let older = Record { obtained_at: at(19), ..other.clone() };
    login.follow(Some(identity(&older)));
    login.see(Some(&older));
    let refreshed = Record { obtained_at: at(30), ..record("5", "other") };
    assert_eq!(login.against(Some(&refreshed)), Against::Replace);
    // Who logs out meanwhile has seen what it was to replace.
    assert_eq!(login.against(None), Against::Drop);
    // What it would have replaced is somebody else's.
    for (found, kept) in [(&older, false), (&first, true)] {
        let mut unsaved = Unsaved { tokens: Some(blind()), setback: None };
        unsaved.give_way(found);
        assert_eq!(unsaved.tokens.is_some(), kept);
    }
}

/// A login that puts a wrong set-up right may bring the same tokens.
#[test]
fn tokens_of_another_set_up_are_other_tokens() {
    let with = |client_id: &str| {
        let endpoint = TokenEndpoint::new("https://auth.example.com/token", client_id).unwrap();
        Record { set_up: Some(SetUp::new(endpoint).unwrap()), ..record("1", "first") }
    };
    let (old, new) = (with("old"), with("new"));
    let login = failed(UnsavedTokens::of_login(new.clone(), Some(identity(&old)), None, None));
    assert_eq!(login.against(Some(&old)), Against::Replace);
    assert_eq!(login.against(Some(&new)), Against::SaveAgain);
    assert_eq!(login.against(Some(&record("1", "first"))), Against::Drop);
}

#[test]
fn tokens_that_follow_no_record_replace_nothing() {
    let first = refreshed("1", None);
    assert_eq!(first.against(None), Against::Replace);
    assert_eq!(first.against(Some(&record("2", "first"))), Against::Drop);
    let second = refreshed("2", Some(&record("1", "first")));
    assert_eq!(second.against(None), Against::Drop);
}

#[test]
fn tokens_replace_an_earlier_pair_whose_save_was_thought_to_have_failed() {
    let old = record("1", "first");
    let mut earlier = failed(refreshed("2", Some(&old)));
    let mut tokens = refreshed("3", Some(&old));
    tokens.take_over(&mut earlier);
    for stored in [&old, &earlier.record] {
        assert_eq!(tokens.against(Some(stored)), Against::Replace);
    }
    // And what was known of still earlier ones stays known.
    let mut again = tokens.clone();
    again.take_over(&mut tokens);
    assert_eq!(again.against(Some(&earlier.record)), Against::Replace);
    // But not of those that followed another record.
    let mut other = refreshed("4", Some(&record("3", "first")));
    other.take_over(&mut earlier);
    assert_eq!(other.against(Some(&earlier.record)), Against::Drop);
}

#[test]
fn a_login_replaces_what_refreshes_made_of_the_login_before() {
    let old = record("1", "first");
    let login = |replaced| {
        UnsavedTokens::of_login(record("9", "second"), Some(identity(&old)), replaced, None)
    };
    let tokens = login(old.login);
    assert_eq!(tokens.against(Some(&record("5", "first"))), Against::Replace);
    assert_eq!(tokens.against(Some(&record("6", "third"))), Against::Drop);
    assert_eq!(tokens.against(Some(&record("7", ""))), Against::Drop);
    // So do the tokens that a refresh makes of the login.
    let refreshed =
        UnsavedTokens::of_refresh(record("10", "second"), None, Some(&tokens), &lease());
    assert_eq!(refreshed.against(Some(&record("5", "first"))), Against::Replace);
    // Tokens that came without a login are told apart by themselves only.
    let tokens = login(None);
    assert_eq!(tokens.against(Some(&record("5", ""))), Against::Drop);
    assert_eq!(tokens.against(Some(&old)), Against::Replace);
}

#[test]
fn the_same_tokens_are_saved_again_after_a_save_that_failed() {
    let old = record("1", "first");
    let tokens = refreshed("2", Some(&old));
    assert_eq!(tokens.against(Some(&tokens.record)), Against::Drop);
    assert_eq!(failed(tokens.clone()).against(Some(&tokens.record)), Against::SaveAgain);
}

#[test]
fn tokens_are_dropped_for_those_of_somebody_else() {
    let tokens = failed(refreshed("2", Some(&record("1", "first"))));
    for stored in [record("3", "first"), record("4", "second"), record("5", "")] {
        assert_eq!(tokens.against(Some(&stored)), Against::Drop);
    }
}

#[test]
fn a_lease_goes_from_the_earlier_tokens_to_the_later_ones() {
    let old = record("1", "first");
    let mut earlier = refreshed("2", Some(&old));
    let mut login = UnsavedTokens::of_login(record("9", "second"), None, old.login, None);
    assert!(login.lease().is_none());
    login.take_over(&mut earlier);
    assert!(login.lease().is_some());
    assert!(earlier.lease().is_none());
}

#[test]
fn a_lease_is_held_until_the_access_token_expires_but_not_for_ever() {
    let now = Now { monotonic: Instant::now(), wall: SystemTime::UNIX_EPOCH };
    let settings = Settings::default();
    let hold_of = |left: Option<u64>, now, seen_to| {
        let mut tokens = refreshed("1", None);
        tokens.record.tokens.expires_at =
            left.map(|left| SystemTime::UNIX_EPOCH + Duration::from_secs(left));
        tokens.hold(now, &settings, seen_to).as_secs()
    };
    let hold = |left, now| hold_of(left, now, false);
    assert_eq!(hold(Some(3_600), Some(now)), 3_600);
    assert_eq!(hold(Some(100_000), Some(now)), 86_400);
    // As long as it would be waited for, at least.
    assert_eq!(hold(Some(10), Some(now)), 60);
    assert_eq!(hold(None, Some(now)), 60);
    assert_eq!(hold(Some(3_600), None), 60);
    // Where somebody goes on trying.
    assert_eq!(hold_of(Some(10), Some(now), true), 300);
    assert_eq!(hold_of(Some(3_600), Some(now), true), 3_600);
}

#[test]
fn a_lease_is_freed_in_time() {
    let settings = Settings::default().lease_wait(Duration::from_millis(1));
    let tokens = refreshed("1", None);
    assert!(tokens.lease().is_some());
    tokens.free_in_time(None, &settings, false);
    let is_freed = || {
        std::thread::sleep(Duration::from_millis(1));
        tokens.lease().is_none()
    };
    assert!((0..10_000).any(|_| is_freed()));
}

/// A record that is refused is neither used nor changed.
#[test]
fn tokens_that_may_not_replace_a_record_make_way_for_it() {
    let old = record("1", "first");
    for (what, found, kept) in [
        ("what they follow", old.clone(), true),
        ("themselves, perhaps not durable", record("2", "first"), true),
        ("another login", record("3", "second"), false),
    ] {
        let tokens = Some(failed(refreshed("2", Some(&old))));
        let mut unsaved = Unsaved { tokens, setback: None };
        unsaved.give_way(&found);
        assert_eq!(unsaved.tokens.is_some(), kept, "{what}");
    }
}
