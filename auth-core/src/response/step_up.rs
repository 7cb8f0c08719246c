//! What an API wants beyond a valid token: the claims challenge of Microsoft Entra, and
//! step-up authentication (RFC 9470).

use std::fmt;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use http::HeaderMap;
use serde_json::Value;

use super::challenge::{self, Challenge, LONGEST};
use crate::{credential::Credential, json::Wiped};

/// What an API wants beyond a valid token, by its response with status 401.
///
/// ```
/// use auth_core::{StepUp, http::{HeaderMap, HeaderValue}};
///
/// let mut headers = HeaderMap::new();
/// headers.insert("www-authenticate", HeaderValue::from_static(
///     "Bearer error=\"insufficient_claims\", \
///      claims=\"eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ==\"",
/// ));
/// match StepUp::of(&headers)? {
///     Some(StepUp::Claims(claims)) => {
///         assert_eq!(claims.expose(), r#"{"access_token":{"nbf":{"essential":true}}}"#);
///     }
///     Some(StepUp::LogIn { .. }) => { /* The user must log in again, in this way. */ }
///     _ => { /* The token was refused for another reason. */ }
/// }
/// # Ok::<(), auth_core::StepUpError>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepUp {
    /// A token with these claims: the claims challenge of Microsoft Entra
    /// (<https://learn.microsoft.com/en-us/entra/identity-platform/claims-challenge>).
    /// The next refresh takes them along. If the server then answers
    /// `interaction_required`, the user must log in with them.
    Claims(ClaimsChallenge),
    /// Another authentication of the user (RFC 9470). No refresh brings it about: the
    /// user must log in again, with these parameters of the authorization request.
    #[non_exhaustive]
    LogIn {
        /// The authentication context class references of which one is wanted, most
        /// wanted first (`acr_values`), separated by spaces.
        acr_values: Option<String>,
        /// How many seconds ago the user may have authenticated at most (`max_age`).
        max_age: Option<u64>,
    },
}

/// The claims that a token must have, as Microsoft Entra wants them in the parameter
/// `claims`: a JSON object. It is treated as a secret.
///
/// Capabilities of the client (`cp1`) are not added: a program that has them merges them
/// into the object itself, by [`new`](Self::new).
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimsChallenge(Credential);

/// A challenge that cannot be used. It holds no part of it.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StepUpError {
    /// The API wants claims, and does not say which.
    #[error("the challenge wants claims and names none")]
    Missing,
    /// More than 32 KiB.
    #[error("the challenge is larger than 32 KiB")]
    TooLarge,
    /// The claims are not base64.
    #[error("the claims of the challenge are not base64")]
    NotBase64,
    /// The claims are not the text of a JSON object.
    #[error("the claims are not a JSON object")]
    NotAnObject,
}

impl StepUp {
    /// Reads the header `WWW-Authenticate`. `None` if it says nothing of the kind: a
    /// token that is refused otherwise is replaced without more ado.
    ///
    /// # Errors
    ///
    /// [`StepUpError`] if there is such a challenge, and it cannot be used.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, StepUpError> {
        for field in challenge::fields(headers) {
            if field.len() > LONGEST {
                return Err(StepUpError::TooLarge);
            }
            for challenge in challenge::read(field).into_iter().filter(Challenge::is_whole) {
                if let Some(found) = read(&challenge)? {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }
}

fn read(challenge: &Challenge) -> Result<Option<StepUp>, StepUpError> {
    let of = |name| challenge.get(name);
    let says = |wanted| {
        challenge.error().is_some_and(|error: &str| error.trim().eq_ignore_ascii_case(wanted))
    };
    // Some name the claims beside another error, or none.
    if let Some(claims) = of("claims") {
        return Ok(Some(StepUp::Claims(ClaimsChallenge::decode(claims)?)));
    }
    if says("insufficient_claims") {
        return Err(StepUpError::Missing);
    }
    Ok(says("insufficient_user_authentication").then(|| StepUp::LogIn {
        acr_values: of("acr_values").map(ToOwned::to_owned),
        max_age: of("max_age").and_then(|seconds| seconds.parse().ok()),
    }))
}

impl ClaimsChallenge {
    /// These claims: the text of a JSON object.
    ///
    /// # Errors
    ///
    /// [`StepUpError::TooLarge`], [`StepUpError::NotAnObject`].
    pub fn new(json: impl Into<String>) -> Result<Self, StepUpError> {
        let claims = Credential::new(json);
        if claims.expose().len() > LONGEST {
            return Err(StepUpError::TooLarge);
        }
        match serde_json::from_str(claims.expose()).map(Wiped) {
            Ok(Wiped(Value::Object(_))) => Ok(Self(claims)),
            _ => Err(StepUpError::NotAnObject),
        }
    }

    /// In either alphabet, padded or not.
    fn decode(text: &str) -> Result<Self, StepUpError> {
        let alphabet = match text.contains(['-', '_']) {
            true => alphabet::URL_SAFE,
            false => alphabet::STANDARD,
        };
        let padding =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let bytes = GeneralPurpose::new(&alphabet, padding).decode(text.trim());
        let bytes = bytes.map_err(|_| StepUpError::NotBase64)?;
        Self::new(String::from_utf8(bytes).map_err(|_| StepUpError::NotAnObject)?)
    }

    /// The JSON text.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Debug for ClaimsChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimsChallenge([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    fn of(values: &[&str]) -> Result<Option<StepUp>, StepUpError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::WWW_AUTHENTICATE, value.parse().unwrap());
        }
        StepUp::of(&headers)
    }

    #[test]
    fn a_challenge_is_read_or_says_why_not() {
        const CLAIMS: &str = r#"{"access_token":{"acrs":{"essential":true,"value":"cp1"}}}"#;
        let standard = base64::engine::general_purpose::STANDARD.encode(CLAIMS);
        // With characters that only one alphabet has.
        let odd = r#"{"a":"???>>>~~~"}"#;
        let url_safe = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(odd);
        assert!(url_safe.contains(['-', '_']));
        let claims = |json: &str| Ok(Some(StepUp::Claims(ClaimsChallenge::new(json).unwrap())));
        let log_in = |acr: Option<&str>, max_age| {
            Ok(Some(StepUp::LogIn { acr_values: acr.map(ToOwned::to_owned), max_age }))
        };
        let large = format!("Bearer claims=\"{}\"", "A".repeat(LONGEST));
        let deep = base64::engine::general_purpose::STANDARD.encode("[".repeat(10_000));
        for (value, expected) in [
            (format!("Bearer error=\"insufficient_claims\", claims=\"{standard}\""), claims(CLAIMS)),
            (
                format!(
                    "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", error=\"insufficient_claims\", claims=\"{standard}\""
                ),
                claims(CLAIMS),
            ),
            (
                format!("Bearer claims={}, error=insufficient_claims", standard.trim_end_matches('=')),
                claims(CLAIMS),
            ),
            (format!("Bearer error=\"invalid_token\", claims=\"{standard}\""), claims(CLAIMS)),
            (format!("Basic realm=\"x\", Bearer Claims=\"{standard}\""), claims(CLAIMS)),
            (format!("Bearer claims=\"{url_safe}\""), claims(odd)),
            (r#"Bearer error="insufficient_claims""#.into(), Err(StepUpError::Missing)),
            (r#"Bearer error="Insufficient_Claims""#.into(), Err(StepUpError::Missing)),
            (r#"Bearer error="insufficient_claims", claims="%%%""#.into(), Err(StepUpError::NotBase64)),
            (r#"Bearer claims="""#.into(), Err(StepUpError::NotAnObject)),
            // `[]`, `"a"`, not JSON, not UTF-8.
            (r#"Bearer claims="W10=""#.into(), Err(StepUpError::NotAnObject)),
            (r#"Bearer claims="ImEi""#.into(), Err(StepUpError::NotAnObject)),
            (r#"Bearer claims="eyJh""#.into(), Err(StepUpError::NotAnObject)),
            (r#"Bearer claims="//79""#.into(), Err(StepUpError::NotAnObject)),
            (format!("Bearer claims=\"{deep}\""), Err(StepUpError::NotAnObject)),
            (large, Err(StepUpError::TooLarge)),
            (
                r#"Bearer error="insufficient_user_authentication", acr_values="gold silver", max_age="5""#.into(),
                log_in(Some("gold silver"), Some(5)),
            ),
            (
                r#"Bearer error="INSUFFICIENT_USER_AUTHENTICATION", acr_values="gold""#.into(),
                log_in(Some("gold"), None),
            ),
            (
                r#"Bearer error="insufficient_user_authentication", max_age=soon"#.into(),
                log_in(None, None),
            ),
            (r#"Bearer error="invalid_token""#.into(), Ok(None)),
            (r#"DPoP error="use_dpop_nonce", algs="ES256""#.into(), Ok(None)),
            ("Negotiate".into(), Ok(None)),
            (String::new(), Ok(None)),
            (r#"Bearer error="insufficient_claims"#.into(), Ok(None)),
        ] {
            assert_eq!(of(&[&value]), expected, "{value:.100}");
        }
        // Whatever stands before it.
        let value = format!("Bearer claims=\"{standard}\"");
        assert_eq!(of(&["Negotiate", r#"Basic realm="a""#, &value]), claims(CLAIMS));
        assert_eq!(StepUp::of(&HeaderMap::new()), Ok(None));
    }

    #[test]
    fn claims_are_shown_to_nobody() {
        let claims = ClaimsChallenge::new(r#"{"secret":1}"#).unwrap();
        assert_eq!(format!("{claims:?}"), "ClaimsChallenge([redacted])");
    }
}
