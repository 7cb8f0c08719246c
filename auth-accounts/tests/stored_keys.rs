//! Logins that brought an endpoint with keys: a store keeps the names of keys only.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use auth_accounts::{AccountState, Accounts, Login, MemoryStore, Reason, store::Record};
use auth_core::{Audience, ClientAuth, EndpointError, TokenEndpoint};
use auth_testkit::Script;
use pollster::block_on;
use support::{
    ADA, World,
    keys::{dpop, key},
    tokens,
};

fn other() -> TokenEndpoint {
    TokenEndpoint::new("https://mcp.example.com/token", "client-7").unwrap()
}

fn signed() -> TokenEndpoint {
    other().client_auth(ClientAuth::assertion(key("key-1"), Audience::TokenEndpoint))
}

/// What is left of the record when it was written and read, as by a store with files.
fn written(world: &World) {
    let json = world.record().to_json_exposed();
    world.store.inner.put(ADA, Record::from_json(&json).unwrap());
}

fn logged_in(script: Script, endpoint: TokenEndpoint) -> World {
    let world = World::new(script);
    let login = Login::new(tokens("at-1", "rt-1", world.now(), 3600)).endpoint(endpoint);
    let accounts = world.accounts().keys([key("key-1"), key("key-2")]);
    block_on(accounts.account(ADA).store_login(login)).unwrap();
    written(&world);
    world.pass(3600);
    world
}

#[test]
fn keys_are_found_by_their_thumbprints() {
    for (endpoint, headers, parameters) in [
        (signed(), vec![], vec!["client_assertion"]),
        (other().dpop(dpop("key-2")), vec!["dpop"], vec![]),
        (signed().dpop(dpop("key-2")), vec!["dpop"], vec!["client_assertion"]),
        (signed().dpop(dpop("key-1")), vec!["dpop"], vec!["client_assertion"]),
    ] {
        let world =
            logged_in(Script::new().tokens("at-2", "rt-2").tokens("at-3", "rt-3"), endpoint);
        for number in [2, 3] {
            // A restart each time.
            let accounts = world.accounts().keys([key("key-2"), key("key-1")]);
            let token = block_on(accounts.account(ADA).token()).unwrap();
            assert_eq!(token.access_token().expose(), format!("at-{number}"));
            written(&world);
            world.pass(3600);
        }
        let request = world.script.request(2);
        for name in &headers {
            assert!(request.header(name).is_some(), "{name}");
        }
        for name in &parameters {
            assert!(request.param(name).is_some(), "{name}");
        }
        world.script.finish();
    }
}

#[test]
fn a_key_that_is_missing_is_named_and_loses_nothing() {
    for (endpoint, keys, missing) in [
        (signed(), vec![], "key-1"),
        (other().dpop(dpop("key-2")), vec!["key-1"], "key-2"),
        (signed().dpop(dpop("key-2")), vec!["key-1"], "key-2"),
    ] {
        let world = logged_in(Script::new().tokens("at-2", "rt-2"), endpoint);
        let before = world.record();
        let accounts = world.accounts().keys(keys.into_iter().map(key));
        let error = block_on(accounts.account(ADA).token()).unwrap_err();
        let Reason::SetUp(cause) = error.reason() else { panic!("{error}") };
        assert!(
            matches!(&**cause, EndpointError::MissingKey { thumbprint, .. } if thumbprint == missing),
            "{error}"
        );
        assert!(error.to_string().contains(&format!("{missing:?}")), "{error}");
        assert!(error.to_string().contains("`Accounts::keys`"), "{error}");
        assert_eq!(error.state(), AccountState::Misconfigured);
        let status = block_on(accounts.account(ADA).status()).unwrap();
        assert_eq!(status.state, AccountState::Misconfigured);
        // Nothing was sent or changed, and no setback holds up who has the key.
        assert_eq!(world.record(), before);
        let accounts = world.accounts().keys([key("key-1"), key("key-2")]);
        assert!(block_on(accounts.account(ADA).token()).is_ok());
        world.script.finish();
    }
}

/// It would be missing after a restart.
#[test]
fn a_login_whose_key_nobody_has_is_refused() {
    let world = World::new(Script::new());
    let accounts = world.accounts().keys([key("key-1")]);
    let login = Login::new(tokens("at-1", "rt-1", world.now(), 3600));
    for endpoint in [other().dpop(dpop("key-2")), signed().dpop(dpop("key-2"))] {
        let login = login.clone().endpoint(endpoint);
        let error = block_on(accounts.account(ADA).store_login(login)).unwrap_err();
        assert!(matches!(error.reason(), Reason::SetUp(_)), "{error}");
        assert!(error.to_string().contains("\"key-2\""), "{error}");
        assert!(world.store.inner.get(ADA).is_none());
    }
}

/// What a server wants to see in proofs is remembered for all accounts by that key.
#[test]
fn nonces_outlast_the_reading_of_a_record() {
    use auth_testkit::CannedResponse;

    let clock = auth_testkit::VirtualClock::manual();
    let answer = |number: u8| {
        let tokens = CannedResponse::tokens(format!("at-{number}"));
        tokens.refresh_token(format!("rt-{number}")).header("dpop-nonce", "n-1").expires_in(3600)
    };
    let script = Script::with_clock(&clock).then(answer(2)).then(answer(3));
    let store = MemoryStore::new();
    let nowhere = TokenEndpoint::new("https://nowhere.example.com/token", "nobody").unwrap();
    let accounts = Accounts::without_runtime(nowhere, script.clone(), store.clone(), clock.clone());
    let accounts = accounts.keys([key("key-2")]);
    for name in ["ada", "bob"] {
        let login = Login::new(tokens("at-1", "rt-1", clock.now().wall, 0));
        let login = login.endpoint(other().dpop(dpop("key-2")));
        block_on(accounts.account(name).store_login(login)).unwrap();
        let json = store.get(name).unwrap().to_json_exposed();
        store.put(name, Record::from_json(&json).unwrap());
        block_on(accounts.account(name).refresh_now()).unwrap();
    }
    let proofs = [1, 2].map(|number| script.request(number).header("dpop").unwrap().to_owned());
    let lengths = proofs.map(|proof| proof.len());
    assert!(lengths[1] > lengths[0], "the second one has the nonce: {lengths:?}");
}

/// The endpoint of all may have been stored, too.
#[test]
fn the_endpoint_of_all_finds_its_key() {
    for is_client in [false, true] {
        let mut world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(0);
        let json = world.endpoint.clone().dpop(dpop("key-1")).to_json_exposed().unwrap();
        world.endpoint = TokenEndpoint::from_json(&json).unwrap();
        let of = |accounts: Accounts| match is_client {
            true => accounts.client_credentials().account(ADA),
            false => accounts.account(ADA),
        };
        let error = block_on(of(world.accounts()).token()).unwrap_err();
        assert!(matches!(error.reason(), Reason::SetUp(_)), "{error}");
        let token = block_on(of(world.accounts().keys([key("key-1")])).token()).unwrap();
        assert_eq!(token.access_token().expose(), "at-2");
        world.script.finish();
    }
}
