//! Who asks, and by which key.

use std::time::{Duration, SystemTime};

use super::{JWT_BEARER, Model, TOKEN_EXCHANGE};
use crate::{
    CannedResponse, RecordedRequest,
    fake::{
        decision::ModelDecision,
        ledger::TokenId,
        proofs::{ProofError, Proofs},
        report::RevokedBecause,
    },
};

impl Model {
    /// Whether the client has shown who it is. If it has not, this says what is wrong
    /// with its assertion, should one be required.
    pub(super) fn authenticate(
        &mut self,
        request: &RecordedRequest,
        wall: SystemTime,
    ) -> Result<(), Option<&'static str>> {
        let client = &self.settings.client;
        match &client.assertion {
            Some(rule) => self.assertions.accept(rule, &client.id, request, wall).map_err(Some),
            None if client.is_authenticated_by(request) => Ok(()),
            None => Err(None),
        }
    }

    /// The token endpoint is at this URL, too.
    #[cfg(feature = "server")]
    pub(in crate::fake) fn add_endpoint(&mut self, url: &str) {
        if let Some(rule) = &mut self.settings.client.assertion {
            rule.add_endpoint(url);
        }
    }

    /// The thumbprint of the key that the request is proved by; `None` if no proof is
    /// asked for.
    pub(super) fn prove(
        &mut self,
        request: &RecordedRequest,
        wall: SystemTime,
    ) -> Result<Option<String>, ModelDecision> {
        let Some(proofs) = &mut self.proofs else { return Ok(None) };
        let (method, uri) = (request.method(), request.uri());
        match proofs.judge(request.header("dpop"), method, uri, None, wall) {
            Ok(thumbprint) => Ok(Some(thumbprint)),
            Err(ProofError::Nonce) => Err(ModelDecision::UseDpopNonce),
            Err(ProofError::Invalid(what)) => Err(ModelDecision::InvalidDpopProof(what)),
        }
    }

    /// The same for a request to an API, whose access token is to be bound to the key.
    pub(in crate::fake) fn bound_key(&self, access: &str) -> Option<&str> {
        self.ledger.key_of_access(access)
    }

    /// Some servers spend the token, and then ask for a nonce.
    pub(super) fn spend_before_asking(
        &mut self,
        decision: &ModelDecision,
        request: &RecordedRequest,
        now: Duration,
        spent_token: &mut Option<TokenId>,
    ) {
        let spends_first = self.settings.dpop.as_ref().is_some_and(|dpop| dpop.spends_first);
        let token = request.param("refresh_token");
        if let (true, ModelDecision::UseDpopNonce, Some(token)) = (spends_first, decision, token) {
            let _ = self.refresh(token, None, now, spent_token);
            if let Some(token) = spent_token.take() {
                // Its successor was told to nobody.
                self.settle(token, false);
            }
        }
    }

    /// Binds the tokens of a session to the key of this thumbprint. Returns whether the
    /// access token is one of them.
    pub(in crate::fake) fn bind_to(
        &mut self,
        access: &str,
        refresh: &str,
        thumbprint: &str,
    ) -> bool {
        if let Some(token) = self.ledger.find(refresh) {
            self.ledger.bind(token.family, thumbprint.to_owned());
        }
        let binds = self.settings.dpop.as_ref().is_none_or(|dpop| dpop.binds_access);
        if binds {
            self.ledger.bind_access(access, thumbprint);
        }
        binds
    }

    /// Binds the refresh tokens of a session to the key of its first proof. A proof by
    /// another one is refused. Those of a client that authenticates are bound to that
    /// instead (RFC 9449 section 5).
    pub(super) fn bind(
        &mut self,
        refresh: &str,
        key: Option<&str>,
        now: Duration,
    ) -> Option<ModelDecision> {
        let dpop = self.settings.dpop.as_ref()?;
        if self.settings.client.authenticates() && !dpop.binds_all {
            return None;
        }
        let ends_sessions = dpop.ends_sessions;
        let (key, token) = (key?, self.ledger.find(refresh)?);
        match self.ledger.key(token.family) {
            None => {
                self.ledger.bind(token.family, key.to_owned());
                None
            }
            Some(bound_to) if bound_to == key => None,
            Some(_) => {
                if ends_sessions {
                    self.revoke_family(token.family, now, RevokedBecause::OtherKey);
                }
                Some(ModelDecision::OtherKey)
            }
        }
    }

    /// Binds an access token to the key of the request that got it.
    pub(super) fn bind_access(&mut self, decision: &ModelDecision, key: Option<&str>) {
        let binds = self.settings.dpop.as_ref().is_some_and(|dpop| dpop.binds_access);
        if let (true, ModelDecision::Issued { access, .. }, Some(key)) = (binds, decision, key) {
            self.ledger.bind_access(access, key);
        }
    }

    /// The response of this server to what was decided.
    pub(super) fn word(
        &self,
        decision: &ModelDecision,
        request: &RecordedRequest,
    ) -> CannedResponse {
        let response = self.settings.wording.word(decision, request);
        match (&self.settings.dpop, decision) {
            (Some(dpop), ModelDecision::UseDpopNonce) => response.with_status(dpop.status),
            (Some(dpop), ModelDecision::Issued { .. }) if dpop.binds_access => {
                response.member("token_type", "DPoP")
            }
            _ => response,
        }
    }

    /// The same, with the nonce of the next proof.
    pub(super) fn with_nonce(&self, response: CannedResponse) -> CannedResponse {
        match self.proofs.as_ref().and_then(Proofs::nonce) {
            Some(nonce) => response.dpop_nonce(&nonce),
            None => response,
        }
    }

    /// Whether the grant has what belongs to it.
    pub(super) fn has_its_assertion(request: &RecordedRequest) -> bool {
        let has = |name| request.param(name).is_some_and(|value| !value.is_empty());
        match request.param("grant_type") {
            Some(JWT_BEARER) => has("assertion"),
            Some(TOKEN_EXCHANGE) => has("subject_token") && has("subject_token_type"),
            _ => true,
        }
    }
}
