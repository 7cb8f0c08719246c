//! JSON Web Tokens that a client made, taken apart.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

/// A JSON Web Token in the compact form (RFC 7515 section 3.1), taken apart for
/// assertions. Its signature is not looked at. `Debug` shows names only.
#[derive(Clone, PartialEq)]
pub struct DecodedJwt {
    token: String,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl DecodedJwt {
    /// Takes a token apart; `None` if it is none.
    #[must_use]
    pub fn parse(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
        let object = |part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        let is_whole = parts.next().is_none() && URL_SAFE_NO_PAD.decode(signature).is_ok();
        let (header, claims) = (object(header)?, object(claims)?);
        is_whole.then(|| Self { token: token.to_owned(), header, claims })
    }

    /// A member of the header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&Value> {
        self.header.get(name)
    }

    /// The whole header.
    #[must_use]
    pub fn headers(&self) -> &Map<String, Value> {
        &self.header
    }

    /// A claim.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }

    /// A claim that is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.claim(name)?.as_str()
    }

    /// A claim that is a number of seconds.
    #[must_use]
    pub fn seconds(&self, name: &str) -> Option<u64> {
        self.claim(name)?.as_u64()
    }

    /// All claims.
    #[must_use]
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// The token itself.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }
}

impl fmt::Debug for DecodedJwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecodedJwt")
            .field("header", &self.header.keys().collect::<Vec<_>>())
            .field("claims", &self.claims.keys().collect::<Vec<_>>())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_token() {
        let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let (header, claims) = (part(r#"{"alg":"ES256"}"#), part(r#"{"sub":"s","iat":7}"#));
        let whole = DecodedJwt::parse(&format!("{header}.{claims}.c2ln")).unwrap();
        assert_eq!(whole.header("alg").and_then(Value::as_str), Some("ES256"));
        assert_eq!((whole.text("sub"), whole.seconds("iat")), (Some("s"), Some(7)));
        assert!(!format!("{whole:?}").contains("ES256"));
        for token in [
            String::new(),
            header.clone(),
            format!("{header}.{claims}"),
            format!("{header}.{claims}.c2ln.c2ln"),
            format!("{header}.{claims}.?"),
            format!("{header}.?.c2ln"),
            format!("{}.{claims}.c2ln", part("[]")),
            format!("{header}=.{claims}.c2ln"),
        ] {
            assert_eq!(DecodedJwt::parse(&token), None, "{token}");
        }
    }
}
