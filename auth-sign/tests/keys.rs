//! Every form of a key is the same key, and what it signs is verified by others.
#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used)]

mod common;

use auth_core::{
    Signer as _,
    SigningAlgorithm::{self, *},
    SigningKey,
};
use auth_sign::{Key, KeyError, NewKey, PublicKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use common::der;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};

const P256: &str = include_str!("keys/p256.pkcs8.pem");
const P256_SEC1: &str = include_str!("keys/p256.sec1.pem");
const P384: &str = include_str!("keys/p384.pkcs8.pem");
const RSA: &str = include_str!("keys/rsa.pkcs8.pem");
const ED25519: &str = include_str!("keys/ed25519.pkcs8.pem");

/// Whether somebody else takes the signature for one of this key.
fn verified(key: &Key, algorithm: Algorithm) -> bool {
    let message = b"header.claims";
    let signature = URL_SAFE_NO_PAD.encode(key.sign(message).unwrap());
    let public = serde_json::from_str(key.info().public_jwk().unwrap()).unwrap();
    let verifier = DecodingKey::from_jwk(&public).unwrap();
    crypto::verify(&signature, message, &verifier, algorithm).unwrap()
        && !crypto::verify(&signature, b"header.others", &verifier, algorithm).unwrap()
}

#[test]
fn every_algorithm_of_a_pair_is_verified() {
    for (pem, algorithm, theirs, length) in [
        (P256, Es256, Algorithm::ES256, 64),
        (P384, Es384, Algorithm::ES384, 96),
        (RSA, Rs256, Algorithm::RS256, 256),
        (RSA, Rs384, Algorithm::RS384, 256),
        (RSA, Rs512, Algorithm::RS512, 256),
        (RSA, Ps256, Algorithm::PS256, 256),
        (RSA, Ps384, Algorithm::PS384, 256),
        (RSA, Ps512, Algorithm::PS512, 256),
        (ED25519, EdDsa, Algorithm::EdDSA, 64),
        (ED25519, Ed25519, Algorithm::EdDSA, 64),
    ] {
        let key = Key::from_pem(algorithm, pem).unwrap();
        assert_eq!(key.info().algorithm(), algorithm);
        // Of ECDSA, numbers that happen to be short have their full length, too.
        for message in 0..64_u8 {
            assert_eq!(key.sign(&[message]).unwrap().len(), length, "{algorithm}");
        }
        assert!(verified(&key, theirs), "{algorithm}");
    }
}

#[test]
fn every_algorithm_of_a_secret_is_verified() {
    let secret = b"a secret of at least 64 bytes, which is what the longest hash has: ok";
    for (algorithm, theirs) in
        [(Hs256, Algorithm::HS256), (Hs384, Algorithm::HS384), (Hs512, Algorithm::HS512)]
    {
        let signature = Key::from_secret(algorithm, secret).unwrap().sign(b"message").unwrap();
        let signature = URL_SAFE_NO_PAD.encode(signature);
        let verifier = DecodingKey::from_secret(secret);
        assert!(crypto::verify(&signature, b"message", &verifier, theirs).unwrap(), "{algorithm}");
    }
}

/// Texts of the key of RFC 7515 appendix A.3, as they come along.
fn forms_of_p256() -> Vec<(&'static str, String)> {
    let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let body = P256.lines().filter(|line| !line.starts_with('-')).collect::<String>();
    vec![
        ("PKCS#8", P256.into()),
        ("SEC1", P256_SEC1.into()),
        ("openssl ecparam -genkey", include_str!("keys/p256.openssl.pem").into()),
        ("after a certificate", format!("{certificate}{P256}")),
        ("before a certificate", format!("{P256}{certificate}")),
        (
            "after a certificate that is cut off",
            format!("-----BEGIN CERTIFICATE-----\nMIIB\n{P256}"),
        ),
        ("beside its public key", format!("{}{P256}", include_str!("keys/p256.pub.pem"))),
        ("beside an encrypted key", format!("{}{P256}", include_str!("keys/p256.encrypted.pem"))),
        (
            "bag attributes",
            format!("Bag Attributes\n    friendlyName: key\nKey Attributes: <No>\n{P256}"),
        ),
        ("a byte-order mark", format!("\u{feff}{P256}")),
        ("line ends of Windows", P256.replace('\n', "\r\n")),
        ("line ends of old Macs", P256.replace('\n', "\r")),
        ("indented", P256.lines().map(|line| format!("    {line}\n")).collect()),
        ("blank lines", P256.replace('\n', "\n\n")),
        ("without a last line end", P256.trim_end().into()),
        ("in one line", P256.replace('\n', " ")),
        ("without any line end", P256.replace('\n', "")),
        ("\\n for line ends", P256.replace('\n', "\\n")),
        ("\\r\\n for line ends", P256.replace('\n', "\\r\\n")),
        ("the curve twice", common::pkcs8_of(&common::P256, &der(P256_SEC1))),
        ("a header", P256.replace("KEY-----\nM", "KEY-----\nComment: of the client\n\nM")),
        ("in quotes", format!("{:?}", P256)),
        ("another label", P256.replace("PRIVATE KEY", "EC PRIVATE KEY")),
        ("another label of SEC1", P256_SEC1.replace("EC PRIVATE KEY", "PRIVATE KEY")),
        ("long lines", format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----")),
    ]
}

#[test]
fn the_forms_of_one_key_are_one_key() {
    let expected = "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U";
    for (form, text) in forms_of_p256() {
        let key = Key::from_pem(Es256, &text).unwrap_or_else(|error| panic!("{form}: {error}"));
        assert_eq!(key.info().thumbprint(), expected, "{form}");
    }
    for pem in [P256, P256_SEC1] {
        assert_eq!(Key::from_der(Es256, der(pem)).unwrap().info().thumbprint(), expected);
    }
    let public = PublicKey::from_pem(include_str!("keys/p256.pub.pem")).unwrap();
    assert_eq!(public.thumbprint(), expected);
}

#[test]
fn the_forms_of_other_keys_are_one_key() {
    let rsa = PublicKey::from_pem(include_str!("keys/rsa.pub.pem")).unwrap().thumbprint();
    for pem in [RSA, include_str!("keys/rsa.pkcs1.pem")] {
        for algorithm in [Rs256, Ps256] {
            let keys = [
                Key::from_pem(algorithm, pem).unwrap(),
                Key::from_der(algorithm, der(pem)).unwrap(),
            ];
            assert!(keys.iter().all(|key| key.info().thumbprint() == rsa));
        }
    }
    let jwk = include_str!("keys/rsa.jwk.json");
    assert_eq!(Key::from_jwk_as(Rs256, jwk).unwrap().info().thumbprint(), rsa);

    let p384 = PublicKey::from_pem(include_str!("keys/p384.pub.pem")).unwrap().thumbprint();
    for pem in [P384, include_str!("keys/p384.sec1.pem")] {
        assert_eq!(Key::from_pem(Es384, pem).unwrap().info().thumbprint(), p384);
    }

    let ed25519 = PublicKey::from_pem(include_str!("keys/ed25519.pub.pem")).unwrap().thumbprint();
    assert_eq!(Key::from_pem(EdDsa, ED25519).unwrap().info().thumbprint(), ed25519);
    assert_eq!(Key::from_der(EdDsa, der(ED25519)).unwrap().info().thumbprint(), ed25519);
}

/// A new key of ring 0.17, and the same as ring 0.16 would have written it.
#[test]
fn keys_that_ring_has_made() {
    let seed = "960b62e4401f850012aa3b065e16b7030f0fbdbf47b83617f02a5571131cd430";
    let public = "95dc96ad6ca1317f08bd5930ad76cf4b1346f959c4497b25a86ba0910eb6125d";
    let new = format!("3051020101300506032b657004220420{seed}812100{public}");
    let old = format!("3053020101300506032b657004220420{seed}a123032100{public}");
    let bytes = |hex: &str| -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
    };
    let keys = [&new, &old].map(|hex| Key::from_der(EdDsa, bytes(hex)).unwrap());
    assert_eq!(keys[0].info(), keys[1].info());
    let x = URL_SAFE_NO_PAD.encode(bytes(public));
    assert!(keys[0].info().public_jwk().unwrap().contains(&x));
    // Another's public part.
    for hex in [&new, &old] {
        let mut bytes = bytes(hex);
        *bytes.last_mut().unwrap() ^= 1;
        assert!(matches!(Key::from_der(EdDsa, &bytes), Err(KeyError::Rejected(_))));
        bytes.pop();
        assert_eq!(Key::from_der(EdDsa, &bytes).unwrap_err(), KeyError::Truncated);
    }
}

#[test]
fn a_key_for_pss_alone_signs_so() {
    let pem = include_str!("keys/rsapss.pem");
    assert!(verified(&Key::from_pem(Ps256, pem).unwrap(), Algorithm::PS256));
    let refused = Key::from_pem(Rs256, pem).unwrap_err();
    assert_eq!(
        refused,
        KeyError::WrongKind { algorithm: Rs256, found: "an RSA key for PSS alone" }
    );
}

/// aws-lc-rs computes the public part of a key that lacks it.
#[test]
fn a_key_without_its_public_part() {
    let pem = [include_str!("keys/p256.nopub.pem"), include_str!("keys/p256.compressed.pem")];
    let jwk = r#"{"kty":"EC","crv":"P-256","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;
    let expected = Key::from_pem(Es256, P256).unwrap();
    let read = pem.map(|pem| Key::from_pem(Es256, pem)).into_iter().chain([Key::from_jwk(jwk)]);
    for read in read {
        if cfg!(feature = "aws-lc-rs") {
            assert_eq!(read.unwrap().info(), expected.info());
        } else {
            assert_eq!(read.unwrap_err(), KeyError::PublicPartMissing);
        }
    }
}

#[test]
fn p_521_and_long_rsa_keys_are_for_aws_lc_alone() {
    let p521 = Key::from_pem(Es512, include_str!("keys/p521.pkcs8.pem"));
    let long = Key::from_pem(Rs256, include_str!("keys/rsa4104.pem"));
    if cfg!(feature = "aws-lc-rs") {
        let p521 = p521.unwrap();
        assert_eq!(p521.sign(b"message").unwrap().len(), 132);
        assert_eq!(long.unwrap().sign(b"message").unwrap().len(), 513);
    } else {
        assert!(matches!(p521, Err(KeyError::Unsupported(_))));
        assert_eq!(long.unwrap_err(), KeyError::RsaSize { bits: 4104, min: 2048, max: 4096 });
    }
}

#[test]
fn a_jwk_brings_its_name_and_its_algorithm() {
    let members = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI""#;
    let key = Key::from_jwk(&format!(
        r#"{{{members},"kid":"of the file","alg":"ES256","use":"sig","key_ops":["sign"],"x5t":1}}"#
    ))
    .unwrap();
    assert_eq!(key.info().get_key_id(), Some("of the file"));
    assert_eq!(key.info().algorithm(), Es256);
    assert_eq!(key.key_id("another").info().get_key_id(), Some("another"));
    let key = Key::from_jwk(&format!("{{{members}}}")).unwrap();
    assert_eq!((key.info().get_key_id(), key.info().algorithm()), (None, Es256));
    // What goes with every proof is public, and no more than needed.
    assert_eq!(
        key.info().public_jwk().unwrap(),
        r#"{"crv":"P-256","kty":"EC","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#
    );
}

const ED25519_MEMBERS: &str = r#""kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;

#[test]
fn of_a_set_the_key_that_can_be_meant() {
    let ed = ED25519_MEMBERS;
    let ec = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI","kid":"ec"}"#;
    let public = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"public"}"#;
    let set = |keys: &[&str]| format!(r#"{{"keys":[{}]}}"#, keys.join(","));
    let signing = format!(r#"{{{ed},"kid":"ed"}}"#);
    let encrypting = format!(r#"{{{ed},"kid":"enc","use":"enc"}}"#);
    let unknown = r#"{"kty":"AKP","alg":"ML-DSA-44","pub":"AA","priv":"AA","kid":"new"}"#;

    for others in [&[][..], &[public], &[&encrypting], &[unknown], &[public, &encrypting, unknown]]
    {
        for last in [false, true] {
            let mut keys = others.to_vec();
            keys.insert(if last { others.len() } else { 0 }, &signing);
            let key = Key::from_jwk(&set(&keys)).unwrap();
            assert_eq!(key.info().get_key_id(), Some("ed"), "{keys:?}");
        }
    }
    let both = set(&[&signing, ec]);
    assert_eq!(Key::from_jwk(&both).unwrap_err(), KeyError::Several);
    // Two names of one algorithm.
    let named = format!(r#"{{{ed},"alg":"EdDSA"}}"#);
    assert_eq!(Key::from_jwk_as(Ed25519, &named).unwrap().info().algorithm(), Ed25519);
    let named = format!(r#"{{{ed},"alg":"Ed25519"}}"#);
    assert_eq!(Key::from_jwk(&named).unwrap().info().algorithm(), Ed25519);
    assert_eq!(Key::from_jwk_as(EdDsa, &named).unwrap().info().algorithm(), EdDsa);
    // The algorithm tells.
    assert_eq!(Key::from_jwk_as(Es256, &both).unwrap().info().get_key_id(), Some("ec"));
    assert_eq!(Key::from_jwks(None, &both, "ed").unwrap().info().algorithm(), EdDsa);
    assert_eq!(Key::from_jwks(Ed25519, &both, "ed").unwrap().info().algorithm(), Ed25519);
    assert_eq!(Key::from_jwks(None, &both, "").unwrap_err(), KeyError::UnknownKeyId);
    assert_eq!(
        Key::from_jwks(Es256, &both, "ed").unwrap_err(),
        KeyError::WrongKind { algorithm: Es256, found: "an Ed25519 key" }
    );
    assert_eq!(Key::from_jwks(None, &set(&[public]), "public").unwrap_err(), KeyError::PublicOnly);
}

#[test]
fn a_number_of_a_jwk_may_lack_its_leading_zeros_or_have_too_many() {
    let jwk = |x: &[u8]| {
        let x = URL_SAFE_NO_PAD.encode(x);
        format!(
            r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}}"#
        )
    };
    let full = [&[0][..], &[7; 31]].concat();
    let expected = PublicKey::from_jwk(&jwk(&full)).unwrap();
    for x in [&[7; 31][..], &[&[0, 0][..], &[7; 31]].concat()] {
        assert_eq!(PublicKey::from_jwk(&jwk(x)).unwrap(), expected);
    }
    // Some libraries pad the text.
    let padded = r#"{"kty":"oct","k":"c2VjcmV0MQ==","alg":"HS256"}"#;
    let exact = Key::from_secret(Hs256, "secret1").unwrap();
    assert_eq!(Key::from_jwk(padded).unwrap().info(), exact.info());
}

#[test]
fn a_new_key_can_be_stored() {
    let new = NewKey::es256().unwrap();
    let (pem, jwk) = (new.expose_pem().to_owned(), new.expose_jwk().to_owned());
    let key = new.into_key();
    let again = [Key::from_pem(Es256, &pem).unwrap(), Key::from_jwk(&jwk).unwrap()];
    for again in &again {
        assert_eq!(again.info(), key.info());
        assert!(verified(again, Algorithm::ES256));
    }
    assert!(pem.lines().all(|line| line.len() <= 64));
    let another = NewKey::es256().unwrap().into_key();
    assert_ne!(another.info().thumbprint(), key.info().thumbprint());
}

#[test]
fn two_secrets_differ_and_neither_is_told() {
    let identity = |algorithm: SigningAlgorithm, secret: &str| {
        Key::from_secret(algorithm, secret).unwrap().info().thumbprint().to_owned()
    };
    assert_eq!(identity(Hs256, "first"), identity(Hs512, "first"));
    assert_ne!(identity(Hs256, "first"), identity(Hs256, "second"));
    // Too short to try out secrets.
    assert_eq!(identity(Hs256, "first").len(), 4);
    assert_eq!(Key::from_secret(Hs256, "first").unwrap().info().public_jwk(), None);
}

#[test]
fn nothing_shows_the_key() {
    let new = NewKey::es256().unwrap();
    let jwk: serde_json::Value = serde_json::from_str(new.expose_jwk()).unwrap();
    let d = jwk["d"].as_str().unwrap();
    let pem_line = new.expose_pem().lines().nth(1).unwrap();
    let shown =
        format!("{new:?} {:#?}", SigningKey::from(Key::from_jwk(new.expose_jwk()).unwrap()));
    assert!(!shown.contains(d) && !shown.contains(pem_line), "{shown}");
    let secret = Key::from_secret(Hs256, "a client secret").unwrap();
    let shown = format!("{secret:?} {:?}", secret.info());
    assert!(!shown.contains("client") && !shown.contains(secret.info().thumbprint()), "{shown}");
}
