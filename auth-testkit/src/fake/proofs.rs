//! What a server asks of proofs that a client makes anew for each request: client
//! assertions (RFC 7523) and DPoP (RFC 9449).

mod assertion;
mod dpop;
mod keys;

pub use self::dpop::{FakeDpop, NonceRule};
pub(super) use self::{
    assertion::{AssertionRule, Assertions, Audiences},
    dpop::{ProofError, Proofs},
    keys::{PublicKey, token_hash},
};

use std::time::{Duration, SystemTime};

/// How far the clocks of client and server may be apart.
const LEEWAY: u64 = 30;

/// Seconds since the Unix epoch.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}
