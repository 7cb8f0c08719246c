//! Records of other registrations, wherever a record is read.

use auth_core::{AccessToken, Advice, TokenEndpoint};

use super::{
    noted, records,
    scenario::{For, Scenario, Start},
};
use crate::{
    error::Reason, record::Record, registration::Registration, set_up::SetUp, store::Version,
    store_error::StoreErrorKind, unsaved::Unsaved,
};

/// A record of another registration under the same name, with a token that
/// would do.
fn foreign() -> Record {
    let mut record = Start::new().record(7, 3600);
    record.bound_to = Some(Registration::new("https://other.example.com/token", "c").unwrap());
    record
}

/// It ends there: nothing is sent, saved or handed out, not even what the
/// account had before.
#[track_caller]
fn refused(scenario: Scenario) {
    let (error, outcome) = scenario.fails();
    let Reason::OtherEndpoint { record, account } = error.reason() else { panic!("{error}") };
    assert_eq!(record.token_url(), "https://other.example.com/token");
    assert_eq!(account.token_url(), "https://auth.example.com/token");
    assert_eq!((error.advice(), error.kind(), error.retry_at()), (Advice::FixSetup, None, None));
    assert!(outcome.ended.fallback.is_none());
}

#[test]
fn it_ends_in_every_state_that_reads() {
    let begin = || Start::new().begin();
    let old = || Start::new().record(1, 0);
    // A token that is good for long, or one that is not.
    refused(begin().reads(foreign()));
    let mut expired = foreign();
    expired.tokens = old().tokens;
    refused(begin().reads(expired));
    // Under the lease, and when that could not be had.
    refused(begin().reads(old()).leases(60).reads(foreign()));
    let timeout = StoreErrorKind::LeaseTimeout;
    refused(begin().reads(old()).cannot_lease(60, timeout).reads(foreign()));
    // After a conflict over the note.
    let noting = || begin().reads(old()).leases(60).reads(old());
    refused(noting().conflicts(For::Note).reads(foreign()));
    // Before a retry, and after a conflict over its note.
    refused(noted().cut_off(1).sleeps().reads(foreign()));
    let other = Start::new().record(5, 0);
    let retry = noted().cut_off(1).sleeps().reads(other).conflicts(For::RetryNote);
    refused(retry.reads(foreign()));
    // After a rejection, and after a conflict over a setback.
    refused(noted().rejected(1).reads(foreign()));
    let setback = noted().rejected(1).reads(old()).conflicts(For::Setback);
    refused(setback.reads(foreign()));
}

/// Those that were just obtained belong to whoever obtained them.
#[test]
fn new_tokens_are_handed_out_all_the_same() {
    let outcome = noted().sends(1, 2).conflicts(For::Tokens).reads(foreign()).gives_unsaved(2);
    let kept = outcome.unsaved.unwrap().tokens.unwrap();
    assert_eq!(kept.record.tokens.access_token, AccessToken::new("at-2"));
    // They are not handed out a second time, and make way: they never will be saved.
    let mut start = Start::new();
    start.memory = Unsaved { tokens: Some(kept), setback: None };
    let (error, outcome) = start.begin().reads(foreign()).fails();
    assert!(matches!(error.reason(), Reason::OtherEndpoint { .. }));
    assert!(outcome.unsaved.is_none());
}

/// Until the endpoint has accepted the token, nobody knows whose it is.
#[test]
fn a_record_of_unknown_origin_is_bound_by_a_refresh_and_by_nothing_else() {
    let (start, old, _) = records();
    let unbound = |record: &Record, _: Option<&_>| assert_eq!(record.bound_to, None);
    let noting = start.begin().reads(old.clone()).leases(60).reads(old.clone()).look(unbound);
    noting.saves(For::Note).sends(1, 2).look(|record, _| {
        let own = Registration::new("https://auth.example.com/token", "my-client").unwrap();
        assert_eq!(record.bound_to, Some(own));
    });
    noted().rejected(1).reads(old).look(unbound).saves(For::Setback);
    noted().cannot_send(1).sleeps().cannot_send(1).sleeps().cannot_send(1).look(unbound);
}

/// As the record of a login that brought its endpoint.
fn with_set_up(number: u8, client_id: &str) -> Record {
    let mut record = Start::new().record(number, 0);
    let endpoint = TokenEndpoint::new("https://own.example.com/token", client_id).unwrap();
    record.set_up = Some(SetUp::new(endpoint).unwrap());
    record
}

#[test]
fn the_set_up_stays_with_the_tokens() {
    let record = with_set_up(1, "c");
    let set_up = record.set_up.clone();
    let noted = || {
        let reading = Start::new().begin().reads(record.clone()).leases(60).reads(record.clone());
        reading.look(|record, _| assert_eq!(record.set_up, set_up)).saves(For::Note)
    };
    let kept = |record: &Record, _: Option<&Version>| {
        assert_eq!((&record.set_up, &record.bound_to), (&set_up, &None));
    };
    noted().sends(1, 2).look(kept).saves(For::Tokens).gives(2, true);
    noted().rejected(1).reads(record.clone()).look(kept).saves(For::Setback);
    // Before a retry with a newer token of the same login.
    let newer = with_set_up(5, "c");
    noted().cut_off(1).sleeps().reads(newer).look(kept).saves(For::RetryNote).sends(5, 6);
}

/// A login has put the set-up right while the old one was refused, with the same
/// tokens.
#[test]
fn what_is_refused_to_one_set_up_is_not_held_against_another() {
    let (record, mended) = (with_set_up(1, "c"), with_set_up(1, "d"));
    let set_up = mended.set_up.clone();
    let noted = || {
        let reading = Start::new().begin().reads(record.clone()).leases(60).reads(record.clone());
        reading.saves(For::Note)
    };
    let again = noted().rejected(1).reads(mended.clone()).saves(For::Note).sends(1, 6);
    again.look(|record, _| assert_eq!(record.set_up, set_up)).saves(For::Tokens);
    // Nor does the setback put the old one back.
    let conflict = noted().gets_status(1, 404).conflicts(For::Setback);
    conflict.reads(mended).fails();
}

/// A retry would take the token of one registration to another.
#[test]
fn another_set_up_before_a_retry_begins_anew() {
    let record = with_set_up(1, "c");
    let noted = || {
        let reading = Start::new().begin().reads(record.clone()).leases(60).reads(record.clone());
        reading.saves(For::Note)
    };
    for (next, client_id) in [(5, "d"), (1, "d")] {
        let other = with_set_up(next, client_id);
        let set_up = other.set_up.clone();
        // It is noted as a first attempt, and its tokens stay with it.
        let again = noted().cut_off(1).sleeps().reads(other).saves(For::Note).sends(next, 6);
        again.look(|record, _| assert_eq!(record.set_up, set_up)).saves(For::Tokens);
    }
    let (_, old, _) = records();
    let none = noted().cut_off(1).sleeps().reads(old).saves(For::Note).sends(1, 6);
    none.look(|record, _| assert!(record.set_up.is_none() && record.bound_to.is_some()));
}
