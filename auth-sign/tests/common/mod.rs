//! What the tests of what is broken share.

// Not every one of them uses all of it.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use auth_core::SigningAlgorithm;
use auth_sign::KeyError;
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The largest RSA key.
pub const RSA_MAX: usize = if cfg!(feature = "aws-lc-rs") { 8192 } else { 4096 };

pub fn der(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(body).unwrap()
}

pub fn wrong_kind(algorithm: SigningAlgorithm, found: &'static str) -> KeyError {
    KeyError::WrongKind { algorithm, found }
}

/// The kind of an error alone, where it comes with an explanation.
pub fn class(error: &KeyError) -> KeyError {
    match error {
        KeyError::Malformed(_) => KeyError::Malformed(""),
        KeyError::Unsupported(_) => KeyError::Unsupported(""),
        KeyError::Rejected(_) => KeyError::Rejected(String::new()),
        other => other.clone(),
    }
}

/// A key of SEC1 in PKCS#8, which names this curve, too.
pub fn pkcs8_of(curve: &[u8], sec1: &[u8]) -> String {
    let nested = |tag: u8, parts: &[&[u8]]| {
        let body = parts.concat();
        let length = u8::try_from(body.len()).unwrap();
        let header = if length < 128 { vec![tag, length] } else { vec![tag, 0x81, length] };
        [header, body].concat()
    };
    let ec = nested(6, &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]]);
    let algorithm = nested(0x30, &[&ec, &nested(6, &[curve])]);
    let key = nested(0x30, &[&[2, 1, 0], &algorithm, &nested(4, &[sec1])]);
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(key))
}

pub const P256: [u8; 8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
pub const P384: [u8; 5] = [0x2b, 0x81, 4, 0, 0x22];
