//! What is said where the client's credential cannot be read.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    error::Error,
    sync::{Arc, Mutex},
};

use auth_accounts::{AccountState, Reason};
use auth_core::{
    Backoff, ClientAuth, Credential, CredentialError, CredentialErrorKind as Kind, Source,
};
use auth_testkit::{CannedResponse, Script};
use pollster::block_on;
use support::{ADA, World};

type Held = Arc<Mutex<Result<&'static str, (Kind, &'static str)>>>;

/// A client whose secret is read, and what is there to be read.
fn reading(script: Script) -> (World, Held) {
    let held: Held = Arc::new(Mutex::new(Ok("s3cret")));
    let shown = Arc::clone(&held);
    let source = Source::callback(move || match *shown.lock().unwrap() {
        Ok(secret) => Ok(Credential::new(secret)),
        Err((kind, detail)) => Err(CredentialError::new(kind).with_detail(detail)),
    });
    let mut world = World::new(script).with_record(0);
    world.endpoint = world.endpoint.client_auth(ClientAuth::basic(source));
    (world, held)
}

fn last_cause(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

#[test]
fn a_credential_that_cannot_be_read_is_said_to_be_one() {
    for (first, name, state, then) in [
        (Kind::Missing, "missing", AccountState::Misconfigured, Kind::Missing),
        (Kind::Missing, "missing", AccountState::Misconfigured, Kind::Forbidden),
        (Kind::Forbidden, "forbidden", AccountState::Misconfigured, Kind::Missing),
        (Kind::Empty, "empty", AccountState::SetBack, Kind::Missing),
        (Kind::Unavailable, "unavailable", AccountState::SetBack, Kind::Unavailable),
    ] {
        let (world, held) = reading(Script::new());
        let account = world.accounts().policy(Backoff::never()).account(ADA);
        *held.lock().unwrap() = Err((first, "at first"));
        let error = block_on(account.token()).unwrap_err();
        assert!(matches!(error.reason(), Reason::Refresh(_)), "{error}");

        let setback = world.record().setback.unwrap();
        assert_eq!(setback.credential, Some(first));
        assert_eq!(setback.to_string(), format!("the last refresh failed: {first}"));
        let status = block_on(account.status()).unwrap();
        assert_eq!(status.state, state);
        assert!(status.to_string().contains(&format!("; {setback}, next try in ")), "{status}");
        assert_eq!(serde_json::to_value(&status).unwrap()["setback"]["credential"], name);

        // What is read by then is said then.
        *held.lock().unwrap() = Err((then, "some moments later"));
        let error = block_on(account.token()).unwrap_err();
        assert!(matches!(error.reason(), Reason::Setback(one) if *one == setback), "{error}");
        let said = format!(
            "account ada: not tried: {then} (client my-client at https://auth.example.com/token); "
        );
        assert!(error.to_string().starts_with(&said), "{error}");
        assert_eq!(last_cause(&error), "some moments later");
        assert_eq!((error.state(), error.retry_at()), (state, setback.retry_at));
        world.script.finish();
    }
}

#[test]
fn several_in_a_row_are_counted() {
    let (world, held) = reading(Script::new());
    *held.lock().unwrap() = Err((Kind::Missing, "no such file"));
    let account = world.accounts().policy(Backoff::never()).account(ADA);
    for _ in 0..3 {
        let error = block_on(account.token()).unwrap_err();
        world.clock.advance(error.retry_after(world.now()).unwrap());
    }
    let said = "3 refreshes in a row failed, the last: the credential or key is not there";
    assert_eq!(world.record().setback.unwrap().to_string(), said);
}

/// What can be read is no reason.
#[test]
fn a_credential_that_was_refused_is_said_to_be_refused() {
    let refused = CannedResponse::oauth_error("invalid_client").with_status(401);
    let (world, _) = reading(Script::new().then(refused));
    let account = world.accounts().policy(Backoff::never()).account(ADA);
    block_on(account.token()).unwrap_err();
    assert_eq!(world.record().setback.unwrap().credential, None);
    let error = block_on(account.token()).unwrap_err();
    let said = "not tried: the last refresh failed with invalid_client (HTTP 401), by client ";
    assert!(error.to_string().contains(said) && error.source().is_none(), "{error}");
    world.script.finish();
}
