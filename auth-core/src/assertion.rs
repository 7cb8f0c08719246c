//! What stands for somebody in a grant: an assertion that is signed anew for each
//! attempt, or one that something else makes.

use std::{fmt, sync::Arc, time::Duration};

use http::Uri;
use serde_json::{Map, Value};

use crate::{
    Now,
    client_auth::{Identity, times},
    credential::{Credential, Source},
    signing::{Demand, Jws, SigningKey, unique},
};

/// What stands for somebody in a grant: a [`SignedAssertion`], or a token from a
/// [`Source`], which is read anew for each attempt. Cloning shares it.
///
/// Assertions are secrets: they are redacted, wiped, and recognised in what a server
/// echoes. Two are equal if they are clones of one.
#[derive(Clone)]
pub struct Assertion(Inner);

#[derive(Clone)]
enum Inner {
    Signed(Arc<SignedAssertion>),
    Read(Source),
}

impl Assertion {
    /// What must be had for an attempt at `token_endpoint`.
    pub(crate) fn demand(&self, token_endpoint: &Uri, now: Now) -> Demand {
        match &self.0 {
            Inner::Signed(assertion) => assertion.demand(token_endpoint, now),
            Inner::Read(source) => Demand::Credential(source.clone()),
        }
    }

    /// The source that it is read from, if it is.
    pub(crate) fn source(&self) -> Option<&Source> {
        match &self.0 {
            Inner::Signed(_) => None,
            Inner::Read(source) => Some(source),
        }
    }

    pub(crate) fn identify(&self, read: Option<&Credential>, identity: &mut Identity) {
        match &self.0 {
            Inner::Signed(assertion) => assertion.identify(identity),
            Inner::Read(_) => {
                identity.add("read").add(read.map_or("", Credential::expose));
            }
        }
    }
}

impl From<SignedAssertion> for Assertion {
    fn from(assertion: SignedAssertion) -> Self {
        Self(Inner::Signed(Arc::new(assertion)))
    }
}

/// Read anew for each attempt.
impl From<Source> for Assertion {
    fn from(source: Source) -> Self {
        Self(Inner::Read(source))
    }
}

/// Always the same.
impl From<Credential> for Assertion {
    fn from(credential: Credential) -> Self {
        Self(Inner::Read(Source::callback(move || Ok(credential.clone()))))
    }
}

impl PartialEq for Assertion {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Inner::Signed(one), Inner::Signed(other)) => Arc::ptr_eq(one, other),
            (Inner::Read(one), Inner::Read(other)) => one == other,
            _ => false,
        }
    }
}

impl Eq for Assertion {}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Signed(assertion) => assertion.fmt(f),
            Inner::Read(source) => source.fmt(f),
        }
    }
}

/// A JSON Web Token that says on whose behalf tokens are asked for (RFC 7523 section
/// 3). It is signed anew for each attempt, with another `jti`.
///
/// ```
/// use auth_core::{Grant, SignedAssertion, SigningKey};
///
/// # fn example(key: SigningKey) {
/// let assertion = SignedAssertion::new(key, "robot@project.iam.gserviceaccount.com")
///     .scope("https://www.googleapis.com/auth/devstorage.read_only");
/// let grant = Grant::jwt_bearer(assertion);
/// assert_eq!(grant.grant_type(), "urn:ietf:params:oauth:grant-type:jwt-bearer");
/// # }
/// ```
#[derive(Clone)]
pub struct SignedAssertion {
    key: SigningKey,
    issuer: String,
    subject: Option<String>,
    audience: Option<String>,
    claims: Map<String, Value>,
    headers: Map<String, Value>,
    lifetime: Duration,
    backdated: Duration,
}

/// Claims that differ from attempt to attempt.
const OF_AN_ATTEMPT: [&str; 3] = ["exp", "iat", "jti"];

impl SignedAssertion {
    /// An assertion of `issuer` about itself (`iss` and `sub`) to the token endpoint
    /// (`aud`).
    pub fn new(key: impl Into<SigningKey>, issuer: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            issuer: issuer.into(),
            subject: None,
            audience: None,
            claims: Map::new(),
            headers: Map::new(),
            lifetime: Duration::from_secs(300),
            backdated: Duration::from_secs(5),
        }
    }

    /// Sets on whose behalf it is (`sub`): the user that a service account acts for.
    #[must_use]
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Sets whom it is for (`aud`), if that is not the URL of the token endpoint.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Sets the scope within the assertion (`scope`), where Google wants it. Other
    /// servers want it beside the assertion: see
    /// [`TokenEndpoint::scope`](crate::TokenEndpoint::scope).
    #[must_use]
    pub fn scope(self, scope: impl Into<String>) -> Self {
        self.claim("scope", scope.into())
    }

    /// Adds a claim. It replaces what the library writes under that name, but for
    /// `iat`, `exp` and `jti`.
    #[must_use]
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Adds a member to the header. It replaces what the library writes under that
    /// name, but for `alg`.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into().into());
        self
    }

    /// Sets the name under which the server knows the key (`kid` in the header), if
    /// that is not the [key's own](crate::KeyInfo::key_id).
    #[must_use]
    pub fn key_id(self, key_id: impl Into<String>) -> Self {
        self.header("kid", key_id)
    }

    /// Sets how long it is valid, from when it says it was made. 5 min by default.
    /// Google takes 1 h at most.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets how much earlier than now it says it was made, for a server whose clock is
    /// behind. 5 s by default.
    #[must_use]
    pub fn backdated(mut self, by: Duration) -> Self {
        self.backdated = by;
        self
    }

    fn demand(&self, token_endpoint: &Uri, now: Now) -> Demand {
        let (made, expires) = times(now, self.backdated, self.lifetime);
        let audience = self.audience.clone().unwrap_or_else(|| token_endpoint.to_string());
        let mut jws = Jws::new(&self.key, Some("JWT"))
            .claim("iss", self.issuer.as_str())
            .claim("sub", self.subject.as_deref().unwrap_or(&self.issuer))
            .claim("aud", audience);
        for (name, value) in &self.claims {
            jws = jws.claim(name, value.clone());
        }
        jws = jws.claim("jti", unique(now)).claim("iat", made).claim("exp", expires);
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.clone()));
        Demand::Signature(jws.named(&self.key, headers).to_sign(&self.key))
    }

    fn identify(&self, identity: &mut Identity) {
        identity.add("signed").add(self.key.info().thumbprint());
        identity.add(self.key.info().get_key_id().unwrap_or_default());
        for text in [Some(&self.issuer), self.subject.as_ref(), self.audience.as_ref()] {
            identity.add(text.map_or("", String::as_str));
        }
        let claims = self.claims.iter().filter(|(name, _)| !OF_AN_ATTEMPT.contains(&&***name));
        for (name, value) in claims.chain(&self.headers) {
            identity.add(name).add(value.to_string());
        }
    }
}

impl fmt::Debug for SignedAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not what the claims say: a program may have put anything there.
        f.debug_struct("SignedAssertion")
            .field("key", &self.key)
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .field("claims", &self.claims.keys().collect::<Vec<_>>())
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}
