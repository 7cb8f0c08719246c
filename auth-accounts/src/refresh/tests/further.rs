//! Refreshes for a further token, with the same refresh token.

use std::time::Duration;

use auth_core::{ClaimsChallenge, FailureKind, TokenRequest};

use super::scenario::{For, Scenario, Start};
use crate::{error::Reason, further::Which, record::Record, refresh::Want};

const FURTHER: &str = r#"{"access_token":"at-7","refresh_token":"rt-2","expires_in":3600}"#;

fn mail() -> TokenRequest {
    TokenRequest::new().resource("https://mail.example.com/").scope("read")
}

/// A start that wants the token for mail, and a record of which so many seconds are
/// left.
fn wanting_mail(left: u64) -> (Start, Record) {
    let mut start = Start::new();
    start.which = Which::of_request(&mail());
    let record = start.record(1, left);
    (start, record)
}

/// It is about to send, with the record that it has noted.
fn noted() -> (Scenario, Record) {
    let (start, record) = wanting_mail(3600);
    let scenario = start.begin().reads(record.clone()).leases(60).reads(record.clone());
    (scenario.saves(For::Note), record)
}

/// The record that comes of the first further token.
fn with_mail() -> Record {
    let mut saved = None;
    let (scenario, _) = noted();
    let scenario = scenario.send(Some(1), Ok((200, FURTHER)));
    scenario.look(|record, _| saved = Some(record.clone()));
    saved.unwrap()
}

fn access(record: &Record) -> Vec<&str> {
    let further = record.further.iter().filter_map(|one| one.tokens.as_ref());
    let all = std::iter::once(&record.tokens).chain(further);
    all.map(|tokens| tokens.access_token.expose()).collect()
}

#[test]
fn a_further_token_stands_beside_the_other() {
    let (scenario, old) = noted();
    let scenario = scenario.send(Some(1), Ok((200, FURTHER)));
    assert!(scenario.sent.ends_with("&scope=read&resource=https%3A%2F%2Fmail.example.com%2F"));
    let scenario = scenario.look(|record, _| {
        assert_eq!(access(record), ["at-1", "at-7"]);
        // The refresh token has rotated; what was said of the first stays.
        let refresh_token = record.tokens.refresh_token.as_ref().unwrap();
        assert_eq!(refresh_token.expose(), "rt-2");
        assert_eq!(record.tokens.expires_at, old.tokens.expires_at);
        assert_eq!(record.obtained_at, old.obtained_at);
        let further = &record.further[0];
        assert_eq!(further.tokens.as_ref().unwrap().refresh_token, None);
        assert_eq!(further.tokens.as_ref().unwrap().scope.as_deref(), Some("read"));
    });
    let outcome = scenario.saves(For::Tokens).gives(7, true);
    assert!(outcome.ended.which.is(&Which::of_request(&mail())));
    assert!(outcome.lease.is_some());
}

#[test]
fn each_is_looked_at_by_itself() {
    let record = with_mail();
    // What is on record is adopted.
    let (start, _) = wanting_mail(0);
    start.begin().reads(record.clone()).gives(7, false);
    Start::new().begin().reads(record.clone()).gives(1, false);
    // One that is refused is replaced; the other is not concerned.
    let (mut start, _) = wanting_mail(0);
    start.refused = Some(record.further[0].tokens.clone().unwrap().access_token);
    let want = Want::Other(start.refused.clone().unwrap());
    let body = r#"{"access_token":"at-8","expires_in":3600}"#;
    let scenario = start.wanting(want).reads(record.clone()).leases(60).reads(record.clone());
    let scenario = scenario.saves(For::Note).send(Some(2), Ok((200, body)));
    scenario
        .look(|record, _| {
            assert_eq!(access(record), ["at-1", "at-8"]);
            assert_eq!((record.refusals.len(), record.further[0].refusals.len()), (0, 1));
        })
        .saves(For::Tokens)
        .gives(8, true);
    // The account's own has expired, this one has not: and the other way round.
    let mut start = Start::new();
    start.now.wall += Duration::from_secs(3600);
    let mut old = record.clone();
    old.further[0].tokens.as_mut().unwrap().expires_at =
        Some(start.now.wall + Duration::from_secs(3600));
    let scenario = start.begin().reads(old.clone()).leases(60).reads(old).saves(For::Note);
    let scenario = scenario.sends(2, 3);
    assert!(!scenario.sent.contains("resource"), "{}", scenario.sent);
    scenario.look(|record, _| assert_eq!(access(record), ["at-3", "at-7"]));
}

#[test]
fn another_process_may_obtain_it_meanwhile() {
    let (start, old) = wanting_mail(0);
    start.begin().reads(old).leases(60).reads(with_mail()).gives(7, false);
    // Between two attempts.
    let (scenario, _) = noted();
    scenario.cut_off(1).sleeps().reads(with_mail()).gives(7, false);
    // Between the response and its save: theirs is of no less use.
    let (scenario, _) = noted();
    let scenario = scenario.send(Some(1), Ok((200, FURTHER))).conflicts(For::Tokens);
    let mut theirs = with_mail();
    theirs.tokens.refresh_token = Some(auth_core::RefreshToken::new("rt-9"));
    scenario.reads(theirs).gives(7, true);
}

#[test]
fn what_is_said_of_a_request_concerns_no_other() {
    let entra = |code| {
        format!(
            r#"{{"error":"invalid_grant","error_description":"{code}: Say more. Trace ID: x"}}"#
        )
    };
    for (body, is_alone) in [
        (r#"{"error":"invalid_target"}"#.to_owned(), true),
        (r#"{"error":"invalid_scope"}"#.to_owned(), true),
        (r#"{"error":"invalid_request"}"#.to_owned(), true),
        (r#"{"error":"interaction_required"}"#.to_owned(), true),
        (r#"{"error":"consent_required"}"#.to_owned(), true),
        (entra("AADSTS65001"), true),
        (entra("AADSTS50076"), true),
        (entra("AADSTS70008"), false),
        (r#"{"error":"invalid_grant"}"#.to_owned(), false),
        (r#"{"error":"invalid_client"}"#.to_owned(), false),
        (r#"{"error":"unauthorized_client"}"#.to_owned(), false),
    ] {
        let (scenario, old) = noted();
        let mut scenario = scenario.send(Some(1), Ok((400, &body)));
        if body.contains("invalid_grant") && !is_alone {
            scenario = scenario.reads(old);
        }
        let mut saved = None;
        let scenario = scenario.look(|record, _| saved = Some(record.clone()));
        let saved = saved.unwrap();
        assert_eq!(saved.setback.is_none(), is_alone, "{body}");
        let (error, outcome) = scenario.saves(For::Setback).fails();
        assert!(matches!(error.reason(), Reason::Refresh(_)));
        assert_eq!(outcome.found.error.is_none(), is_alone, "{body}");
        assert!(outcome.found.is_served, "its own token is good");
        assert!(outcome.unsaved.is_none() || !is_alone, "{body}");

        // It is not asked for again, and the others are as before.
        let (start, _) = wanting_mail(0);
        let (error, _) = start.begin().reads(saved.clone()).fails();
        assert!(matches!(error.reason(), Reason::Setback(_)), "{body}");
        let mut start = Start::new();
        start.which = Which::of_request(&TokenRequest::new().scope("other"));
        let scenario = start.begin().reads(saved.clone());
        if is_alone {
            scenario.leases(60);
        } else {
            scenario.fails();
        }
        Start::new().begin().reads(saved.clone()).gives(1, false);
        // After a while, and with another refresh token, it is.
        let setback = saved.further.first().and_then(|further| further.setback.clone());
        let Some(setback) = setback else { continue };
        let (mut start, _) = wanting_mail(0);
        let mut rotated = saved.clone();
        rotated.tokens.refresh_token = Some(auth_core::RefreshToken::new("rt-5"));
        {
            let at = setback.retry_at.unwrap();
            start.now.wall = at;
            start.begin().reads(saved).leases(60);
        }
        let (start, _) = wanting_mail(0);
        start.begin().reads(rotated).leases(60);
    }
}

#[test]
fn a_doubt_about_the_refresh_token_concerns_all() {
    let (scenario, old) = noted();
    let scenario = scenario.cut_off(1).sleeps().reads(old);
    let scenario = scenario.send(Some(1), Ok((400, r#"{"error":"invalid_target"}"#)));
    scenario.look(|record, _| {
        let setback = record.setback.as_ref().unwrap();
        assert!(setback.possibly_spent);
        assert_eq!(setback.kind, FailureKind::Interrupted, "it holds up nobody");
        assert!(record.further[0].setback.is_some());
    });
}

#[test]
fn a_further_token_needs_a_record() {
    let (start, _) = wanting_mail(0);
    let (error, _) = start.begin().reads(None).fails();
    assert!(error.is_not_logged_in());
}

#[test]
fn claims_go_along_with_the_next_refresh_of_that_token() {
    let record = with_mail();
    for is_mail in [true, false] {
        let mut start = Start::new();
        let refused = match is_mail {
            true => record.further[0].tokens.clone().unwrap().access_token,
            false => record.tokens.access_token.clone(),
        };
        start.which = if is_mail { Which::of_request(&mail()) } else { Which::Main };
        start.refused = Some(refused.clone());
        start.claims = Some(ClaimsChallenge::new(r#"{"a":1}"#).unwrap());
        let scenario = start.wanting(Want::Other(refused)).reads(record.clone()).leases(60);
        let scenario = scenario.reads(record.clone()).saves(For::Note).sends(2, 3);
        assert!(scenario.sent.contains("&claims=%7B%22a%22%3A1%7D"), "{}", scenario.sent);
        assert_eq!(scenario.sent.contains("resource="), is_mail);
    }
}
