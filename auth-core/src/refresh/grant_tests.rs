//! Grants that are made anew for each attempt, and what one refresh asks for.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::*;
use crate::{
    Advice, BodyFormat, ClientAuth, CredentialErrorKind, Dpop, KeyInfo, RefreshToken,
    SignedAssertion, Signer, SigningAlgorithm, SigningKey, Source, TokenExchange, TokenRequest,
    presets, test_now,
};

#[derive(Debug)]
struct Key(KeyInfo);

impl Signer for Key {
    fn key(&self) -> &KeyInfo {
        &self.0
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, CredentialError> {
        Ok(b"signature".to_vec())
    }
}

fn key() -> SigningKey {
    let info = KeyInfo::of_pair(SigningAlgorithm::Rs256, r#"{"kty":"RSA"}"#, "thumb");
    SigningKey::new(Key(info.key_id("key-1")))
}

fn endpoint() -> TokenEndpoint {
    TokenEndpoint::new("https://auth.example.com/token", "my-client").unwrap()
}

fn read(text: &'static str) -> Source {
    Source::callback(move || Ok(Credential::new(text)))
}

/// Meets all demands. Returns the request, and how many there were.
fn sent(mut step: Step) -> (Request, Pending, usize) {
    let mut demands = 0;
    loop {
        step = match step {
            Step::Prove(demand, proving) => {
                demands += 1;
                proving.resolve(demand.meet_blocking(), test_now())
            }
            Step::Send(request, pending) => return (request, pending, demands),
            step => panic!("{step:?}"),
        };
    }
}

fn body(refresh: Refresh) -> String {
    String::from_utf8(sent(refresh.start(test_now())).0.body().to_vec()).unwrap()
}

/// The parts of the assertion in a form.
fn parts(body: &[u8]) -> (Value, Value) {
    let found = form_urlencoded::parse(body).find(|(name, _)| name == "assertion").unwrap().1;
    let read = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let mut parts = found.split('.');
    let parts = (read(parts.next().unwrap()), read(parts.next().unwrap()));
    assert!(found.ends_with(".c2lnbmF0dXJl"));
    parts
}

fn answer(status: u16, body: &str) -> Result<Response, TransportError> {
    Ok(http::Response::builder().status(status).body(body.into()).unwrap())
}

#[test]
fn what_is_on_the_wire() {
    const JWT: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
    const EXCHANGE: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange";
    const TYPE: &str = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3A";
    let exchange = || TokenExchange::new(read("s-1"), TokenExchange::JWT);
    let post = || endpoint().client_auth(ClientAuth::post("s3cret"));
    for (endpoint, grant, expected) in [
        (
            endpoint(),
            Grant::jwt_bearer(read("a.b.c")),
            format!("{JWT}&assertion=a.b.c&client_id=my-client"),
        ),
        (
            endpoint().client_auth(ClientAuth::unnamed()).scope("a b"),
            Grant::jwt_bearer(Credential::new("a.b.c")),
            format!("{JWT}&assertion=a.b.c&scope=a+b"),
        ),
        (
            post(),
            exchange().into(),
            format!(
                "{EXCHANGE}&subject_token=s-1&subject_token_type={TYPE}jwt\
                 &client_id=my-client&client_secret=s3cret"
            ),
        ),
        (
            // What the exchange says takes the endpoint's place.
            endpoint().scope("a").parameter("resource", "urn:x").unwrap(),
            exchange()
                .actor(read("a-1"), TokenExchange::ID_TOKEN)
                .requested_token_type(TokenExchange::ACCESS_TOKEN)
                .resource("urn:r1")
                .resource("urn:r2")
                .audience("one")
                .audience("two")
                .scope("b")
                .into(),
            format!(
                "{EXCHANGE}&subject_token=s-1&subject_token_type={TYPE}jwt\
                 &actor_token=a-1&actor_token_type={TYPE}id_token\
                 &requested_token_type={TYPE}access_token&client_id=my-client&scope=b\
                 &resource=urn%3Ar1&resource=urn%3Ar2&audience=one&audience=two"
            ),
        ),
        (
            endpoint().body_format(BodyFormat::Json),
            exchange().resource("urn:r1").resource("urn:r2").audience("one").into(),
            r#"{"grant_type":"urn:ietf:params:oauth:grant-type:token-exchange","subject_token":"s-1","subject_token_type":"urn:ietf:params:oauth:token-type:jwt","client_id":"my-client","resource":["urn:r1","urn:r2"],"audience":"one"}"#.into(),
        ),
        (
            endpoint().body_format(BodyFormat::JsonCamelCase),
            exchange().into(),
            r#"{"grantType":"urn:ietf:params:oauth:grant-type:token-exchange","subjectToken":"s-1","subjectTokenType":"urn:ietf:params:oauth:token-type:jwt","clientId":"my-client"}"#.into(),
        ),
    ] {
        assert_eq!(body(Refresh::new(endpoint.clone(), grant.clone())), expected);
        assert!(matches!(endpoint.request(&grant), Err(crate::EndpointError::NeedsProof)));
    }
}

#[test]
fn one_refresh_asks_for_what_it_wants() {
    let endpoint = endpoint().scope("all").parameter("audience", "usual").unwrap();
    let endpoint = endpoint.parameter("tenant", "t").unwrap();
    let refresh = || Refresh::new(endpoint.clone(), RefreshToken::new("rt-1"));
    const START: &str = "grant_type=refresh_token&refresh_token=rt-1&client_id=my-client";
    let request = TokenRequest::new().scope("one").resource("urn:r");
    let parameter = |name: &str, value| refresh().parameter(name, value);
    for (refresh, expected) in [
        (refresh(), "&scope=all&audience=usual&tenant=t"),
        (refresh().scope("one"), "&scope=one&audience=usual&tenant=t"),
        (refresh().resource("urn:r"), "&scope=all&resource=urn%3Ar&audience=usual&tenant=t"),
        (refresh().audience("a").audience("b"), "&scope=all&audience=a&audience=b&tenant=t"),
        (
            refresh().scope("gone").audience("gone").token_request(request),
            "&scope=one&resource=urn%3Ar&audience=usual&tenant=t",
        ),
        (parameter("claims", "{}").unwrap(), "&scope=all&claims=%7B%7D&audience=usual&tenant=t"),
        (
            parameter("tenant", "u").unwrap().parameter("tenant", "v").unwrap(),
            "&scope=all&tenant=u&tenant=v&audience=usual",
        ),
    ] {
        assert_eq!(body(refresh), format!("{START}{expected}"));
    }
    for reserved in ["grant_type", "refresh_token", "client_id", "client_secret", "scope"] {
        assert!(parameter(reserved, "x").is_err(), "{reserved}");
    }
    let shown = format!("{:?}", parameter("claims", "s3cret").unwrap());
    assert!(shown.contains("claims") && !shown.contains("s3cret"), "{shown}");
}

#[test]
fn an_assertion_is_signed_anew_for_each_attempt() {
    let assertion = SignedAssertion::new(key(), "robot").subject("ada").claim("tenant", 7);
    let grant = Grant::jwt_bearer(assertion);
    let (request, pending, demands) = sent(Refresh::new(endpoint(), grant).start(test_now()));
    assert_eq!(demands, 1);
    let (header, claims) = parts(request.body());
    assert_eq!(header, json!({"typ": "JWT", "alg": "RS256", "kid": "key-1"}));
    let expected = json!({
        "iss": "robot", "sub": "ada", "aud": "https://auth.example.com/token", "tenant": 7,
        "iat": 1_799_999_995, "exp": 1_800_000_295, "jti": claims["jti"],
    });
    assert_eq!(claims, expected);
    let Step::Wait(_, waiting) = pending.resolve(answer(503, ""), test_now()) else { panic!() };
    assert!(!waiting.possibly_spent(), "there is nothing to spend");
    let (request, pending, demands) = sent(waiting.resume(test_now()));
    assert_eq!(demands, 1);
    assert_ne!(parts(request.body()).1["jti"], claims["jti"]);
    let failed = pending.resolve(answer(400, r#"{"error":"invalid_grant"}"#), test_now());
    let Step::Done(Err(error)) = failed else { panic!() };
    assert_eq!(error.advice(), Advice::FixSetup, "there is nobody to log in");
}

#[test]
fn so_it_is_after_a_challenge() {
    let exchange = TokenExchange::new(read("s-1"), TokenExchange::JWT);
    let exchange = exchange.actor(read("a-1"), TokenExchange::JWT);
    let refresh = Refresh::new(endpoint().dpop(Dpop::new(key()).unwrap()), exchange);
    let (_, pending, demands) = sent(refresh.start(test_now()));
    assert_eq!(demands, 3, "subject, actor, proof");
    let mut challenge = answer(400, r#"{"error":"use_dpop_nonce"}"#);
    challenge.as_mut().unwrap().headers_mut().insert("dpop-nonce", "n".parse().unwrap());
    let Step::Challenge(waiting) = pending.resolve(challenge, test_now()) else { panic!() };
    assert!(!waiting.possibly_spent(), "there is nothing to spend");
    assert_eq!(sent(waiting.resume(test_now())).2, 3);
}

#[test]
fn an_assertion_that_cannot_be_had_is_a_failure() {
    let source = Source::callback(|| Err(CredentialErrorKind::Missing.into()));
    let step = Refresh::new(endpoint(), Grant::jwt_bearer(source)).start(test_now());
    let Step::Prove(demand, proving) = step else { panic!() };
    let Step::Done(Err(error)) = proving.resolve(demand.meet_blocking(), test_now()) else {
        panic!()
    };
    assert_eq!(error.kind(), FailureKind::Misconfigured);
}

#[test]
fn what_is_in_the_grant_is_shown_to_nobody() {
    const SECRET: &str = "zyx-9876-subject";
    let grant = Grant::from(TokenExchange::new(Credential::new(SECRET), TokenExchange::JWT));
    let refresh = Refresh::new(endpoint(), grant).parameter("claims", "zyx-9876-claims").unwrap();
    assert!(!format!("{refresh:?}").contains("zyx"));
    let (_, pending, _) = sent(refresh.start(test_now()));
    let body = json!({
        "error": "invalid_grant", "error_description": format!("got {SECRET} and zyx-9876-claims"),
    });
    let Step::Done(Err(error)) = pending.resolve(answer(400, &body.to_string()), test_now()) else {
        panic!()
    };
    assert!(!format!("{error} {error:?}").contains("zyx"), "{error:?}");
    assert!(error.failure().description().is_some());
}

#[test]
fn what_was_issued_is_said() {
    let grant = Grant::from(TokenExchange::new(read("s-1"), TokenExchange::JWT));
    let (_, pending, _) = sent(Refresh::new(endpoint(), grant).start(test_now()));
    let body = json!({
        "access_token": "saml", "token_type": "N_A", "expires_in": 60,
        "issued_token_type": TokenExchange::SAML2,
    });
    let Step::Done(Ok(tokens)) = pending.resolve(answer(200, &body.to_string()), test_now()) else {
        panic!()
    };
    assert_eq!(tokens.issued_token_type(), Some(TokenExchange::SAML2));
    assert_eq!(tokens.token_type.as_deref(), Some("N_A"));
    assert_eq!(tokens.refresh_token, None);
}

#[test]
fn grants_are_told_apart_by_what_makes_them() {
    let assertion = || SignedAssertion::new(key(), "robot");
    let one = Grant::jwt_bearer(assertion());
    assert_eq!(one, one.clone());
    assert_ne!(one, Grant::jwt_bearer(assertion()), "they need not stay equal");
    assert_eq!(one.identity(None), Grant::jwt_bearer(assertion()).identity(None));
    let source = read("a.b.c");
    let ready = Grant::jwt_bearer(source.clone());
    let other = Credential::new("d.e.f");
    assert_ne!(ready.identity(None), ready.identity(Some(&other)));
    for other in [
        Grant::jwt_bearer(assertion().subject("ada")),
        Grant::jwt_bearer(assertion().audience("other")),
        Grant::jwt_bearer(assertion().scope("a")),
        Grant::jwt_bearer(assertion().key_id("key-2")),
        Grant::ClientCredentials,
        TokenExchange::new(source.clone(), TokenExchange::JWT).into(),
        TokenExchange::new(source, TokenExchange::JWT).audience("a").into(),
        ready,
    ] {
        assert_ne!(one.identity(None), other.identity(None), "{other:?}");
        assert_ne!(one, other);
    }
}

#[test]
fn a_service_account_of_google() {
    let file = json!({
        "type": "service_account", "private_key_id": "key-2", "private_key": "not read",
        "client_email": "robot@project.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    });
    let preset = |file: &str| presets::google_service_account(file, key());
    let (endpoint, assertion) = preset(&file.to_string()).unwrap();
    let grant = Grant::jwt_bearer(assertion.scope("https://www.googleapis.com/auth/drive"));
    let (request, ..) = sent(Refresh::new(endpoint, grant).start(test_now()));
    assert!(!String::from_utf8_lossy(request.body()).contains("client_id"));
    let (header, claims) = parts(request.body());
    assert_eq!(header["kid"], "key-2");
    for name in ["iss", "sub"] {
        assert_eq!(claims[name], "robot@project.iam.gserviceaccount.com");
    }
    assert_eq!(claims["aud"], "https://oauth2.googleapis.com/token");
    assert_eq!(claims["scope"], "https://www.googleapis.com/auth/drive");
    let lasts = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
    assert_eq!(Duration::from_secs(lasts), Duration::from_secs(3600), "Google takes no more");
    for bad in ["", "{}", "[]", r#"{"client_email":"a"}"#, r#"{"client_email":"a","private_key"#] {
        assert!(preset(bad).is_err(), "{bad}");
    }
    let plain = file.to_string().replace("https://oauth2", "http://oauth2");
    assert!(matches!(preset(&plain), Err(crate::EndpointError::Insecure { .. })));
}
