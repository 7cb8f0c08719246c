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
