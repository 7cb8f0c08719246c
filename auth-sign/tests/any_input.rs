//! Whatever is handed in for a key: there is an error, or a key, and no panic.

use auth_core::SigningAlgorithm::*;
use auth_sign::{PublicKey, raw_ecdsa_signature};
use proptest::{collection::vec, prelude::*, sample::select};

/// What keys are made of, in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "-----BEGIN ",
        "-----END ",
        "PRIVATE KEY",
        "PUBLIC KEY",
        "EC ",
        "RSA ",
        "ENCRYPTED ",
        "CERTIFICATE",
        "-----",
        "-",
        "\n",
        "\\n",
        "\\",
        ":",
        "Proc-Type: 4,ENCRYPTED",
        "MIG",
        "AAAA",
        "=",
        "\u{feff}",
        "é",
        " ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "\"keys\":",
        "\"kty\":",
        "\"EC\"",
        "\"RSA\"",
        "\"OKP\"",
        "\"oct\"",
        "\"crv\":",
        "\"P-256\"",
        "\"Ed25519\"",
        "\"d\":",
        "\"x\":",
        "\"y\":",
        "\"n\":",
        "\"e\":",
        "\"k\":",
        "\"alg\":",
        "\"ES256\"",
        "\"\"",
        "null",
        "1",
        "\"AAAA\"",
    ]);
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Lengths and types of DER, in any order.
fn der() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        select(vec![0x30, 0x02, 0x03, 0x04, 0x05, 0x06, 0xa0, 0xa1, 0x80, 0x81, 0x82, 0, 1, 2, 3]),
        any::<u8>(),
    ];
    let nested = vec(byte, 0..60).prop_map(|body| {
        let length = u8::try_from(body.len()).unwrap_or(u8::MAX);
        [&[0x30, length][..], &body].concat()
    });
    prop_oneof![nested, vec(any::<u8>(), 0..80)]
}

proptest! {
    #[test]
    fn texts(text in pieces()) {
        let _ = PublicKey::from_pem(&text);
        let _ = PublicKey::from_jwk(&text);
        #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
        for algorithm in [Es256, Rs256, EdDsa] {
            use auth_sign::Key;
            let _ = Key::from_pem(algorithm, &text);
            let _ = Key::from_jwk_as(algorithm, &text);
            let _ = Key::from_jwks(None, &text, "");
        }
    }

    #[test]
    fn bytes(bytes in der()) {
        let _ = PublicKey::from_der(&bytes);
        let _ = PublicKey::from_pem(&bytes);
        if let Ok(raw) = raw_ecdsa_signature(Es256, &bytes) {
            prop_assert_eq!(raw.len(), 64);
        }
        #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
        for algorithm in [Es256, Rs256, EdDsa] {
            use auth_sign::Key;
            let _ = Key::from_der(algorithm, &bytes);
            let _ = Key::from_pem(algorithm, &bytes);
        }
    }
}
