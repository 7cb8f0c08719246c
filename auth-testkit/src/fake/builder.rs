//! The settings of a server, as they are made, and its start.

use std::time::Duration;

use auth_core::BodyFormat;
use serde_json::{Map, Value};

use super::{
    fault::Fault,
    proofs::{AssertionRule, Audiences, FakeDpop, PublicKey},
    server::FakeAuthServer,
    settings::{Authorizes, ClientIdRule, Revokes, Rotation, Settings, Time},
    wording::Wording,
};
use crate::VirtualClock;

/// Where the server is, in process.
const ISSUER: &str = "https://auth.example.com";

impl FakeAuthServer {
    /// A server with the defaults of [`builder`](Self::builder).
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// All settings. The defaults are: a public client `my-client`, requests as
    /// forms, access tokens that live an hour, rotation on each use without grace,
    /// reuse detection, no other expiry, no faults, the wording of RFC 6749, and
    /// its own [`VirtualClock`].
    pub fn builder() -> FakeAuthServerBuilder {
        FakeAuthServerBuilder::default()
    }
}

impl Default for FakeAuthServer {
    fn default() -> Self {
        Self::new()
    }
}

/// The settings of a [`FakeAuthServer`]; see [`FakeAuthServer::builder`] for the
/// defaults.
#[derive(Debug, Clone)]
#[must_use = "`build` makes the server"]
pub struct FakeAuthServerBuilder {
    settings: Settings,
    clock: Option<VirtualClock>,
    time: Time,
}

impl Default for FakeAuthServerBuilder {
    fn default() -> Self {
        Self { settings: Settings::default(), clock: None, time: Time::Virtual }
    }
}

impl FakeAuthServerBuilder {
    /// Sets the seed of the tokens and of random faults. The same seed and the
    /// same requests give the same responses.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Uses this clock instead of its own.
    pub fn clock(mut self, clock: &VirtualClock) -> Self {
        self.clock = Some(clock.clone());
        self
    }

    /// Uses the clock of the system, for clients in other processes. In process, a
    /// [`Fault`] that takes time then takes none.
    pub fn real_time(mut self) -> Self {
        self.time = Time::Real;
        self
    }

    /// Sets the identifier of the client.
    pub fn client_id(mut self, id: impl Into<String>) -> Self {
        self.settings.client.id = id.into();
        self
    }

    /// Requires `client_secret_basic` (RFC 6749 section 2.3.1).
    pub fn client_secret_basic(mut self, secret: impl Into<String>) -> Self {
        self.settings.client.basic_secret = Some(secret.into());
        self
    }

    /// Requires `client_secret_post` (RFC 6749 section 2.3.1). If both are set,
    /// either is accepted.
    pub fn client_secret_post(mut self, secret: impl Into<String>) -> Self {
        self.settings.client.post_secret = Some(secret.into());
        self
    }

    /// Takes what stands in an `Authorization: Basic` header as it is, as servers do
    /// that decode nothing.
    pub fn raw_basic(mut self) -> Self {
        self.settings.client.is_raw = true;
        self
    }

    /// Sets whether `client_id` may stand in the body beside an `Authorization: Basic`
    /// header.
    pub fn client_id_beside_basic(mut self, rule: ClientIdRule) -> Self {
        self.settings.client.client_id_beside_basic = rule;
        self
    }

    /// Requires `private_key_jwt` (RFC 7523 section 2.2) by the key of this public
    /// JSON Web Key. Its audience must be the URL of the token endpoint or
    /// [another](Self::audience), and each `jti` is taken once. What is wrong is said
    /// in `error_description`. The endpoint that the server gives out has no key: the
    /// test sets its own.
    ///
    /// Signatures are verified with the feature `verify` only.
    ///
    /// # Panics
    ///
    /// If it is no JSON object.
    #[track_caller]
    pub fn private_key_jwt(self, public_jwk: &str) -> Self {
        match serde_json::from_str::<Map<String, Value>>(public_jwk) {
            Ok(jwk) => self.assertion(PublicKey::Jwk(jwk)),
            Err(error) => panic!("no JSON Web Key: {error}"),
        }
    }

    /// Requires `client_secret_jwt`: as [`private_key_jwt`](Self::private_key_jwt), by
    /// a secret that is shared.
    pub fn client_secret_jwt(self, secret: impl Into<String>) -> Self {
        self.assertion(PublicKey::Secret(secret.into()))
    }

    fn assertion(mut self, key: PublicKey) -> Self {
        let audiences = Audiences::of(ISSUER);
        self.settings.client.assertion = Some(AssertionRule::Signed { key, audiences });
        self
    }

    /// Sets the one audience that an assertion must have. Without it these are
    /// `https://auth.example.com` and `https://auth.example.com/token`, and of a server
    /// that listens also the URL of its token endpoint there, with `/token` or without.
    ///
    /// # Panics
    ///
    /// If no assertion that is signed is required.
    #[track_caller]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        match &mut self.settings.client.assertion {
            Some(AssertionRule::Signed { audiences, .. }) => {
                *audiences = Audiences::Fixed(audience.into());
            }
            _ => panic!("no assertion is required whose audience could be looked at"),
        }
        self
    }

    /// Requires this very text for an assertion, as if somebody else had made it.
    pub fn ready_made_assertion(mut self, assertion: impl Into<String>) -> Self {
        self.settings.client.assertion = Some(AssertionRule::ReadyMade(assertion.into()));
        self
    }

    /// Requires a DPoP proof of each request (RFC 9449).
    pub fn dpop(mut self, dpop: FakeDpop) -> Self {
        self.settings.dpop = Some(dpop);
        self
    }

    /// Accepts requests in this format only. Tokens are in camelCase, too, for
    /// requests in [camelCase](BodyFormat::JsonCamelCase).
    pub fn body_format(mut self, format: BodyFormat) -> Self {
        self.settings.format = format;
        self
    }

    /// Sets the scope that a login grants, as names separated by spaces. A request
    /// may ask for less, but not for more (RFC 6749 section 6).
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.settings.scope = Some(scope.into());
        self
    }

    /// Sets how long an access token is valid.
    pub fn access_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.access_lifetime = lifetime;
        self
    }

    /// Sets what happens to a refresh token that was used.
    pub fn rotation(mut self, rotation: Rotation) -> Self {
        self.settings.rotation = rotation;
        self
    }

    /// Sets whether the use of a spent refresh token revokes its family (RFC 9700
    /// section 4.14.2).
    pub fn reuse_detection(mut self, on: bool) -> Self {
        self.settings.reuse_detection = on;
        self
    }

    /// Sets whether a refresh revokes the older access tokens of the session, as at
    /// GitHub
    /// (<https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens>).
    pub fn revoke_old_access(mut self, on: bool) -> Self {
        self.settings.revoke_old_access = on;
        self
    }

    /// Sets how long a refresh token may be unused before it expires.
    pub fn refresh_idle_limit(mut self, limit: Duration) -> Self {
        self.settings.idle_limit = Some(limit);
        self
    }

    /// Sets how long after the login all refresh tokens of the family expire,
    /// however often they were rotated.
    pub fn refresh_absolute_limit(mut self, limit: Duration) -> Self {
        self.settings.absolute_limit = Some(limit);
        self
    }

    /// Throttles requests beyond this number in each period of `per`. The first
    /// period begins with the first request. `Retry-After` gives the time to the
    /// end of the period in whole seconds, if the wording has that field.
    pub fn rate_limit(mut self, requests: u32, per: Duration) -> Self {
        self.settings.rate_limit = Some((requests, per));
        self
    }

    /// Makes this percentage of the requests meet a fault, at random. If there are
    /// several faults, those added first are drawn first.
    pub fn at_random(mut self, fault: Fault, percent: u8) -> Self {
        self.settings.at_random.push((fault, percent));
        self
    }

    /// Makes this percentage of the responses a 503, at random.
    pub fn brown_out(self, percent: u8) -> Self {
        self.at_random(Fault::Status(503), percent)
    }

    /// Has a revocation endpoint, beside the token endpoint under `/revoke`, which
    /// the endpoint that the server gives out names. Without this there is none.
    pub fn revokes(mut self, what: Revokes) -> Self {
        self.settings.revokes = Some(what);
        self
    }

    /// Has an authorization endpoint, beside the token endpoint under `/authorize`: it
    /// sends every browser back at once, with a code for this subject, who has logged in
    /// and agreed (RFC 6749 section 4.1). A code is traded at the token endpoint, once
    /// and within a minute. A public client has to bring PKCE (RFC 7636) by `S256`;
    /// whether the verifier fits is looked at with the feature `verify` only, else its
    /// form. See [`FakeAuthServer::authorize`] and `ListeningAuthServer::authorization_url`.
    pub fn authorizes(mut self, subject: impl Into<String>) -> Self {
        let redirect_uris =
            self.settings.authorizes.take().map(|old| old.redirect_uris).unwrap_or_default();
        self.settings.authorizes = Some(Authorizes { subject: subject.into(), redirect_uris });
        self
    }

    /// Registers a URI to which a code may be sent; several calls register several.
    /// The port of `http://127.0.0.1` and `http://[::1]` may be any (RFC 8252 section
    /// 7.3). Without this every URI is taken.
    ///
    /// # Panics
    ///
    /// If the server [authorizes](Self::authorizes) nobody.
    #[track_caller]
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        match &mut self.settings.authorizes {
            Some(rule) => rule.redirect_uris.push(uri.into()),
            None => panic!("no authorization endpoint that would send anybody there"),
        }
        self
    }

    /// Sets whose wording the responses have.
    pub fn wording(mut self, wording: Wording) -> Self {
        self.settings.wording = wording;
        self
    }

    /// Builds the server.
    #[must_use]
    pub fn build(self) -> FakeAuthServer {
        FakeAuthServer::with(self.settings, self.clock.unwrap_or_default(), self.time)
    }
}
