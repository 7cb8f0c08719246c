//! Refreshes that fail, and what is known of it afterwards.

use std::time::Duration;

use auth_core::{AccessToken, FailureKind};

use super::{
    kind_of_store_error, noted, records,
    scenario::{For, Scenario, Start},
};
use crate::{
    error::Reason,
    record::{Note, Record, Setback},
    store_error::StoreErrorKind,
    unsaved::Unsaved,
};

#[test]
fn a_rejection_is_checked_against_the_store() {
    let (_, old, good) = records();
    // Still the same: it is believed.
    let (error, outcome) = noted().rejected(1).reads(old.clone()).saves(For::Setback).fails();
    assert_eq!((error.kind(), error.retry_at()), (Some(FailureKind::Rejected), None));
    assert!(!error.possibly_spent());
    assert!(outcome.unsaved.is_none());
    // A token that will do, or another refresh token.
    noted().rejected(1).reads(good).gives(2, false);
    let other = Start::new().record(5, 0);
    noted().rejected(1).reads(other).saves(For::Note).sends(5, 6);
    // No record any more.
    let (error, _) = noted().rejected(1).reads(None).fails();
    assert!(matches!(error.reason(), Reason::Refresh(_)));
    // It cannot be read: nobody is told to log in, and memory keeps it.
    let (error, outcome) = noted().rejected(1).cannot_read().fails();
    assert_eq!(kind_of_store_error(error.reason()), StoreErrorKind::Io);
    let setback = outcome.unsaved.unwrap().setback.unwrap();
    assert_eq!(setback.kind, FailureKind::Rejected);
    // Where it counts as long as the record is the same.
    let remembering = || {
        let mut start = Start::new();
        start.memory = Unsaved { tokens: None, setback: Some(setback.clone()) };
        start
    };
    let (error, _) = remembering().begin().reads(old).fails();
    assert!(matches!(error.reason(), Reason::Setback(_)));
    let start = remembering();
    let other = start.record(5, 0);
    start.begin().reads(other).leases(60);
    // Or until somebody has got on without it, after it happened.
    for (later, barred) in [(0, true), (1, false)] {
        let mut record = Start::new().record(1, 0);
        record.obtained_at = Some(setback.failed_at + Duration::from_secs(later));
        record.tokens.expires_at = record.obtained_at;
        let mut start = remembering();
        start.now.wall = setback.failed_at + Duration::from_secs(later);
        let scenario = start.begin().reads(record);
        if barred {
            let (_, outcome) = scenario.fails();
            assert!(outcome.unsaved.is_some());
        } else {
            scenario.leases(60);
        }
    }
}

#[test]
fn a_rejection_of_records_that_change_without_end_is_not_believed() {
    let mut scenario = noted();
    let mut number = 1;
    for _ in 0..8 {
        scenario = scenario.rejected(number);
        number += 1;
        let other = Start::new().record(number, 0);
        scenario = scenario.reads(other).saves(For::Note);
    }
    let other = Start::new().record(number + 1, 0);
    let (error, _) = scenario.rejected(number).reads(other).fails();
    assert_eq!(kind_of_store_error(error.reason()), StoreErrorKind::Conflict);
}

#[test]
fn an_attempt_that_ended_unheard_is_remembered() {
    let (start, mut old, _) = records();
    old.note = Some(Note::new(old.fingerprint().unwrap(), start.now.wall));
    let after_rejection = |old: Record| {
        let start = Start::new();
        let scenario = start.begin().reads(old.clone()).leases(60).reads(old.clone());
        let (error, _) =
            scenario.saves(For::Note).rejected(1).reads(old).saves(For::Setback).fails();
        error
    };
    assert!(after_rejection(old.clone()).possibly_spent());
    // But not that of another refresh token.
    let other = start.record(7, 0).fingerprint().unwrap();
    old.note = Some(Note::new(other, start.now.wall));
    assert!(!after_rejection(old).possibly_spent());
}

/// Three attempts, all of which get a 503.
fn unavailable() -> Scenario {
    let (_, old, _) = records();
    let mut scenario = noted();
    for _ in 0..2 {
        scenario = scenario.gets_status(1, 503).sleeps().reads(old.clone());
    }
    scenario.gets_status(1, 503)
}

#[test]
fn a_failure_goes_on_record() {
    let (_, old, good) = records();
    let (error, outcome) = unavailable().saves(For::Setback).fails();
    assert_eq!(error.kind(), Some(FailureKind::Unavailable));
    assert!(error.retry_at().is_some());
    assert!(outcome.unsaved.is_none() && outcome.ended.fallback.is_none());
    // Or stays in memory.
    let (error, outcome) = unavailable().cannot_save(For::Setback).fails();
    assert_eq!(error.kind(), Some(FailureKind::Unavailable));
    assert!(error.retry_at().is_some());
    assert!(outcome.unsaved.unwrap().setback.is_some());
    // The record was changed, but not its tokens.
    unavailable().conflicts(For::Setback).reads(old.clone()).saves(For::Setback).fails();
    // Its tokens were.
    unavailable().conflicts(For::Setback).reads(good).gives(2, false);
    let other = Start::new().record(5, 0);
    let (error, outcome) = unavailable().conflicts(For::Setback).reads(other).fails();
    assert_eq!(error.kind(), Some(FailureKind::Unavailable));
    assert!(outcome.unsaved.is_none(), "it is not that token's");
    let (error, _) = unavailable().conflicts(For::Setback).cannot_read().fails();
    assert_eq!(error.kind(), Some(FailureKind::Unavailable));
    // It changes without end.
    let mut scenario = unavailable();
    for _ in 0..8 {
        scenario = scenario.conflicts(For::Setback).reads(old.clone());
    }
    let (error, _) = scenario.conflicts(For::Setback).fails();
    assert_eq!(error.kind(), Some(FailureKind::Unavailable));
}

#[test]
fn a_rejection_that_conflicts_is_not_believed_of_another_refresh_token() {
    let (_, old, good) = records();
    let rejected = || noted().rejected(1).reads(old.clone()).conflicts(For::Setback);
    let other = Start::new().record(5, 0);
    rejected().reads(other).saves(For::Note).sends(5, 6);
    rejected().reads(good).gives(2, false);
    rejected().reads(old.clone()).saves(For::Setback).fails();
    let (error, _) = rejected().cannot_read().fails();
    assert_eq!(kind_of_store_error(error.reason()), StoreErrorKind::Io);
    let (error, _) = rejected().reads(None).fails();
    assert_eq!(error.kind(), Some(FailureKind::Rejected));
    let mut scenario = noted().rejected(1).reads(old.clone());
    for _ in 0..8 {
        scenario = scenario.conflicts(For::Setback).reads(old.clone());
    }
    let (error, _) = scenario.conflicts(For::Setback).fails();
    assert_eq!(kind_of_store_error(error.reason()), StoreErrorKind::Conflict);
}

#[test]
fn a_setback_bars_its_refresh_token_until_its_time() {
    let (start, old, _) = records();
    let now = start.now;
    let (error, _) = unavailable()
        .look(|record, _| {
            let setback = record.setback.as_ref().unwrap();
            assert_eq!((setback.count, record.note.is_some()), (1, false));
        })
        .saves(For::Setback)
        .fails();
    let Reason::Refresh(failure) = error.reason() else { panic!("{error}") };
    let token = old.fingerprint().unwrap();
    let mut record = old;
    let later = now.wall + Duration::from_secs(100);
    record.setback = Some(Setback::new(token, failure, now.wall, Some(later)));
    let (error, _) = Start::new().begin().reads(record.clone()).fails();
    assert!(matches!(error.reason(), Reason::Setback(_)));
    assert_eq!(error.retry_at(), Some(later));
    let mut start = Start::new();
    start.now.wall = later;
    start.begin().reads(record).leases(60);
}

#[test]
fn the_old_token_is_there_to_fall_back_on() {
    let record = Start::new().record(1, 30);
    // That of the record.
    let start = Start::new();
    let failing = start.begin().reads(record.clone()).leases(1).cannot_read();
    let (error, outcome) = failing.fails();
    assert_eq!(kind_of_store_error(error.reason()), StoreErrorKind::Io);
    assert!(outcome.ended.fallback.is_some() && outcome.lease.is_some());
    // Without one, that in use before.
    let used = Start::new().begin().reads(Start::new().record(4, 3600)).gives(4, false);
    let mut start = Start::new();
    start.cached = Some(used.given().clone());
    let (_, outcome) = start.begin().cannot_read().fails();
    assert_eq!(outcome.ended.fallback.unwrap().access_token().expose(), "at-4");
    // But not if there is no record, or an API has refused it.
    let mut start = Start::new();
    start.cached = Some(used.given().clone());
    let (_, outcome) = start.begin().reads(None).fails();
    assert!(outcome.ended.fallback.is_none());
    let mut start = Start::new();
    start.cached = Some(used.given().clone());
    start.refused = Some(AccessToken::new("at-4"));
    let (_, outcome) = start.begin().cannot_read().fails();
    assert!(outcome.ended.fallback.is_none());
}

#[test]
fn failures_in_a_row_are_counted_for_each_refresh_token() {
    let (error, _) = unavailable().saves(For::Setback).fails();
    let Reason::Refresh(failure) = error.reason() else { panic!("{error}") };
    let (start, mut old, _) = records();
    let earlier = start.now.wall - Duration::from_secs(100);
    for (token, count) in [(old.fingerprint(), 2), (start.record(7, 0).fingerprint(), 1)] {
        old.setback = Some(Setback::new(token.unwrap(), failure, earlier, Some(earlier)));
        Start::new()
            .begin()
            .reads(old.clone())
            .leases(60)
            .reads(old.clone())
            .saves(For::Note)
            .send(Some(1), Ok((429, "")))
            .look(|record, _| {
                let setback = record.setback.as_ref().unwrap();
                assert_eq!((setback.count, setback.since == earlier), (count, count == 2));
            })
            .saves(For::Setback)
            .fails();
    }
}
