//! Refresh tokens that are bound to a key.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use auth_accounts::{AccountError, AccountState, Login, Reason, Token, store::Record};
use auth_core::{ClientAuth, TokenEndpoint};
use auth_testkit::{CannedResponse, Script};
use pollster::block_on;
use support::{
    ADA, World,
    keys::{dpop, slow_dpop},
    record, tokens,
};

/// A client that has this key, and shows a secret or not.
#[derive(Debug, Clone, Copy)]
struct Client {
    is_public: bool,
    key: Option<&'static str>,
}

impl Client {
    fn endpoint(self, endpoint: TokenEndpoint) -> TokenEndpoint {
        let endpoint = match self.is_public {
            true => endpoint,
            false => endpoint.client_auth(ClientAuth::basic("s3cret")),
        };
        match self.key {
            Some(key) => endpoint.dpop(dpop(key)),
            None => endpoint,
        }
    }
}

const PUBLIC: Client = Client { is_public: true, key: None };
const CONFIDENTIAL: Client = Client { is_public: false, key: None };

fn bound(world: &World, left: u64, token_type: &str, thumbprint: Option<&str>) -> Record {
    let mut record = record("at-1", "rt-1", world.now(), left);
    record.tokens.token_type = Some(token_type.to_owned());
    record.dpop_thumbprint = thumbprint.map(ToOwned::to_owned);
    record
}

fn new_tokens() -> CannedResponse {
    CannedResponse::tokens("at-2")
        .refresh_token("rt-2")
        .member("token_type", "DPoP")
        .expires_in(3600)
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Ends {
    /// The old token, and nothing is sent.
    Old,
    New,
    OtherKey,
}

fn ended(result: &Result<Token, AccountError>) -> Ends {
    match result {
        Ok(token) if token.access_token().expose() == "at-1" => Ends::Old,
        Ok(_) => Ends::New,
        Err(error) => match error.reason() {
            Reason::OtherKey { .. } => Ends::OtherKey,
            reason => panic!("{reason:?}"),
        },
    }
}

#[test]
fn what_is_bound_to_another_key_is_not_sent() {
    use Ends::{New, Old, OtherKey};
    const ONE: Option<&str> = Some("key-1");
    const TWO: Option<&str> = Some("key-2");
    let mut cases = Vec::new();
    for (client, may_change) in
        [(PUBLIC, false), (PUBLIC, true), (CONFIDENTIAL, false), (CONFIDENTIAL, true)]
    {
        for (made_with, key) in [
            // Nobody knows of a key: it is bound to the one that there is at the next refresh.
            (None, None),
            (None, ONE),
            // The right one.
            (ONE, ONE),
        ] {
            cases.push((client, may_change, made_with, key, Old, Old, New));
        }
        // RFC 9449 section 5: the refresh token of a client that authenticates is not bound,
        // and so gives a new one; but not all servers keep to that.
        let ends = if may_change && !client.is_public { New } else { OtherKey };
        for (made_with, key) in [(ONE, TWO), (TWO, ONE), (ONE, None)] {
            // A bearer token is good until it expires, and the other is not.
            cases.push((client, may_change, made_with, key, Old, ends, ends));
        }
    }
    for (client, may_change, made_with, key, fresh_bearer, fresh_bound, expired) in cases {
        for (left, token_type, ends) in
            [(3600, "Bearer", fresh_bearer), (3600, "DPoP", fresh_bound), (0, "Bearer", expired)]
        {
            let script = if ends == New { Script::new().then(new_tokens()) } else { Script::new() };
            let mut world = World::new(script);
            world.endpoint = Client { key, ..client }.endpoint(world.endpoint);
            world.settings = world.settings.dpop_key_may_change(may_change);
            let before = bound(&world, left, token_type, made_with);
            world.store.inner.put(ADA, before.clone());
            let result = block_on(world.account().token());
            let about =
                format!("{client:?} {may_change} {made_with:?} {key:?} {left} {token_type}");
            assert_eq!(ended(&result), ends, "{about}");
            match ends {
                New => assert_eq!(world.record().dpop_thumbprint.as_deref(), key, "{about}"),
                // Nothing has changed, and the session is not lost.
                _ => assert_eq!(world.record(), before, "{about}"),
            }
            world.script.finish();
        }
    }
}

#[test]
fn it_says_which_key_and_what_to_do() {
    for (key, says) in [
        (Some("key-2"), "and the endpoint has that with \"key-2\"; "),
        (None, "and the endpoint has none; "),
    ] {
        let mut world = World::new(Script::new());
        world.endpoint = Client { key, ..PUBLIC }.endpoint(world.endpoint);
        world.store.inner.put(ADA, bound(&world, 0, "DPoP", Some("key-1")));
        let account = world.account();
        let error = block_on(account.token()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("the thumbprint \"key-1\"") && text.contains(says), "{text}");
        assert!(text.contains("give it the old key back, or log in again with this one"), "{text}");
        assert_eq!(error.state(), AccountState::Misconfigured);
        let status = block_on(account.status()).unwrap();
        assert_eq!(status.state, AccountState::Misconfigured);
        assert_eq!(status.dpop_thumbprint.as_deref(), Some("key-1"));
        assert!(serde_json::to_string(&status).unwrap().contains(r#""dpop_thumbprint":"key-1""#));
        // No setback: with the old key it goes on at once.
        let script = Script::new().then(new_tokens());
        let mut back = World::new(script);
        back.endpoint = Client { key: Some("key-1"), ..PUBLIC }.endpoint(back.endpoint);
        back.store.inner.put(ADA, world.record());
        assert_eq!(block_on(back.account().token()).unwrap().access_token().expose(), "at-2");
    }
}

#[test]
fn the_old_bearer_token_is_handed_out_while_it_is_good() {
    let mut world = World::new(Script::new());
    world.endpoint = Client { key: Some("key-2"), ..PUBLIC }.endpoint(world.endpoint);
    for (token_type, is_given) in [("Bearer", true), ("DPoP", false)] {
        world.store.inner.put(ADA, bound(&world, 30, token_type, Some("key-1")));
        let result = block_on(world.account().token());
        assert_eq!(result.is_ok(), is_given, "{token_type}: {result:?}");
        if let Ok(token) = result {
            let error = token.refresh_error().unwrap();
            assert!(matches!(error.reason(), Reason::OtherKey { .. }), "{error}");
        }
    }
}

#[test]
fn a_login_is_of_the_key_of_its_endpoint_unless_it_says() {
    let mut world = World::new(Script::new());
    let log_in = |world: &World, login: fn(Login) -> Login| {
        let login = login(Login::new(tokens("at-1", "rt-1", world.now(), 3600)));
        block_on(world.account().store_login(login)).unwrap();
        world.record().dpop_thumbprint
    };
    assert_eq!(log_in(&world, |login| login), None);
    let said = log_in(&world, |login| login.dpop_thumbprint("key-9"));
    assert_eq!(said.as_deref(), Some("key-9"));
    world.endpoint = world.endpoint.dpop(slow_dpop("key-1"));
    assert_eq!(log_in(&world, |login| login).as_deref(), Some("key-1"));
    let said = log_in(&world, |login| login.dpop_thumbprint("key-9"));
    assert_eq!(said.as_deref(), Some("key-9"));
    // It is on record, and read again.
    let json = world.record().to_json_exposed();
    assert_eq!(Record::from_json(&json).unwrap().dpop_thumbprint, said);
}
