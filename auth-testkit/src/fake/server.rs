//! The server as its user sees it.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use auth_core::{AccessToken, ClientAuth, Now, RefreshToken, Response, TokenEndpoint, TokenSet};

use super::{
    fault::Fault,
    model::{Model, REVOCATION_PATH},
    report::ServerReport,
    settings::{Client, Settings, Time},
};
use crate::{CannedResponse, Gate, RecordedRequest, VirtualClock};

/// An authorization server that issues, rotates, expires and revokes tokens, and
/// fails as real ones do. Its seed makes it deterministic.
///
/// It is a [`Transport`](auth_core::Transport) and a
/// [`BlockingTransport`](auth_core::BlockingTransport), and with the feature
/// `server` it listens on loopback. Clones share one model.
///
/// A [`Script`](crate::Script) says what comes back for each request. Here a test
/// says how the server behaves, and the responses follow from that, also for
/// requests that the author of the test did not foresee.
///
/// ```
/// use auth_core::{Refresh, refresh_blocking};
/// use auth_testkit::{FakeAuthServer, Fault};
///
/// let server = FakeAuthServer::new();
/// let session = server.log_in("ada");
/// server.fail_next([Fault::Status(502), Fault::LostBefore]);
///
/// let refresh = Refresh::new(server.endpoint(), session.refresh_token.unwrap());
/// let tokens = refresh_blocking(refresh, &server, server.clock()).unwrap();
///
/// assert_eq!(server.subject_of(&tokens.access_token).as_deref(), Some("ada"));
/// assert_eq!(server.report().issued, 1);
/// server.assert_never_replayed();
/// ```
#[derive(Clone)]
pub struct FakeAuthServer {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    model: Mutex<Model>,
    /// For delays, and to read the time.
    pub(super) clock: VirtualClock,
    pub(super) time: Time,
    started: Instant,
    client: Client,
    format: auth_core::BodyFormat,
    has_revocation: bool,
}

impl FakeAuthServer {
    pub(super) fn with(settings: Settings, clock: VirtualClock, time: Time) -> Self {
        let (client, format) = (settings.client.clone(), settings.format);
        let has_revocation = settings.revokes.is_some();
        Self {
            shared: Arc::new(Shared {
                model: Mutex::new(Model::new(settings)),
                clock,
                time,
                started: Instant::now(),
                client,
                format,
                has_revocation,
            }),
        }
    }

    /// The clock of the server, unless it was built with
    /// [`real_time`](super::FakeAuthServerBuilder::real_time).
    pub fn clock(&self) -> &VirtualClock {
        &self.shared.clock
    }

    /// The token endpoint, `https://auth.example.com/token`. It exists in process
    /// only.
    pub fn endpoint(&self) -> TokenEndpoint {
        self.shared.endpoint_at("https://auth.example.com/token")
    }

    /// Starts a session, and with it a family of refresh tokens. Its access token is of
    /// the type `Bearer`, also at a server that wants DPoP proofs, as if the login had
    /// been without one. A refresh there gets one of the type `DPoP`, and so does
    /// [`log_in_bound`](Self::log_in_bound).
    pub fn log_in(&self, subject: impl Into<String>) -> TokenSet {
        let now = self.shared.now();
        let (access, refresh, lifetime) = self.lock().log_in(subject.into(), self.elapsed());
        let mut tokens = TokenSet::new(AccessToken::new(access));
        tokens.token_type = Some("Bearer".to_owned());
        tokens.refresh_token = Some(RefreshToken::new(refresh));
        tokens.expires_at = now.wall.checked_add(lifetime);
        tokens
    }

    /// As [`log_in`](Self::log_in), with tokens that are bound to the key of this
    /// thumbprint, the access token of the type `DPoP`. Refresh tokens of [`log_in`](Self::log_in)
    /// are bound to the key of their first proof. Those of a client that authenticates
    /// are not bound, see [`FakeDpop::new`](super::FakeDpop::new).
    pub fn log_in_bound(&self, subject: impl Into<String>, thumbprint: &str) -> TokenSet {
        let mut tokens = self.log_in(subject);
        if let Some(refresh) = &tokens.refresh_token {
            let access = tokens.access_token.expose();
            if self.lock().bind_to(access, refresh.expose(), thumbprint) {
                tokens.token_type = Some("DPoP".to_owned());
            }
        }
        tokens
    }

    /// What the authorization endpoint responds to a browser that was sent to `url`,
    /// in process: `https://auth.example.com/authorize` with a query. It is a 302 to the
    /// client's redirect URI, with `code` and `state`, or with `error` (RFC 6749 section
    /// 4.1.2); a 400 if nobody knows where to; and 404 unless the server
    /// [authorizes](super::FakeAuthServerBuilder::authorizes) somebody. Faults do not
    /// strike here.
    ///
    /// ```
    /// use auth_testkit::FakeAuthServer;
    ///
    /// let server = FakeAuthServer::builder().authorizes("ada").build();
    /// let response = server.authorize(
    ///     "https://auth.example.com/authorize?response_type=code&client_id=my-client&state=7\
    ///      &redirect_uri=http%3A%2F%2F127.0.0.1%3A8080%2F&code_challenge_method=S256\
    ///      &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    /// );
    /// assert_eq!(response.status(), 302);
    /// let location = response.headers()["location"].to_str().unwrap();
    /// assert!(location.starts_with("http://127.0.0.1:8080/?code=fake-code-"));
    /// assert!(location.ends_with("&state=7"));
    /// ```
    pub fn authorize(&self, url: &str) -> Response {
        match url.parse() {
            Ok(uri) => self.lock().authorize(&uri, self.elapsed()).build(),
            Err(_) => CannedResponse::status(400).build(),
        }
    }

    /// Makes the next requests meet these faults, in this order. After them the
    /// random faults apply again.
    pub fn fail_next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.lock().fail_next(faults);
    }

    /// Holds back what comes of the next request until the gate is open. The server has
    /// processed the request by then, as far as its [fault](Self::fail_next) lets it.
    /// Nothing sleeps: the test waits for the request by [`Gate::until_waiting`] or
    /// [`Gate::block_until_waiting`]. For several requests it is called several times.
    ///
    /// ```
    /// use std::thread;
    /// use auth_core::{Refresh, refresh_blocking};
    /// use auth_testkit::{FakeAuthServer, Gate};
    ///
    /// let server = FakeAuthServer::new();
    /// let gate = Gate::new();
    /// server.hold_next(&gate);
    /// let refresh = Refresh::new(server.endpoint(), server.log_in("ada").refresh_token.unwrap());
    /// thread::scope(|scope| {
    ///     let refresh = scope.spawn(|| refresh_blocking(refresh, &server, server.clock()));
    ///     gate.block_until_waiting(1);
    ///     // The token is spent, and the client does not know. Here it may be dropped.
    ///     assert_eq!(server.report().issued, 1);
    ///     gate.open();
    ///     assert!(refresh.join().unwrap().is_ok());
    /// });
    /// ```
    pub fn hold_next(&self, gate: &Gate) {
        self.lock().hold_next(gate.clone());
    }

    /// Revokes every session of the subject.
    pub fn revoke(&self, subject: &str) {
        self.lock().revoke(subject, self.elapsed());
    }

    /// Revokes this access token only, before its time: APIs refuse it, and its
    /// session goes on. Nothing tells the client; that is what
    /// [`FakeApi`](super::FakeApi) is for.
    ///
    /// A test that does this again and again meets the brake of the accounts
    /// (`Settings::refusals`): after two refusals in 10 s the next refused token is not
    /// replaced until they are over. Advance a virtual clock by 10 s each time.
    pub fn revoke_access(&self, token: &AccessToken) {
        self.lock().revoke_access(token.expose());
    }

    /// The subject of an access token; `None` if the token is unknown, expired or
    /// revoked. A resource server would respond with 401 then.
    pub fn subject_of(&self, token: &AccessToken) -> Option<String> {
        self.lock().subject_of(token.expose(), self.elapsed())
    }

    /// Whether a refresh with this refresh token would give new tokens now.
    pub fn is_live(&self, token: &RefreshToken) -> bool {
        self.lock().is_live(token.expose(), self.elapsed())
    }

    /// What has happened so far.
    pub fn report(&self) -> ServerReport {
        self.lock().report.clone()
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.lock().calls.iter().map(|entry| entry.request.clone()).collect()
    }

    /// All calls so far as text, with numbers for secrets.
    pub fn transcript(&self) -> String {
        self.lock().transcript()
    }

    /// Fails the test if a spent refresh token was used again although the client
    /// could have known. After a lost response, a client must use it again; see
    /// [`Replay::knowledge`](super::Replay::knowledge).
    ///
    /// # Panics
    ///
    /// If the test fails. The message shows all calls.
    #[track_caller]
    pub fn assert_never_replayed(&self) {
        let problem = self.lock().explain_replays();
        if let Some(message) = problem {
            panic!("{message}");
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Model> {
        self.shared.lock()
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.shared.elapsed()
    }
}

impl fmt::Debug for FakeAuthServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeAuthServer").field("report", &self.report()).finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Now {
        match self.time {
            Time::Virtual => self.clock.now(),
            Time::Real => Now { monotonic: Instant::now(), wall: SystemTime::now() },
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        match self.time {
            Time::Virtual => self.clock.elapsed(),
            Time::Real => self.started.elapsed(),
        }
    }

    pub(super) fn endpoint_at(&self, url: &str) -> TokenEndpoint {
        let endpoint = match TokenEndpoint::new(url, &self.client.id) {
            Ok(endpoint) => endpoint,
            Err(error) => panic!("{error}"),
        };
        let auth = match &self.client {
            Client { basic_secret: Some(secret), .. } => ClientAuth::basic(secret),
            Client { post_secret: Some(secret), .. } => ClientAuth::post(secret),
            _ => ClientAuth::none(),
        };
        let endpoint = endpoint.client_auth(auth).body_format(self.format);
        if !self.has_revocation {
            return endpoint;
        }
        let base = url.strip_suffix("/token").unwrap_or(url);
        match endpoint.revocation_url(&format!("{base}{REVOCATION_PATH}")) {
            Ok(endpoint) => endpoint,
            Err(error) => panic!("{error}"),
        }
    }
}
