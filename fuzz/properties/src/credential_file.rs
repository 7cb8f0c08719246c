use std::{error::Error, fmt::Write as _, fs};

use auth_core::{Credential, CredentialError, CredentialErrorKind as Kind, CredentialSource};
use auth_sign::{AssertionFile, SecretFile};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::de::IgnoredAny;
use serde_json::Value;

/// The content of a file with a client secret, and of one with an assertion.
pub fn credential_file(input: &[u8]) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("credential");
    fs::write(&path, input).expect("it is written");
    let (secret, assertion) = (SecretFile::new(&path).read(), AssertionFile::new(&path).read());
    check(&secret, Some(expected_secret(input)), input);
    check(&assertion, expected_assertion(input), input);
}

fn check(
    read: &Result<Credential, CredentialError>,
    expected: Option<Result<&str, Kind>>,
    input: &[u8],
) {
    if let Some(expected) = expected {
        let read = read.as_ref().map(Credential::expose);
        assert_eq!(read.map_err(CredentialError::kind), expected);
    }
    let mut text = format!("{read:?} {read:#?}");
    let mut next = read.as_ref().err().map(|error| error as &(dyn Error + 'static));
    while let Some(error) = next {
        let _ = write!(text, " {error} {error:?}");
        next = error.source();
    }
    check_unshown(&text, input);
}

/// No piece of a secret is shown: no 12 characters as only secrets have them.
pub(crate) fn check_unshown(text: &str, secret: &[u8]) {
    for piece in secret.windows(12) {
        let is = |test: fn(&u8) -> bool| piece.iter().any(test);
        let has_all =
            is(u8::is_ascii_uppercase) && is(u8::is_ascii_lowercase) && is(u8::is_ascii_digit);
        if has_all
            && piece.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte))
        {
            let piece = std::str::from_utf8(piece).expect("ASCII");
            assert!(!text.contains(piece), "shows {piece}: {text}");
        }
    }
}

fn text(input: &[u8]) -> Result<&str, Kind> {
    if input.len() > 65536 {
        return Err(Kind::Other);
    }
    let text = std::str::from_utf8(input).map_err(|_| Kind::Malformed)?;
    if text.contains('\0') {
        return Err(Kind::Malformed);
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.chars().all(char::is_whitespace) { Err(Kind::Empty) } else { Ok(text) }
}

fn expected_secret(input: &[u8]) -> Result<&str, Kind> {
    let text = text(input)?;
    Ok(text.strip_suffix("\r\n").or(text.strip_suffix('\n')).unwrap_or(text))
}

/// `None` if there is JSON in it of which not every reader says the same.
fn expected_assertion(input: &[u8]) -> Option<Result<&str, Kind>> {
    let token = match text(input) {
        Ok(text) => text.trim(),
        Err(kind) => return Some(Err(kind)),
    };
    let parts: Vec<_> = token.split('.').map(decode).collect();
    let [Some(header), Some(claims), Some(signature)] = &parts[..] else {
        return Some(Err(Kind::Malformed));
    };
    for json in [header, claims] {
        let is_object = match serde_json::from_slice::<Value>(json) {
            Ok(value) => value.is_object(),
            // It may be a number that no value holds, or a text that is not in UTF-8.
            Err(_) if serde_json::from_slice::<IgnoredAny>(json).is_ok() => return None,
            Err(_) => false,
        };
        // A name that is there twice.
        if is_object && json.windows(2).filter(|two| two == b"\"\"").count() > 1 {
            return None;
        }
        if !is_object {
            return Some(Err(Kind::Malformed));
        }
    }
    Some(if signature.is_empty() { Err(Kind::Malformed) } else { Ok(token) })
}

fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}
