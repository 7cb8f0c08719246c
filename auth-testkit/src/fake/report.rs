//! What went on, in numbers.

use std::time::Duration;

/// What a [`FakeAuthServer`](super::FakeAuthServer) has seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerReport {
    /// Requests that arrived, and those that a fault kept from arriving.
    pub requests: usize,
    /// Responses with new access tokens, whether or not they arrived.
    pub issued: usize,
    /// The same tokens given once more, within the grace period.
    pub repeats: usize,
    /// Responses with tokens that were lost.
    pub lost_responses: usize,
    /// Requests that a fault ended before anything was done about them.
    pub faults_before: usize,
    /// Requests refused since the refresh token is dead or unknown.
    pub rejected: usize,
    /// Requests refused by the rate limit.
    pub throttled: usize,
    /// Requests refused for another reason: the client, the format, the grant
    /// type, the scope.
    pub refused: usize,
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
    /// When, counted from the server's start.
    pub at: Duration,
    /// Whose session it is.
    pub subject: String,
    /// Which token of its family: 1 is the one from the login.
    pub generation: usize,
    /// What the client can have known.
    pub knowledge: Knowledge,
    /// Whether the grace period forgave it.
    pub forgiven: bool,
}

/// What a client can have known of the exchange that spent a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Knowledge {
    /// The response was delivered: it had the successor.
    Told,
    /// The response was still on its way: somebody sent the token a second time
    /// meanwhile.
    UnderWay,
    /// The response was lost, or the caller had given up: nobody could know.
    ResponseLost,
}

/// A family of refresh tokens that was revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revocation {
    /// When, counted from the server's start.
    pub at: Duration,
    /// Whose session it was.
    pub subject: String,
    /// Why.
    pub because: RevokedBecause,
}

/// Why a family was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevokedBecause {
    /// A spent token was used again.
    Reuse,
    /// [`FakeAuthServer::revoke`](super::FakeAuthServer::revoke).
    ByHand,
}
