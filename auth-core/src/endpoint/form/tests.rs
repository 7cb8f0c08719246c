use serde_json::{Value, json};

use super::*;
use crate::{BasicAuth, ClientAuth};

const URL: &str = "https://auth.example.com:8443/token?key=s3cret-query";

fn full() -> TokenEndpoint {
    TokenEndpoint::new(URL, "my \"client\"")
        .unwrap()
        .revocation_url("https://auth.example.com/revoke?key=s3cret-revoke")
        .unwrap()
        .client_auth(ClientAuth::basic("s3cret-client\n"))
        .body_format(BodyFormat::Json)
        .scope("a b")
        .parameter("audience", "s3cret-one")
        .unwrap()
        .parameter("audience", "s3cret-two")
        .unwrap()
        .header("X-Api-Key", "s3cret-header")
        .unwrap()
        .header("User-Agent", "s3cret agent/1")
        .unwrap()
        .response_limit(17)
        .rule(Rule::new("gone", FailureKind::Rejected).provider("Us").source("https://a.example"))
        .rule(Rule::described("behind", FailureKind::Unavailable).status(StatusCode::CONFLICT))
        .rule(Rule::message("log in", FailureKind::Rejected))
}

fn form() -> Value {
    json!({
        "url": URL,
        "revocation_url": "https://auth.example.com/revoke?key=s3cret-revoke",
        "client_id": "my \"client\"",
        "client_auth": {"method": "client_secret_basic", "client_secret": "s3cret-client\n"},
        "body_format": "json",
        "scope": "a b",
        "parameters": [["audience", "s3cret-one"], ["audience", "s3cret-two"]],
        "headers": [["x-api-key", "s3cret-header"], ["user-agent", "s3cret agent/1"]],
        "response_limit": 17,
        "rules": [
            {"provider": "Us", "code": "gone", "kind": "rejected", "source": "https://a.example"},
            {
                "provider": "your own rule", "status": 409, "words": "behind",
                "kind": "unavailable", "source": ""
            },
            {
                "provider": "your own rule", "words": "log in", "whole": true, "codeless": true,
                "kind": "rejected", "source": ""
            },
        ],
    })
}

/// What a request looks like, and all else that is set.
fn told(endpoint: &TokenEndpoint) -> String {
    let request = endpoint.request(&crate::RefreshToken::new("rt").into()).unwrap();
    let values: Vec<_> = request.headers().values().map(HeaderValue::as_bytes).collect();
    format!(
        "{endpoint:?} {request:?} {values:?} {:?} {:?} {:?} {:?}",
        endpoint.get_revocation_url(),
        String::from_utf8_lossy(request.body()),
        request.response_limit(),
        endpoint.rules(),
    )
}

#[test]
fn the_documented_form_round_trips() {
    let json = full().to_json_exposed().unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&json).unwrap(), form());
    let read = TokenEndpoint::from_json(&json).unwrap();
    assert_eq!(told(&read), told(&full()));
    assert_eq!(read.to_json_exposed().unwrap(), json);

    for auth in [
        ClientAuth::none(),
        ClientAuth::post("s"),
        ClientAuth::basic(""),
        ClientAuth::mutual_tls(),
        BasicAuth::new("p%ss").raw().into(),
        BasicAuth::new("s").client_id_in_body().into(),
        BasicAuth::new("p%ss").client_id_in_body().raw().into(),
    ] {
        let bare = TokenEndpoint::new("http://localhost:1/t", "c").unwrap().client_auth(auth);
        let json = bare.to_json_exposed().unwrap();
        assert_eq!(told(&TokenEndpoint::from_json(&json).unwrap()), told(&bare));
    }
    for (auth, stored) in [
        (
            BasicAuth::new("s").client_id_in_body().raw().into(),
            json!({
                "method": "client_secret_basic", "client_secret": "s",
                "raw": true, "client_id_in_body": true,
            }),
        ),
        (ClientAuth::mutual_tls(), json!({"method": "tls_client_auth"})),
    ] {
        let json = full().client_auth(auth).to_json_exposed().unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&json).unwrap()["client_auth"], stored);
    }
    for (format, name) in [
        (BodyFormat::Form, "form"),
        (BodyFormat::Json, "json"),
        (BodyFormat::JsonCamelCase, "json_camel_case"),
    ] {
        let json = full().body_format(format).to_json_exposed().unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&json).unwrap()["body_format"], name);
        let read = TokenEndpoint::from_json(&json).unwrap();
        assert_eq!(told(&read), told(&full().body_format(format)));
    }
    let built_in = Rule::built_in().iter().cloned().fold(full(), TokenEndpoint::rule);
    let json = built_in.to_json_exposed().unwrap();
    assert_eq!(TokenEndpoint::from_json(&json).unwrap().rules(), built_in.rules());
    let bare = TokenEndpoint::new("https://auth.example.com", "c").unwrap();
    assert_eq!(
        &bare.to_json_exposed().unwrap()[..],
        concat!(
            r#"{"url":"https://auth.example.com/","client_id":"c","#,
            r#""client_auth":{"method":"none"},"body_format":"form"}"#
        )
        .as_bytes()
    );
}

#[test]
fn plain_serde_redacts() {
    let mut expected = form();
    expected["url"] = "https://auth.example.com:8443/token?[redacted]".into();
    expected["revocation_url"] = "https://auth.example.com/revoke?[redacted]".into();
    expected["client_auth"]["client_secret"] = "[redacted]".into();
    for (list, at) in [("parameters", 0), ("parameters", 1), ("headers", 0), ("headers", 1)] {
        expected[list][at][1] = "[redacted]".into();
    }
    assert_eq!(serde_json::to_value(full()).unwrap(), expected);
    // Each of them by itself is refused when it is read.
    for path in
        ["/url", "/revocation_url", "/client_auth/client_secret", "/parameters/1/1", "/headers/0/1"]
    {
        let mut form = form();
        *form.pointer_mut(path).unwrap() = expected.pointer(path).unwrap().clone();
        assert!(TokenEndpoint::from_json(form.to_string().as_bytes()).is_err(), "{path}");
    }
}

/// By no constructor, and so by no stored form.
#[test]
fn what_cannot_be_set_cannot_be_read() {
    for (path, value) in [
        ("/url", json!("http://auth.example.com/token")),
        ("/url", json!("http://0.0.0.0/token")),
        ("/url", json!("http://keycloak:8080/token")),
        ("/url", json!("https://user:s3cret@auth.example.com/token")),
        ("/url", json!("http://localhost@evil.example/token")),
        ("/url", json!("https://auth.example.com/token#s3cret")),
        ("/url", json!("ftp://auth.example.com/token")),
        ("/url", json!("s3cret")),
        ("/url", json!("")),
        ("/url", json!(null)),
        ("/revocation_url", json!("http://auth.example.com/revoke")),
        ("/revocation_url", json!("https://u:s3cret@auth.example.com/revoke")),
        ("/client_id", json!(null)),
        ("/client_auth", json!(null)),
        ("/client_auth", json!({})),
        ("/client_auth", json!({"method": "client_secret_basic"})),
        ("/client_auth", json!({"method": "none", "client_secret": "s3cret"})),
        ("/client_auth/client_secret", json!(["s3cret"])),
        ("/parameters/0/0", json!("refresh_token")),
        ("/parameters/0/0", json!("client_secret")),
        ("/parameters/0", json!(["s3cret"])),
        ("/parameters/0", json!(["a", "s3cret", "b"])),
        ("/headers/0/0", json!("authorization")),
        ("/headers/0/0", json!("Host")),
        ("/headers/0/0", json!("s3cret header")),
        ("/headers/0/1", json!("s3cret\r\nx: y")),
        ("/headers/0/1", json!("s3cret\u{e9}")),
        ("/response_limit", json!(-1)),
        ("/rules/1/status", json!(7)),
    ] {
        let mut form = form();
        *form.pointer_mut(path).unwrap() = value;
        let error = TokenEndpoint::from_json(form.to_string().as_bytes()).unwrap_err();
        // A pair of three is a matter of syntax to serde_json.
        let reasons = ["missing, redacted or of the wrong", "not JSON"];
        assert!(reasons.iter().any(|it| error.to_string().contains(it)), "{path} {error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
    for text in ["", "{", "s3cret", "null", "[]", "\"s3cret\""] {
        let error = TokenEndpoint::from_json(text.as_bytes()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
}

/// It says how a request is made. Without it, another request would be made.
#[test]
fn what_a_newer_version_wrote_is_not_ignored() {
    for (path, value) in [
        ("/client_auth/method", json!("private_key_jwt")),
        ("/client_auth/method", json!("")),
        ("/body_format", json!("cbor")),
        ("/rules/0/kind", json!("of-tomorrow")),
    ] {
        let mut form = form();
        *form.pointer_mut(path).unwrap() = value;
        let error = TokenEndpoint::from_json(form.to_string().as_bytes()).unwrap_err();
        assert!(error.to_string().contains("needs a newer version"), "{path}: {error}");
    }
    for path in ["", "/client_auth", "/rules/1"] {
        let mut form = form();
        form.pointer_mut(path).unwrap()["s3cret-later"] = json!(1);
        let error = TokenEndpoint::from_json(form.to_string().as_bytes()).unwrap_err();
        assert!(error.to_string().contains("needs a newer version"), "{path}: {error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
}

#[test]
fn plain_http_is_not_stored() {
    let insecure = |url| TokenEndpoint::insecure_plain_http(url, "c").unwrap();
    let endpoint = insecure("http://keycloak:8080/token");
    let refused = |error| matches!(error, EndpointError::Insecure { .. });
    assert!(refused(endpoint.check_storable().unwrap_err()));
    assert!(refused(endpoint.to_json_exposed().unwrap_err()));
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::new(&mut text);
    assert!(crate::serde_exposed::serialize(&endpoint, &mut serializer).is_err());
    // Its redacted form may be printed, and cannot be read.
    let redacted = serde_json::to_vec(&endpoint).unwrap();
    assert!(TokenEndpoint::from_json(&redacted).is_err());
    // What needs no such constructor is as any other.
    for url in ["http://localhost:8080/token", "https://auth.example.com/token"] {
        let json = insecure(url).to_json_exposed().unwrap();
        assert!(!TokenEndpoint::from_json(&json).unwrap().is_insecure());
    }
}

mod keys {
    use super::*;
    use crate::{
        Audience, ClientAssertion, Dpop, EndpointError, KeyInfo, KeyRing, Signer, SigningAlgorithm,
        credential::CredentialError,
    };

    #[derive(Debug)]
    struct Key(KeyInfo);

    impl Signer for Key {
        fn key(&self) -> &KeyInfo {
            &self.0
        }

        fn sign(&self, _: &[u8]) -> Result<Vec<u8>, CredentialError> {
            Ok(b"s3cret-signature".to_vec())
        }
    }

    fn pair(thumbprint: &str) -> Key {
        let jwk = r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#;
        Key(KeyInfo::of_pair(SigningAlgorithm::Es256, jwk, thumbprint).key_id("kid"))
    }

    fn secret(thumbprint: &str) -> Key {
        Key(KeyInfo::of_secret(SigningAlgorithm::Hs256, thumbprint))
    }

    fn plain() -> TokenEndpoint {
        TokenEndpoint::new("https://auth.example.com/token", "c").unwrap()
    }

    fn of_assertion(key: Key, audience: Audience) -> TokenEndpoint {
        plain().client_auth(ClientAssertion::new(key, audience))
    }

    #[test]
    fn keys_are_named_and_found_again() {
        let issuer = || Audience::Issuer("https://auth.example.com".into());
        let assertion = ClientAssertion::new(pair("key-1"), Audience::Other("x".into()))
            .issuer("team")
            .in_client_secret()
            .lifetime(std::time::Duration::from_secs(17))
            .backdated(std::time::Duration::ZERO)
            .header("x5t#S256", "t");
        let rows: [(_, TokenEndpoint, &[&str]); 6] = [
            ("signed", of_assertion(pair("key-1"), issuer()), &["key-1"]),
            (
                "the older audience",
                of_assertion(pair("key-1"), Audience::TokenEndpoint),
                &["key-1"],
            ),
            ("by a shared secret", of_assertion(secret("key-3"), issuer()), &["key-3"]),
            ("all settings", plain().client_auth(assertion), &["key-1"]),
            ("bound", plain().dpop(Dpop::new(pair("key-2")).unwrap()), &["key-2"]),
            (
                "both",
                of_assertion(pair("key-1"), issuer()).dpop(Dpop::new(pair("key-2")).unwrap()),
                &["key-1", "key-2"],
            ),
        ];
        let ring = KeyRing::new([pair("key-1"), pair("key-2"), secret("key-3")]);
        for (about, endpoint, named) in rows {
            let json = endpoint.to_json_exposed().unwrap();
            let text = std::str::from_utf8(&json).unwrap();
            assert!(!text.contains("s3cret") && !text.contains("P-256"), "{about}: {text}");
            let read = TokenEndpoint::from_json(&json).unwrap();
            assert_eq!(read.to_json_exposed().unwrap(), json, "{about}");
            assert_eq!(read.thumbprints().collect::<Vec<_>>(), named, "{about}");
            // Without the keys it says which one is missing.
            let Err(EndpointError::MissingKey { thumbprint }) = read.check_keys() else {
                panic!("{about}");
            };
            assert_eq!(thumbprint, named[0]);
            assert!(read.clone().keys(&KeyRing::default()).check_keys().is_err());
            // With them it is as before.
            let found = read.keys(&ring);
            found.check_keys().unwrap();
            assert_eq!(found.to_json_exposed().unwrap(), json, "{about}");
            assert_eq!(found.identity(None), endpoint.identity(None), "{about}");
        }
    }

    #[test]
    fn what_is_no_assertion_is_not_read() {
        let of = |auth: Value| {
            let form = json!({
                "url": "https://auth.example.com/token", "client_id": "c", "body_format": "form",
                "client_auth": auth
            });
            TokenEndpoint::from_json(form.to_string().as_bytes())
        };
        let assertion =
            json!({"key": "k", "audience": "token_endpoint", "lifetime": 60, "backdated": 5});
        of(json!({"method": "signed_assertion", "assertion": assertion})).unwrap();
        for auth in [
            json!({"method": "signed_assertion"}),
            json!({"method": "signed_assertion", "client_secret": "s"}),
            json!({"method": "signed_assertion", "client_secret": "s", "assertion": assertion}),
            json!({"method": "none", "assertion": assertion}),
            json!({"method": "client_secret_basic", "client_secret": "s", "assertion": assertion}),
            json!({"method": "signed_assertion", "raw": true, "assertion": assertion}),
            json!({"method": "signed_assertion", "assertion": {"key": "k"}}),
            json!({"method": "signed_assertion", "assertion": {
                "key": "k", "audience": "of_a_newer_version", "lifetime": 60, "backdated": 5
            }}),
            json!({"method": "signed_assertion", "assertion": {
                "key": "k", "audience": "token_endpoint", "lifetime": 60, "backdated": 5, "new": 1
            }}),
        ] {
            assert!(of(auth.clone()).is_err(), "{auth}");
        }
    }
}
