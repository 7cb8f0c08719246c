//! What is no key, or the wrong one, has a reason and no panic.
#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used)]

mod common;

use std::error::Error as _;

use auth_core::{
    CredentialError, CredentialErrorKind,
    SigningAlgorithm::{self, *},
};
use auth_sign::{Key, KeyError, PublicKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use common::{RSA_MAX, class, der, wrong_kind};

const P256: &str = include_str!("keys/p256.pkcs8.pem");
const P256_SEC1: &str = include_str!("keys/p256.sec1.pem");
const P256_PUBLIC: &str = include_str!("keys/p256.pub.pem");
const P384: &str = include_str!("keys/p384.pkcs8.pem");
const RSA: &str = include_str!("keys/rsa.pkcs8.pem");
const RSA_PUBLIC: &str = include_str!("keys/rsa.pub.pem");
const RSA_JWK: &str = include_str!("keys/rsa.jwk.json");
const ED25519: &str = include_str!("keys/ed25519.pkcs8.pem");
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIBAAAA\n-----END CERTIFICATE-----\n";

#[test]
fn pem_that_is_no_usable_key() {
    let malformed = || KeyError::Malformed("");
    let unsupported = || KeyError::Unsupported("");
    let swapped = {
        let mut bytes = der(P256_SEC1);
        // Another private key beside the same public one.
        bytes[10] ^= 1;
        pem_of("EC PRIVATE KEY", &bytes)
    };
    let swapped_compressed = {
        let mut bytes = der(include_str!("keys/p256.compressed.pem"));
        bytes[10] ^= 1;
        pem_of("EC PRIVATE KEY", &bytes)
    };
    let rejected_or_missing = || {
        if cfg!(feature = "aws-lc-rs") {
            KeyError::Rejected(String::new())
        } else {
            KeyError::PublicPartMissing
        }
    };
    let zero = {
        let mut bytes = der(include_str!("keys/p256.nopub.pem"));
        bytes[7..39].fill(0);
        pem_of("EC PRIVATE KEY", &bytes)
    };
    let other_curve = {
        let (mut bytes, curve) = (der(P256), common::P256);
        let at = bytes.windows(8).position(|window| window == curve).unwrap();
        // prime192v1
        bytes[at + 7] = 1;
        pem_of("PRIVATE KEY", &bytes)
    };
    let no_curve = {
        let mut bytes = der(include_str!("keys/p256.nopub.pem"));
        bytes.truncate(39);
        bytes[1] = 37;
        pem_of("EC PRIVATE KEY", &bytes)
    };
    let two_curves = common::pkcs8_of(&common::P384, &der(P256_SEC1));
    let rows: Vec<(&str, SigningAlgorithm, String, KeyError)> = vec![
        ("empty", Es256, String::new(), KeyError::Empty),
        ("white space", Es256, " \r\n\t\n".into(), KeyError::Empty),
        ("text", Es256, "a client secret".into(), KeyError::NoKey),
        ("HTML", Es256, "<!DOCTYPE html><html></html>".into(), KeyError::NoKey),
        ("a JWK", Es256, RSA_JWK.into(), KeyError::NoKey),
        ("a key of SSH's list", Es256, "ssh-ed25519 AAAA me@here".into(), KeyError::NoKey),
        ("a certificate", Es256, CERTIFICATE.into(), KeyError::NoKey),
        ("NUL", Es256, "\0\0\0\0".into(), malformed()),
        ("UTF-16", Es256, P256.chars().flat_map(|c| [c, '\0']).collect(), malformed()),
        ("a public key", Es256, P256_PUBLIC.into(), KeyError::PublicOnly),
        (
            "a public key of PKCS#1",
            Rs256,
            include_str!("keys/rsa.pub1.pem").into(),
            KeyError::PublicOnly,
        ),
        (
            "a certificate and a public key",
            Es256,
            format!("{CERTIFICATE}{P256_PUBLIC}"),
            KeyError::PublicOnly,
        ),
        (
            "a public key under a wrong label",
            Es256,
            P256_PUBLIC.replace("PUBLIC", "PRIVATE"),
            KeyError::PublicOnly,
        ),
        ("encrypted", Es256, include_str!("keys/p256.encrypted.pem").into(), KeyError::Encrypted),
        (
            "encrypted, of PKCS#1",
            Rs256,
            include_str!("keys/rsa.encrypted.pem").into(),
            KeyError::Encrypted,
        ),
        (
            "encrypted, in one line",
            Rs256,
            include_str!("keys/rsa.encrypted.pem").replace('\n', "\\n"),
            KeyError::Encrypted,
        ),
        (
            "encrypted under a wrong label",
            Es256,
            include_str!("keys/p256.encrypted.pem").replace("ENCRYPTED ", ""),
            KeyError::Encrypted,
        ),
        ("of OpenSSH", Es256, include_str!("keys/p256.openssh.pem").into(), unsupported()),
        ("two", Es256, format!("{P256}{P384}"), KeyError::Several),
        ("the same twice", Es256, format!("{P256}{P256_SEC1}"), KeyError::Several),
        (
            "nothing between",
            Es256,
            "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----".into(),
            KeyError::Truncated,
        ),
        ("no base64", Es256, P256.replace('M', "?"), malformed()),
        ("base64 of another alphabet", Es256, P256.replace(['/', '+'], "_"), malformed()),
        (
            "a line that is missing",
            Rs256,
            RSA.split_inclusive('\n')
                .enumerate()
                .filter(|(i, _)| *i != 4)
                .map(|(_, line)| line)
                .collect(),
            KeyError::Truncated,
        ),
        (
            "a line that is there twice",
            Rs256,
            RSA.split_inclusive('\n')
                .flat_map(|line| vec![line; 1 + usize::from(line.starts_with("MII"))])
                .collect(),
            malformed(),
        ),
        ("another curve", Es256, include_str!("keys/secp256k1.pem").into(), unsupported()),
        ("a smaller curve", Es256, other_curve, unsupported()),
        ("two curves", Es256, two_curves.clone(), malformed()),
        ("two curves, for the other", Es384, two_curves, malformed()),
        ("no curve", Es256, no_curve, malformed()),
        (
            "a curve that is spelled out",
            Es256,
            include_str!("keys/p256.explicit8.pem").into(),
            unsupported(),
        ),
        ("the same in SEC1", Es256, include_str!("keys/p256.explicit.pem").into(), malformed()),
        ("Ed448", EdDsa, include_str!("keys/ed448.pem").into(), unsupported()),
        ("X25519", EdDsa, include_str!("keys/x25519.pem").into(), KeyError::NotForSigning),
        (
            "a private key and another's public one",
            Es256,
            swapped,
            KeyError::Rejected(String::new()),
        ),
        ("the same, compressed", Es256, swapped_compressed, rejected_or_missing()),
        ("a private key that is zero", Es256, zero, rejected_or_missing()),
        (
            "a short RSA key",
            Rs256,
            include_str!("keys/rsa1024.pem").into(),
            KeyError::RsaSize { bits: 1024, min: 2048, max: RSA_MAX },
        ),
        ("RSA for EC", Es256, RSA.into(), wrong_kind(Es256, "an RSA key")),
        ("EC for RSA", Rs256, P256.into(), wrong_kind(Rs256, "an EC key on P-256")),
        (
            "another curve than the algorithm's",
            Es384,
            P256.into(),
            wrong_kind(Es384, "an EC key on P-256"),
        ),
        ("the other way round", Es256, P384.into(), wrong_kind(Es256, "an EC key on P-384")),
        ("Ed25519 for EC", Es256, ED25519.into(), wrong_kind(Es256, "an Ed25519 key")),
        ("EC for Ed25519", Ed25519, P256.into(), wrong_kind(Ed25519, "an EC key on P-256")),
        ("RSA for HMAC", Hs256, RSA.into(), wrong_kind(Hs256, "an RSA key")),
    ];
    for (what, algorithm, pem, expected) in rows {
        let error = Key::from_pem(algorithm, &pem).unwrap_err();
        assert_eq!(class(&error), expected, "{what}: {error}");
    }
    assert_eq!(class(&Key::from_pem(Es256, [0xff, 0xfe, 0x00]).unwrap_err()), malformed());
}

fn pem_of(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

#[test]
fn what_is_half_written_is_cut_off() {
    for (algorithm, pem) in [(Es256, P256), (Es256, P256_SEC1), (EdDsa, ED25519), (Rs256, RSA)] {
        let whole = pem.trim_end();
        for end in 1..whole.len() {
            let error = Key::from_pem(algorithm, &whole[..end]).unwrap_err();
            assert_eq!(error, KeyError::Truncated, "{algorithm}: {end}");
        }
        let der = der(pem);
        for end in 1..der.len() {
            let error = Key::from_der(algorithm, &der[..end]).unwrap_err();
            assert_eq!(error, KeyError::Truncated, "{algorithm}: {end} of DER");
            // An editor, or a mail, that has lost the rest of the lines.
            let error = Key::from_pem(algorithm, pem_of("PRIVATE KEY", &der[..end])).unwrap_err();
            assert_eq!(error, KeyError::Truncated, "{algorithm}: {end} of DER in PEM");
        }
    }
    let whole = RSA_JWK.trim();
    for end in 1..whole.len() {
        let error = Key::from_jwk_as(Rs256, &whole[..end]).unwrap_err();
        assert_eq!(error, KeyError::Truncated, "{end} of a JWK");
    }
    for whole in [P256_PUBLIC.trim_end(), RSA_PUBLIC.trim_end()] {
        for end in 1..whole.len() {
            let error = PublicKey::from_pem(&whole[..end]).unwrap_err();
            assert_eq!(error, KeyError::Truncated, "{end} of a public key");
        }
    }
}

/// Whatever a bit of it is changed to. That no panic comes of it is what counts.
#[test]
fn der_with_errors_in_it() {
    let p256 = der(P256);
    let cases = [
        (Es256, p256.clone(), 1),
        (Es256, der(P256_SEC1), 1),
        (EdDsa, der(ED25519), 1),
        (Rs256, der(RSA), 37),
    ];
    for (algorithm, bytes, step) in cases {
        let expected = Key::from_der(algorithm, &bytes).unwrap().info().thumbprint().to_owned();
        for at in (0..bytes.len()).step_by(step) {
            for change in [0x01, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] ^= change;
                if let Ok(key) = Key::from_der(algorithm, &changed) {
                    // A bit that nobody looks at, or, of Ed25519, another key.
                    assert!(key.info().thumbprint() == expected || algorithm == EdDsa, "{at}");
                }
            }
        }
        let longer = [&bytes[..], b"\n"].concat();
        assert_eq!(class(&Key::from_der(algorithm, longer).unwrap_err()), KeyError::Malformed(""));
    }
    for no_der in [&b"text"[..], &[0x04, 0x00], &[0xff; 4], &[0x31, 0x00]] {
        assert_eq!(Key::from_der(Es256, no_der).unwrap_err(), KeyError::NoKey, "{no_der:?}");
    }
    assert_eq!(Key::from_der(Es256, []).unwrap_err(), KeyError::Empty);
    assert_eq!(Key::from_der(Es256, [0x30, 0x00]).unwrap_err(), KeyError::NoKey);
    assert_eq!(Key::from_der(Es256, der(P256_PUBLIC)).unwrap_err(), KeyError::PublicOnly);
    let pkcs12 = [0x30, 7, 2, 1, 3, 0x30, 0, 0x30, 0];
    assert_eq!(class(&Key::from_der(Es256, pkcs12).unwrap_err()), KeyError::Unsupported(""));
    let encrypted = der(include_str!("keys/p256.encrypted.pem"));
    assert_eq!(Key::from_der(Es256, encrypted).unwrap_err(), KeyError::Encrypted);
}

#[test]
fn secrets_that_are_none() {
    assert_eq!(Key::from_secret(Hs256, "").unwrap_err(), KeyError::Empty);
    let error = Key::from_secret(Es256, "secret").unwrap_err();
    assert_eq!(error, wrong_kind(Es256, "a shared secret"));
}

#[test]
fn the_error_of_a_source_says_whether_it_may_pass() {
    for (error, kind) in [
        (KeyError::Empty, CredentialErrorKind::Empty),
        (KeyError::Truncated, CredentialErrorKind::Malformed),
        (KeyError::Encrypted, CredentialErrorKind::WrongKey),
        (wrong_kind(Es256, "an RSA key"), CredentialErrorKind::WrongKey),
    ] {
        let message = error.to_string();
        let error = CredentialError::from(error);
        assert_eq!(error.kind(), kind);
        assert_eq!(error.to_string(), message);
        assert!(error.source().is_none(), "it is said once");
    }
}
