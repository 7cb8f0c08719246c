use auth_core::{ClaimsChallenge, StepUp, StepUpError};
use base64::{Engine as _, engine::general_purpose as base64_of};
use http::{HeaderMap, HeaderValue};
use serde_json::Value;

use crate::input;

/// Each line is the value of a header `WWW-Authenticate`; all of it, and each value, is
/// taken for claims, too.
pub fn step_up(input: &[u8]) {
    let values: Vec<HeaderValue> = input
        .split(|byte| *byte == b'\n')
        .filter_map(|line| HeaderValue::from_bytes(line.trim_ascii()).ok())
        .collect();
    let found = read(&values);
    check(&values, &found);

    // A challenge of another scheme in front of it changes nothing.
    let [basic, negotiate] =
        ["Basic realm=\"a, Bearer claims=\\\"e30\\\"\"", "Negotiate"].map(HeaderValue::from_static);
    if values.len() < 15 {
        for other in [&basic, &negotiate] {
            let mut with_it = values.clone();
            with_it.insert(0, other.clone());
            assert_eq!(read(&with_it), found, "behind {other:?}");
        }
    }
    claims(input);
    values.iter().for_each(|value| claims(value.as_bytes()));
}

fn read(values: &[HeaderValue]) -> Result<Option<StepUp>, StepUpError> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append("www-authenticate", value.clone());
    }
    StepUp::of(&headers)
}

/// What is found stands in a header.
fn check(values: &[HeaderValue], found: &Result<Option<StepUp>, StepUpError>) {
    // A value may have escapes.
    let stands = |text: &str| {
        values.iter().any(|value| {
            let value = String::from_utf8_lossy(value.as_bytes());
            value.contains(text) || value.contains('\\')
        })
    };
    let stands_in_any_case = |word: &str| {
        values.iter().any(|value| {
            let value = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
            value.contains(word) || value.contains('\\')
        })
    };
    match found {
        Ok(Some(StepUp::Claims(claims))) => {
            let json = claims.expose();
            assert!(serde_json::from_str::<Value>(json).is_ok_and(|json| json.is_object()));
            let text = base64_of::STANDARD_NO_PAD.encode(json);
            let other = base64_of::URL_SAFE_NO_PAD.encode(json);
            assert!(stands(&text) || stands(&other), "claims that nobody wants");
            assert_eq!(format!("{found:?}"), "Ok(Some(Claims(ClaimsChallenge([redacted]))))");
        }
        Ok(Some(StepUp::LogIn { acr_values, max_age, .. })) => {
            assert!(stands_in_any_case("insufficient_user_authentication"));
            assert!(acr_values.as_ref().is_none_or(|acr| stands(acr)));
            assert!(max_age.is_none_or(|max| stands(&max.to_string())));
        }
        Ok(_) => {}
        Err(StepUpError::Missing) => assert!(stands_in_any_case("insufficient_claims")),
        Err(error) => {
            let any_case = |value: &HeaderValue| {
                let value = value.as_bytes().to_ascii_lowercase();
                value.windows(6).any(|name| name == b"claims")
            };
            assert!(values.iter().any(any_case), "{error}");
        }
    }
}

/// What are claims comes through a header as it was, in each form of base64.
fn claims(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let claims = ClaimsChallenge::new(text);
    let is_object = input::json(text.as_bytes()).map(|json| json.is_object());
    if is_object == Some(true) {
        assert!(claims.is_ok(), "claims are refused");
    }
    let forms = [
        base64_of::STANDARD.encode(text),
        base64_of::STANDARD_NO_PAD.encode(text),
        base64_of::URL_SAFE.encode(text),
        base64_of::URL_SAFE_NO_PAD.encode(text),
    ];
    for form in forms {
        let header = format!("Bearer error=\"insufficient_claims\", claims=\"{form}\"");
        let Ok(header) = HeaderValue::try_from(header) else { continue };
        assert_eq!(read(&[header]), claims.clone().map(|claims| Some(StepUp::Claims(claims))));
    }
}
