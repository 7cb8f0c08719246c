//! The headers that carry a token to an API.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::time::Duration;

use auth_accounts::{
    Authorization, AuthorizationError, Token,
    http::{HeaderMap, HeaderValue, Method, Response, Uri},
};
use auth_core::{AccessToken, CredentialErrorKind, Dpop};
use auth_testkit::{CannedResponse, Script};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use pollster::block_on;
use serde_json::Value;
use support::{
    ADA, World,
    keys::{dpop, key, slow_dpop},
    record,
};

const URL: &str = "https://api.example.com/me?page=1";

/// A token of this type, of an account with this key.
fn token(token_type: Option<&str>, dpop: Option<Dpop>) -> Token {
    token_of("at-1", token_type, dpop)
}

fn token_of(access: &str, token_type: Option<&str>, dpop: Option<Dpop>) -> Token {
    let mut world = World::new(Script::new());
    if let Some(dpop) = dpop {
        world.endpoint = world.endpoint.dpop(dpop);
    }
    let mut record = record(access, "rt-1", world.now(), 3600);
    record.tokens.token_type = token_type.map(ToOwned::to_owned);
    world.store.inner.put(ADA, record);
    block_on(world.account().token()).unwrap()
}

/// The claims of a proof.
fn claims(proof: &HeaderValue) -> Value {
    let part = proof.to_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[test]
fn what_the_server_called_it_decides() {
    use AuthorizationError::{NoKey, NotBearer, UnknownType};

    type Fails = fn(&AuthorizationError) -> bool;
    let unknown: Fails = |error| matches!(error, UnknownType { .. });
    let no_key: Fails = |error| matches!(error, NoKey);
    let names = [
        (None, Some("Bearer"), None),
        (Some("Bearer"), Some("Bearer"), None),
        (Some("bearer"), Some("Bearer"), None),
        (Some("BEARER "), Some("Bearer"), None),
        (Some("DPoP"), Some("DPoP"), Some(no_key)),
        (Some("dpop"), Some("DPoP"), Some(no_key)),
        (Some("DPOP"), Some("DPoP"), Some(no_key)),
        (Some("bot"), None, Some(unknown)),
        (Some("N_A"), None, Some(unknown)),
        (Some("mac"), None, Some(unknown)),
        (Some(""), None, Some(unknown)),
        (Some("DPoP2"), None, Some(unknown)),
    ];
    for (name, scheme, fails) in names {
        let with_key = token(name, Some(dpop("key-1")));
        let without = token(name, None);
        match scheme {
            None => {
                let error = with_key.authorization("GET", URL).unwrap_err();
                assert!(unknown(&error), "{name:?}: {error}");
            }
            Some(scheme) => {
                let given = with_key.authorization("GET", URL).unwrap();
                assert_eq!(given.authorization(), &format!("{scheme} at-1"), "{name:?}");
                assert_eq!(given.proof().is_some(), scheme == "DPoP", "{name:?}");
                assert!(given.authorization().is_sensitive());
                assert!(given.proof().is_none_or(HeaderValue::is_sensitive));
            }
        }
        match fails {
            None => assert_eq!(
                without.authorization("GET", URL).unwrap().authorization(),
                "Bearer at-1"
            ),
            Some(fails) => {
                let error = without.authorization("GET", URL).unwrap_err();
                assert!(fails(&error), "{name:?}: {error}");
            }
        }
        // A caller who says so gets a bearer token, but for what is of no use as one.
        match without.bearer() {
            Ok(value) => assert_eq!(value, "Bearer at-1"),
            Err(error) => {
                assert!(matches!(error, NotBearer) && scheme == Some("DPoP"), "{name:?}");
            }
        }
        let text = without.bearer().is_ok().then_some("at-1");
        assert_eq!(without.expose_bearer().ok(), text, "{name:?}");
    }
}

#[test]
fn a_proof_is_for_one_request_and_one_token() {
    let token = token(Some("DPoP"), Some(dpop("key-1")));
    let uri: Uri = "HTTPS://API.example.com:443/me?page=1#top".parse().unwrap();
    let one = token.authorization(Method::GET, uri).unwrap();
    let claims_of_one = claims(one.proof().unwrap());
    assert_eq!(claims_of_one["htm"], "GET");
    assert_eq!(claims_of_one["htu"], "https://api.example.com/me");
    // SHA-256 of `at-1`.
    assert_eq!(claims_of_one["ath"], "R8PYaIQdcYEdkSc9TeGyiUqSAedmCQuOQImPRh1E3HI");
    let other = token.authorization(&Method::POST, URL).unwrap();
    let claims_of_other = claims(other.proof().unwrap());
    assert_eq!(claims_of_other["htm"], "POST");
    assert_ne!(claims_of_one["jti"], claims_of_other["jti"]);
    assert_eq!(claims_of_other["nonce"], Value::Null);
}

#[test]
fn the_clock_of_the_accounts_dates_a_proof() {
    let mut world = World::new(Script::new());
    world.endpoint = world.endpoint.dpop(dpop("key-1"));
    let mut record = record("at-1", "rt-1", world.now(), 3600);
    record.tokens.token_type = Some("DPoP".into());
    world.store.inner.put(ADA, record);
    let token = block_on(world.account().token()).unwrap();
    let made = || claims(token.authorization("GET", URL).unwrap().proof().unwrap())["iat"].clone();
    let before = made().as_u64().unwrap();
    world.clock.advance(Duration::from_secs(100));
    assert_eq!(made().as_u64().unwrap(), before + 100);
}

#[test]
fn what_is_no_request_has_no_proof() {
    let bound = token(Some("DPoP"), Some(dpop("key-1")));
    for (method, url) in
        [("GET", "/me"), ("GET", ""), ("GET", "api.example.com"), ("G T", URL), ("", URL)]
    {
        let error = bound.authorization(method, url).unwrap_err();
        assert!(matches!(error, AuthorizationError::InvalidTarget), "{method} {url}: {error}");
        // It does not matter to a bearer token.
        token(None, None).authorization(method, url).unwrap();
    }
    for name in [None, Some("DPoP")] {
        let error = token_of("at\n1", name, Some(dpop("key-1"))).authorization("GET", URL);
        assert!(matches!(error.unwrap_err(), AuthorizationError::InvalidToken));
    }
}

#[test]
fn a_key_that_does_not_sign_is_an_error_with_its_kind() {
    for kind in [CredentialErrorKind::Unavailable, CredentialErrorKind::Other] {
        let mut key = key("key-1");
        key.fails = Some(kind);
        let token = token(Some("DPoP"), Some(Dpop::new(key).unwrap()));
        let AuthorizationError::Proof(error) = token.authorization("GET", URL).unwrap_err() else {
            panic!("{kind:?}");
        };
        assert_eq!(error.kind(), kind);
    }
    // One that waits has a twin of its own.
    let token = token(Some("DPoP"), Some(slow_dpop("key-1")));
    let AuthorizationError::Proof(error) = token.authorization("GET", URL).unwrap_err() else {
        panic!("a signature at once");
    };
    assert_eq!(error.kind(), CredentialErrorKind::Asynchronous);
    let given = block_on(token.authorization_async("GET", URL)).unwrap();
    assert!(given.proof().is_some());
    let bearer = self::token(None, None);
    assert!(block_on(bearer.authorization_async("GET", URL)).unwrap().proof().is_none());
}

fn answer(challenge: Option<&str>, nonce: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [("www-authenticate", challenge), ("dpop-nonce", nonce)] {
        if let Some(value) = value {
            headers.insert(name, value.parse().unwrap());
        }
    }
    headers
}

#[test]
fn a_nonce_of_an_api_is_in_the_next_proof_to_it() {
    let shared = dpop("key-1");
    let one = token(Some("DPoP"), Some(shared.clone()));
    let nonce_at = |token: &Token, url: &str| {
        claims(token.authorization("GET", url).unwrap().proof().unwrap())["nonce"].clone()
    };
    const WANTS: Option<&str> = Some(r#"DPoP error="use_dpop_nonce", error_description="x""#);
    for (challenge, nonce, asks) in [
        (WANTS, Some("n-1"), true),
        // The same again, which somebody else has learnt meanwhile.
        (WANTS, Some("n-1"), true),
        (WANTS, None, false),
        (None, Some("n-2"), false),
        (Some(r#"DPoP error="invalid_token""#), Some("n-3"), false),
        (Some("Bearer"), Some("n-4"), false),
        (Some(r#"Bearer, DPoP error=use_dpop_nonce"#), Some("n-5"), true),
    ] {
        assert_eq!(
            one.learn_nonce(URL, &answer(challenge, nonce)),
            asks,
            "{challenge:?} {nonce:?}"
        );
        if let Some(nonce) = nonce {
            assert_eq!(nonce_at(&one, "https://api.example.com/other"), nonce);
        }
    }
    assert_eq!(nonce_at(&one, "https://other.example.com/me"), Value::Null);
    // Others by the same key know it too.
    assert_eq!(nonce_at(&token(Some("DPoP"), Some(shared)), URL), "n-5");
    // A bearer token has no use for one.
    assert!(!token(None, Some(dpop("key-2"))).learn_nonce(URL, &answer(WANTS, Some("n-1"))));
    assert!(!token(Some("DPoP"), None).learn_nonce(URL, &answer(WANTS, Some("n-1"))));
    assert!(!one.learn_nonce("", &answer(WANTS, Some("n-1"))));
}

#[test]
fn the_headers_of_an_earlier_attempt_are_replaced() {
    let mut headers = HeaderMap::new();
    let bound = token(Some("DPoP"), Some(dpop("key-1")));
    bound.authorization("GET", URL).unwrap().apply(&mut headers);
    let before = headers.clone();
    bound.authorization("GET", URL).unwrap().apply(&mut headers);
    assert_eq!(headers.len(), 2);
    assert_ne!(headers, before);
    let bearer = token(None, None).authorization("GET", URL).unwrap();
    bearer.apply(&mut headers);
    assert_eq!(headers, HeaderMap::from(bearer));
    assert_eq!(headers.len(), 1);
    assert!(!format!("{headers:?}").contains("at-1"));
}

/// What is handed out although a refresh failed is proved, too.
#[test]
fn the_old_token_is_proved_as_well() {
    let mut world = World::new(
        Script::new()
            .then(auth_core::TransportError::not_sent(auth_core::TransportErrorKind::Refused)),
    );
    world.endpoint = world.endpoint.dpop(dpop("key-1"));
    let mut record = record("at-1", "rt-1", world.now(), 30);
    record.tokens.token_type = Some("DPoP".into());
    world.store.inner.put(ADA, record);
    let accounts = world.accounts().policy(auth_core::Backoff::never());
    let token = block_on(accounts.account(ADA).token()).unwrap();
    assert!(token.refresh_error().is_some());
    assert!(token.authorization("GET", URL).unwrap().proof().is_some());
    assert_eq!(token.access_token(), &AccessToken::new("at-1"));
}

/// The loop of the docs.
#[test]
fn an_api_that_wants_nonces_before_and_after_it_refuses_a_token_is_served() {
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Api {
        WantsNonce,
        Refuses,
        Serves,
    }
    use Api::{Refuses, Serves, WantsNonce};

    let tokens =
        || CannedResponse::tokens("at-2").refresh_token("rt-2").member("token_type", "DPoP");
    for (answers, refreshes) in [
        (&[Serves][..], false),
        (&[WantsNonce, Serves], false),
        (&[Refuses, Serves], true),
        (&[WantsNonce, Refuses, Serves], true),
        (&[Refuses, WantsNonce, Serves], true),
        (&[WantsNonce, Refuses, WantsNonce, Serves], true),
        // No further.
        (&[WantsNonce, WantsNonce], false),
        (&[Refuses, Refuses], true),
        (&[WantsNonce, Refuses, WantsNonce, Refuses], true),
        (&[WantsNonce, Refuses, WantsNonce, WantsNonce], true),
    ] {
        let script = Script::new();
        let script = if refreshes { script.then(tokens()) } else { script };
        let mut world = World::new(script);
        world.endpoint = world.endpoint.dpop(dpop("key-1"));
        let mut record = record("at-1", "rt-1", world.now(), 3600);
        record.tokens.token_type = Some("DPoP".into());
        world.store.inner.put(ADA, record);
        let account = world.account();
        let mut asked = 0;
        let mut get = |given: Authorization| {
            // With the token and the nonce of then.
            let refused = answers[..asked].contains(&Refuses);
            assert_eq!(given.authorization(), if refused { "DPoP at-2" } else { "DPoP at-1" });
            let nonces = answers[..asked].iter().filter(|one| **one == WantsNonce).count();
            let nonce = (nonces > 0).then(|| format!("n-{nonces}"));
            assert_eq!(claims(given.proof().unwrap())["nonce"].as_str(), nonce.as_deref());
            asked += 1;
            let next = format!("n-{}", nonces + 1);
            let (status, headers) = match answers[asked - 1] {
                Serves => (200, answer(None, None)),
                Refuses => (401, answer(Some(r#"DPoP error="invalid_token""#), None)),
                WantsNonce => (401, answer(Some(r#"DPoP error="use_dpop_nonce""#), Some(&next))),
            };
            let mut response = Response::builder().status(status).body(()).unwrap();
            *response.headers_mut() = headers;
            response
        };

        let mut token = block_on(account.token()).unwrap();
        let (mut has_nonce, mut was_refused) = (false, false);
        let response = loop {
            let response = get(token.authorization("GET", URL).unwrap());
            let wants_nonce = token.learn_nonce(URL, response.headers());
            if wants_nonce && !has_nonce {
                has_nonce = true;
            } else if !wants_nonce && response.status() == 401 && !was_refused {
                token = block_on(account.token_refused(token.access_token())).unwrap();
                (has_nonce, was_refused) = (false, true);
            } else {
                break response;
            }
        };
        assert_eq!(asked, answers.len(), "{answers:?}");
        assert_eq!(response.status() == 200, answers.ends_with(&[Serves]), "{answers:?}");
        world.script.finish();
    }
}
