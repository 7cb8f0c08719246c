//! The fake server asks for proofs that are made anew for each request: client
//! assertions and DPoP.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use auth_core::{
    Audience, Backoff, BasicAuth, BodyFormat, ClientAssertion, ClientAuth, Credential, Dpop,
    FailureKind, Refresh, RefreshError, SigningAlgorithm, SigningKey, Source, TokenEndpoint,
    TokenExchange, TokenRevocation, TokenSet, refresh_blocking, revoke_blocking,
};
use auth_sign::{Key, NewKey};
use auth_testkit::{
    ClientIdRule, FakeAuthServer, FakeAuthServerBuilder, FakeDpop, NonceRule, Revokes, Rotation,
};

const SECRET: &str = "p+ss: %w/rd of 32 bytes or more, so that it will do";

fn server() -> FakeAuthServerBuilder {
    FakeAuthServer::builder()
}

fn key() -> Key {
    NewKey::es256().unwrap().into_key()
}

fn refresh(
    server: &FakeAuthServer,
    endpoint: TokenEndpoint,
    tokens: &TokenSet,
) -> Result<TokenSet, RefreshError> {
    let refresh = Refresh::new(endpoint, tokens.refresh_token.clone().unwrap());
    refresh_blocking(refresh.policy(Backoff::never()), server, server.clock())
}

/// How the first request of a client with this authentication ends.
fn first(server: FakeAuthServerBuilder, auth: impl Into<ClientAuth>) -> Option<FailureKind> {
    let server = server.build();
    let session = server.log_in("ada");
    let endpoint = server.endpoint().client_auth(auth);
    refresh(&server, endpoint, &session).err().map(|error| error.kind())
}

#[test]
fn a_client_is_known_by_what_it_is_registered_for_and_by_nothing_else() {
    let key = SigningKey::from(key());
    let jwk = key.info().public_jwk().unwrap().to_owned();
    let signed = |key: &SigningKey, audience| ClientAssertion::new(key.clone(), audience);
    let other_key = SigningKey::from(self::key());
    let hs = SigningKey::from(Key::from_secret(SigningAlgorithm::Hs256, SECRET).unwrap());
    let endpoint = || Audience::TokenEndpoint;
    let other = || Audience::Other("https://other.example.com".to_owned());
    let issuer = || Audience::Issuer("https://auth.example.com".to_owned());
    let ready = |text: &'static str| {
        ClientAuth::ready_made_assertion(Source::callback(move || Ok(Credential::new(text))))
    };
    let private = || server().private_key_jwt(&jwk);
    let refused = Some(FailureKind::Misconfigured);

    assert_eq!(first(private(), signed(&key, endpoint())), None);
    assert_eq!(first(private(), signed(&key, issuer())), None);
    assert_eq!(first(private(), signed(&key, other())), refused);
    assert_eq!(first(private().audience("https://other.example.com"), signed(&key, other())), None);
    assert_eq!(first(private(), signed(&hs, endpoint())), refused, "the wrong kind of key");
    if cfg!(feature = "verify") {
        assert_eq!(first(private(), signed(&other_key, endpoint())), refused);
    }
    assert_eq!(first(private(), ClientAuth::post(SECRET)), refused);
    assert_eq!(first(private(), ClientAuth::none()), refused);
    // What is valid for 580 s has expired 20 s ago, and the server allows 30.
    let stale = signed(&key, endpoint()).backdated(Duration::from_secs(600));
    let valid_for = |seconds| stale.clone().lifetime(Duration::from_secs(seconds));
    assert_eq!(first(private(), valid_for(580)), None, "within the leeway");
    assert_eq!(first(private(), valid_for(560)), refused);

    let secret_jwt = || server().client_secret_jwt(SECRET);
    assert_eq!(first(secret_jwt(), signed(&hs, endpoint())), None);
    assert_eq!(first(secret_jwt(), signed(&key, endpoint())), refused);
    assert_eq!(first(server().ready_made_assertion("a.b.c"), ready("a.b.c")), None);
    assert_eq!(first(server().ready_made_assertion("a.b.c"), ready("a.b.d")), refused);

    let basic = || server().client_secret_basic(SECRET);
    for (server, standard, raw, with_id) in [
        (basic(), None, refused, None),
        (basic().raw_basic(), refused, None, refused),
        (basic().client_id_beside_basic(ClientIdRule::Demanded), refused, refused, None),
        (basic().client_id_beside_basic(ClientIdRule::Refused), None, refused, refused),
    ] {
        assert_eq!(first(server.clone(), BasicAuth::new(SECRET)), standard);
        assert_eq!(first(server.clone(), BasicAuth::new(SECRET).raw()), raw);
        assert_eq!(first(server, BasicAuth::new(SECRET).client_id_in_body()), with_id);
    }
}

#[test]
fn an_assertion_is_taken_once() {
    let key = key();
    let server = server().private_key_jwt(key.info().public_jwk().unwrap()).build();
    let auth = ClientAuth::assertion(key, Audience::TokenEndpoint);
    let endpoint = server.endpoint().client_auth(auth);
    let mut tokens = server.log_in("ada");
    for _ in 0..3 {
        tokens = refresh(&server, endpoint.clone(), &tokens).unwrap();
    }
    let assertion = server.requests()[0].client_assertion().unwrap().token().to_owned();
    let again = Source::callback(move || Ok(Credential::new(assertion.clone())));
    let replayed = server.endpoint().client_auth(ClientAuth::ready_made_assertion(again));
    assert!(refresh(&server, replayed, &tokens).is_err(), "its jti was seen");
    assert!(refresh(&server, endpoint, &tokens).is_ok());
}

#[test]
fn a_nonce_is_demanded_as_the_server_is_set_up() {
    for (rule, demanded) in
        [(NonceRule::Never, 0), (NonceRule::Always, 1), (NonceRule::Rotating(1), 1)]
    {
        for status in [400, 401] {
            let server = server().dpop(FakeDpop::new().nonces(rule).status(status)).build();
            let endpoint = server.endpoint().dpop(Dpop::new(key()).unwrap());
            let mut tokens = server.log_in("ada");
            for _ in 0..3 {
                tokens = refresh(&server, endpoint.clone(), &tokens).unwrap();
                assert_eq!(tokens.token_type.as_deref(), Some("DPoP"));
            }
            // Of the first one only: the nonce of every response is kept.
            assert_eq!(server.report().nonces_demanded, demanded, "{rule:?}");
            assert_eq!(server.requests().len(), 3 + demanded);
            let mut jtis: Vec<_> = server
                .requests()
                .iter()
                .map(|request| request.dpop_proof().unwrap().text("jti").unwrap().to_owned())
                .collect();
            jtis.sort();
            jtis.dedup();
            assert_eq!(jtis.len(), 3 + demanded, "each proof is another one");
            server.assert_never_replayed();
        }
    }
}

#[test]
fn a_server_that_spends_the_token_before_it_asks() {
    for (rotation, kind) in [
        (Rotation::EachUse, Some(FailureKind::Rejected)),
        (Rotation::WithGrace(Duration::from_secs(10)), None),
        (Rotation::Off, None),
    ] {
        let dpop = FakeDpop::new().nonces(NonceRule::Always).spends_before_it_asks();
        let server = server().dpop(dpop).rotation(rotation).build();
        let endpoint = server.endpoint().dpop(Dpop::new(key()).unwrap());
        let session = server.log_in("ada");
        let result = refresh(&server, endpoint, &session);
        assert_eq!(result.as_ref().err().map(RefreshError::kind), kind, "{rotation:?}");
        // What the client could not have known is no fault of its own.
        assert!(result.err().is_none_or(|error| error.possibly_spent()));
        server.assert_never_replayed();
    }
}

#[test]
fn tokens_are_bound_to_the_key_of_the_first_proof() {
    for ends in [false, true] {
        let rule = match ends {
            true => FakeDpop::new().another_key_ends_the_session(),
            false => FakeDpop::new().bearer_access(),
        };
        let server = server().dpop(rule).build();
        let endpoint = |key: &Dpop| server.endpoint().dpop(key.clone());
        let (one, other) = (Dpop::new(key()).unwrap(), Dpop::new(key()).unwrap());
        let tokens = refresh(&server, endpoint(&one), &server.log_in("ada")).unwrap();
        assert_eq!(tokens.token_type.as_deref(), Some(if ends { "DPoP" } else { "Bearer" }));
        let error = refresh(&server, endpoint(&other), &tokens).unwrap_err();
        assert_eq!(error.kind(), FailureKind::Rejected);
        assert_eq!(refresh(&server, endpoint(&one), &tokens).is_ok(), !ends);

        let error = refresh(&server, server.endpoint(), &tokens).unwrap_err();
        assert_ne!(error.kind(), FailureKind::Rejected, "no proof at all");
        assert_eq!(error.failure().code().unwrap().as_str(), "invalid_dpop_proof");
    }
    if cfg!(feature = "verify") {
        let key = Dpop::new(key()).unwrap();
        let server = server().dpop(FakeDpop::new()).build();
        let bound = server.log_in_bound("ada", key.thumbprint());
        assert!(refresh(&server, server.endpoint().dpop(key), &bound).is_ok());
    }
}

#[test]
fn revoking_is_proved_as_well() {
    let client = key();
    let server = server()
        .revokes(Revokes::Family)
        .private_key_jwt(client.info().public_jwk().unwrap())
        .dpop(FakeDpop::new().nonces(NonceRule::Rotating(1)))
        .build();
    let endpoint = server
        .endpoint()
        .client_auth(ClientAuth::assertion(client, Audience::TokenEndpoint))
        .dpop(Dpop::new(key()).unwrap());
    let token = server.log_in("ada").refresh_token.unwrap();
    let revocation = TokenRevocation::new(endpoint, token.clone()).unwrap();
    revoke_blocking(revocation, &server, server.clock()).unwrap();
    assert!(!server.is_live(&token));
    assert_eq!(server.requests().len(), 2, "the server asked for its nonce");
    let assertions: Vec<_> = server.requests();
    let jti = |at: usize| assertions[at].client_assertion().unwrap().text("jti").map(str::to_owned);
    assert_ne!(jti(0), jti(1), "a fresh assertion goes with the new proof");
}

/// The `ath` of a proof.
fn hash_of(tokens: &TokenSet) -> String {
    use base64::Engine as _;
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(tokens.access_token.expose());
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest)
}

/// The status with which an API takes the tokens, proved by `dpop`.
fn proved_call(server: &FakeAuthServer, tokens: &TokenSet, dpop: &Dpop) -> u16 {
    let uri: http::Uri = "https://api.example.com/things".parse().unwrap();
    let now = auth_core::TimeSource::now(server.clock());
    let hash = hash_of(tokens);
    let proof = dpop.demand(&http::Method::GET, &uri, Some(&hash), now).meet_blocking();
    let request = http::Request::get(uri)
        .header("authorization", format!("DPoP {}", tokens.access_token.expose()))
        .header("dpop", proof.unwrap().expose())
        .body(())
        .unwrap();
    server.api_with_dpop(&FakeDpop::new()).respond(&request).status().as_u16()
}

#[test]
fn refresh_tokens_of_a_client_that_authenticates_are_bound_if_all_are() {
    let secret = || server().client_secret_post(SECRET);
    let basic = || server().client_secret_basic(SECRET);
    let signer = SigningKey::from(key());
    let signed = || server().private_key_jwt(signer.info().public_jwk().unwrap());
    let assertion = ClientAuth::assertion(signer.clone(), Audience::TokenEndpoint);
    let all = || FakeDpop::new().binds_all_clients();
    for (name, server, auth, dpop, bound, ends) in [
        ("public", server(), ClientAuth::none(), FakeDpop::new(), true, false),
        ("post", secret(), ClientAuth::post(SECRET), FakeDpop::new(), false, false),
        ("basic", basic(), ClientAuth::basic(SECRET), FakeDpop::new(), false, false),
        ("assertion", signed(), assertion.clone(), FakeDpop::new(), false, false),
        ("post, all", secret(), ClientAuth::post(SECRET), all(), true, false),
        ("assertion, all", signed(), assertion.clone(), all(), true, false),
        (
            "as atproto",
            signed(),
            assertion.clone(),
            all().another_key_ends_the_session(),
            true,
            true,
        ),
        (
            "nothing to end",
            secret(),
            ClientAuth::post(SECRET),
            FakeDpop::new().another_key_ends_the_session(),
            false,
            false,
        ),
    ] {
        let server = server.dpop(dpop).build();
        let by = |key: &Dpop| server.endpoint().client_auth(auth.clone()).dpop(key.clone());
        let (one, other) = (Dpop::new(key()).unwrap(), Dpop::new(key()).unwrap());
        let first = refresh(&server, by(&one), &server.log_in("ada")).unwrap();
        // Each access token is bound to the key that it was got with.
        assert_eq!(proved_call(&server, &first, &one), 200, "{name}");
        assert_eq!(proved_call(&server, &first, &other), 401, "{name}");
        match refresh(&server, by(&other), &first) {
            Ok(second) => {
                assert!(!bound, "{name}");
                assert_eq!(proved_call(&server, &second, &other), 200, "{name}");
                assert_eq!(proved_call(&server, &second, &one), 401, "{name}");
                assert_eq!(proved_call(&server, &first, &one), 200, "{name}");
            }
            Err(error) => {
                assert!(bound, "{name}: {error}");
                let failure = error.failure();
                assert_eq!(failure.code().unwrap().as_str(), "invalid_grant", "{name}");
                let said = failure.description();
                assert_eq!(said, Some("DPoP proof does not match the expected JKT"), "{name}");
                assert_eq!(refresh(&server, by(&one), &first).is_err(), ends, "{name}");
                assert_eq!(server.report().revocations.len(), usize::from(ends), "{name}");
            }
        }
    }
}

#[test]
fn an_api_takes_each_token_as_it_was_issued() {
    let dpop = Dpop::new(key()).unwrap();
    let rules = [FakeDpop::new(), FakeDpop::new().bearer_access()];
    for (server, binds) in rules.map(|rule| server().dpop(rule).build()).iter().zip([true, false]) {
        let as_issued = |tokens: &TokenSet| {
            if tokens.token_type.as_deref() == Some("DPoP") {
                return proved_call(server, tokens, &dpop);
            }
            let header = tokens.access_token.authorization().unwrap();
            server.api_with_dpop(&FakeDpop::new()).call(Some(&header)).status().as_u16()
        };
        let session = server.log_in("ada");
        assert_eq!(session.token_type.as_deref(), Some("Bearer"));
        let refreshed = refresh(server, server.endpoint().dpop(dpop.clone()), &session).unwrap();
        assert_eq!(refreshed.token_type.as_deref() == Some("DPoP"), binds);
        assert_eq!((as_issued(&session), as_issued(&refreshed)), (200, 200));
        if cfg!(feature = "verify") {
            let bound = server.log_in_bound("ada", dpop.thumbprint());
            assert_eq!(bound.token_type.as_deref() == Some("DPoP"), binds);
            assert_eq!(as_issued(&bound), 200);
        }
        // A token that is dead is refused by either scheme.
        server.revoke_access(&session.access_token);
        server.revoke_access(&refreshed.access_token);
        assert_eq!((as_issued(&session), as_issued(&refreshed)), (401, 401));
    }
}

#[test]
fn an_api_looks_at_proofs_too() {
    let server = server().dpop(FakeDpop::new()).build();
    let api = server.api_with_dpop(&FakeDpop::new().nonces(NonceRule::Always));
    let dpop = Dpop::new(key()).unwrap();
    let tokens =
        refresh(&server, server.endpoint().dpop(dpop.clone()), &server.log_in("ada")).unwrap();
    let call = |proof: Option<Credential>, scheme: &str| {
        let token = tokens.access_token.expose();
        let mut request = http::Request::get("https://api.example.com/things?page=2")
            .header("authorization", format!("{scheme} {token}"));
        if let Some(proof) = proof {
            request = request.header("dpop", proof.expose());
        }
        api.respond(&request.body(()).unwrap())
    };
    let uri: http::Uri = "https://api.example.com/things?page=2".parse().unwrap();
    let now = || auth_core::TimeSource::now(server.clock());
    let prove = |dpop: &Dpop, hash: Option<&str>| {
        dpop.demand(&http::Method::GET, &uri, hash, now()).meet_blocking().ok()
    };
    assert_eq!(call(None, "Bearer").status(), 401);
    assert_eq!(call(None, "DPoP").status(), 401);
    assert_eq!(call(prove(&dpop, None), "DPoP").status(), 401, "no hash of the token");
    let hash = hash_of(&tokens);
    let asked = call(prove(&dpop, Some(&hash)), "DPoP");
    assert_eq!(asked.status(), 401);
    dpop.learn(&uri, asked.headers());
    assert_eq!(call(prove(&dpop, Some(&hash)), "DPoP").status(), 200);
    let other = Dpop::new(key()).unwrap();
    other.learn(&uri, asked.headers());
    assert_eq!(call(prove(&other, Some(&hash)), "DPoP").status(), 401, "another key");
    let report = api.report();
    assert_eq!((report.served, report.nonces_demanded, report.without_token), (1, 1, 0));
    assert_eq!(report.unproved, 4, "a bound token is no bearer token");
}

/// RFC 8707 section 2 and RFC 8693 section 2.1: they may be repeated, and nothing else.
#[test]
fn a_request_may_name_several_resources_and_audiences() {
    for format in [BodyFormat::Form, BodyFormat::Json] {
        let server = server().body_format(format).build();
        let session = server.log_in("ada");
        let refresh = Refresh::new(server.endpoint(), session.refresh_token.unwrap())
            .resource("https://files.example.com/")
            .resource("https://mail.example.com/")
            .audience("one")
            .audience("two");
        let refresh = refresh.policy(Backoff::never());
        refresh_blocking(refresh, &server, server.clock()).unwrap();

        let exchange = TokenExchange::new(Credential::new("jwt"), TokenExchange::JWT)
            .resource("https://files.example.com/")
            .resource("https://mail.example.com/");
        let refresh = Refresh::new(server.endpoint(), exchange).policy(Backoff::never());
        refresh_blocking(refresh, &server, server.clock()).unwrap();

        for request in server.requests() {
            let resources = request.params().filter(|(name, _)| *name == "resource");
            let resources: Vec<_> = resources.map(|(_, value)| value.to_owned()).collect();
            let expected = ["https://files.example.com/", "https://mail.example.com/"];
            assert_eq!(resources, expected, "{format:?}");
        }
    }
}
