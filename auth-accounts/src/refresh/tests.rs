//! The machine by itself, as conversations.

mod challenges;
mod damaged;
mod failures;
mod further;
mod lives;
mod lost_leases;
mod other_endpoint;
mod scenario;

use std::time::Duration;

use auth_core::{AccessToken, FailureKind};

use self::scenario::{For, Start};
use super::Want;
use crate::{
    error::Reason,
    lifetime::Ttl,
    record::{Fingerprint, Record},
    shared::GrantKind,
    store::Version,
    store_error::StoreErrorKind,
    unsaved::Unsaved,
};

/// A start, an expired record and a good one.
fn records() -> (Start, Record, Record) {
    let start = Start::new();
    let (old, good) = (start.record(1, 0), start.record(2, 3600));
    (start, old, good)
}

fn kind_of_store_error(reason: &Reason) -> StoreErrorKind {
    let Reason::Store(error) = reason else { panic!("{reason:?}") };
    error.kind()
}

#[test]
fn without_trouble_it_is_load_lease_load_note_send_tokens() {
    let (start, old, _) = records();
    let sent = start.now.wall;
    let outcome = start
        .begin()
        .reads(old.clone())
        .leases(60)
        .reads(old)
        .saves(For::Note)
        .sends(1, 2)
        .look(|record, version| {
            // Counted from when the request was sent.
            assert_eq!(record.obtained_at, Some(sent));
            assert_eq!(version, Some(&Version::from(2)));
        })
        .saves(For::Tokens)
        .gives(2, true);
    assert!(outcome.lease.is_some(), "it is freed after the rest");
}

/// Lest a server whose tokens do not live be asked at every call.
#[test]
fn tokens_that_were_just_obtained_will_do_for_a_moment() {
    let body = r#"{"access_token":"at-2","refresh_token":"rt-2","expires_in":0}"#;
    let outcome = noted().send(Some(1), Ok((200, body))).saves(For::Tokens).ends();
    let sent = outcome.given().obtained_at().unwrap();
    let is_fresh = |after| outcome.given().0.is_fresh(sent + Duration::from_millis(after));
    assert_eq!([is_fresh(500), is_fresh(999), is_fresh(1_000)], [true, true, false]);
}

#[test]
fn a_token_that_lasts_needs_nothing() {
    let (start, _, good) = records();
    let outcome = start.begin().reads(good).gives(2, false);
    assert!(outcome.lease.is_none());
}

#[test]
fn somebody_else_may_refresh_while_the_lease_is_waited_for() {
    let (start, old, good) = records();
    start.begin().reads(old).leases(60).reads(good).gives(2, false);
    let (start, old, good) = records();
    let timeout = StoreErrorKind::LeaseTimeout;
    start.begin().reads(old).cannot_lease(60, timeout).reads(good).gives(2, false);
}

#[test]
fn without_the_lease_nothing_is_sent() {
    let (start, old, _) = records();
    let timeout = StoreErrorKind::LeaseTimeout;
    let (error, _) =
        start.begin().reads(old.clone()).cannot_lease(60, timeout).reads(old.clone()).fails();
    assert_eq!(kind_of_store_error(error.reason()), timeout);
    let kind = StoreErrorKind::Unavailable;
    let (error, _) = Start::new().begin().reads(old).cannot_lease(60, kind).fails();
    assert_eq!(kind_of_store_error(error.reason()), kind);
}

#[test]
fn the_lease_is_waited_for_briefly_while_the_old_token_is_of_use() {
    let long = |left| Start::new().record(1, left);
    Start::new().begin().reads(long(3)).leases(1);
    Start::new().begin().reads(long(2)).leases(60);
    // Not if it is not wanted, or was refused.
    Start::new().wanting(Want::Newer(None)).reads(long(30)).leases(60);
    Start::new()
        .wanting(Want::Lasting(Ttl::AtLeast(Duration::from_secs(60))))
        .reads(long(30))
        .leases(60);
    let mut start = Start::new();
    start.refused = Some(AccessToken::new("at-1"));
    start.begin().reads(long(30)).leases(60);
    Start::new().wanting(Want::Ahead(None)).reads(long(50)).leases(1);
}

#[test]
fn what_is_wanted_decides_what_will_do() {
    let (_, _, good) = records();
    let other = Want::Other(AccessToken::new("at-2"));
    Start::new().wanting(other.clone()).reads(good.clone()).leases(60);
    let third = Start::new().record(3, 3600);
    Start::new().wanting(other).reads(third.clone()).gives(3, false);
    // The one that is there when it is first read is not new.
    let newer = Want::Newer(None);
    Start::new()
        .wanting(newer.clone())
        .reads(good.clone())
        .leases(60)
        .reads(good.clone())
        .saves(For::Note)
        .sends(2, 3);
    Start::new().wanting(newer).reads(good).leases(60).reads(third.clone()).gives(3, false);
    // Ahead of need, a token that was obtained a moment ago is left alone.
    let ahead = || Want::Ahead(Some(AccessToken::new("at-3")));
    Start::new().wanting(ahead()).reads(third).gives(3, false);
    let older = Start::new().record(3, 3500);
    Start::new().wanting(ahead()).reads(older).leases(1);
    // What an API has refused is not handed out.
    let (mut start, _, good) = records();
    start.refused = Some(AccessToken::new("at-2"));
    start.begin().reads(good).leases(60);
}

#[test]
fn without_a_refresh_token_nothing_can_be_tried() {
    let (error, _) = Start::new().begin().reads(None).fails();
    assert!(matches!(error.reason(), Reason::NotLoggedIn));
    let mut record = Start::new().record(1, 30);
    record.tokens.refresh_token = None;
    let (error, outcome) = Start::new().begin().reads(record).fails();
    assert!(matches!(error.reason(), Reason::NoRefreshToken));
    // The old token is good yet.
    assert!(outcome.ended.fallback.is_some());
}

#[test]
fn a_client_without_a_record_has_nothing_to_note() {
    let body = r#"{"access_token":"at-1","refresh_token":"rt-1","expires_in":3600}"#;
    let begin = || {
        let mut start = Start::new();
        start.grant = GrantKind::Repeatable;
        start.begin()
    };
    begin()
        .reads(None)
        .leases(60)
        .reads(None)
        .send(None, Ok((200, body)))
        .look(|record, version| {
            assert_eq!(record.tokens.refresh_token, None, "RFC 6749 section 4.4.3");
            assert_eq!(version, None);
        })
        .saves(For::Tokens)
        .gives(1, true);
    // A failure has no record to go to.
    let (error, outcome) = begin()
        .reads(None)
        .leases(60)
        .reads(None)
        .send(None, Ok((400, r#"{"error":"invalid_client"}"#)))
        .fails();
    assert_eq!(error.kind(), Some(FailureKind::Misconfigured));
    assert!(error.retry_at().is_some());
    assert!(outcome.unsaved.unwrap().setback.is_some());
}

#[test]
fn a_client_goes_on_without_its_note() {
    let mut start = Start::new();
    start.grant = GrantKind::Repeatable;
    let mut old = start.record(1, 0);
    old.tokens.refresh_token = None;
    let mut scenario = start.begin().reads(old.clone()).leases(60).reads(old);
    // Its note is of no refresh token.
    scenario = scenario.look(|record, _| {
        let note = record.note.as_ref().unwrap();
        assert_eq!(note.refresh_token, Fingerprint::NO_REFRESH_TOKEN);
    });
    let body = r#"{"access_token":"at-2","expires_in":3600}"#;
    scenario.cannot_save_unchecked().send(None, Ok((200, body))).saves(For::Tokens).gives(2, true);
}

#[test]
fn a_note_that_is_not_saved_stops_it() {
    let (start, old, _) = records();
    let (error, outcome) =
        start.begin().reads(old.clone()).leases(60).reads(old).cannot_save(For::Note).fails();
    assert_eq!(kind_of_store_error(error.reason()), StoreErrorKind::Full);
    assert!(outcome.lease.is_some() && outcome.unsaved.is_none());
}

#[test]
fn a_note_that_conflicts_starts_over() {
    let (start, old, good) = records();
    let noting = |start: Start| start.begin().reads(old.clone()).leases(60).reads(old.clone());
    noting(start).conflicts(For::Note).reads(good).gives(2, false);
    // With another refresh token that is on record by then.
    let (start, ..) = records();
    let other = start.record(5, 0);
    noting(start).conflicts(For::Note).reads(other).saves(For::Note).sends(5, 6);
    // But not for ever.
    let mut scenario = noting(Start::new());
    for _ in 0..8 {
        scenario = scenario.conflicts(For::Note).reads(old.clone());
    }
    let (error, _) = scenario.conflicts(For::Note).fails();
    assert_eq!(kind_of_store_error(error.reason()), StoreErrorKind::Conflict);
}

/// With an expired record, up to the first attempt.
fn noted() -> scenario::Scenario {
    let (start, old, _) = records();
    start.begin().reads(old.clone()).leases(60).reads(old).saves(For::Note)
}

#[test]
fn what_was_not_sent_is_sent_again_at_once() {
    noted().cannot_send(1).sleeps().sends(1, 2).saves(For::Tokens).gives(2, true);
}

#[test]
fn before_a_retry_that_may_be_a_replay_the_store_is_read() {
    let (_, old, good) = records();
    // Nothing new, or nothing to be read: the same refresh token.
    noted().cut_off(1).sleeps().reads(old.clone()).sends(1, 2);
    noted().gets_status(1, 502).sleeps().cannot_read().sends(1, 2);
    // A token that will do.
    noted().cut_off(1).sleeps().reads(good).gives(2, false);
    // Another refresh token: noted, and used.
    let other = Start::new().record(5, 0);
    noted().cut_off(1).sleeps().reads(other.clone()).saves(For::RetryNote).sends(5, 6);
    // None at all.
    let (error, _) = noted().cut_off(1).sleeps().reads(None).fails();
    assert!(matches!(error.reason(), Reason::NotLoggedIn));
    // The note of a retry.
    let (error, _) =
        noted().cut_off(1).sleeps().reads(other.clone()).cannot_save(For::RetryNote).fails();
    assert_eq!(kind_of_store_error(error.reason()), StoreErrorKind::Full);
    noted().cut_off(1).sleeps().reads(other).conflicts(For::RetryNote).reads(old).sends(1, 2);
}

#[test]
fn a_token_that_may_be_spent_stays_so_for_every_retry() {
    let (_, old, good) = records();
    // What came of the attempt between makes no difference.
    let again = || noted().cut_off(1).sleeps().reads(old.clone()).cannot_send(1).sleeps();
    again().reads(old.clone()).sends(1, 2);
    again().reads(good).gives(2, false);
    // Another refresh token has a history of its own.
    let other = Start::new().record(5, 0);
    let other = noted().cut_off(1).sleeps().reads(other).saves(For::RetryNote);
    other.cannot_send(5).sleeps().sends(5, 6);
}

/// The store fails just after it has shown a newer token.
#[test]
fn an_old_token_is_not_sent_where_a_newer_one_is_known() {
    let other = Start::new().record(5, 0);
    let conflict = noted().cut_off(1).sleeps().reads(other).conflicts(For::RetryNote);
    let (error, outcome) = conflict.cannot_read().fails();
    assert_eq!(kind_of_store_error(error.reason()), StoreErrorKind::Io);
    assert!(outcome.unsaved.is_none_or(|unsaved| unsaved.setback.is_none()));
}

#[test]
fn tokens_that_cannot_be_saved_are_handed_out_all_the_same() {
    let outcome = noted().sends(1, 2).cannot_save(For::Tokens).gives_unsaved(2);
    let tokens = outcome.unsaved.unwrap().tokens.unwrap();
    assert!(tokens.error.is_some() && tokens.lease().is_some());
    // The next call saves them first.
    let memory = || Unsaved { tokens: Some(tokens.clone()), setback: None };
    let (mut start, old, good) = records();
    start.memory = memory();
    start.begin().reads(old.clone()).saves(For::CatchUp).gives(2, false);
    // If that fails, they are handed out again.
    let (mut start, ..) = records();
    start.memory = memory();
    start.begin().reads(old.clone()).cannot_save(For::CatchUp).gives_unsaved(2);
    // If somebody else saves at the same time, it depends on what.
    let (mut start, ..) = records();
    start.memory = memory();
    let conflict = start.begin().reads(old.clone()).conflicts(For::CatchUp);
    conflict.reads(old.clone()).saves(For::CatchUp).gives(2, false);
    let (mut start, ..) = records();
    start.memory = memory();
    let third = start.record(3, 3600);
    start.begin().reads(old.clone()).conflicts(For::CatchUp).reads(third).gives(3, false);
    // The lease that is kept with them is good for a refresh.
    let (mut start, ..) = records();
    start.memory = memory();
    let newer = start.wanting(Want::Newer(None)).reads(old.clone());
    newer.saves(For::CatchUp).saves(For::Note).sends(2, 3).saves(For::Tokens).gives(3, true);
    // What the store holds may be these very tokens.
    let (mut start, ..) = records();
    start.memory = memory();
    let mut same = good;
    same.tokens = tokens.record.tokens.clone();
    start.begin().reads(same).saves(For::CatchUp).gives(2, false);
}

#[test]
fn tokens_that_conflict_replace_what_they_follow_and_nothing_else() {
    let (_, old, _) = records();
    let conflict = || noted().sends(1, 2).conflicts(For::Tokens);
    conflict().reads(old.clone()).saves(For::Tokens).gives(2, true);
    // Somebody else's count, and are handed out.
    let third = Start::new().record(3, 3600);
    conflict().reads(third).gives(3, true);
    // They have expired: ours are good, if not for long.
    let third = Start::new().record(3, 0);
    let outcome = conflict().reads(third).gives_unsaved(2);
    assert!(outcome.unsaved.is_none(), "they will not be saved");
    let outcome = conflict().cannot_read().gives_unsaved(2);
    assert!(outcome.unsaved.unwrap().tokens.unwrap().error.is_some());
    let mut scenario = noted().sends(1, 2);
    for _ in 0..8 {
        scenario = scenario.conflicts(For::Tokens).reads(old.clone());
    }
    let outcome = scenario.conflicts(For::Tokens).gives_unsaved(2);
    assert!(outcome.unsaved.is_some());
}

/// Of callers who share a refresh, not all want the same.
#[test]
fn who_wants_more_than_others_tries_again() {
    let (_, old, _) = records();
    let usual = || Want::Lasting(Ttl::Usual);
    let long = || Want::Lasting(Ttl::AtLeast(Duration::from_secs(600)));
    let other = |number| Want::Other(AccessToken::new(format!("at-{number}")));
    let ahead = |number| Want::Ahead(Some(AccessToken::new(format!("at-{number}"))));

    // An error with which somebody ended who did not wait as long.
    let failed = |kind| {
        let scenario = Start::new().begin().reads(old.clone()).cannot_lease(60, kind);
        match kind {
            StoreErrorKind::LeaseTimeout => scenario.reads(old.clone()).fails().0,
            _ => scenario.fails().0,
        }
    };
    let timeout = failed(StoreErrorKind::LeaseTimeout);
    let outwaits = [usual(), ahead(1), long(), other(1), Want::Newer(None)]
        .map(|want| want.outwaits(&timeout, true));
    assert_eq!(outwaits, [false, false, true, true, true]);
    assert!(!long().outwaits(&timeout, false), "they waited to the end");
    assert!(!long().outwaits(&failed(StoreErrorKind::Io), true));
    let (error, _) = Start::new().begin().reads(None).fails();
    assert!(!long().outwaits(&error, true));

    // A token that lasts for a while, new or only newly read.
    let start = Start::new();
    let (record, now) = (start.record(2, 500), start.now);
    let outcome = start.begin().reads(record).gives(2, false);
    let (context, ..) = Start::new().context();
    for (want, met_if_read) in [
        (usual(), true),
        (long(), false),
        (other(1), true),
        (other(2), false),
        (ahead(1), true),
        (ahead(2), false),
        (Want::Ahead(None), true),
        (Want::Newer(None), false),
    ] {
        let met = |is_new| want.is_met_by(outcome.given(), is_new, now, &context.shared);
        assert_eq!([met(false), met(true)], [met_if_read, true], "{want:?}");
    }
}
