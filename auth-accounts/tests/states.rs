//! One word for how an account is doing: status and errors agree on it.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::time::{Duration, SystemTime};

use auth_accounts::{
    Account, AccountState, Reason, StoreError, StoreErrorKind, Token,
    store::{Fingerprint, Record},
};
use auth_core::{
    AccessToken, Backoff, ClientAuth, RefreshToken, TokenSet, TransportError, TransportErrorKind,
};
use auth_testkit::{CallOutcome, CannedResponse, Script};
use pollster::block_on;
use support::{ADA, World, endpoint, record};

const HOUR: u64 = 3600;

/// What is wrong with a record, and what makes it so.
#[derive(Debug, Clone, Copy)]
enum Case {
    NoRecord,
    Good,
    NoRefreshToken,
    /// Neither has an expiry that is known.
    NoRefreshTokenNorExpiry,
    Rejected,
    Misconfigured,
    Unavailable,
    Reset,
}

use AccountState::{LoginNeeded, Misconfigured, NotLoggedIn, Ready, SetBack};

/// So many seconds after the tokens were obtained, for an hour, and so many more
/// after the failure that the case is about.
const TABLE: [(Case, u64, u64, AccountState); 20] = [
    (Case::NoRecord, 0, 0, NotLoggedIn),
    (Case::Good, 0, 0, Ready),
    (Case::Good, HOUR - 30, 0, Ready),
    (Case::Good, HOUR + 1, 0, Ready),
    (Case::NoRefreshToken, 0, 0, Ready),
    (Case::NoRefreshToken, HOUR - 80, 0, Ready),
    // It is handed out for the rest of its life, and then nothing is.
    (Case::NoRefreshToken, HOUR - 30, 0, LoginNeeded),
    (Case::NoRefreshToken, HOUR + 1, 0, LoginNeeded),
    (Case::NoRefreshTokenNorExpiry, 10 * HOUR, 0, Ready),
    (Case::Rejected, HOUR - 30, 0, LoginNeeded),
    (Case::Rejected, HOUR - 30, HOUR, LoginNeeded),
    (Case::Rejected, HOUR + 1, 0, LoginNeeded),
    (Case::Misconfigured, HOUR - 30, 0, Misconfigured),
    (Case::Misconfigured, HOUR + 1, 1, Misconfigured),
    (Case::Unavailable, HOUR - 30, 0, SetBack),
    (Case::Unavailable, HOUR + 1, 0, SetBack),
    (Case::Unavailable, HOUR + 1, 1, SetBack),
    (Case::Reset, HOUR - 30, 0, SetBack),
    (Case::Reset, HOUR + 1, 0, SetBack),
    // The time to try again has come: until somebody does, it stays set back.
    (Case::Unavailable, HOUR + 1, HOUR, SetBack),
];

fn world(case: Case) -> World {
    let failure: Option<CallOutcome> = match case {
        Case::Rejected => Some(CannedResponse::oauth_error("invalid_grant").into()),
        Case::Misconfigured => Some(CannedResponse::oauth_error("invalid_client").into()),
        Case::Unavailable => Some(CannedResponse::status(503).into()),
        Case::Reset => Some(TransportError::unknown(TransportErrorKind::Reset).into()),
        _ => None,
    };
    let world = World::new(failure.into_iter().fold(Script::new(), Script::then));
    let mut stored = record("at-1", "rt-1", world.now(), HOUR);
    match case {
        Case::NoRecord => return world,
        Case::NoRefreshToken => stored.tokens.refresh_token = None,
        Case::NoRefreshTokenNorExpiry => {
            stored.tokens.refresh_token = None;
            stored.tokens.expires_at = None;
        }
        _ => {}
    }
    world.store.inner.put(ADA, stored);
    world
}

/// The state that a call for a token tells of, if it tells of any.
fn told(account: &Account) -> Option<AccountState> {
    match block_on(account.token()) {
        Ok(token) => token.refresh_error().map(auth_accounts::AccountError::state),
        Err(error) => Some(error.state()),
    }
}

#[test]
fn status_and_errors_agree_at_any_time() {
    for (case, age, later, expected) in TABLE {
        let what = format!("{case:?} at {age} s and {later} s");
        let world = world(case);
        world.pass(age);
        let account = world.accounts().policy(Backoff::never()).account(ADA);
        let fails =
            matches!(case, Case::Rejected | Case::Misconfigured | Case::Unavailable | Case::Reset);
        if fails {
            assert_eq!(told(&account), Some(expected), "{what}: at the failure");
        }
        world.pass(later);
        for (who, account) in [("the same", account), ("another process", world.account())] {
            let status = block_on(account.status()).unwrap();
            assert_eq!(status.state, expected, "{what}: {who}");
            assert_eq!(status.login_needed, expected.needs_login(), "{what}: {who}");
            let has_login = expected != NotLoggedIn && expected != LoginNeeded;
            assert_eq!(status.logged_in, has_login, "{what}: {who}");
            let shown = serde_json::to_value(&status).unwrap();
            assert_eq!(shown["state"], expected.as_str(), "{what}: {who}");
            // Where a call would send something, it tells of what comes of that.
            if expected != Ready && later < HOUR || expected.needs_login() {
                assert_eq!(told(&account), Some(expected), "{what}: {who}");
            } else if matches!(case, Case::Good) && age < HOUR - 60 {
                assert_eq!(told(&account), None, "{what}: {who}");
            }
        }
        world.script.finish();
    }
}

#[test]
fn a_refused_token_without_a_refresh_token_needs_a_login() {
    let world = world(Case::NoRefreshToken);
    let account = world.account();
    let token = block_on(account.token()).unwrap();
    let error = block_on(account.token_refused(token.access_token())).unwrap_err();
    assert_eq!(error.state(), LoginNeeded);
    assert_eq!(block_on(account.status()).unwrap().state, LoginNeeded);
    assert_eq!(told(&account), Some(LoginNeeded));
}

#[test]
fn a_client_that_stands_for_itself_needs_no_login() {
    let script = Script::new().oauth_error("invalid_grant");
    let world = World::new(script);
    let client = world.accounts().client_credentials().account(ADA);
    let status = block_on(client.status()).unwrap();
    assert_eq!(status.state, Ready);
    assert!(!status.login_needed && !status.logged_in);

    let expired = record("at-1", "rt-1", world.now(), 0);
    world.store.inner.put(ADA, expired);
    assert_eq!(block_on(client.status()).unwrap().state, Ready);
    // A refusal is a matter of its set-up.
    assert_eq!(told(&client), Some(Misconfigured));
    assert_eq!(block_on(client.status()).unwrap().state, Misconfigured);
    // Which may be another one by now.
    let endpoint = endpoint().client_auth(ClientAuth::basic("s3cret"));
    let other = auth_accounts::Accounts::new(
        endpoint,
        world.script.clone(),
        world.store.clone(),
        world.clock.clone(),
    );
    let other = other.client_credentials().account(ADA);
    assert_eq!(block_on(other.status()).unwrap().state, Ready);
}

#[test]
fn a_new_login_ends_what_was_before() {
    let world = world(Case::Rejected);
    world.pass(HOUR + 1);
    let account = world.account();
    assert_eq!(told(&account), Some(LoginNeeded));
    let tokens = TokenSet::new(AccessToken::new("at-9")).refresh_token(RefreshToken::new("rt-9"));
    // Even one that could not be saved yet.
    world.store.fail("tokens", [Some(StoreErrorKind::Full)]);
    let token: Token = block_on(account.store_login(tokens)).unwrap();
    assert!(token.unsaved().is_some());
    assert_eq!(block_on(account.status()).unwrap().state, Ready);
}

#[test]
fn a_store_that_fails_is_tried_again_or_needs_a_person() {
    for (kind, expected) in [
        (StoreErrorKind::Conflict, SetBack),
        (StoreErrorKind::LeaseTimeout, SetBack),
        (StoreErrorKind::Io, SetBack),
        (StoreErrorKind::Unavailable, SetBack),
        (StoreErrorKind::Other, SetBack),
        (StoreErrorKind::Damaged, Misconfigured),
        (StoreErrorKind::NewerSchema, Misconfigured),
        (StoreErrorKind::Permissions, Misconfigured),
        (StoreErrorKind::ReadOnly, Misconfigured),
        (StoreErrorKind::Full, Misconfigured),
        (StoreErrorKind::Misconfigured, Misconfigured),
    ] {
        let world = world(Case::Good);
        world.store.fail("load", [Some(kind)]);
        let error = block_on(world.account().token()).unwrap_err();
        assert!(matches!(error.reason(), Reason::Store(_)));
        assert_eq!(error.state(), expected, "{kind:?}");
        assert_eq!(StoreError::new(kind, ADA).advice(), error.advice(), "{kind:?}");
        let again = (expected == SetBack).then_some(Duration::from_secs(1));
        assert_eq!(error.retry_after(world.now()), again, "{kind:?}");
        let said = error.to_string();
        let wait = again.map(|_| ", not before 1 s have passed").unwrap_or_default();
        let advice = format!("; {}{wait}", StoreError::new(kind, ADA).what_to_do());
        assert!(said.ends_with(&advice), "{said}");
    }
}

#[test]
fn the_time_until_the_next_try_is_counted_from_any_moment() {
    let world = world(Case::Unavailable);
    world.pass(HOUR + 1);
    let account = world.accounts().policy(Backoff::never()).account(ADA);
    let error = block_on(account.token()).unwrap_err();
    let at: SystemTime = error.retry_at().unwrap();
    assert_eq!(error.retry_after(at - Duration::from_secs(7)), Some(Duration::from_secs(7)));
    assert_eq!(error.retry_after(at), Some(Duration::ZERO));
    assert_eq!(error.retry_after(at + Duration::from_secs(7)), Some(Duration::ZERO));
    assert_eq!((error.http_status().as_u16(), error.exit_code()), (503, 4));
}

/// A record of which nothing is known but its tokens, as other programs write it.
#[test]
fn a_setback_of_another_refresh_token_means_nothing() {
    let world = world(Case::Rejected);
    world.pass(HOUR + 1);
    told(&world.account());
    let mut stored: Record = world.record();
    stored.tokens.refresh_token = Some(RefreshToken::new("rt-7"));
    assert_ne!(stored.fingerprint(), Some(Fingerprint::of(&RefreshToken::new("rt-1"))));
    world.store.inner.put(ADA, stored);
    assert_eq!(block_on(world.account().status()).unwrap().state, Ready);
}
