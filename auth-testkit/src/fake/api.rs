//! The API behind the tokens.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use auth_core::{AccessToken, Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
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
    /// What the next call with a live token has to bring.
    claims: Arc<Mutex<Option<String>>>,
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
}

impl FakeAuthServer {
    /// An API that takes the access tokens of this server, and has seen no calls.
    pub fn api(&self) -> FakeApi {
        FakeApi {
            server: self.clone(),
            report: Arc::default(),
            proofs: None,
            claims: Arc::default(),
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

    /// A call, of which the body is not read.
    pub fn respond<B>(&self, request: &http::Request<B>) -> Response {
        let mut copy = http::Request::new(Vec::new());
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.headers_mut() = request.headers().clone();
        self.judge(&RecordedRequest::new(copy)).build()
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
        *self.lock()
    }

    /// The server whose tokens it takes.
    pub fn server(&self) -> &FakeAuthServer {
        &self.server
    }

    pub(super) fn judge(&self, request: &RecordedRequest) -> CannedResponse {
        let Some((scheme, token)) = request.header("authorization").and_then(|value| {
            let by = |scheme| Some((scheme, token(value, scheme)?));
            self.proofs.as_ref().and_then(|_| by("DPoP")).or_else(|| by("Bearer"))
        }) else {
            self.lock().without_token += 1;
            return challenge(if self.proofs.is_some() { "DPoP" } else { "Bearer" }, "");
        };
        let Some(proofs) = &self.proofs else { return self.serve(scheme, &token) };
        if scheme == "Bearer" {
            // Asked before the counts are locked: one lock at a time.
            let is_bound = self.server.lock().bound_key(token.expose()).is_some();
            if !is_bound {
                return self.serve(scheme, &token);
            }
            self.lock().unproved += 1;
            return challenge("DPoP", "invalid_token").member("error", "invalid_token");
        }
        let proved = self.prove(proofs, request, &token);
        let nonce = proofs.lock().unwrap_or_else(PoisonError::into_inner).nonce();
        let response = match proved {
            Ok(()) => self.serve(scheme, &token),
            Err(ProofError::Nonce) => {
                self.lock().nonces_demanded += 1;
                challenge(scheme, "use_dpop_nonce")
            }
            Err(ProofError::Invalid(_)) => {
                self.lock().unproved += 1;
                challenge(scheme, "invalid_dpop_proof")
            }
        };
        match nonce {
            Some(nonce) => response.dpop_nonce(&nonce),
            None => response,
        }
    }

    fn serve(&self, scheme: &str, token: &AccessToken) -> CannedResponse {
        // As above.
        let subject = self.server.subject_of(token);
        let claims = subject.as_ref().and_then(|_| self.lock_claims().take());
        let mut report = self.lock();
        match (subject, claims) {
            (None, _) => {
                report.refused += 1;
                challenge(scheme, "invalid_token").member("error", "invalid_token")
            }
            (Some(_), Some(claims)) => {
                report.claims_demanded += 1;
                challenge(scheme, &format!("insufficient_claims\", claims=\"{claims}"))
            }
            (Some(subject), None) => {
                report.served += 1;
                CannedResponse::status(200).member("subject", subject)
            }
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

    fn lock_claims(&self) -> MutexGuard<'_, Option<String>> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
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

/// 401, with this error unless it is empty.
fn challenge(scheme: &str, error: &str) -> CannedResponse {
    let error = if error.is_empty() { String::new() } else { format!(", error=\"{error}\"") };
    CannedResponse::status(401)
        .header("www-authenticate", &format!("{scheme} realm=\"fake\"{error}"))
}

/// The token after this scheme, which is case-insensitive (RFC 9110 section 11.1).
fn token(value: &str, wanted: &str) -> Option<AccessToken> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case(wanted) && !token.is_empty()).then(|| AccessToken::new(token))
}
