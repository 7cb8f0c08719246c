//! Properties that hold for any input: of reading responses, of requests and
//! tokens, and of the policies.

// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used)]

mod echoes;
mod policies;
mod proofs;
mod requests;
mod responses;
mod strategies;

use std::time::{Duration, Instant, SystemTime};

use auth_core::Now;

fn now() -> Now {
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    Now { monotonic: Instant::now(), wall }
}
