//! Records of other registrations, wherever a record is read.

use auth_core::{AccessToken, Advice};

use super::{
    noted, records,
    scenario::{For, Scenario, Start},
};
use crate::{
    error::Reason, record::Record, registration::Registration, store_error::StoreErrorKind,
    unsaved::Unsaved,
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
    // They are neither handed out a second time nor forgotten.
    let mut start = Start::new();
    start.memory = Unsaved { tokens: Some(kept), setback: None };
    let (error, outcome) = start.begin().reads(foreign()).fails();
    assert!(matches!(error.reason(), Reason::OtherEndpoint { .. }));
    assert!(outcome.unsaved.unwrap().tokens.is_some());
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
