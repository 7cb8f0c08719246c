//! Keys of clients, and what they have signed.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::jwt::DecodedJwt;

/// A public key, as a JSON Web Key, or a secret that is shared.
#[derive(Clone)]
#[cfg_attr(not(feature = "verify"), expect(dead_code, reason = "nothing is computed"))]
pub(in crate::fake) enum PublicKey {
    Jwk(Map<String, Value>),
    Secret(String),
}

impl PublicKey {
    /// Whether it has signed `token`. Without the feature `verify` nothing is
    /// computed: then every signature is taken for right that is one.
    pub(super) fn has_signed(&self, token: &DecodedJwt) -> bool {
        let algorithm = token.header("alg").and_then(Value::as_str).unwrap_or_default();
        let fits = match self {
            Self::Jwk(_) => !algorithm.starts_with("HS") && algorithm != "none",
            Self::Secret(_) => algorithm.starts_with("HS"),
        };
        fits && self.verifies(algorithm, token.token())
    }

    #[cfg(not(feature = "verify"))]
    fn verifies(&self, _: &str, token: &str) -> bool {
        !token.ends_with('.')
    }

    #[cfg(feature = "verify")]
    fn verifies(&self, algorithm: &str, token: &str) -> bool {
        use jsonwebtoken::{Algorithm, DecodingKey, crypto::verify, jwk::Jwk};

        let Some((message, signature)) = token.rsplit_once('.') else { return false };
        let Ok(algorithm) = algorithm.parse::<Algorithm>() else { return false };
        let key = match self {
            Self::Secret(secret) => DecodingKey::from_secret(secret.as_bytes()),
            Self::Jwk(jwk) => {
                let jwk: Result<Jwk, _> = serde_json::from_value(Value::Object(jwk.clone()));
                let Ok(Ok(key)) = jwk.map(|jwk| DecodingKey::from_jwk(&jwk)) else { return false };
                key
            }
        };
        verify(signature, message.as_bytes(), &key, algorithm).unwrap_or(false)
    }
}

/// What a token is bound to: the thumbprint of the key (RFC 7638), or without the
/// feature `verify` the members that it is made of.
pub(super) fn thumbprint(jwk: &Map<String, Value>) -> Option<String> {
    let names: &[&str] = match jwk.get("kty")?.as_str()? {
        "EC" => &["crv", "kty", "x", "y"],
        "OKP" => &["crv", "kty", "x"],
        "RSA" => &["e", "kty", "n"],
        _ => return None,
    };
    let mut required = Map::new();
    for name in names {
        required.insert((*name).to_owned(), Value::String(jwk.get(*name)?.as_str()?.to_owned()));
    }
    Some(hash(&Value::Object(required).to_string()))
}

#[cfg(feature = "verify")]
fn hash(text: &str) -> String {
    use sha2::{Digest, Sha256};

    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

#[cfg(not(feature = "verify"))]
fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// The `ath` of an access token; `None` if it cannot be computed here.
pub(in crate::fake) fn token_hash(token: &str) -> Option<String> {
    cfg!(feature = "verify").then(|| hash(token))
}
