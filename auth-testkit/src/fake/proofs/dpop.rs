//! DPoP proofs.

use std::{collections::HashSet, time::SystemTime};

use http::{Method, Uri};
use serde_json::Value;

use super::{
    LEEWAY,
    keys::{PublicKey, thumbprint},
    seconds,
};
use crate::jwt::DecodedJwt;

/// How a [`FakeAuthServer`](crate::FakeAuthServer) or a
/// [`FakeApi`](crate::FakeApi) wants DPoP proofs (RFC 9449).
#[derive(Debug, Clone)]
#[must_use = "it is given to a server or an API"]
pub struct FakeDpop {
    pub(super) nonces: NonceRule,
    pub(in crate::fake) spends_first: bool,
    pub(in crate::fake) status: u16,
    pub(in crate::fake) binds_access: bool,
    pub(in crate::fake) binds_all: bool,
    pub(in crate::fake) ends_sessions: bool,
}

/// When a server demands a nonce in proofs (RFC 9449 section 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NonceRule {
    /// Never.
    Never,
    /// In each proof, always the same one.
    Always,
    /// In each proof, and after this many requests it is another one. Every response
    /// has the one that comes next.
    Rotating(u32),
}

impl FakeDpop {
    /// Every request needs a proof. No nonces, access tokens of the type `DPoP`, 400
    /// for what is wrong, and another key costs nothing but the request.
    ///
    /// An access token is bound to the key of the request that got it. The refresh
    /// tokens of a session are bound to the key of its first proof if the client is
    /// public. Those of a client that authenticates are not bound to a key, so that it
    /// may change it (RFC 9449 section 5).
    pub fn new() -> Self {
        Self {
            nonces: NonceRule::Never,
            spends_first: false,
            status: 400,
            binds_access: true,
            binds_all: false,
            ends_sessions: false,
        }
    }

    /// Sets when a nonce is demanded.
    pub fn nonces(mut self, rule: NonceRule) -> Self {
        self.nonces = rule;
        self
    }

    /// Spends the refresh token before it demands a nonce, as some servers do.
    pub fn spends_before_it_asks(mut self) -> Self {
        self.spends_first = true;
        self
    }

    /// Sets the status with which a nonce is demanded: 400 (RFC 9449 section 8) or
    /// 401.
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Binds refresh tokens only: access tokens are of the type `Bearer`, as at
    /// Google.
    pub fn bearer_access(mut self) -> Self {
        self.binds_access = false;
        self
    }

    /// Binds the refresh tokens of clients that authenticate, too, as the reference
    /// server of atproto does.
    pub fn binds_all_clients(mut self) -> Self {
        self.binds_all = true;
        self
    }

    /// Ends the session if a proof is by another key than the one that its refresh
    /// tokens are bound to, as the reference server of atproto does. Either way the
    /// response is 400 `invalid_grant`.
    pub fn another_key_ends_the_session(mut self) -> Self {
        self.ends_sessions = true;
        self
    }
}

impl Default for FakeDpop {
    fn default() -> Self {
        Self::new()
    }
}

/// What is wrong with a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::fake) enum ProofError {
    Invalid(&'static str),
    /// It has not the nonce that it should have.
    Nonce,
}

/// The proofs that were seen, and the nonce.
pub(in crate::fake) struct Proofs {
    rule: NonceRule,
    seen: HashSet<String>,
    requests: u32,
}

impl Proofs {
    pub(in crate::fake) fn new(rule: &FakeDpop) -> Self {
        Self { rule: rule.nonces, seen: HashSet::new(), requests: 0 }
    }

    /// The nonce that the next proof must have.
    pub(in crate::fake) fn nonce(&self) -> Option<String> {
        match self.rule {
            NonceRule::Never => None,
            NonceRule::Always => Some("nonce-0".to_owned()),
            NonceRule::Rotating(after) => Some(format!("nonce-{}", self.requests / after.max(1))),
        }
    }

    /// Judges the proof of a request to `uri`, of which only path and, if it is
    /// known, host are compared. `token_hash` is what `ath` must be, as far as that can
    /// be computed. Returns the thumbprint of the key.
    pub(in crate::fake) fn judge(
        &mut self,
        proof: Option<&str>,
        method: &Method,
        uri: &Uri,
        token_hash: Option<Option<&str>>,
        now: SystemTime,
    ) -> Result<String, ProofError> {
        let expected = self.nonce();
        self.requests = self.requests.saturating_add(1);
        let wrong = |what| Err(ProofError::Invalid(what));
        let Some(proof) = proof else { return wrong("there is no proof") };
        let Some(proof) = DecodedJwt::parse(proof) else { return wrong("it is no JWT") };
        if proof.header("typ").and_then(Value::as_str) != Some("dpop+jwt") {
            return wrong("typ");
        }
        let Some(jwk) = proof.header("jwk").and_then(Value::as_object) else { return wrong("jwk") };
        let Some(thumbprint) = thumbprint(jwk) else { return wrong("jwk") };
        if jwk.contains_key("d") || !PublicKey::Jwk(jwk.clone()).has_signed(&proof) {
            return wrong("signature");
        }
        if proof.text("htm") != Some(method.as_str()) {
            return wrong("htm");
        }
        if !proof.text("htu").is_some_and(|htu| is_target(htu, uri)) {
            return wrong("htu");
        }
        let (made, now) = (proof.seconds("iat"), seconds(now));
        if made.is_none_or(|made| made.abs_diff(now) > 60 + LEEWAY) {
            return wrong("iat");
        }
        if let Some(hash) = token_hash {
            let shown = proof.text("ath");
            if shown.is_none() || hash.is_some_and(|hash| shown != Some(hash)) {
                return wrong("ath");
            }
        }
        if expected.is_some() && proof.text("nonce") != expected.as_deref() {
            return Err(ProofError::Nonce);
        }
        if !proof.text("jti").is_some_and(|jti| self.seen.insert(jti.to_owned())) {
            return wrong("jti");
        }
        Ok(thumbprint)
    }
}

/// Whether `htu` names the URL: without query and fragment (RFC 9449 section 4.2).
fn is_target(htu: &str, uri: &Uri) -> bool {
    let Ok(named) = htu.parse::<Uri>() else { return false };
    // Over a socket only the path is known.
    let same_host = uri.authority().is_none_or(|authority| named.authority() == Some(authority));
    same_host && named.query().is_none() && named.path() == uri.path()
}
