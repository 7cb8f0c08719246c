//! A key in a file, in whichever form.
#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used)]

mod common;

use std::{error::Error, fs};

use auth_core::{
    CredentialErrorKind::{self, Empty, Malformed, Missing, Other, WrongKey},
    SigningAlgorithm::{self, *},
};
use auth_sign::Key;
use common::der;
use tempfile::TempDir;

const P256: &str = include_str!("keys/p256.pkcs8.pem");
const RSA: &str = include_str!("keys/rsa.pkcs8.pem");
const RSA_JWK: &str = include_str!("keys/rsa.jwk.json");
const ED25519: &str = include_str!("keys/ed25519.pkcs8.pem");

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
        (vec![0xff, 0xfe], None, WrongKey, "the key cannot be read: it is no text in UTF-8"),
        (vec![b'x'; 70_000], None, Other, ""),
    ];
    for (content, asked, kind, sentence) in rows {
        fs::write(&path, &content).unwrap();
        let error = Key::from_file(asked, &path).unwrap_err();
        assert_eq!(error.kind(), kind, "{sentence}");
        let about_file = error.source().unwrap();
        assert!(about_file.to_string().contains(path.to_str().unwrap()), "{about_file}");
        let why = about_file.source().map(ToString::to_string).unwrap_or_default();
        assert_eq!(why, sentence);
    }
    let missing = Key::from_file(None, directory.path().join("missing")).unwrap_err();
    assert_eq!(missing.kind(), Missing);
    assert_eq!(Key::from_file(None, directory.path()).unwrap_err().kind(), Other);
}
