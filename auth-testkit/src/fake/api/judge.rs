//! What an API thinks of a call by itself.

use std::sync::{Mutex, PoisonError};

use auth_core::AccessToken;

use super::{FakeApi, token};
use crate::{
    CannedResponse, RecordedRequest,
    fake::proofs::{ProofError, Proofs, token_hash},
};

impl FakeApi {
    /// The response of an API that was told nothing.
    pub(super) fn judge(&self, request: &RecordedRequest) -> CannedResponse {
        let Some((scheme, token)) = request.header("authorization").and_then(|value| {
            let (scheme, token) = token(value)?;
            let by = |wanted| scheme.eq_ignore_ascii_case(wanted).then_some(wanted);
            let scheme = self.proofs.as_ref().and_then(|_| by("DPoP")).or_else(|| by("Bearer"))?;
            Some((scheme, token))
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
}

/// 401, with this error unless it is empty.
fn challenge(scheme: &str, error: &str) -> CannedResponse {
    let error = if error.is_empty() { String::new() } else { format!(", error=\"{error}\"") };
    CannedResponse::status(401)
        .header("www-authenticate", &format!("{scheme} realm=\"fake\"{error}"))
}
