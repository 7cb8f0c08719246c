//! Public keys and signatures as services that keep the private key return them. None
//! of it needs a library that signs.

// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used)]

mod common;

use auth_core::{
    CredentialErrorKind::{Other, WrongKey},
    SigningAlgorithm::*,
};
use auth_sign::{KeyError, PublicKey, raw_ecdsa_signature};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use common::der;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};

const P256: &str = include_str!("keys/p256.pub.pem");
const RSA: &str = include_str!("keys/rsa.pub.pem");

#[test]
fn a_public_key_in_each_form() {
    let ec = r#"{"crv":"P-256","kty":"EC","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
    for key in [
        PublicKey::from_pem(P256),
        PublicKey::from_der(der(P256)),
        PublicKey::from_jwk(ec),
        PublicKey::from_jwk(&format!(r#"{{"keys":[{ec}]}}"#)),
        // As Azure Key Vault names what is in hardware.
        PublicKey::from_jwk(&ec.replace("\"EC\"", "\"EC-HSM\"")),
    ] {
        let key = key.unwrap();
        assert_eq!(key.jwk(), ec);
        let info = key.info(Es256).unwrap();
        assert_eq!(info.public_jwk(), Some(ec));
        assert_eq!(info.thumbprint(), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
        assert_eq!(info.get_key_id(), None);
    }

    let jwk: String = include_str!("keys/rsa.jwk.json")
        .split_inclusive('\n')
        .filter(|line| ["{", "}", " \"kty", " \"n", " \"e"].iter().any(|it| line.starts_with(it)))
        .collect();
    let jwk = jwk.replace("\"AQAB\",", "\"AQAB\"");
    for key in [
        PublicKey::from_pem(RSA),
        PublicKey::from_der(der(RSA)),
        PublicKey::from_pem(include_str!("keys/rsa.pub1.pem")),
        PublicKey::from_der(der(include_str!("keys/rsa.pub1.pem"))),
        PublicKey::from_jwk(&jwk),
        PublicKey::from_jwk(&jwk.replace("\"RSA\"", "\"RSA-HSM\"")),
    ] {
        let key = key.unwrap();
        assert!(key.jwk().starts_with(r#"{"e":"AQAB","kty":"RSA","n":"ofgWCuLjybRlzo0tZWJj"#));
        for algorithm in [Rs256, Rs384, Rs512, Ps256, Ps384, Ps512] {
            assert_eq!(key.info(algorithm).unwrap().thumbprint(), key.thumbprint());
        }
    }
}

#[test]
fn a_public_jwk_brings_its_name_and_its_algorithm() {
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "kid":"https://vault.example/keys/1","alg":"EdDSA","key_ops":["sign"]}"#;
    let key = PublicKey::from_jwk(jwk).unwrap();
    assert_eq!(key.info(EdDsa).unwrap().get_key_id(), Some("https://vault.example/keys/1"));
    // Two names of one algorithm.
    assert_eq!(key.info(Ed25519).unwrap().algorithm(), Ed25519);
    let wrong = KeyError::WrongKind { algorithm: Es256, found: "an Ed25519 key" };
    assert_eq!(key.info(Es256).unwrap_err(), wrong);
}

#[test]
fn what_is_no_public_key() {
    let malformed = KeyError::Malformed;
    let size = KeyError::RsaSize { bits: 1024, min: 2048, max: 16384 };
    for (what, read, expected) in [
        ("empty", PublicKey::from_pem(""), KeyError::Empty),
        ("text", PublicKey::from_pem("no key"), KeyError::NoKey),
        ("private", PublicKey::from_pem(include_str!("keys/p256.sec1.pem")), KeyError::PrivateKey),
        (
            "private DER",
            PublicKey::from_der(der(include_str!("keys/p256.pkcs8.pem"))),
            KeyError::PrivateKey,
        ),
        (
            "a private JWK",
            PublicKey::from_jwk(include_str!("keys/rsa.jwk.json")),
            KeyError::PrivateKey,
        ),
        ("a secret", PublicKey::from_jwk(r#"{"kty":"oct"}"#), KeyError::PrivateKey),
        ("two", PublicKey::from_pem(format!("{P256}{RSA}")), KeyError::Several),
        ("a set of two", PublicKey::from_jwk(r#"{"keys":[{},{}]}"#), KeyError::Several),
        ("short", PublicKey::from_pem(include_str!("keys/rsa1024.pub.pem")), size),
        (
            "compressed",
            PublicKey::from_pem(include_str!("keys/p256.pub.compressed.pem")),
            KeyError::Unsupported("a compressed point"),
        ),
        (
            "a point without its end",
            PublicKey::from_jwk(r#"{"kty":"EC","crv":"P-256","x":"AA"}"#),
            malformed("a member of the JWK is missing"),
        ),
        (
            "for encryption",
            PublicKey::from_jwk(r#"{"kty":"OKP","crv":"X25519","x":"AA"}"#),
            KeyError::NotForSigning,
        ),
    ] {
        assert_eq!(read.unwrap_err(), expected, "{what}");
    }
}

/// DER of a sequence of these integers, whose bytes are taken as they are.
fn signature(numbers: &[&[u8]]) -> Vec<u8> {
    let mut body = Vec::new();
    for number in numbers {
        body.extend([&[2, u8::try_from(number.len()).unwrap()], *number].concat());
    }
    let length = u8::try_from(body.len()).unwrap();
    let header = if length < 128 { vec![0x30, length] } else { vec![0x30, 0x81, length] };
    [header, body].concat()
}

#[test]
fn numbers_of_a_signature_have_their_full_length() {
    let filled = |length, value| vec![value; length];
    for (algorithm, length) in [(Es256, 32), (Es384, 48), (Es512, 66)] {
        let full = filled(length, 0x7f);
        // The first bit set: DER has a zero before it.
        let high = filled(length, 0xff);
        let high_in_der = [&[0][..], &high].concat();
        let short = filled(length - 3, 0x11);
        let padded = [&[0; 3][..], &short].concat();
        let one = [&vec![0; length - 1][..], &[1]].concat();
        for (r, s, expected) in [
            (&full, &full, [&full[..], &full].concat()),
            (&high_in_der, &full, [&high[..], &full].concat()),
            (&full, &high_in_der, [&full[..], &high].concat()),
            (&short, &full, [&padded[..], &full].concat()),
            (&full, &short, [&full[..], &padded].concat()),
            (&vec![1], &vec![1], [&one[..], &one].concat()),
        ] {
            let raw = raw_ecdsa_signature(algorithm, &signature(&[r, s])).unwrap();
            assert_eq!(raw, expected, "{algorithm}");
            assert_eq!(raw.len(), 2 * length);
        }
        let larger = [&[1][..], &full].concat();
        for (r, s) in [(&larger, &full), (&full, &larger)] {
            let error = raw_ecdsa_signature(algorithm, &signature(&[r, s])).unwrap_err();
            assert_eq!(error.kind(), WrongKey, "{algorithm}");
        }
    }
}

/// Of `openssl dgst -sha256 -sign`, short ones among them.
#[test]
fn what_openssl_has_signed_is_verified() {
    let signatures = [
        "3043021f1a54531f8248ca3bd915702f7ce424818ab7db7c793eef3421a2a42be6a34f022045f5d24fc42dcd7d5ee5797878c7fc463c5e80bdab1a4b03b7be8d114e092984",
        "30440220125408fad16b4e2a658e72f0ea53da67b31d7ed2ea235616fcbf41c78468cdb102205f4346b3bb1e82102c62523b18cee5ed988a087493b78dd19e1e0f587586e312",
        "30450220220b527fe219a1b1c3d02a39a6889dc9a270bd13f13883b40d0e9f55293342cf022100c34ec0581c8e15d523aa971ead451d933d555f24964247d3fb75c24893e6bd14",
        "30460221009b048a4e6aebe1fc2e5a7532324d6712182070e0a68765adae0338cbebf2449b022100eb3024fb09cabbafaa116e812faf88a11fcbff875804b951875053f70cde8f3b",
    ];
    let public = PublicKey::from_pem(P256).unwrap();
    let verifier = DecodingKey::from_jwk(&serde_json::from_str(public.jwk()).unwrap()).unwrap();
    for hex in signatures {
        let bytes: Vec<u8> = (0..hex.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap())
            .collect();
        let raw = URL_SAFE_NO_PAD.encode(raw_ecdsa_signature(Es256, &bytes).unwrap());
        assert!(
            crypto::verify(&raw, b"header.claims", &verifier, Algorithm::ES256).unwrap(),
            "{hex}"
        );
    }
}

#[test]
fn what_is_no_signature() {
    let (r, s) = (&[0x11; 32][..], &[0x22; 32][..]);
    let whole = signature(&[r, s]);
    let mut rows = vec![
        ("raw already", [r, s].concat()),
        ("zero", signature(&[&[0], s])),
        ("zero at the end", signature(&[r, &[0]])),
        ("negative", signature(&[&[0xff; 32], s])),
        ("a zero too many", signature(&[&[&[0][..], r].concat(), s])),
        ("no bytes", signature(&[&[], s])),
        ("one number", signature(&[r])),
        ("three numbers", signature(&[r, s, s])),
        ("more behind it", [&whole[..], &[0]].concat()),
        ("a set", [&[0x31][..], &whole[1..]].concat()),
        ("text", b"signature".to_vec()),
    ];
    rows.extend((0..whole.len()).map(|end| ("cut off", whole[..end].to_vec())));
    for (what, der) in rows {
        assert_eq!(raw_ecdsa_signature(Es256, &der).unwrap_err().kind(), Other, "{what}: {der:?}");
    }
    for algorithm in [Rs256, Ps256, EdDsa, Hs256] {
        assert_eq!(raw_ecdsa_signature(algorithm, &whole).unwrap_err().kind(), WrongKey);
    }
}
