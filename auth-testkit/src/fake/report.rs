//! What happened, in numbers.

use std::time::Duration;

/// What a [`FakeAuthServer`](super::FakeAuthServer) has seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerReport {
    /// Requests, those included that a fault kept from arriving.
    pub requests: usize,
    /// Responses with new access tokens, whether or not they arrived.
    pub issued: usize,
    /// Responses that repeated tokens within the grace period.
    pub repeats: usize,
    /// Responses with tokens that were lost.
    pub lost_responses: usize,
    /// Requests that a fault ended before the server processed them.
    pub faults_before: usize,
    /// Requests refused because the refresh token is unknown, expired, revoked or
    /// spent.
    pub rejected: usize,
    /// Requests to the revocation endpoint that were responded to with 200, be the
    /// token known or not.
    pub revoked: usize,
    /// Requests refused by the rate limit.
    pub throttled: usize,
    /// Requests refused for another reason: client authentication, format, grant
    /// type, scope or authorization code.
    pub refused: usize,
    /// Requests whose proof had not the nonce that it should have: `use_dpop_nonce`.
    pub nonces_demanded: usize,
    /// Codes that the authorization endpoint gave. What else it said is not counted.
    pub authorized: usize,
    /// Every use of a spent refresh token.
    pub replays: Vec<Replay>,
    /// Every family that was revoked.
    pub revocations: Vec<Revocation>,
}

impl ServerReport {
    /// The uses of a spent refresh token that the client could have avoided.
    pub fn avoidable_replays(&self) -> impl Iterator<Item = &Replay> {
        self.replays.iter().filter(|replay| replay.knowledge != Knowledge::ResponseLost)
    }
}

/// A spent refresh token that was used again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replay {
    /// When, since the start of the server.
    pub at: Duration,
    /// The subject of the session.
    pub subject: String,
    /// The number of the token in its family; 1 is the one from the login.
    pub generation: usize,
    /// What the client could have known.
    pub knowledge: Knowledge,
    /// Whether it was within the grace period.
    pub forgiven: bool,
}

/// What a client could have known of the request that spent a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Knowledge {
    /// The response was delivered whole. A client that lives has the successor; one that
    /// was killed before it could save it is not to blame.
    Told,
    /// The response was still under way when the token was sent a second time.
    UnderWay,
    /// The response was lost, or the caller had given up. The client could not
    /// know.
    ResponseLost,
}

/// A family of refresh tokens that was revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revocation {
    /// When, since the start of the server.
    pub at: Duration,
    /// The subject of the session.
    pub subject: String,
    /// The reason.
    pub because: RevokedBecause,
}

/// Why a family was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevokedBecause {
    /// A spent token was used again.
    Reuse,
    /// By [`FakeAuthServer::revoke`](super::FakeAuthServer::revoke).
    ByHand,
    /// By a client, at the revocation endpoint.
    Asked,
    /// The authorization code that the login began with was used again.
    CodeReuse,
    /// A request was proved by another key than the one that the tokens are bound to.
    OtherKey,
}
