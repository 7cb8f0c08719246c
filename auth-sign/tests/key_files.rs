//! A key in a file, in whichever form.
#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;

use auth_core::{
    CredentialErrorKind::{self, Empty, Malformed, Missing, Other, WrongKey},
    SigningAlgorithm::{self, *},
    SigningKey,
};
use auth_sign::{Key, KeyError};
use common::der;
use tempfile::TempDir;

const P256: &str = include_str!("keys/p256.pkcs8.pem");
const RSA: &str = include_str!("keys/rsa.pkcs8.pem");
const RSA_JWK: &str = include_str!("keys/rsa.jwk.json");
const ED25519: &str = include_str!("keys/ed25519.pkcs8.pem");

/// As far as it tells it from others: version, content.
const PKCS12: &[u8] = b"\x30\x0f\x02\x01\x03\x30\x0a\x06\x08\x80\xff\x80\x80\x80\x80\x80\x01";

#[test]
fn each_form_is_told_apart() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("key");
    let rows: Vec<(Vec<u8>, Option<SigningAlgorithm>, SigningAlgorithm)> = vec![
        (P256.into(), None, Es256),
        (P256.into(), Some(Es256), Es256),
        (format!("0 is what this begins with\n{P256}").into(), None, Es256),
        (ED25519.into(), None, EdDsa),
        (ED25519.into(), Some(Ed25519), Ed25519),
        (include_str!("keys/p384.sec1.pem").into(), None, Es384),
        (RSA.into(), Some(Ps256), Ps256),
        (der(P256), None, Es256),
        (der(RSA), Some(Rs256), Rs256),
        (der(include_str!("keys/p256.sec1.pem")), None, Es256),
        (RSA_JWK.into(), Some(Rs256), Rs256),
        (format!("\u{feff}\r\n{{\"keys\":[{RSA_JWK}]}}").into(), Some(Rs256), Rs256),
    ];
    for (content, asked, expected) in rows {
        fs::write(&path, &content).unwrap();
        let key = Key::from_file(asked, &path).unwrap();
        assert_eq!(key.info().algorithm(), expected, "{}", String::from_utf8_lossy(&content));
    }
}

#[test]
fn what_is_wrong_has_a_kind_and_a_sentence() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("key");
    let half = |whole: &[u8]| whole[..whole.len() / 2].to_vec();
    let rows: Vec<(Vec<u8>, Option<SigningAlgorithm>, CredentialErrorKind, &str)> = vec![
        (vec![], None, Empty, "there is nothing where the key should be"),
        (b"\n\n".to_vec(), None, Empty, "there is nothing where the key should be"),
        (half(P256.as_bytes()), None, Malformed, "the key is cut off"),
        (half(&der(P256)), None, Malformed, "the key is cut off"),
        (half(RSA_JWK.as_bytes()), Some(Rs256), Malformed, "the key is cut off"),
        (RSA.into(), None, WrongKey, "the key has no alg, and serves several; name one"),
        (RSA.into(), Some(Es256), WrongKey, "ES256 cannot be used with an RSA key"),
        (der(RSA), Some(Es256), WrongKey, "ES256 cannot be used with an RSA key"),
        (RSA_JWK.into(), Some(Es256), WrongKey, "ES256 cannot be used with an RSA key"),
        (b"0123".to_vec(), None, Malformed, "the key is cut off"),
        (b"s3cret".to_vec(), None, WrongKey, "there is no key in it"),
        (
            include_str!("keys/p256.encrypted.pem").into(),
            None,
            WrongKey,
            "the key is encrypted; decrypt it first, as by `openssl pkey`",
        ),
        (
            include_str!("keys/p256.pub.pem").into(),
            None,
            WrongKey,
            "there is only a public key, which cannot sign",
        ),
        (
            include_str!("keys/p256.openssh.pem").into(),
            None,
            WrongKey,
            "OpenSSH's own form of a key is not supported",
        ),
        (
            b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----".to_vec(),
            None,
            WrongKey,
            "there is no key in it",
        ),
        (PKCS12.to_vec(), None, WrongKey, "a PKCS#12 file is not supported"),
        (vec![0xff, 0xfe], None, WrongKey, "the key cannot be read: it is no text in UTF-8"),
        (vec![b'x'; 70_000], None, Other, ""),
    ];
    for (content, asked, kind, sentence) in rows {
        fs::write(&path, &content).unwrap();
        let error = Key::from_file(asked, &path).unwrap_err();
        assert_eq!(error.kind(), kind, "{sentence}");
        // One line with the file and the reason, of which nothing is said again below.
        let line = error.to_string();
        assert!(line.starts_with(&format!("the file {} ", path.display())), "{line}");
        assert!(line.ends_with(sentence), "{line}");
        assert!(std::error::Error::source(&error).is_none());
        let of_key = KeyError::of(&error).map(ToString::to_string).unwrap_or_default();
        assert_eq!(of_key, sentence);
    }
    let missing = Key::from_file(None, directory.path().join("missing")).unwrap_err();
    assert_eq!(missing.kind(), Missing);
    assert_eq!(Key::from_file(None, directory.path()).unwrap_err().kind(), Other);
}

#[test]
fn bytes_in_the_place_of_pem_are_named() {
    for (bytes, sentence) in [
        (PKCS12.to_vec(), "a PKCS#12 file is not supported"),
        (der(P256), "the key cannot be read: it is DER, not PEM"),
        (vec![0xff], "the key cannot be read: it is no text in UTF-8"),
    ] {
        assert_eq!(Key::from_pem(Es256, bytes).unwrap_err().to_string(), sentence);
    }
}

#[test]
fn the_key_file_of_a_service_account_is_a_key() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("account.json");
    let pem = RSA.replace('\n', "\\n");
    let escaped = pem.replace('=', "\\u003d").replace('/', "\\/");
    let cut = &pem[..pem.len() / 2];
    let account = |members: &str, pem: &str| {
        format!("{{\"type\": \"service_account\",{members}\n\"private_key\": \"{pem}\"}}\n")
    };
    let id = r#""private_key_id": "2026-11","#;
    for (text, expected) in [
        (account(id, &pem), Ok(Some("2026-11"))),
        (account(id, &escaped), Ok(Some("2026-11"))),
        (account("", &pem), Ok(None)),
        (format!("\u{feff}{}", account("", &pem)), Ok(None)),
        (account(id, cut), Err(KeyError::Truncated)),
        (account(id, ""), Err(KeyError::Empty)),
    ] {
        fs::write(&path, &text).unwrap();
        let read = [
            Key::from_pem(Rs256, &text),
            Key::open(&path).map_err(|error| KeyError::of(&error).unwrap().clone()),
        ];
        for key in read {
            let told = key.as_ref().map(|key| {
                assert_eq!(key.info().algorithm(), Rs256);
                key.info().get_key_id()
            });
            assert_eq!(told, expected.as_ref().map(|it| *it));
        }
    }
    fs::write(&path, account(id, P256.replace('\n', "\\n").as_str())).unwrap();
    assert!(Key::open(&path).unwrap_err().to_string().contains("RS256 cannot be used with"));
}

/// Path and text mixed up.
#[test]
fn a_key_in_the_place_of_a_path_is_not_shown() {
    let jwk = RSA_JWK.trim();
    for text in [P256, RSA, jwk, &P256.replace('\n', ""), "c2VjcmV0/c2VjcmV0", "c2VjcmV0"] {
        let error = Key::open(text).unwrap_err();
        let told = format!("{error} {error:?}");
        for piece in text.split(['\n', '/', '"']).filter(|piece| piece.len() > 7) {
            assert!(!told.contains(piece), "{told}");
        }
        assert!(!error.is_temporary());
        let is_text = text.contains("BEGIN") || text.starts_with('{');
        assert_eq!(told.contains("use `Key::from_pem`"), is_text, "{told}");
    }
}

#[test]
fn a_jwk_without_its_members_is_no_public_key() {
    for (jwk, expected) in [
        (r#"{"kty":"EC"}"#, KeyError::Malformed("a member of the JWK is missing")),
        (r#"{"kty":"oct"}"#, KeyError::Malformed("a member of the JWK is missing")),
        (r#"{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}"#, KeyError::PublicOnly),
        (r#"{"kty":"RSA","n":"AQ","e":"AQAB"}"#, KeyError::PublicOnly),
    ] {
        assert_eq!(Key::from_jwk(jwk).unwrap_err(), expected, "{jwk}");
    }
}

#[test]
fn a_new_key_is_one_that_can_be_cloned() {
    let key = SigningKey::from(auth_sign::NewKey::es256().unwrap());
    assert_eq!(key.clone().info(), key.info());
    assert!(auth_core::Dpop::new(auth_sign::NewKey::es256().unwrap()).is_ok());
    let secret = Key::from_secret(Hs256, "s3cret").unwrap();
    assert_eq!(
        auth_core::Dpop::new(secret).unwrap_err().to_string(),
        "DPoP needs a key pair; a shared secret cannot bind tokens"
    );
}
