//! What the fake server says of the assertions of clients.

// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used)]

use auth_core::{
    Audience, Backoff, ClientAuth, Credential, Dpop, Refresh, SigningKey, Source, TokenEndpoint,
    refresh_blocking,
};
use auth_sign::{Key, NewKey};
use auth_testkit::{FakeAuthServer, FakeDpop, Wording};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

fn key() -> Key {
    NewKey::es256().unwrap().into_key()
}

fn refreshes(server: &FakeAuthServer, endpoint: TokenEndpoint) -> bool {
    let refresh = Refresh::new(endpoint, server.log_in("ada").refresh_token.unwrap());
    refresh_blocking(refresh.policy(Backoff::never()), server, server.clock()).is_ok()
}

#[test]
fn what_is_wrong_with_an_assertion_is_said_in_every_wording() {
    let signer = SigningKey::from(key());
    let jwk = signer.info().public_jwk().unwrap().to_owned();
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let made = |typ: &str, claim: &str, value: Value| {
        let header = json!({ "alg": "ES256", "typ": typ });
        let mut claims = json!({
            "iss": "my-client", "sub": "my-client", "aud": "https://auth.example.com",
            "exp": 4_000_000_000_u64, "jti": "1",
        });
        claims[claim] = value;
        let made = format!("{}.{}.AAAA", encoded(&header), encoded(&claims));
        let source = Source::callback(move || Ok(Credential::new(made.clone())));
        ClientAuth::ready_made_assertion(source)
    };
    let other = Audience::Other("https://other.example.com".to_owned());
    let no_jwt = Source::callback(|| Ok(Credential::new("a.b.c")));
    let mut rows = vec![
        (ClientAuth::assertion(signer.clone(), other), "aud"),
        (made("JWT", "aud", json!(["https://auth.example.com", "b"])), "aud"),
        (made("JWT", "exp", 1.into()), "exp"),
        (made("JWT", "exp", "soon".into()), "exp"),
        (made("JWT", "iat", 4_000_000_000_u64.into()), "iat"),
        (made("JWT", "iss", "another".into()), "iss"),
        (made("JWT", "sub", "another".into()), "sub"),
        (made("dpop+jwt", "jti", "1".into()), "typ"),
        (ClientAuth::ready_made_assertion(no_jwt), "it is no JWT"),
        (ClientAuth::post("s3cret"), "client_assertion is missing"),
    ];
    if cfg!(feature = "verify") {
        let foreign = ClientAuth::assertion(key(), Audience::TokenEndpoint);
        rows.push((foreign, "the signature does not verify"));
        rows.push((made("JWT", "jti", "1".into()), "the signature does not verify"));
    } else {
        rows.push((made("JWT", "jti", 1.into()), "jti"));
    }
    for wording in Wording::ALL {
        for (auth, wrong) in &rows {
            let server = FakeAuthServer::builder().private_key_jwt(&jwk).wording(wording).build();
            let endpoint = server.endpoint().client_auth(auth.clone());
            assert!(!refreshes(&server, endpoint));
            let told = server.transcript();
            assert!(told.contains(&format!("client assertion: {wrong}")), "{wording:?}: {told}");
        }
    }
}

#[test]
fn a_transcript_names_the_claims_of_what_was_signed() {
    let signer = key();
    let server = FakeAuthServer::builder()
        .private_key_jwt(signer.info().public_jwk().unwrap())
        .dpop(FakeDpop::new())
        .build();
    let endpoint = server
        .endpoint()
        .client_auth(ClientAuth::assertion(signer, Audience::TokenEndpoint))
        .dpop(Dpop::new(key()).unwrap());
    assert!(refreshes(&server, endpoint));
    let told = server.transcript();
    for part in [
        " client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "]{aud,exp,iat,iss,jti,sub}",
        "]{htm,htu,iat,jti}",
    ] {
        assert!(told.contains(part), "no {part} in {told}");
    }
    let request = &server.requests()[0];
    for token in [request.client_assertion().unwrap(), request.dpop_proof().unwrap()] {
        for secret in token.token().split('.').chain([token.text("jti").unwrap()]) {
            assert!(!told.contains(secret), "{told}");
        }
    }
}
