//! Assertions (RFC 7523 section 2.2).

use std::time::{Duration, SystemTime};

use super::{About, ClientAuthentication, Credentials, Identity};
use crate::{
    Now,
    credential::{Credential, Source},
    signing::{Demand, Jws, SigningKey, unique},
};

/// What an assertion is made for: its `aud`. The [crate docs](crate#whom-an-assertion-is-for)
/// say which server wants what.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// The issuer identifier of the authorization server, its metadata's `issuer`
    /// letter by letter, and a header with `typ: client-authentication+jwt`. RFC 10070,
    /// which updates RFC 7523, asks for this, and nothing else is safe where a client
    /// knows several servers.
    Issuer(String),
    /// The URL of the token endpoint, as it was set, which RFC 7523 section 3 suggests
    /// and older servers want. `typ` is `JWT`.
    TokenEndpoint,
    /// Any other text, as it is. `typ` is `JWT`.
    Other(String),
}

/// An assertion by which the client authenticates, signed anew for each attempt:
/// `private_key_jwt`, or `client_secret_jwt` if the key is a shared secret.
#[derive(Debug, Clone)]
pub struct ClientAssertion {
    pub(crate) key: SigningKey,
    pub(crate) audience: Audience,
    pub(crate) issuer: Option<String>,
    pub(crate) in_client_secret: bool,
    pub(crate) lifetime: Duration,
    pub(crate) backdated: Duration,
    pub(crate) headers: Vec<(String, String)>,
}

impl ClientAssertion {
    /// An assertion signed by `key` for `audience`.
    pub fn new(key: impl Into<SigningKey>, audience: Audience) -> Self {
        Self {
            key: key.into(),
            audience,
            issuer: None,
            in_client_secret: false,
            lifetime: Duration::from_secs(60),
            backdated: Duration::from_secs(5),
            headers: Vec::new(),
        }
    }

    /// Sets the `iss`, for a server to which it is not the client identifier.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Puts the assertion into the parameter `client_secret`, and nothing into
    /// `client_assertion`. Apple wants it so
    /// (<https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret>):
    ///
    /// ```
    /// use auth_core::{Audience, ClientAssertion, SigningKey, TokenEndpoint};
    ///
    /// /// `key` is of `ES256`, with the key's identifier.
    /// fn apple(key: SigningKey) -> Result<TokenEndpoint, auth_core::EndpointError> {
    ///     let audience = Audience::Other("https://appleid.apple.com".into());
    ///     let secret = ClientAssertion::new(key, audience).issuer("TEAM123456").in_client_secret();
    ///     Ok(TokenEndpoint::new("https://appleid.apple.com/auth/token", "com.example.app")?
    ///         .client_auth(secret))
    /// }
    /// # let _ = apple;
    /// ```
    #[must_use]
    pub fn in_client_secret(mut self) -> Self {
        self.in_client_secret = true;
        self
    }

    /// Sets how long an assertion is valid, from when it
    /// [says it was made](Self::backdated). 60 s by default, which fits the servers
    /// that accept no more than 5 min. Fractions of a second do not count.
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
    /// key by its certificate: Microsoft Entra ID wants the base64url of the SHA-256 of
    /// the certificate in DER
    /// (<https://learn.microsoft.com/en-us/entra/identity-platform/certificate-credentials>).
    /// It replaces what the library writes under that name, such as `typ`, but for
    /// `alg`.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl ClientAuthentication for ClientAssertion {
    fn is_made_anew(&self) -> bool {
        true
    }

    fn demand(&self, about: &About<'_>, now: Now) -> Option<Demand> {
        let endpoint = about.token_endpoint.to_string();
        let issuer = self.issuer.as_deref().unwrap_or(about.client_id);
        let (audience, typ) = match &self.audience {
            Audience::Issuer(issuer) => (issuer.as_str(), "client-authentication+jwt"),
            Audience::TokenEndpoint => (endpoint.as_str(), "JWT"),
            Audience::Other(audience) => (audience.as_str(), "JWT"),
        };
        let (made, expires) = times(now, self.backdated, self.lifetime);
        let jws = Jws::new(&self.key, Some(typ))
            .claim("iss", issuer)
            .claim("sub", about.client_id)
            .claim("aud", audience)
            .claim("jti", unique(now))
            .claim("iat", made)
            .claim("exp", expires);
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Some(Demand::Signature(jws.named(&self.key, headers).to_sign(&self.key)))
    }

    fn write(&self, _: &About<'_>, credential: Option<&Credential>, credentials: &mut Credentials) {
        match self.in_client_secret {
            true => {
                let assertion = credential.map_or("", Credential::expose);
                credentials.client_id().parameter("client_secret", assertion);
            }
            false => show(credential, credentials),
        }
    }

    fn identify(&self, _: Option<&Credential>, identity: &mut Identity) {
        // By name, so that whoever adds a field decides here whether it counts.
        let Self { key, audience, issuer, in_client_secret, lifetime, backdated, headers } = self;
        let info = key.info();
        identity.add("assertion").add(info.thumbprint()).add(info.algorithm().as_str());
        identity.add(info.get_key_id().unwrap_or_default());
        identity.add(format!("{:?}", (audience, issuer, in_client_secret)));
        identity.add(format!("{:?}", (lifetime, backdated, headers)));
    }
}

/// The end of the year 9999. Beyond it some servers read no date.
const LATEST: u64 = 253_402_300_799;

/// `iat` and `exp`. Some servers refuse what lasts longer between the two than they
/// allow, so that what is taken off at the start is not added.
pub(crate) fn times(now: Now, backdated: Duration, lifetime: Duration) -> (u64, u64) {
    let made = seconds(now.wall).saturating_sub(backdated.as_secs());
    (made, made.saturating_add(lifetime.as_secs()).min(LATEST))
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
