//! Assertions (RFC 7523 section 2.2).

use std::time::{Duration, SystemTime};

use super::{About, ClientAuth, ClientAuthentication, Credentials, Identity};
use crate::{
    Now,
    credential::{Credential, Source},
    signing::{Demand, Jws, SigningKey, unique},
};

/// What an assertion is made for: its `aud`.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// The issuer identifier of the authorization server, its metadata's `issuer`,
    /// and a header with `typ: client-authentication+jwt`. The update of RFC 7523
    /// (draft-ietf-oauth-rfc7523bis) asks for this, and nothing else is safe where a
    /// client knows several servers.
    Issuer(String),
    /// The URL of the token endpoint, which RFC 7523 section 3 suggests and older
    /// servers want.
    TokenEndpoint,
    /// Any other text.
    Other(String),
}

/// An assertion by which the client authenticates, signed anew for each attempt:
/// `private_key_jwt`, or `client_secret_jwt` if the key is a shared secret.
#[derive(Debug, Clone)]
pub struct ClientAssertion {
    key: SigningKey,
    audience: Audience,
    lifetime: Duration,
    backdated: Duration,
    headers: Vec<(String, String)>,
}

impl ClientAssertion {
    /// An assertion signed by `key` for `audience`.
    pub fn new(key: impl Into<SigningKey>, audience: Audience) -> Self {
        Self {
            key: key.into(),
            audience,
            lifetime: Duration::from_secs(60),
            backdated: Duration::from_secs(5),
            headers: Vec::new(),
        }
    }

    /// Sets how long an assertion is valid. 60 s by default.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets how much earlier than now an assertion says it was made, for a server
    /// whose clock is behind. 5 s by default.
    #[must_use]
    pub fn backdated(mut self, by: Duration) -> Self {
        self.backdated = by;
        self
    }

    /// Adds a member to the header, such as `x5t#S256` for a server that knows the
    /// key by its certificate. It replaces what the library writes under that name,
    /// but for `alg`.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl From<ClientAssertion> for ClientAuth {
    fn from(assertion: ClientAssertion) -> Self {
        Self::custom(assertion)
    }
}

impl ClientAuthentication for ClientAssertion {
    fn is_made_anew(&self) -> bool {
        true
    }

    fn demand(&self, about: &About<'_>, now: Now) -> Option<Demand> {
        let endpoint = about.token_endpoint.to_string();
        let (audience, typ) = match &self.audience {
            Audience::Issuer(issuer) => (issuer.as_str(), "client-authentication+jwt"),
            Audience::TokenEndpoint => (endpoint.as_str(), "JWT"),
            Audience::Other(audience) => (audience.as_str(), "JWT"),
        };
        let made = seconds(now.wall).saturating_sub(self.backdated.as_secs());
        let expires = seconds(now.wall).saturating_add(self.lifetime.as_secs());
        let mut jws = Jws::new(&self.key, Some(typ))
            .claim("iss", about.client_id)
            .claim("sub", about.client_id)
            .claim("aud", audience)
            .claim("jti", unique(now))
            .claim("iat", made)
            .claim("exp", expires);
        if let Some(key_id) = self.key.info().get_key_id() {
            jws = jws.header("kid", key_id);
        }
        for (name, value) in self.headers.iter().filter(|(name, _)| name != "alg") {
            jws = jws.header(name, value.as_str());
        }
        Some(Demand::Signature(jws.to_sign(&self.key)))
    }

    fn write(&self, _: &About<'_>, credential: Option<&Credential>, credentials: &mut Credentials) {
        show(credential, credentials);
    }

    fn identify(&self, _: Option<&Credential>, identity: &mut Identity) {
        identity.add("assertion").add(self.key.info().thumbprint());
        identity.add(self.key.info().get_key_id().unwrap_or_default());
        identity.add(format!("{:?} {:?}", self.audience, self.headers));
    }
}

/// Seconds since the Unix epoch; 0 before it.
pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn show(assertion: Option<&Credential>, credentials: &mut Credentials) {
    credentials
        .client_id()
        .public_parameter("client_assertion_type", TYPE)
        .parameter("client_assertion", assertion.map_or("", Credential::expose));
}

/// An assertion that something else made.
#[derive(Debug)]
pub(super) struct ReadyMade(pub(super) Source);

impl ClientAuthentication for ReadyMade {
    fn is_made_anew(&self) -> bool {
        true
    }

    fn demand(&self, _: &About<'_>, _: Now) -> Option<Demand> {
        Some(Demand::Credential(self.0.clone()))
    }

    fn write(&self, _: &About<'_>, credential: Option<&Credential>, credentials: &mut Credentials) {
        show(credential, credentials);
    }

    fn source(&self) -> Option<&Source> {
        Some(&self.0)
    }
}
