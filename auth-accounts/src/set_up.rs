//! The endpoint and the client that a login brought.

use std::{fmt, sync::Arc};

use auth_core::{EndpointError, KeyRing, TokenEndpoint};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::registration::Registration;

/// The endpoint and the client of one account, which its
/// [login](crate::Login::endpoint) brought. It is stored with the tokens and goes
/// before what [`Accounts`](crate::Accounts) was made with. Cloning shares it.
///
/// It has secrets in it, which are treated as tokens are: `Debug` and plain
/// `serde` redact them. Keys are not stored, but named by their thumbprints: see
/// [`Accounts::keys`](crate::Accounts::keys).
#[derive(Clone)]
pub struct SetUp(Arc<Inner>);

struct Inner {
    endpoint: Arc<TokenEndpoint>,
    registration: Registration,
}

impl SetUp {
    /// That of `endpoint`.
    ///
    /// # Errors
    ///
    /// If it cannot be stored: see [`TokenEndpoint::check_storable`].
    pub fn new(endpoint: impl Into<Arc<TokenEndpoint>>) -> Result<Self, EndpointError> {
        let endpoint = endpoint.into();
        endpoint.check_storable()?;
        let registration = Registration::of(&endpoint);
        Ok(Self(Arc::new(Inner { endpoint, registration })))
    }

    /// The endpoint, with the client at it.
    pub fn endpoint(&self) -> &Arc<TokenEndpoint> {
        &self.0.endpoint
    }

    /// The same, with the keys that it names.
    pub(crate) fn keys(&self, keys: &KeyRing) -> Self {
        if self.endpoint().check_keys().is_ok() {
            return self.clone();
        }
        let endpoint = TokenEndpoint::clone(self.endpoint()).keys(keys).into();
        let registration = self.registration().clone();
        Self(Arc::new(Inner { endpoint, registration }))
    }

    /// Which client, at which URL.
    pub fn registration(&self) -> &Registration {
        &self.0.registration
    }
}

/// All that is stored counts, the secrets too.
impl PartialEq for SetUp {
    fn eq(&self, other: &Self) -> bool {
        let stored = |one: &Self| one.endpoint().to_json_exposed().ok();
        Arc::ptr_eq(&self.0, &other.0) || stored(self) == stored(other)
    }
}

impl fmt::Debug for SetUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SetUp").field(self.endpoint()).finish()
    }
}

/// Redacted.
impl Serialize for SetUp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.endpoint().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SetUp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(TokenEndpoint::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use auth_core::ClientAuth;

    use super::*;

    #[test]
    fn all_that_is_stored_counts() {
        let endpoint = || TokenEndpoint::new("https://auth.example.com/token?k=1", "c").unwrap();
        let of = |endpoint| SetUp::new(endpoint).unwrap();
        let one = of(endpoint().client_auth(ClientAuth::basic("s")));
        assert_eq!(one, one.clone());
        assert_eq!(one, of(endpoint().client_auth(ClientAuth::basic("s"))));
        for other in [
            endpoint(),
            endpoint().client_auth(ClientAuth::basic("t")),
            endpoint().client_auth(ClientAuth::post("s")),
            endpoint().client_auth(ClientAuth::basic("s")).scope("a"),
        ] {
            assert_ne!(one, of(other));
        }
    }

    #[test]
    fn plain_http_is_refused() {
        let endpoint = TokenEndpoint::insecure_plain_http("http://keycloak:8080/token", "c");
        let error = SetUp::new(endpoint.unwrap()).unwrap_err();
        assert!(matches!(error, EndpointError::Insecure { .. }));
    }
}
