//! What auth-core has signed, by keys of this crate, as another library verifies it.
#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant, SystemTime};

use auth_core::{
    Audience, ClientAuth, Dpop, Now, Refresh, RefreshToken, SigningAlgorithm::*, Step,
    TokenEndpoint, http::Method,
};
use auth_sign::{Key, NewKey};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::Jwk};
use serde_json::{Value, json};

const RSA: &str = include_str!("keys/rsa.pkcs8.pem");
const P256: &str = include_str!("keys/p256.pkcs8.pem");
const P384: &str = include_str!("keys/p384.pkcs8.pem");
const ED25519: &str = include_str!("keys/ed25519.pkcs8.pem");
const SECRET: &str = "a client secret of 64 bytes and more, for the longest of the hashes";

fn now() -> Now {
    Now { monotonic: Instant::now(), wall: SystemTime::now() }
}

/// The parameter of the first request.
fn assertion_of(auth: ClientAuth) -> String {
    let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client").unwrap();
    let refresh = Refresh::new(endpoint.client_auth(auth), RefreshToken::new("rt-1"));
    let mut step = refresh.start(now());
    loop {
        step = match step {
            Step::Prove(demand, proving) => proving.resolve(demand.meet_blocking(), now()),
            Step::Send(request, _) => {
                let body = String::from_utf8(request.body().to_vec()).unwrap();
                let (_, assertion) = body.split_once("client_assertion=").unwrap();
                return assertion.split('&').next().unwrap().to_owned();
            }
            other => panic!("{other:?}"),
        };
    }
}

#[test]
fn a_client_assertion_is_verified() {
    let secret = || DecodingKey::from_secret(SECRET.as_bytes());
    let rows = [
        (Key::from_pem(Es256, P256), Algorithm::ES256, None),
        (Key::from_pem(Es384, P384), Algorithm::ES384, None),
        (Key::from_pem(Rs256, RSA), Algorithm::RS256, None),
        (Key::from_pem(Ps256, RSA), Algorithm::PS256, None),
        (Key::from_pem(EdDsa, ED25519), Algorithm::EdDSA, None),
        (Key::from_secret(Hs256, SECRET), Algorithm::HS256, Some(secret())),
        (Key::from_secret(Hs512, SECRET), Algorithm::HS512, Some(secret())),
    ];
    for (key, algorithm, shared) in rows {
        let key = key.unwrap().key_id("2026-11");
        let verifier = shared.unwrap_or_else(|| {
            let public: Jwk = serde_json::from_str(key.info().public_jwk().unwrap()).unwrap();
            DecodingKey::from_jwk(&public).unwrap()
        });
        let issuer = Audience::Issuer("https://auth.example.com".into());
        let assertion = assertion_of(ClientAuth::assertion(key, issuer));
        let mut validation = Validation::new(algorithm);
        validation.set_audience(&["https://auth.example.com"]);
        validation.set_issuer(&["my-client"]);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        validation.sub = Some("my-client".into());
        let verified = decode::<Value>(&assertion, &verifier, &validation).unwrap();
        assert_eq!(verified.header.kid.as_deref(), Some("2026-11"));
        assert_eq!(verified.header.typ.as_deref(), Some("client-authentication+jwt"));
        assert!(verified.claims["jti"].is_string());
    }
}

#[test]
fn a_dpop_proof_is_verified_by_the_key_that_it_carries() {
    let keys = [
        (NewKey::es256().unwrap().into_key(), Algorithm::ES256),
        (Key::from_pem(Es384, P384).unwrap(), Algorithm::ES384),
        (Key::from_pem(Rs256, RSA).unwrap(), Algorithm::RS256),
        (Key::from_pem(EdDsa, ED25519).unwrap(), Algorithm::EdDSA),
    ];
    for (key, algorithm) in keys {
        let thumbprint = key.info().thumbprint().to_owned();
        let dpop = Dpop::new(key).unwrap();
        assert_eq!(dpop.thumbprint(), thumbprint);
        let uri = "https://api.example.com/things?page=2".parse().unwrap();
        let demand = dpop.demand(&Method::GET, &uri, Some("hash"), now());
        let proof = demand.meet_blocking().unwrap();
        let header = decode_header(proof.expose()).unwrap();
        assert_eq!(header.typ.as_deref(), Some("dpop+jwt"));
        let carried = header.jwk.unwrap();
        let theirs = carried.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256);
        assert_eq!(theirs.unwrap_or_default(), thumbprint);
        let mut validation = Validation::new(algorithm);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        let verifier = DecodingKey::from_jwk(&carried).unwrap();
        let claims = decode::<Value>(proof.expose(), &verifier, &validation).unwrap().claims;
        assert_eq!(claims["htm"], json!("GET"));
        assert_eq!(claims["htu"], json!("https://api.example.com/things"));
        assert_eq!(claims["ath"], json!("hash"));
        let made = Duration::from_secs(claims["iat"].as_u64().unwrap());
        let age = SystemTime::UNIX_EPOCH.elapsed().unwrap().checked_sub(made).unwrap();
        assert!(age < Duration::from_secs(3600), "{age:?}");
    }
}

/// A shared secret proves nothing to a third party.
#[test]
fn dpop_takes_no_shared_secret() {
    assert!(Dpop::new(Key::from_secret(Hs256, SECRET).unwrap()).is_err());
}
