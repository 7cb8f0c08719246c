//! The API behind the tokens.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use auth_core::{AccessToken, Response};
use http::header;

use super::server::FakeAuthServer;
use crate::CannedResponse;

/// An API that takes the access tokens of a [`FakeAuthServer`], and counts its
/// calls. Clones share the counts.
///
/// It responds with 200 and `{"subject":"ada"}` to a live token. To any other it
/// responds with 401 and `WWW-Authenticate: Bearer error="invalid_token"`, as RFC
/// 6750 section 3 says, and without a token with 401 and no error code. With the
/// feature `server` it listens on loopback, too.
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
}

/// What a [`FakeApi`] has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiReport {
    /// Calls with a live token: 200.
    pub served: usize,
    /// Calls with a token that is unknown, expired or revoked: 401.
    pub refused: usize,
    /// Calls without a bearer token: 401.
    pub without_token: usize,
}

impl FakeAuthServer {
    /// An API that takes the access tokens of this server, and has seen no calls.
    pub fn api(&self) -> FakeApi {
        FakeApi { server: self.clone(), report: Arc::default() }
    }
}

impl FakeApi {
    /// A call with this value of the header field `Authorization`.
    pub fn call(&self, authorization: Option<&http::HeaderValue>) -> Response {
        self.judge(authorization).build()
    }

    /// A call, of which only the header field `Authorization` is read.
    pub fn respond<B>(&self, request: &http::Request<B>) -> Response {
        self.call(request.headers().get(header::AUTHORIZATION))
    }

    /// What has happened so far.
    pub fn report(&self) -> ApiReport {
        *self.lock()
    }

    /// The server whose tokens it takes.
    pub fn server(&self) -> &FakeAuthServer {
        &self.server
    }

    pub(super) fn judge(&self, authorization: Option<&http::HeaderValue>) -> CannedResponse {
        let Some(token) = authorization.and_then(bearer) else {
            self.lock().without_token += 1;
            return CannedResponse::status(401)
                .header("www-authenticate", r#"Bearer realm="fake""#);
        };
        // Asked before the counts are locked: one lock at a time.
        let subject = self.server.subject_of(&token);
        let mut report = self.lock();
        if let Some(subject) = subject {
            report.served += 1;
            CannedResponse::status(200).member("subject", subject)
        } else {
            report.refused += 1;
            CannedResponse::status(401)
                .header("www-authenticate", r#"Bearer realm="fake", error="invalid_token""#)
                .member("error", "invalid_token")
        }
    }

    fn lock(&self) -> MutexGuard<'_, ApiReport> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for FakeApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeApi").field("report", &self.report()).finish_non_exhaustive()
    }
}

/// The token of `Authorization: Bearer …`; the scheme is case-insensitive (RFC
/// 9110 section 11.1).
fn bearer(value: &http::HeaderValue) -> Option<AccessToken> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| AccessToken::new(token))
}
