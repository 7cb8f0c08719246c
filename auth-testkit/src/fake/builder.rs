//! The settings of a server, as they are made, and its start.

use std::time::Duration;

use auth_core::BodyFormat;

use super::{
    fault::Fault,
    server::FakeAuthServer,
    settings::{Rotation, Settings, Time},
    wording::Wording,
};
use crate::VirtualClock;

impl FakeAuthServer {
    /// A server with the defaults of [`builder`](Self::builder).
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Every setting: by default a public client `my-client`, forms, access
    /// tokens that live an hour, rotation on each use without grace, reuse
    /// detection, no other expiry, no faults, the wording of RFC 6749, and a
    /// [`VirtualClock`] of its own.
    pub fn builder() -> FakeAuthServerBuilder {
        FakeAuthServerBuilder::default()
    }
}

impl Default for FakeAuthServer {
    fn default() -> Self {
        Self::new()
    }
}

/// Settings of a [`FakeAuthServer`]; made by [`FakeAuthServer::builder`],
/// where the defaults stand.
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
    /// What tokens look like and when chance strikes: the same seed and the
    /// same requests give the same answers.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Lives by this clock instead of one of its own.
    pub fn clock(mut self, clock: &VirtualClock) -> Self {
        self.clock = Some(clock.clone());
        self
    }

    /// Lives by the system's clock, for clients in other processes. In process
    /// a [`Fault`] that takes time then takes none.
    pub fn real_time(mut self) -> Self {
        self.time = Time::Real;
        self
    }

    /// The client's identifier.
    pub fn client_id(mut self, id: impl Into<String>) -> Self {
        self.settings.client.id = id.into();
        self
    }

    /// Demands `client_secret_basic` (RFC 6749 section 2.3.1).
    pub fn client_secret_basic(mut self, secret: impl Into<String>) -> Self {
        self.settings.client.basic_secret = Some(secret.into());
        self
    }

    /// Demands `client_secret_post` (RFC 6749 section 2.3.1). With both,
    /// either will do.
    pub fn client_secret_post(mut self, secret: impl Into<String>) -> Self {
        self.settings.client.post_secret = Some(secret.into());
        self
    }

    /// Accepts requests in this format only.
    pub fn body_format(mut self, format: BodyFormat) -> Self {
        self.settings.format = format;
        self
    }

    /// The scope that a login grants, names separated by blanks. A request may
    /// ask for less, and not for more (RFC 6749 section 6).
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.settings.scope = Some(scope.into());
        self
    }

    /// How long an access token lives.
    pub fn access_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.access_lifetime = lifetime;
        self
    }

    /// What becomes of a refresh token that was used.
    pub fn rotation(mut self, rotation: Rotation) -> Self {
        self.settings.rotation = rotation;
        self
    }

    /// Whether a spent refresh token that is used again revokes its whole
    /// family (RFC 9700 section 4.14.2).
    pub fn reuse_detection(mut self, on: bool) -> Self {
        self.settings.reuse_detection = on;
        self
    }

    /// Whether an exchange ends the life of the session's older access tokens,
    /// as at GitHub
    /// (<https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens>).
    pub fn revoke_old_access(mut self, on: bool) -> Self {
        self.settings.revoke_old_access = on;
        self
    }

    /// How long a refresh token may lie unused.
    pub fn refresh_idle_limit(mut self, limit: Duration) -> Self {
        self.settings.idle_limit = Some(limit);
        self
    }

    /// How long after the login the last refresh token of the family dies,
    /// however often it was rotated.
    pub fn refresh_absolute_limit(mut self, limit: Duration) -> Self {
        self.settings.absolute_limit = Some(limit);
        self
    }

    /// Throttles more than so many requests in each such span of time, the
    /// first of which begins with the first request. `Retry-After` names the
    /// span's end, in whole seconds, where the wording sends one.
    pub fn rate_limit(mut self, requests: u32, per: Duration) -> Self {
        self.settings.rate_limit = Some((requests, per));
        self
    }

    /// Lets this fault strike so many requests of a hundred, by chance. With
    /// several, those added first are drawn first.
    pub fn at_random(mut self, fault: Fault, percent: u8) -> Self {
        self.settings.at_random.push((fault, percent));
        self
    }

    /// Lets so many requests of a hundred be answered with 503, by chance.
    pub fn brown_out(self, percent: u8) -> Self {
        self.at_random(Fault::Status(503), percent)
    }

    /// Whose words it uses.
    pub fn wording(mut self, wording: Wording) -> Self {
        self.settings.wording = wording;
        self
    }

    /// The server.
    #[must_use]
    pub fn build(self) -> FakeAuthServer {
        FakeAuthServer::with(self.settings, self.clock.unwrap_or_default(), self.time)
    }
}
