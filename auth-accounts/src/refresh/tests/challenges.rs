//! Servers that want a proof with a nonce of theirs, and clients whose credential is read
//! anew for each attempt.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use auth_core::{
    ClientAuth, Credential, CredentialError, CredentialErrorKind, Dpop, FailureKind, KeyInfo,
    Signer, SigningAlgorithm, Source,
};

use super::{
    super::Step,
    kind_of_store_error,
    scenario::{For, Scenario, Start},
};
use crate::{
    error::Reason,
    record::{Note, Record},
    shared::GrantKind,
    store_error::StoreErrorKind,
};

#[derive(Debug)]
struct Key(KeyInfo);

impl Signer for Key {
    fn key(&self) -> &KeyInfo {
        &self.0
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, CredentialError> {
        Ok(vec![1; 64])
    }
}

fn dpop() -> Dpop {
    let jwk = r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#;
    Dpop::new(Key(KeyInfo::of_pair(SigningAlgorithm::Es256, jwk, "key-1"))).unwrap()
}

fn with_key() -> Start {
    let mut start = Start::new();
    start.endpoint = start.endpoint.dpop(dpop());
    start
}

fn old() -> Record {
    Start::new().record(1, 0)
}

/// Up to the first attempt.
fn noted(start: Start) -> Scenario {
    start.begin().reads(old()).leases(60).reads(old()).saves(For::Note)
}

fn challenged() -> Scenario {
    noted(with_key()).confirms().proves().challenged(Some(1), "n-1")
}

#[test]
fn the_store_is_read_before_the_proof_with_the_nonce() {
    // The same token: the lease is confirmed, and there is another proof.
    let again = || challenged().reads(old()).confirms().proves();
    again().sends(1, 2).saves(For::Tokens).gives(2, true);
    // A token that will do.
    challenged().reads(Start::new().record(2, 3600)).gives(2, false);
    // Another refresh token is noted, and used.
    let other = || challenged().reads(Start::new().record(5, 0)).saves(For::RetryNote);
    other().confirms().proves().sends(5, 6).saves(For::Tokens).gives(6, true);
    // What cannot be read does not hold it up: it may have been spent a moment ago.
    challenged().cannot_read().confirms().proves().sends(1, 2);
    // None at all.
    let (error, _) = challenged().reads(None).fails();
    assert!(matches!(error.reason(), Reason::NotLoggedIn));
    let (error, _) =
        other().rejected(5).reads(Start::new().record(5, 0)).saves(For::Setback).fails();
    assert!(!error.possibly_spent(), "the newer one was not spent by a challenge");
}

#[test]
fn what_is_refused_after_a_challenge_may_have_been_spent_by_it() {
    let refused = || challenged().reads(old()).rejected(1);
    let (error, _) = refused().reads(old()).saves(For::Setback).fails();
    assert_eq!(error.kind(), Some(FailureKind::Rejected));
    assert!(error.possibly_spent());
    // As always, it is checked against the store before it is believed.
    refused().reads(Start::new().record(2, 3600)).gives(2, false);
    refused().reads(Start::new().record(5, 0)).saves(For::Note).sends(5, 6);
    let (error, _) = refused().cannot_read().fails();
    assert_eq!(kind_of_store_error(error.reason()), StoreErrorKind::Io);
    // Without one it may not.
    let (error, _) = noted(with_key()).rejected(1).reads(old()).saves(For::Setback).fails();
    assert!(!error.possibly_spent());
}

impl Scenario {
    /// It reads or signs something, for so long by this clock.
    #[track_caller]
    fn proves_in(mut self, monotonic: u64, wall: u64) -> Self {
        self.now.monotonic += Duration::from_millis(monotonic);
        self.now.wall += Duration::from_millis(wall);
        self.proves()
    }
}

/// Whoever has waited for a signature may have slept, and lost the lease.
#[test]
fn the_lease_is_confirmed_again_after_a_proof_that_took_its_time() {
    let lost = StoreErrorKind::LeaseLost;
    for (monotonic, wall, is_late) in
        [(0, 0, false), (999, 999, false), (1_000, 1_000, true), (0, 600_000, true)]
    {
        let first = || noted(with_key()).confirms().proves_in(monotonic, wall);
        let retry = || challenged().reads(old()).confirms().proves_in(monotonic, wall);
        for proved in [first(), retry()] {
            let extends = matches!(proved.step, Some(Step::Extend(_)));
            assert_eq!(extends, is_late, "{monotonic} {wall}");
            proved.sends(1, 2).saves(For::Tokens).gives(2, true);
        }
        if is_late {
            // Nothing is sent: somebody else has refreshed.
            let newer = || Start::new().record(2, 3600);
            first().hears(lost).saves(For::TakeBack).reads(newer()).gives(2, false);
            retry().hears(lost).saves(For::TakeBack).reads(newer()).gives(2, false);
            // The store that is gone holds up a retry no more than before the proof.
            first().hears(StoreErrorKind::Io).saves(For::TakeBack).fails();
            retry().hears(StoreErrorKind::Io).sends(1, 2).saves(For::Tokens).gives(2, true);
        }
    }
    // The doubt that the challenge has left goes along.
    let note = Note::new(old().fingerprint().unwrap(), Start::new().now.wall);
    let ours = Record { note: Some(note), ..old() };
    let doubtful = challenged().reads(ours).confirms().proves_in(1_000, 1_000).hears(lost);
    doubtful
        .look(|record, _| assert!(record.setback.as_ref().unwrap().possibly_spent))
        .saves(For::TakeBack);
}

#[test]
fn a_second_request_is_the_last() {
    // With another nonce each time.
    let again = challenged().reads(old()).challenged(Some(1), "n-2");
    let (error, _) = again.saves(For::Setback).fails();
    assert_eq!(error.kind(), Some(FailureKind::Unavailable));
    assert!(error.possibly_spent());
    // Without a key there is not even that.
    noted(Start::new()).challenged(Some(1), "n-1").saves(For::Setback).fails();
}

/// Without a refresh token there is none that could be spent.
#[test]
fn a_client_that_stands_for_itself_goes_on_at_once() {
    let mut start = with_key();
    start.grant = GrantKind::Repeatable;
    let body = r#"{"access_token":"at-2","token_type":"DPoP","expires_in":3600}"#;
    let scenario = start.begin().reads(None).leases(60).reads(None);
    let scenario = scenario.proves().challenged(None, "n-1").proves();
    scenario.send(None, Ok((200, body))).saves(For::Tokens).gives(2, true);
}

/// What a source holds, and an endpoint that reads it.
fn reading(auth: impl FnOnce(Source) -> ClientAuth) -> (Arc<Mutex<Option<&'static str>>>, Start) {
    let held = Arc::new(Mutex::new(Some("secret-1")));
    let shown = Arc::clone(&held);
    let source = Source::callback(move || match *shown.lock().unwrap() {
        Some(text) => Ok(Credential::new(text)),
        None => Err(CredentialErrorKind::Missing.into()),
    });
    let mut start = Start::new();
    start.endpoint = start.endpoint.client_auth(auth(source));
    (held, start)
}

/// The same client some moments later.
fn later(start: &Start) -> Start {
    Start { endpoint: start.endpoint.clone(), ..Start::new() }
}

type Method = fn(Source) -> ClientAuth;

#[test]
fn no_setback_of_the_client_outlasts_another_secret() {
    const REFUSED: &str = r#"{"error":"invalid_client"}"#;
    let methods: [Method; 3] = [
        |source| ClientAuth::basic(source),
        |source| ClientAuth::post(source),
        ClientAuth::ready_made_assertion,
    ];
    for method in methods {
        let held_by = |at_first, then, is_barred| {
            let (held, start) = reading(method);
            *held.lock().unwrap() = at_first;
            let next = later(&start);
            let scenario = noted(start).confirms().proves();
            let scenario = match at_first {
                Some(_) => scenario.send(Some(1), Ok((401, REFUSED))),
                None => scenario,
            };
            let mut record = None;
            let scenario = scenario.look(|saved, _| record = Some(saved.clone()));
            let (error, _) = scenario.saves(For::Setback).fails();
            assert_eq!(error.kind(), Some(FailureKind::Misconfigured));
            *held.lock().unwrap() = then;
            let scenario = next.begin().reads(record.clone()).identifies();
            if is_barred {
                let (error, _) = scenario.fails();
                assert!(matches!(error.reason(), Reason::Setback(_)), "{error}");
            } else {
                // Under the lease it is read once more.
                let noted = scenario.leases(60).reads(record).identifies().saves(For::Note);
                match then {
                    Some(_) => drop(noted.sends(1, 2)),
                    None => drop(noted.confirms().proves().saves(For::Setback).fails()),
                }
            }
        };
        held_by(Some("secret-1"), Some("secret-1"), true);
        held_by(Some("secret-1"), Some("secret-2"), false);
        held_by(Some("secret-1"), None, false);
        held_by(None, None, true);
        held_by(None, Some("secret-1"), false);
    }
}

/// Nobody is asked who has nothing to do with it.
#[test]
fn the_source_is_read_only_where_it_decides() {
    let (_, start) = reading(ClientAuth::basic);
    let next = || later(&start);
    // Without a setback.
    next().begin().reads(old()).leases(60).reads(old()).saves(For::Note).confirms().proves();
    // With one that is not of the client.
    let mut record = old();
    let scenario = noted(next()).gets_status(1, 503).sleeps().reads(old());
    let scenario = scenario.gets_status(1, 503).sleeps().reads(old()).gets_status(1, 503);
    let scenario = scenario.look(|saved, _| record = saved.clone());
    scenario.saves(For::Setback).fails();
    next().begin().reads(record).fails();
    // With one whose time is up.
    let refused = Ok((401, r#"{"error":"invalid_client"}"#));
    let mut record = old();
    let scenario = noted(next()).send(Some(1), refused);
    scenario.look(|saved, _| record = saved.clone()).saves(For::Setback).fails();
    let mut start = next();
    start.now.wall += Duration::from_secs(3600);
    start.begin().reads(record).leases(60);
}
