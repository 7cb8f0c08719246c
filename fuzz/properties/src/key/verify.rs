//! Signatures, thumbprints and DER, by another library or by hand.

use auth_core::{SigningAlgorithm, SigningAlgorithm::*};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest, hmac,
    signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey},
};
use serde_json::Value;

/// Panics unless the public key verifies the signature.
pub(super) fn verify(algorithm: SigningAlgorithm, jwk: &str, message: &[u8], signature: &[u8]) {
    let jwk: Value = serde_json::from_str(jwk).expect("JSON");
    let member = |name: &str| {
        let text = jwk[name].as_str().expect("a member of the key");
        URL_SAFE_NO_PAD.decode(text).expect("base64url")
    };
    let rsa = |parameters: &RsaParameters| {
        RsaPublicKeyComponents { n: member("n"), e: member("e") }
            .verify(parameters, message, signature)
    };
    let point = || [vec![4], member("x"), member("y")].concat();
    let verified = match algorithm {
        Es256 => UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point())
            .verify(message, signature),
        Es384 => UnparsedPublicKey::new(&signature::ECDSA_P384_SHA384_FIXED, point())
            .verify(message, signature),
        EdDsa | Ed25519 => {
            UnparsedPublicKey::new(&signature::ED25519, member("x")).verify(message, signature)
        }
        Rs256 => rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        Rs384 => rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
        Rs512 => rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
        Ps256 => rsa(&signature::RSA_PSS_2048_8192_SHA256),
        Ps384 => rsa(&signature::RSA_PSS_2048_8192_SHA384),
        Ps512 => rsa(&signature::RSA_PSS_2048_8192_SHA512),
        // The library knows no such curve.
        _ => Ok(()),
    };
    assert!(verified.is_ok(), "its own public key does not verify what it has signed");
}

pub(super) fn verify_secret(
    algorithm: SigningAlgorithm,
    secret: &[u8],
    message: &[u8],
    signature: &[u8],
) {
    let hash = match algorithm {
        Hs384 => hmac::HMAC_SHA384,
        Hs512 => hmac::HMAC_SHA512,
        _ => hmac::HMAC_SHA256,
    };
    let key = hmac::Key::new(hash, secret);
    assert_eq!(hmac::sign(&key, message).as_ref(), signature);
}

/// RFC 7638.
pub(super) fn thumbprint(jwk: &str) -> String {
    let jwk: Value = serde_json::from_str(jwk).expect("JSON");
    let names: &[&str] = match jwk["kty"].as_str() {
        Some("EC") => &["crv", "kty", "x", "y"],
        Some("RSA") => &["e", "kty", "n"],
        _ => &["crv", "kty", "x"],
    };
    let members: Vec<_> = names.iter().map(|name| format!("\"{name}\":{}", jwk[*name])).collect();
    let text = format!("{{{}}}", members.join(","));
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// The two numbers of an ECDSA signature in DER (RFC 3279 section 2.2.3), without
/// leading zeros; none if it is none, or a number is zero.
pub(super) fn numbers(der: &[u8]) -> Option<[&[u8]; 2]> {
    let (sequence, rest) = element(0x30, der)?;
    let (r, more) = element(2, sequence)?;
    let (s, end) = element(2, more)?;
    (rest.is_empty() && end.is_empty()).then_some(())?;
    Some([positive(r)?, positive(s)?])
}

fn positive(number: &[u8]) -> Option<&[u8]> {
    match number {
        [0, rest @ ..] => rest.first().is_some_and(|first| *first >= 0x80).then_some(rest),
        [first, ..] => (*first < 0x80).then_some(number),
        [] => None,
    }
}

/// An element of this type, and what follows it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.strip_prefix(&[tag])?.split_first()?;
    let (length, rest) = match first {
        0x81 | 0x82 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            let length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            // In the shortest form.
            (length >= if *first == 0x81 { 0x80 } else { 0x100 }).then_some((length, rest))?
        }
        _ => (*first < 0x80).then_some((usize::from(*first), rest))?,
    };
    rest.split_at_checked(length)
}
