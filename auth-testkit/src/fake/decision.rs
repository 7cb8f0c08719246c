//! What the model decides about a request, before it is put into words.

use std::time::Duration;

/// The decision about one request.
#[derive(Debug, Clone)]
pub(super) enum ModelDecision {
    Issued {
        access: String,
        refresh: Option<String>,
        lifetime: Duration,
        scope: Option<String>,
        /// Whether these tokens were given before.
        again: bool,
    },
    /// There never was such a refresh token.
    Unknown,
    Expired,
    Revoked,
    Reused,
    /// The refresh token is bound to another key than that of the proof.
    OtherKey,
    /// What is wrong with the assertion, if one is required.
    InvalidClient(Option<&'static str>),
    InvalidScope,
    UnsupportedGrantType,
    InvalidRequest(&'static str),
    /// What is wrong with an authorization code, or with how it is traded.
    BadCode(&'static str),
    /// The proof has not the nonce that it should have.
    UseDpopNonce,
    /// What is wrong with the proof.
    InvalidDpopProof(&'static str),
    Throttled(Duration),
}
