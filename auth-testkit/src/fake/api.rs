//! The API behind the tokens.

mod arrival;
mod judge;
mod log;
mod response;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use auth_core::{AccessToken, Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::header;

#[cfg(feature = "server")]
pub(super) use self::arrival::Processed;
pub use self::{log::ApiCall, response::ApiResponse};
use self::{log::Log, response::Queue};
use super::{
    proofs::{FakeDpop, Proofs},
    server::FakeAuthServer,
};

/// An API that takes the access tokens of a [`FakeAuthServer`], and keeps a record of
/// its calls. Clones share it.
///
/// It responds with 200 and `{"subject":"ada"}` to a live token. To any other it
/// responds with 401 and `WWW-Authenticate: Bearer error="invalid_token"`, as RFC
/// 6750 section 3 says, and without a token with 401 and no error code. A test can
/// [tell it](FakeApi::respond_next) to respond otherwise. With the feature `server` it
/// listens on loopback, too.
///
/// ```
/// use auth_testkit::FakeAuthServer;
///
/// let server = FakeAuthServer::new();
/// let api = server.api();
/// let session = server.log_in("ada");
///
/// let header = session.access_token.authorization()?;
/// assert_eq!(api.call(Some(&header)).status(), 200);
///
/// // It dies before its time.
/// server.revoke_access(&session.access_token);
/// assert_eq!(api.call(Some(&header)).status(), 401);
///
/// let report = api.report();
/// assert_eq!((report.served, report.refused, report.without_token), (1, 1, 0));
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[derive(Clone)]
pub struct FakeApi {
    server: FakeAuthServer,
    report: Arc<Mutex<ApiReport>>,
    proofs: Option<Arc<Mutex<Proofs>>>,
    /// What the next call with a live token has to bring.
    claims: Arc<Mutex<Option<String>>>,
    told: Arc<Mutex<Queue>>,
    log: Arc<Mutex<Log>>,
}

/// What a [`FakeApi`] has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiReport {
    /// Calls with a live token: 200.
    pub served: usize,
    /// Calls with a token that is unknown, expired or revoked: 401.
    pub refused: usize,
    /// Calls without a token: 401.
    pub without_token: usize,
    /// Calls whose DPoP proof is wrong: 401. Also those whose token is bound to
    /// another key, or is shown as a bearer token though it is bound.
    pub unproved: usize,
    /// Calls whose proof had not the nonce that it should have: 401.
    pub nonces_demanded: usize,
    /// Calls that were told to bring [claims](FakeApi::demand_claims): 401.
    pub claims_demanded: usize,
    /// Calls that got a response of [`respond_next`](FakeApi::respond_next). They are
    /// counted nowhere above.
    pub told: usize,
    /// All calls, those included that have no response yet.
    pub calls: usize,
    /// Calls that [carried a token](ApiCall::carries_token), be it live or dead.
    pub with_token: usize,
}

impl FakeAuthServer {
    /// An API that takes the access tokens of this server, and has seen no calls.
    pub fn api(&self) -> FakeApi {
        FakeApi {
            server: self.clone(),
            report: Arc::default(),
            proofs: None,
            claims: Arc::default(),
            told: Arc::default(),
            log: Arc::default(),
        }
    }

    /// As [`api`](Self::api), one that demands a DPoP proof with each token that is
    /// bound to a key (RFC 9449 section 7). Its nonces are its own. Whether `ath` fits
    /// the token is looked at with the feature `verify` only.
    ///
    /// It takes each token as it was issued: one of the type `DPoP` by that scheme, and
    /// one of the type `Bearer`, as [`log_in`](Self::log_in) issues, by that scheme and
    /// without a proof (RFC 9449 section 7.2).
    pub fn api_with_dpop(&self, dpop: &FakeDpop) -> FakeApi {
        FakeApi { proofs: Some(Arc::new(Mutex::new(Proofs::new(dpop)))), ..self.api() }
    }
}

impl FakeApi {
    /// A call with this value of the header field `Authorization`. It has no proof: a
    /// token that is bound to a key needs [`respond`](Self::respond).
    pub fn call(&self, authorization: Option<&http::HeaderValue>) -> Response {
        let mut request = http::Request::new(());
        if let Some(authorization) = authorization {
            request.headers_mut().insert(header::AUTHORIZATION, authorization.clone());
        }
        self.respond(&request)
    }

    /// A call, of which the body is not read. If the response is
    /// [held back](ApiResponse::once_open), the thread waits.
    pub fn respond<B>(&self, request: &http::Request<B>) -> Response {
        self.arrive(request).process(None).block_to_end()
    }

    /// As [`respond`](Self::respond), with a body that the [log](Self::calls) has.
    pub fn respond_with_body<B: AsRef<[u8]>>(&self, request: &http::Request<B>) -> Response {
        self.arrive(request).process(Some(request.body().as_ref())).block_to_end()
    }

    /// As [`respond_with_body`](Self::respond_with_body), for async callers: it is the
    /// task that waits for a response that is held back. A caller that leaves
    /// meanwhile leaves a call [without a status](ApiCall::status).
    pub async fn respond_async<B: AsRef<[u8]>>(&self, request: &http::Request<B>) -> Response {
        let processed = self.arrive(request).process(Some(request.body().as_ref()));
        processed.end().await
    }

    /// Puts these responses in a queue. A call gets the first that is for it, whatever
    /// its token is worth, and the API's own response if there is none.
    ///
    /// A [`CannedResponse`](crate::CannedResponse) is for one call, of whomever;
    /// [`ApiResponse`] says for which calls, how often and when. For what APIs say of
    /// tokens there are
    /// [`unauthorized`](crate::CannedResponse::unauthorized) with any challenge,
    /// [`invalid_token`](crate::CannedResponse::invalid_token),
    /// [`insufficient_scope`](crate::CannedResponse::insufficient_scope),
    /// [`step_up`](crate::CannedResponse::step_up) and
    /// [`redirect`](crate::CannedResponse::redirect).
    ///
    /// ```
    /// use auth_testkit::{CannedResponse, FakeAuthServer};
    ///
    /// let server = FakeAuthServer::new();
    /// let api = server.api();
    /// let header = server.log_in("ada").access_token.authorization()?;
    /// api.respond_next([
    ///     CannedResponse::unauthorized([]),
    ///     CannedResponse::insufficient_scope("notes:write"),
    ///     CannedResponse::redirect(307, "https://elsewhere.example.com/"),
    /// ]);
    ///
    /// let statuses = [(); 4].map(|()| api.call(Some(&header)).status().as_u16());
    /// assert_eq!(statuses, [401, 403, 307, 200]);
    /// assert_eq!((api.report().told, api.report().served), (3, 1));
    /// # Ok::<(), http::header::InvalidHeaderValue>(())
    /// ```
    pub fn respond_next(&self, responses: impl IntoIterator<Item: Into<ApiResponse>>) {
        lock(&self.told).extend(responses.into_iter().map(Into::into));
    }

    /// How many calls are still to get a response of [`respond_next`](Self::respond_next).
    /// One for [all calls](ApiResponse::times) does not count.
    pub fn responses_left(&self) -> usize {
        lock(&self.told).left()
    }

    /// The calls so far, in order of arrival: the last 4096 of them, with at most 16 MiB
    /// of bodies.
    pub fn calls(&self) -> Vec<ApiCall> {
        lock(&self.log).calls()
    }

    /// Fails the test if any call so far [carried a token](ApiCall::carries_token): for
    /// an origin that is not the one the tokens are for.
    ///
    /// # Panics
    ///
    /// If one did. The message shows the calls, and no secret.
    #[track_caller]
    pub fn assert_saw_no_token(&self) {
        let with_token = self.report().with_token;
        assert!(with_token == 0, "{with_token} calls carried a token:\n{:#?}", self.calls());
    }

    /// Makes the next call with a live token fail with 401 and the error
    /// `insufficient_claims`, once. The challenge has `claims`, a JSON object, in
    /// Base64, as APIs behind Entra do
    /// (<https://learn.microsoft.com/en-us/entra/identity-platform/claims-challenge>).
    /// Whether the next token has them is not looked at.
    ///
    /// ```
    /// use auth_testkit::FakeAuthServer;
    ///
    /// let server = FakeAuthServer::new();
    /// let api = server.api();
    /// let header = server.log_in("ada").access_token.authorization()?;
    ///
    /// api.demand_claims(r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#);
    /// let response = api.call(Some(&header));
    /// assert_eq!(response.status(), 401);
    /// let challenge = response.headers()["www-authenticate"].to_str().unwrap();
    /// assert!(challenge.contains(r#"error="insufficient_claims", claims="eyJ"#));
    ///
    /// assert_eq!(api.call(Some(&header)).status(), 200);
    /// assert_eq!(api.report().claims_demanded, 1);
    /// # Ok::<(), http::header::InvalidHeaderValue>(())
    /// ```
    pub fn demand_claims(&self, claims: &str) {
        *self.lock_claims() = Some(STANDARD.encode(claims));
    }

    /// What has happened so far.
    pub fn report(&self) -> ApiReport {
        let (calls, with_token) = {
            let log = lock(&self.log);
            (log.len(), log.with_token)
        };
        ApiReport { calls, with_token, ..*self.lock() }
    }

    /// The server whose tokens it takes.
    pub fn server(&self) -> &FakeAuthServer {
        &self.server
    }

    fn lock_claims(&self) -> MutexGuard<'_, Option<String>> {
        lock(&self.claims)
    }

    fn lock(&self) -> MutexGuard<'_, ApiReport> {
        lock(&self.report)
    }
}

impl fmt::Debug for FakeApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeApi").field("report", &self.report()).finish_non_exhaustive()
    }
}

/// The scheme, and the token after it.
fn token(value: &str) -> Option<(&str, AccessToken)> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (!token.is_empty()).then(|| (scheme, AccessToken::new(token)))
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
