mod verify;

use std::{error::Error, fmt::Write as _, fs};

use auth_core::{KeyInfo, Signer as _, SigningAlgorithm, SigningAlgorithm::*};
use auth_sign::{Key, KeyError, PublicKey, raw_ecdsa_signature};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::{credential_file::check_unshown, input};

/// What an input was read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// A key that signs.
    Key,
    /// A key that verifies.
    Public,
    /// A signature in DER.
    Signature,
    /// None of these.
    Nothing,
}

/// A key. The first line says how it is read, for which algorithm (`-` if none is
/// named), and which key of a set; the rest is the key:
///
/// ```text
/// jwks ES256 the-kid
/// {"keys":[]}
/// ```
///
/// The forms are `pem`, `der`, `jwk`, `jwks` and `secret`; and `signature`, for what
/// others have signed.
pub fn key(input: &[u8]) -> Read {
    let mut rest = input;
    let mut words = input::words(input::take_line(&mut rest).unwrap_or_default());
    let form = words.next().unwrap_or_default();
    let algorithm = words.next().and_then(|name| ALL.into_iter().find(|it| it.as_str() == name));
    let key_id = words.next().unwrap_or_default();
    if form == "signature" {
        return signature(algorithm.unwrap_or(Es256), rest);
    }
    let private = private(form, algorithm, key_id, rest);
    let public = public(form, rest);
    let secrets = secrets(form, rest);
    let read = match (&private, &public) {
        (Ok(key), _) => {
            check_key(key, (form == "secret").then_some(rest));
            if form != "secret" && form != "jwks" {
                check_file(key, algorithm, rest);
            }
            Read::Key
        }
        (Err(_), Ok(key)) => {
            check_public(key);
            Read::Public
        }
        _ => Read::Nothing,
    };
    let key_id = private.as_ref().ok().and_then(|key| key.info().get_key_id());
    let mut text = shown(&private);
    if let Some(key_id) = key_id {
        text = text.replace(&format!("{key_id:?}"), "");
    }
    text.push_str(&public.err().map(|error| format!("{error} {error:?}")).unwrap_or_default());
    for secret in &secrets {
        check_unshown(&text, secret);
    }
    read
}

const ALL: [SigningAlgorithm; 14] = [
    Es256, Es384, Es512, Rs256, Rs384, Rs512, Ps256, Ps384, Ps512, EdDsa, Ed25519, Hs256, Hs384,
    Hs512,
];

fn private(
    form: &str,
    algorithm: Option<SigningAlgorithm>,
    key_id: &str,
    rest: &[u8],
) -> Result<Key, KeyError> {
    let text = std::str::from_utf8(rest).unwrap_or_default();
    match (form, algorithm) {
        ("der", _) => Key::from_der(algorithm.unwrap_or(Es256), rest),
        ("secret", _) => Key::from_secret(algorithm.unwrap_or(Hs256), rest),
        ("jwk", None) => Key::from_jwk(text),
        ("jwk", Some(algorithm)) => Key::from_jwk_as(algorithm, text),
        ("jwks", _) => Key::from_jwks(algorithm, text, key_id),
        _ => Key::from_pem(algorithm.unwrap_or(Es256), rest),
    }
}

fn public(form: &str, rest: &[u8]) -> Result<PublicKey, KeyError> {
    match form {
        "der" => PublicKey::from_der(rest),
        "jwk" | "jwks" => PublicKey::from_jwk(std::str::from_utf8(rest).unwrap_or_default()),
        "secret" => Err(KeyError::NoKey),
        _ => PublicKey::from_pem(rest),
    }
}

/// All that is printed of a key, or of why there is none.
fn shown(key: &Result<Key, KeyError>) -> String {
    let mut text = format!("{key:?} {key:#?}");
    let error = key.as_ref().err().cloned();
    let error = error.map(auth_core::CredentialError::from);
    let mut next = error.as_ref().map(|error| error as &(dyn Error + 'static));
    while let Some(error) = next {
        let _ = write!(text, " {error} {error:?}");
        next = error.source();
    }
    text
}

/// What of the input must not be shown, in the forms in which it could be.
fn secrets(form: &str, rest: &[u8]) -> Vec<Vec<u8>> {
    match form {
        "jwk" | "jwks" => {
            let mut found = Vec::new();
            private_members(&serde_json::from_slice(rest).unwrap_or_default(), &mut found);
            found
        }
        "der" => (0..3)
            .map(|from| STANDARD.encode(rest.get(from..).unwrap_or_default()).into_bytes())
            .collect(),
        _ => vec![rest.to_vec()],
    }
}

fn private_members(value: &Value, found: &mut Vec<Vec<u8>>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| private_members(item, found)),
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text)
                        if ["d", "p", "q", "dp", "dq", "qi", "k"].contains(&name.as_str()) =>
                    {
                        found.push(text.as_bytes().to_vec());
                    }
                    value => private_members(value, found),
                }
            }
        }
        _ => {}
    }
}

/// What it signs is verified by what it says is its public part.
fn check_key(key: &Key, secret: Option<&[u8]>) {
    let info = key.info();
    let algorithm = info.algorithm();
    for message in [&b"eyJhbGciOiJub25lIn0.e30"[..], b""] {
        let signature = key.sign(message).expect("a key that was read signs");
        if algorithm == Es512 {
            assert_eq!(signature.len(), 132);
        }
        match info.public_jwk() {
            Some(jwk) => verify::verify(algorithm, jwk, message, &signature),
            None => {
                assert!(algorithm.is_symmetric());
                if let Some(secret) = secret {
                    verify::verify_secret(algorithm, secret, message, &signature);
                }
            }
        }
    }
    if let Some(jwk) = info.public_jwk() {
        check_info(info, jwk);
        let public = PublicKey::from_jwk(jwk).expect("its own form is read");
        assert_eq!(public.thumbprint(), info.thumbprint());
        assert_eq!(public.jwk(), jwk);
    }
}

fn check_info(info: &KeyInfo, jwk: &str) {
    assert_eq!(info.thumbprint(), verify::thumbprint(jwk));
    // RFC 7638 section 3: members in order, without white space.
    let again: Value = serde_json::from_str(jwk).expect("JSON");
    assert!(again.is_object() && !jwk.contains(char::is_whitespace));
}

fn check_public(key: &PublicKey) {
    assert_eq!(key.thumbprint(), verify::thumbprint(key.jwk()));
    let again = PublicKey::from_jwk(key.jwk()).expect("its own form is read");
    assert_eq!(again.jwk(), key.jwk());
    assert!(ALL.iter().any(|algorithm| key.info(*algorithm).is_ok()), "a key for nothing");
}

/// In a file it is the same key.
fn check_file(key: &Key, algorithm: Option<SigningAlgorithm>, content: &[u8]) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("key");
    fs::write(&path, content).expect("it is written");
    let algorithm = algorithm.unwrap_or(key.info().algorithm());
    let read = Key::from_file(algorithm, &path).expect("what can be read can be read as a file");
    assert_eq!(read.info(), key.info());
}

fn signature(algorithm: SigningAlgorithm, der: &[u8]) -> Read {
    let read = raw_ecdsa_signature(algorithm, der);
    if let Err(error) = &read {
        check_unshown(&format!("{error} {error:?}"), der);
    }
    let length: usize = match algorithm {
        Es256 => 32,
        Es384 => 48,
        Es512 => 66,
        _ => {
            assert!(read.is_err(), "{algorithm} has no such signatures");
            return Read::Nothing;
        }
    };
    let expected = verify::numbers(der).and_then(|numbers| {
        let mut raw = Vec::new();
        for number in numbers {
            let missing = length.checked_sub(number.len())?;
            raw.resize(raw.len() + missing, 0);
            raw.extend_from_slice(number);
        }
        Some(raw)
    });
    let read = read.ok();
    assert_eq!(read, expected);
    if read.is_some() { Read::Signature } else { Read::Nothing }
}
