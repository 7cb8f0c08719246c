//! What is no JSON Web Key, or the wrong one, has a reason and no panic.
#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]
// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used)]

mod common;

use std::error::Error as _;

use auth_core::{CredentialError, Signer as _, SigningAlgorithm::*};
use auth_sign::{Key, KeyError};
use common::{RSA_MAX, class, wrong_kind};

const P256: &str = include_str!("keys/p256.pkcs8.pem");
const RSA_JWK: &str = include_str!("keys/rsa.jwk.json");

/// A JWK on P-256 with these members for others, or beside them.
fn p256(changes: &[(&str, &str)]) -> String {
    let mut members = vec![
        ("kty", "\"EC\""),
        ("crv", "\"P-256\""),
        ("x", "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\""),
        ("y", "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""),
        ("d", "\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\""),
    ];
    for (name, value) in changes {
        members.retain(|(member, _)| member != name);
        if !value.is_empty() {
            members.push((name, value));
        }
    }
    let members: Vec<_> = members.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
    format!("{{{}}}", members.join(","))
}

#[test]
fn jwk_that_is_no_usable_key() {
    let malformed = || KeyError::Malformed("");
    let unsupported = || KeyError::Unsupported("");
    let rejected = || KeyError::Rejected(String::new());
    let rsa = |name: &str, value: serde_json::Value| {
        let mut jwk: serde_json::Value = serde_json::from_str(RSA_JWK).unwrap();
        jwk["alg"] = "RS256".into();
        match value {
            serde_json::Value::Null => jwk.as_object_mut().unwrap().remove(name),
            value => jwk.as_object_mut().unwrap().insert(name.into(), value),
        };
        jwk.to_string()
    };
    let none = serde_json::Value::Null;
    let oct = |more: &str| format!(r#"{{"kty":"oct"{more}}}"#);
    let long = format!("\"{}\"", "A".repeat(43) + "AAAAAAAAAAAB");
    let rows: Vec<(&str, String, KeyError)> = vec![
        ("empty", String::new(), KeyError::Empty),
        ("white space", "\u{feff} \n".into(), KeyError::Empty),
        ("PEM", P256.into(), malformed()),
        ("a list", "[]".into(), malformed()),
        ("a text", "\"EC\"".into(), malformed()),
        ("no JSON", "{kty: EC}".into(), malformed()),
        ("something behind it", p256(&[]) + "}", malformed()),
        ("an object", "{}".into(), KeyError::NoKey),
        ("another object", r#"{"access_token":"x"}"#.into(), KeyError::NoKey),
        ("an empty set", r#"{"keys":[]}"#.into(), KeyError::NoKey),
        ("a set of no keys", r#"{"keys":[{}]}"#.into(), KeyError::NoKey),
        ("a set that is none", r#"{"keys":{}}"#.into(), malformed()),
        ("a set of texts", r#"{"keys":["x"]}"#.into(), malformed()),
        ("public", p256(&[("d", "")]), KeyError::PublicOnly),
        ("public, with null", p256(&[("d", "null")]), KeyError::PublicOnly),
        (
            "a set of public ones",
            format!(r#"{{"keys":[{}]}}"#, p256(&[("d", "")])),
            KeyError::PublicOnly,
        ),
        ("a set of two", format!(r#"{{"keys":[{0},{0}]}}"#, p256(&[])), KeyError::Several),
        ("for encryption", p256(&[("use", "\"enc\"")]), KeyError::NotForSigning),
        (
            "a set for encryption",
            format!(r#"{{"keys":[{}]}}"#, p256(&[("use", "\"enc\"")])),
            KeyError::NotForSigning,
        ),
        (
            "for another operation",
            p256(&[("key_ops", r#"["deriveKey"]"#)]),
            KeyError::NotForSigning,
        ),
        ("for no operation", p256(&[("key_ops", "[]")]), KeyError::NotForSigning),
        ("for verification", p256(&[("key_ops", r#"["verify"]"#)]), KeyError::NotForSigning),
        ("an alg for encryption", p256(&[("alg", "\"ECDH-ES\"")]), unsupported()),
        ("an alg of nobody", p256(&[("alg", "\"es256\"")]), unsupported()),
        ("no signature", p256(&[("alg", "\"none\"")]), unsupported()),
        ("another alg", p256(&[("alg", "\"RS256\"")]), wrong_kind(Rs256, "an EC key on P-256")),
        (
            "HMAC with a public key",
            p256(&[("alg", "\"HS256\"")]),
            wrong_kind(Hs256, "an EC key on P-256"),
        ),
        ("another curve", p256(&[("crv", "\"secp256k1\"")]), unsupported()),
        ("no curve", p256(&[("crv", "")]), malformed()),
        ("numbers of another curve", p256(&[("crv", "\"P-384\"")]), rejected()),
        ("another kty", p256(&[("kty", "\"AKP\"")]), unsupported()),
        ("no kty", p256(&[("kty", "")]), KeyError::NoKey),
        ("kty as a number", p256(&[("kty", "1")]), malformed()),
        ("kid as a number", p256(&[("kid", "1")]), malformed()),
        ("half of the point", p256(&[("y", "")]), malformed()),
        ("a number that is too long", p256(&[("x", &long)]), malformed()),
        ("an empty number", p256(&[("d", "\"\"")]), rejected()),
        (
            "a private key that is too large",
            p256(&[("d", "\"__________________________________________8\"")]),
            rejected(),
        ),
        ("no base64url", p256(&[("d", "\"a+b/\"")]), malformed()),
        ("white space in it", p256(&[("d", "\"jpsQ nnGQ\"")]), malformed()),
        ("a number for base64url", p256(&[("d", "17")]), malformed()),
        ("a member twice", p256(&[("d2", "0")]).replace("d2", "d"), malformed()),
        (
            "another private key",
            p256(&[("d", "\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LA\"")]),
            rejected(),
        ),
        (
            "a point beside the curve",
            p256(&[("y", "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1\"")]),
            malformed(),
        ),
        ("RSA without alg", rsa("alg", none.clone()), KeyError::AlgorithmMissing),
        ("RSA without primes", rsa("p", none.clone()), KeyError::PrimesMissing),
        ("RSA without what goes with them", rsa("qi", none.clone()), KeyError::PrimesMissing),
        ("RSA of three primes", rsa("oth", serde_json::json!([{}])), unsupported()),
        ("RSA without a modulus", rsa("n", none.clone()), malformed()),
        ("RSA with another prime", rsa("p", "AQ".into()), rejected()),
        ("RSA with another exponent", rsa("d", "AQAB".into()), rejected()),
        ("RSA with no exponent", rsa("e", "".into()), malformed()),
        ("RSA for EC", rsa("alg", "ES256".into()), wrong_kind(Es256, "an RSA key")),
        (
            "a short modulus",
            rsa("n", "AQAB".into()),
            KeyError::RsaSize { bits: 17, min: 2048, max: RSA_MAX },
        ),
        ("a secret without alg", oct(r#","k":"c2VjcmV0""#), KeyError::AlgorithmMissing),
        ("a secret without itself", oct(r#","alg":"HS256""#), malformed()),
        ("an empty secret", oct(r#","alg":"HS256","k":"""#), KeyError::Empty),
        (
            "a secret for a pair",
            oct(r#","alg":"ES256","k":"c2VjcmV0""#),
            wrong_kind(Es256, "a shared secret"),
        ),
        ("X25519", r#"{"kty":"OKP","crv":"X25519","d":"AA"}"#.into(), KeyError::NotForSigning),
        ("Ed448", r#"{"kty":"OKP","crv":"Ed448","d":"AA"}"#.into(), unsupported()),
        ("a short Ed25519 key", r#"{"kty":"OKP","crv":"Ed25519","d":"AA"}"#.into(), malformed()),
    ];
    for (what, jwk, expected) in rows {
        let error = Key::from_jwk(&jwk).err().unwrap_or_else(|| panic!("{what}: {jwk}"));
        assert_eq!(class(&error), expected, "{what}: {error}");
    }
    assert_eq!(
        Key::from_jwk_as(Es384, &p256(&[("alg", "\"ES256\"")])).unwrap_err(),
        wrong_kind(Es384, "an EC key on P-256")
    );
    assert_eq!(
        Key::from_jwk_as(Ps256, &rsa("kid", "1".into())).unwrap_err(),
        KeyError::OtherAlgorithm { asked: Ps256, of_key: Rs256 }
    );
    assert_eq!(Key::from_jwks(None, &p256(&[]), "x").unwrap_err(), KeyError::UnknownKeyId);
    // Depth costs nothing.
    let deep = "{\"keys\":[".repeat(100_000);
    assert!(Key::from_jwk(&deep).is_err());
}

/// Errors quote nothing of the key, whatever is wrong with it.
#[test]
fn no_error_shows_the_key() {
    let secret = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";
    for jwk in [
        p256(&[("d", &format!("[\"{secret}\"]"))]),
        p256(&[("d", &format!("\"{secret}+\""))]),
        p256(&[("kty", &format!("{{\"{secret}\":1}}"))]),
        p256(&[("crv", &format!("\"{secret}\""))]),
        p256(&[("alg", &format!("\"{secret}\""))]),
        p256(&[("use", &format!("\"{secret}\""))]),
        format!("{secret}{}", p256(&[])),
    ] {
        let error = CredentialError::from(Key::from_jwk(&jwk).unwrap_err());
        let shown = format!("{error} {error:?} {:?}", error.source());
        assert!(!shown.contains(&secret[..8]), "{shown}");
    }
    let error = Key::from_pem(Es256, P256.replace('M', "?")).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("IGHAgEA"));
}

/// The library that signs may look at the parts no closer than at their sizes. A key
/// that is damaged is found out when it is read, and not at a request.
#[test]
fn an_rsa_key_whose_parts_do_not_belong_together() {
    let jwk: serde_json::Value = serde_json::from_str(RSA_JWK).unwrap();
    for name in ["n", "d", "p", "q", "dp", "dq", "qi"] {
        let text = jwk[name].as_str().unwrap();
        for at in [text.len() / 3, text.len() / 2, text.len() - 4] {
            let mut damaged = text.to_owned();
            let other = if text[at..].starts_with('A') { "B" } else { "A" };
            damaged.replace_range(at..=at, other);
            let mut jwk = jwk.clone();
            jwk[name] = damaged.into();
            for algorithm in [Rs256, Ps256] {
                let read = Key::from_jwk_as(algorithm, &jwk.to_string());
                match read {
                    // The private exponent is not used where the primes are known.
                    Ok(key) => {
                        assert_eq!(name, "d", "at {at}");
                        assert!(key.sign(b"message").is_ok());
                    }
                    Err(error) => assert!(matches!(error, KeyError::Rejected(_)), "{error}"),
                }
            }
        }
    }
}
