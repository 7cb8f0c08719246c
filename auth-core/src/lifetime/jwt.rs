//! The expiry that stands in a token itself.

use std::time::SystemTime;

use base64::{
    Engine as _, alphabet, decoded_len_estimate,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{LAST, Told, unix_seconds};

/// How many characters the claims of a token may have. What is longer is not
/// looked into; tokens have to fit into a header.
const LONGEST_CLAIMS: usize = 64 * 1024;

/// RFC 7515 section 2 leaves the padding out. Not everybody does.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The claim `exp` of a token, if the token is a signed JWT (RFC 7519 sections 3
/// and 4.1.4).
///
/// It is read and not verified: that is for the API that the token is meant for.
/// It only says when to refresh.
pub fn jwt_expiry(token: &str) -> Option<SystemTime> {
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    if claims.len() > LONGEST_CLAIMS {
        return None;
    }
    let mut decoded = Zeroizing::new(vec![0; decoded_len_estimate(claims.len())]);
    let length = BASE64URL.decode_slice(claims, &mut decoded).ok()?;
    let claims: Claims<'_> = serde_json::from_slice(&decoded[..length]).ok()?;
    match told(claims.exp?.get())? {
        // What no Unix time in milliseconds reaches either stands for never.
        Told::Number(number) if number >= LAST * 1000.0 => unix_seconds(LAST - 1.0),
        Told::Number(seconds) => unix_seconds(seconds),
        Told::Date(at) => Some(at),
    }
}

#[derive(Deserialize)]
struct Claims<'a> {
    #[serde(default, borrow)]
    exp: Option<&'a RawValue>,
}

/// A number, which may be too large for one, or a text.
fn told(json: &str) -> Option<Told> {
    match json.bytes().next()? {
        b'0'..=b'9' | b'-' => Told::read_text(json),
        b'"' => Told::read_text(&serde_json::from_str::<String>(json).ok()?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn token(claims: &str) -> String {
        format!("eyJhbGciOiJub25lIn0.{}.c2ln", BASE64URL.encode(claims))
    }

    #[test]
    fn exp_is_read_from_what_is_a_jwt() {
        let at = |millis| Some(SystemTime::UNIX_EPOCH + Duration::from_millis(millis));
        let long = |length: usize| {
            // Three bytes are four characters.
            let bytes = length / 4 * 3;
            let claims = r#"{"exp":1900000000,"x":""}"#;
            let claims =
                claims.replace(r#""""#, &format!("{:?}", "x".repeat(bytes - claims.len())));
            assert_eq!(BASE64URL.encode(&claims).len(), length);
            token(&claims)
        };
        for (token, expected) in [
            (token(r#"{"exp":1900000000}"#), at(1_900_000_000_000)),
            (token(r#"{"sub":"a","exp":1900000000,"x":[{}]}"#), at(1_900_000_000_000)),
            (token(r#"{"exp":1900000000.25}"#), at(1_900_000_000_250)),
            (token(r#"{"exp":1.9e9}"#), at(1_900_000_000_000)),
            // It should be a number.
            (token(r#"{"exp":"1900000000"}"#), at(1_900_000_000_000)),
            (token(r#"{"exp":"2030-03-17T17:46:40Z"}"#), at(1_900_000_000_000)),
            (token(r#"{"exp":0}"#), at(0)),
            (token(r#"{"exp":253402300799}"#), at(253_402_300_799_000)),
            // With padding, without a signature.
            ("e30.eyJleHAiOjE5MDAwMDAwMDB9.".into(), at(1_900_000_000_000)),
            ("e30.eyJleHAiOiAxOTAwMDAwMDAwfQ==.c2ln".into(), at(1_900_000_000_000)),
            ("e30.eyJleHAiOiAxOTAwMDAwMDAwfQ.c2ln".into(), at(1_900_000_000_000)),
            (long(LONGEST_CLAIMS), at(1_900_000_000_000)),
            (long(LONGEST_CLAIMS + 4), None),
            // Nonsense.
            (token(r#"{"exp":-1}"#), None),
            (token(r#"{"exp":253402300800}"#), None),
            // As a Unix time in milliseconds it would be one of this age.
            (token(r#"{"exp":1900000000000}"#), None),
            // Never.
            (token(r#"{"exp":1e300}"#), at(253_402_300_799_000)),
            (token(r#"{"exp":1e400}"#), at(253_402_300_799_000)),
            (token(r#"{"exp":"1e400"}"#), at(253_402_300_799_000)),
            (token(r#"{"exp":18446744073709551615}"#), at(253_402_300_799_000)),
            (token(r#"{"exp":99999999999999999999999999}"#), at(253_402_300_799_000)),
            (token(r#"{"exp":-1e400}"#), None),
            (token(r#"{"exp":true}"#), None),
            (token(r#"{"exp":null}"#), None),
            (token(r#"{"exp":"soon"}"#), None),
            (token(r#"{"exp":[1900000000]}"#), None),
            (token(r#"{"exp":{"exp":1900000000}}"#), None),
            (token(r#"{"exp":1,"exp":1900000000}"#), None),
            (token(r#"{"x":{"exp":1900000000}}"#), None),
            (token("{}"), None),
            (token(r#"{"exp":1900000000"#), None),
            (token("1900000000"), None),
            (token(""), None),
            // No JWT, or an encrypted one.
            ("eyJleHAiOjE5MDAwMDAwMDB9".into(), None),
            ("e30.eyJleHAiOjE5MDAwMDAwMDB9".into(), None),
            ("e30.eyJleHAiOjE5MDAwMDAwMDB9.a.b".into(), None),
            ("e30.a.eyJleHAiOjE5MDAwMDAwMDB9.b.c".into(), None),
            ("e30.eyJleHAi+jE5MDAwMDAwMDB9.c2ln".into(), None),
            ("ya29.a0AfB_by.C".into(), None),
            ("..".into(), None),
            ("".into(), None),
        ] {
            assert_eq!(jwt_expiry(&token), expected, "{}", &token[..token.len().min(99)]);
        }
    }
}
