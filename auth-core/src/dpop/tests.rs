use super::*;
use crate::{
    CredentialErrorKind, KeyInfo, SigningAlgorithm,
    signing::testing::{Fake, JWK, THUMBPRINT, at_once, parts},
    test_now,
};

fn dpop() -> Dpop {
    Dpop::new(Fake::new(SigningAlgorithm::Es256)).unwrap()
}

fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

fn nonces(values: &[&[u8]]) -> HeaderMap {
    let values = values.iter().map(|value| http::HeaderValue::from_bytes(value).unwrap());
    values.map(|value| (http::HeaderName::from_static("dpop-nonce"), value)).collect()
}

/// Header and claims of a proof.
fn said(demand: &Demand) -> (Value, Value) {
    parts(demand.meet_blocking().unwrap().expose())
}

/// The structure of RFC 9449 section 4.1, with its key.
#[test]
fn a_proof_is_made_as_the_standard_has_it() {
    let dpop = dpop();
    let target = uri("https://server.example.com/token");
    let demand = dpop.demand(&Method::POST, &target, None, test_now());
    let (header, claims) = said(&demand);
    let jwk: Value = serde_json::from_str(JWK).unwrap();
    assert_eq!(header, serde_json::json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}));
    let jti = claims["jti"].as_str().unwrap().to_owned();
    assert_eq!(
        claims,
        serde_json::json!({
            "jti": jti, "htm": "POST", "htu": "https://server.example.com/token",
            "iat": 1_799_999_995_u64,
        })
    );
    let (_, again) = said(&dpop.demand(&Method::POST, &target, None, test_now()));
    assert_ne!(again["jti"], claims["jti"]);

    dpop.learn(&target, &nonces(&[b"eyJ7S_zG.eyJH0-Z.HX4w-7v"]));
    let hash = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo";
    let (_, claims) = said(&dpop.demand(&Method::GET, &target, Some(hash), test_now()));
    assert_eq!(claims["nonce"], "eyJ7S_zG.eyJH0-Z.HX4w-7v");
    assert_eq!((&claims["ath"], &claims["htm"]), (&Value::from(hash), &Value::from("GET")));
    assert_eq!(dpop.thumbprint(), THUMBPRINT);

    let before_1970 = std::time::SystemTime::UNIX_EPOCH - Duration::from_secs(1);
    let now = Now { wall: before_1970, ..test_now() };
    let (_, claims) = said(&dpop.demand(&Method::GET, &target, None, now));
    assert_eq!(claims["iat"], 0);
}

#[test]
fn the_target_is_in_the_form_that_is_compared() {
    for (url, target) in [
        ("https://server.example.com/token", "https://server.example.com/token"),
        ("https://server.example.com/token?a=b&c", "https://server.example.com/token"),
        ("https://server.example.com/token?", "https://server.example.com/token"),
        ("https://server.example.com?a=b", "https://server.example.com/"),
        ("https://server.example.com", "https://server.example.com/"),
        ("https://server.example.com/", "https://server.example.com/"),
        ("HTTPS://Server.Example.COM/Token", "https://server.example.com/Token"),
        ("https://server.example.com:443/token", "https://server.example.com/token"),
        ("https://server.example.com:80/token", "https://server.example.com:80/token"),
        ("https://server.example.com:8443/token", "https://server.example.com:8443/token"),
        ("http://localhost:80/token", "http://localhost/token"),
        ("http://localhost:443/token", "http://localhost:443/token"),
        ("http://127.0.0.1:8080/token", "http://127.0.0.1:8080/token"),
        ("http://[::1]:8080/token", "http://[::1]:8080/token"),
        ("https://[2001:DB8::1]:443/token", "https://[2001:db8::1]/token"),
        ("https://user:secret@server.example.com/token", "https://server.example.com/token"),
        ("https://server.example.com/a%2Fb/%C3%A4//", "https://server.example.com/a%2Fb/%C3%A4//"),
    ] {
        let (_, claims) = said(&dpop().demand(&Method::POST, &uri(url), None, test_now()));
        assert_eq!(claims["htu"], target, "{url}");
    }
}

#[test]
fn a_nonce_is_kept_if_it_is_one() {
    let long = "x".repeat(2048);
    let too_long = "x".repeat(2049);
    for (sent, kept) in [
        (&[][..], None),
        (&[&b"n-1"[..]][..], Some("n-1")),
        (&[b"!#[]~"], Some("!#[]~")),
        (&[long.as_bytes()], Some(long.as_str())),
        // Not one of RFC 9449 section 8.1.
        (&[b""], None),
        (&[b" "], None),
        (&[b"a b"], None),
        (&[b"a\"b"], None),
        (&[b"a\\b"], None),
        (&[b"a\tb"], None),
        (&[b"caf\xc3\xa9"], None),
        (&[b"\xff"], None),
        (&[too_long.as_bytes()], None),
        // Nobody knows which.
        (&[b"n-1", b"n-2"], None),
        (&[b"n-1", b"n-1"], None),
    ] {
        let dpop = dpop();
        let target = uri("https://server.example.com/token");
        dpop.learn(&target, &nonces(sent));
        let found = dpop.nonce(&target);
        assert_eq!(found.as_ref().map(Credential::expose), kept, "{sent:?}");

        // What is none leaves the one before.
        dpop.learn(&target, &nonces(&[b"before"]));
        dpop.learn(&target, &nonces(sent));
        let found = dpop.nonce(&target);
        assert_eq!(found.as_ref().map(Credential::expose), kept.or(Some("before")), "{sent:?}");
    }
}

#[test]
fn a_nonce_is_for_its_origin() {
    let dpop = dpop();
    dpop.learn(&uri("https://server.example.com/token"), &nonces(&[b"n-1"]));
    let of = |url: &str| dpop.nonce(&uri(url)).map(|nonce| nonce.expose().to_owned());
    for url in [
        "https://server.example.com/token",
        "https://server.example.com/revoke?a",
        "https://SERVER.example.com:443",
    ] {
        assert_eq!(of(url).as_deref(), Some("n-1"), "{url}");
        assert_eq!(dpop.clone().nonce(&uri(url)).unwrap().expose(), "n-1", "clones share it");
    }
    for url in [
        "http://server.example.com/token",
        "https://server.example.com:8443/token",
        "https://api.example.com/token",
        "https://example.com/token",
    ] {
        assert_eq!(of(url), None, "{url}");
        let (_, claims) = said(&dpop.demand(&Method::GET, &uri(url), None, test_now()));
        assert_eq!(claims.get("nonce"), None, "{url}");
    }
    // A path alone is of no origin.
    dpop.learn(&uri("/token"), &nonces(&[b"n-2"]));
    assert_eq!((of("/token"), of("/revoke")), (None, None));
}

#[test]
fn the_origin_that_was_not_heard_of_the_longest_is_forgotten() {
    let dpop = dpop();
    let origin = |number: u32| uri(&format!("https://api-{number}.example.com/"));
    let server = uri("https://server.example.com/token");
    dpop.learn(&server, &nonces(&[b"old"]));
    for number in 0..64 {
        dpop.learn(&origin(number), &nonces(&[b"n"]));
        // It answers now and then.
        if number == 40 {
            dpop.learn(&server, &nonces(&[b"new"]));
        }
    }
    assert_eq!(dpop.nonce(&server).unwrap().expose(), "new");
    assert_eq!(dpop.nonce(&origin(0)), None);
    assert!(dpop.nonce(&origin(1)).is_some() && dpop.nonce(&origin(63)).is_some());
}

#[test]
fn a_key_that_proves_nothing_is_refused() {
    let es256 = || Fake::new(SigningAlgorithm::Es256);
    let with = |jwk: &'static str| Fake {
        info: KeyInfo::of_pair(SigningAlgorithm::Es256, jwk, "t"),
        ..es256()
    };
    let no_pair = KeyInfo::of_secret(SigningAlgorithm::Es256, "t");
    for key in [
        Fake::new(SigningAlgorithm::Hs256),
        Fake::new(SigningAlgorithm::Hs512),
        Fake { info: no_pair, ..es256() },
        with(""),
        with("[]"),
        with("{}"),
        with(r#"{"kty":1}"#),
        with(r#"{"kty":"EC","d":"private"}"#),
        with(r#"{"kty":"oct","k":"private"}"#),
        with(r#"{"kty":"RSA","n":"x","e":"AQAB","p":"private"}"#),
    ] {
        let shown = format!("{key:?}");
        let error = Dpop::new(key).unwrap_err();
        assert_eq!(error.kind(), CredentialErrorKind::WrongKey, "{shown}");
        assert!(error.to_string().starts_with("DPoP needs "), "{error}");
    }
    assert!(Dpop::new(es256()).is_ok());
}

#[test]
fn a_signature_has_the_length_of_its_algorithm() {
    use CredentialErrorKind::{Asynchronous, Empty, Unavailable, WrongKey};
    let target = uri("https://server.example.com/token");
    let demand =
        |key: SigningKey| Dpop::new(key).unwrap().demand(&Method::POST, &target, None, test_now());
    for (algorithm, length, refused) in [
        (SigningAlgorithm::Es256, 64, None),
        // In DER, as services for keys give it.
        (SigningAlgorithm::Es256, 71, Some(WrongKey)),
        (SigningAlgorithm::Es256, 0, Some(WrongKey)),
        (SigningAlgorithm::Es384, 96, None),
        (SigningAlgorithm::Es384, 104, Some(WrongKey)),
        (SigningAlgorithm::Es512, 132, None),
        (SigningAlgorithm::EdDsa, 64, None),
        (SigningAlgorithm::Ed25519, 63, Some(WrongKey)),
        (SigningAlgorithm::Rs256, 256, None),
        (SigningAlgorithm::Ps512, 512, None),
        (SigningAlgorithm::Ps256, 0, Some(Empty)),
    ] {
        let key = Fake::new(algorithm).signs(Ok(vec![1; length]));
        let one = demand(key.clone().into()).meet_blocking();
        let other = at_once(demand(key.elsewhere()).meet());
        for met in [one, other] {
            assert_eq!(met.err().map(|error| error.kind()), refused, "{algorithm} {length}");
        }
    }
    let key = Fake::new(SigningAlgorithm::Es256).signs(Ok(vec![1; 70]));
    let error = demand(key.into()).meet_blocking().unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "a signature of ES256 has 64 bytes, not 70");

    let elsewhere = Fake::new(SigningAlgorithm::Es256).elsewhere();
    let error = demand(elsewhere).meet_blocking().unwrap_err();
    assert_eq!(error.kind(), Asynchronous);
    let broken = Fake::new(SigningAlgorithm::Es256).signs(Err(Unavailable.into()));
    let error = at_once(demand(broken.elsewhere()).meet()).unwrap_err();
    assert!(error.is_temporary());
}
