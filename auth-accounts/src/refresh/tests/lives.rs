//! Tokens of which nobody says how long they live, or which do not live.

use std::time::Duration;

use auth_core::AccessToken;

use super::{super::Want, For, Start, kind_of_store_error, noted, scenario::Scenario};
use crate::{
    error::Reason,
    lifetime::Ttl,
    record::{Guess, Record},
    store_error::StoreErrorKind,
};

const SILENT: &str = r#"{"access_token":"at-2","refresh_token":"rt-2"}"#;
const BORN_EXPIRED: &str = r#"{"access_token":"at-2","refresh_token":"rt-2","expires_in":0}"#;

fn refused() -> Want {
    Want::Other(AccessToken::new("at-1"))
}

/// A start at which an API has just refused `at-1`.
fn start() -> Start {
    let mut start = Start::new();
    start.refused = Some(AccessToken::new("at-1"));
    start
}

/// A guess of an hour, of which so many seconds are left.
fn guessed(left: u64) -> Record {
    Record { guess: Some(Guess::default()), ..Start::new().record(1, left) }
}

/// The same, after exchanges for refused tokens so many seconds ago.
fn after_refusals(left: u64, ago: &[u64]) -> Record {
    let now = Start::new().now.wall;
    let refusals = ago.iter().map(|ago| now - Duration::from_secs(*ago)).collect();
    Record { refusals, ..Start::new().record(1, left) }
}

#[test]
fn a_guess_is_noted_as_one() {
    let sent = Start::new().now.wall;
    let outcome = noted()
        .send(Some(1), Ok((200, SILENT)))
        .look(|record, _| {
            assert_eq!(record.tokens.expires_at, Some(sent + Duration::from_secs(3600)));
            assert_eq!(record.guess, Some(Guess::default()));
        })
        .saves(For::Tokens)
        .gives(2, true);
    assert!(outcome.given().expiry_is_guessed());
}

#[test]
fn what_a_refusal_teaches_goes_on_record() {
    let outcome = start()
        .wanting(refused())
        .reads(guessed(2_400))
        .leases(60)
        .reads(guessed(2_400))
        .saves(For::Note)
        .send(Some(1), Ok((200, SILENT)))
        .look(|record, _| {
            let now = Start::new().now.wall;
            assert_eq!(record.tokens.expires_at, Some(now + Duration::from_secs(1_200)));
            assert_eq!(record.guess, Some(Guess { corrected_at: Some(now) }));
            assert_eq!(record.refusals, [now]);
        })
        .saves(For::Tokens)
        .gives(2, true);
    assert!(outcome.given().refresh_error().is_none());
}

#[test]
fn a_guess_that_is_over_is_worth_more_than_nothing() {
    let (error, outcome) = Start::new()
        .begin()
        .reads(guessed(0))
        .leases(60)
        .reads(guessed(0))
        .saves(For::Note)
        .send(Some(1), Ok((403, "")))
        .saves(For::Setback)
        .fails();
    let old = outcome.ended.fallback.expect("the old token");
    assert_eq!(old.access_token().expose(), "at-1");
    assert!(old.refresh_error().is_some());
    // It is handed out until the next try, and then looked at again.
    let retry_at = error.retry_at().unwrap();
    assert!(old.0.is_fresh(retry_at - Duration::from_secs(1)) && !old.0.is_fresh(retry_at));
    // So if the store cannot be asked, for the token that was in use.
    let mut start = Start::new();
    start.cached = Some(old);
    let (error, outcome) = start.begin().cannot_read().fails();
    assert_eq!(kind_of_store_error(error.reason()), StoreErrorKind::Io);
    assert!(outcome.ended.fallback.is_some());
    // But not if an API has refused it.
    let (_, outcome) = self::start()
        .begin()
        .reads(guessed(100))
        .leases(60)
        .reads(guessed(100))
        .saves(For::Note)
        .send(Some(1), Ok((403, "")))
        .saves(For::Setback)
        .fails();
    assert!(outcome.ended.fallback.is_none());
}

/// It ends with a token that an API has refused, and says so.
fn makes_do(scenario: Scenario) {
    let outcome = scenario.ends();
    let token = outcome.given();
    assert_eq!(token.access_token().expose(), "at-1");
    let error = token.refresh_error().unwrap();
    assert!(matches!(error.reason(), Reason::RefusedAgain));
    let until = Start::new().now.wall + Duration::from_secs(6);
    assert_eq!(error.retry_at(), Some(until));
    assert!(token.0.is_fresh(until - Duration::from_secs(1)) && !token.0.is_fresh(until));
    assert!(!outcome.ended.is_new);
}

#[test]
fn a_token_is_not_replaced_for_ever() {
    let braked = after_refusals(3_600, &[4, 1]);
    for want in [
        refused(),
        Want::Lasting(Ttl::Usual),
        Want::Lasting(Ttl::AtLeast(Duration::from_secs(60))),
        Want::Ahead(None),
    ] {
        makes_do(start().wanting(want).reads(braked.clone()));
    }
    // Somebody else has used up what there is while the lease was waited for.
    let once = after_refusals(3_600, &[4]);
    makes_do(start().wanting(refused()).reads(once.clone()).leases(60).reads(braked.clone()));
    let timeout = StoreErrorKind::LeaseTimeout;
    makes_do(start().wanting(refused()).reads(once).cannot_lease(60, timeout).reads(braked));
}

#[test]
fn the_brake_is_for_refused_tokens_that_are_good_otherwise() {
    // It is let go in time.
    start().wanting(refused()).reads(after_refusals(3_600, &[10, 1])).leases(60);
    // An expired token is another matter.
    start().wanting(refused()).reads(after_refusals(0, &[4, 1])).leases(60);
    let long = Want::Lasting(Ttl::AtLeast(Duration::from_secs(1_000)));
    start().wanting(long).reads(after_refusals(500, &[4, 1])).leases(60);
    // So is an explicit call, and another's token.
    start().wanting(Want::Newer(None)).reads(after_refusals(3_600, &[4, 1])).leases(60);
    let mut start = Start::new();
    start.refused = Some(AccessToken::new("at-9"));
    let other = Want::Other(AccessToken::new("at-9"));
    start.wanting(other).reads(after_refusals(3_600, &[4, 1])).gives(1, false);
    // A refused refresh token is told first.
    let mut start = Start::new();
    start.refused = Some(AccessToken::new("at-1"));
    let mut record = after_refusals(3_600, &[4, 1]);
    record.tokens.refresh_token = None;
    let (error, _) = start.wanting(refused()).reads(record).fails();
    assert!(matches!(error.reason(), Reason::NoRefreshToken));
}

#[test]
fn the_second_token_in_a_row_that_is_born_expired_is_used_for_a_time() {
    for (before, used) in [(0, 1), (1, 30), (9, 30)] {
        let old = Record { born_expired: before, ..Start::new().record(1, 0) };
        let outcome = Start::new()
            .begin()
            .reads(old.clone())
            .leases(60)
            .reads(old)
            .saves(For::Note)
            .send(Some(1), Ok((200, BORN_EXPIRED)))
            .look(|record, _| assert_eq!(record.born_expired, before + 1))
            .saves(For::Tokens)
            .gives(2, true);
        let sent = outcome.given().obtained_at().unwrap();
        let is_fresh = |after| outcome.given().0.is_fresh(sent + Duration::from_secs(after));
        assert!(is_fresh(used - 1) || used == 1, "{before}");
        assert!(!is_fresh(used), "{before}");
    }
    // It will do for another process, too, whatever that asks for.
    let now = Start::new().now.wall;
    let mut second = Start::new().record(1, 0);
    second.obtained_at = Some(now - Duration::from_secs(29));
    second.tokens.expires_at = second.obtained_at;
    second.born_expired = 2;
    for want in [Want::Lasting(Ttl::Usual), Want::Lasting(Ttl::AtLeast(Duration::MAX))] {
        Start::new().wanting(want).reads(second.clone()).gives(1, false);
    }
    second.obtained_at = Some(now - Duration::from_secs(30));
    Start::new().begin().reads(second).leases(60);
}

/// Nothing is wrong if the old token does and was meant to.
#[test]
fn a_lease_that_was_waited_for_briefly_was_busy() {
    let (timeout, away) = (StoreErrorKind::LeaseTimeout, StoreErrorKind::Unavailable);
    let usual = || Want::Lasting(Ttl::Usual);
    for (want, left, wait, kind, was_busy, is_served) in [
        (usual(), 3, 1, timeout, true, true),
        (Want::Ahead(None), 3, 1, timeout, true, true),
        (usual(), 3, 1, away, false, true),
        // It was waited for in full.
        (usual(), 1, 60, timeout, false, true),
        (Want::Newer(None), 3_000, 60, timeout, false, true),
        (usual(), 0, 60, timeout, false, false),
    ] {
        let about = format!("{want:?}, {left} s, {kind:?}");
        let start = Start::new();
        let old = start.record(1, left);
        let scenario = start.wanting(want).reads(old.clone()).cannot_lease(wait, kind);
        let scenario = if kind == timeout { scenario.reads(old) } else { scenario };
        let (_, outcome) = scenario.fails();
        assert_eq!(outcome.ended.was_busy(), was_busy, "{about}");
        assert_eq!(outcome.found.was_busy, was_busy, "{about}");
        assert_eq!(outcome.found.is_served, is_served, "{about}");
    }
    // A token lets nobody down.
    let start = Start::new();
    let good = start.record(1, 3_000);
    let found = start.begin().reads(good).gives(1, false).found;
    assert!(found.is_served && !found.was_busy);
}
