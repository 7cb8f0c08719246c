//! The API behind the tokens.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use auth_core::{AccessToken, Response};
use http::header;

use super::{
    proofs::{FakeDpop, ProofError, Proofs, token_hash},
    server::FakeAuthServer,
};
use crate::{CannedResponse, RecordedRequest};

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
    proofs: Option<Arc<Mutex<Proofs>>>,
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
    /// another key.
    pub unproved: usize,
    /// Calls whose proof had not the nonce that it should have: 401.
    pub nonces_demanded: usize,
}

impl FakeAuthServer {
    /// An API that takes the access tokens of this server, and has seen no calls.
    pub fn api(&self) -> FakeApi {
        FakeApi { server: self.clone(), report: Arc::default(), proofs: None }
    }

    /// As [`api`](Self::api), one that demands a DPoP proof with each token (RFC 9449
    /// section 7). Its nonces are its own. Whether `ath` fits the token is looked at
    /// with the feature `verify` only.
    pub fn api_with_dpop(&self, dpop: &FakeDpop) -> FakeApi {
        FakeApi { proofs: Some(Arc::new(Mutex::new(Proofs::new(dpop)))), ..self.api() }
    }
}

impl FakeApi {
    /// A call with this value of the header field `Authorization`.
    pub fn call(&self, authorization: Option<&http::HeaderValue>) -> Response {
        let mut request = http::Request::new(());
        if let Some(authorization) = authorization {
            request.headers_mut().insert(header::AUTHORIZATION, authorization.clone());
        }
        self.respond(&request)
    }

    /// A call, of which the body is not read.
    pub fn respond<B>(&self, request: &http::Request<B>) -> Response {
        let mut copy = http::Request::new(Vec::new());
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.headers_mut() = request.headers().clone();
        self.judge(&RecordedRequest::new(copy)).build()
    }

    /// What has happened so far.
    pub fn report(&self) -> ApiReport {
        *self.lock()
    }

    /// The server whose tokens it takes.
    pub fn server(&self) -> &FakeAuthServer {
        &self.server
    }

    pub(super) fn judge(&self, request: &RecordedRequest) -> CannedResponse {
        let scheme = if self.proofs.is_some() { "DPoP" } else { "Bearer" };
        let challenge = |error: &str| {
            let error =
                if error.is_empty() { String::new() } else { format!(", error=\"{error}\"") };
            CannedResponse::status(401)
                .header("www-authenticate", &format!("{scheme} realm=\"fake\"{error}"))
        };
        let Some(token) = request.header("authorization").and_then(|value| token(value, scheme))
        else {
            self.lock().without_token += 1;
            return challenge("");
        };
        if let Some(proofs) = &self.proofs {
            let proved = self.prove(proofs, request, &token);
            let nonce = proofs.lock().unwrap_or_else(PoisonError::into_inner).nonce();
            let with_nonce = |response: CannedResponse| match &nonce {
                Some(nonce) => response.dpop_nonce(nonce),
                None => response,
            };
            match proved {
                Ok(()) => return with_nonce(self.serve(&token, challenge)),
                Err(ProofError::Nonce) => {
                    self.lock().nonces_demanded += 1;
                    return with_nonce(challenge("use_dpop_nonce"));
                }
                Err(ProofError::Invalid(_)) => {
                    self.lock().unproved += 1;
                    return with_nonce(challenge("invalid_dpop_proof"));
                }
            }
        }
        self.serve(&token, challenge)
    }

    fn serve(
        &self,
        token: &AccessToken,
        challenge: impl Fn(&str) -> CannedResponse,
    ) -> CannedResponse {
        // Asked before the counts are locked: one lock at a time.
        let subject = self.server.subject_of(token);
        let mut report = self.lock();
        if let Some(subject) = subject {
            report.served += 1;
            CannedResponse::status(200).member("subject", subject)
        } else {
            report.refused += 1;
            challenge("invalid_token").member("error", "invalid_token")
        }
    }

    /// Whether the request is proved by the key that its token is bound to.
    fn prove(
        &self,
        proofs: &Mutex<Proofs>,
        request: &RecordedRequest,
        token: &AccessToken,
    ) -> Result<(), ProofError> {
        let hash = token_hash(token.expose());
        let proof = request.header("dpop");
        let now = self.server.shared.now().wall;
        let key = proofs.lock().unwrap_or_else(PoisonError::into_inner).judge(
            proof,
            request.method(),
            request.uri(),
            Some(hash.as_deref()),
            now,
        )?;
        match self.server.lock().bound_key(token.expose()) {
            Some(bound_to) if bound_to != key => Err(ProofError::Invalid("key")),
            _ => Ok(()),
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

/// The token after this scheme, which is case-insensitive (RFC 9110 section 11.1).
fn token(value: &str, wanted: &str) -> Option<AccessToken> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case(wanted) && !token.is_empty()).then(|| AccessToken::new(token))
}
