//! What must hold for every input, whoever wrote it.
//!
//! Each function takes one input and panics if a property does not hold. The
//! fuzz targets call them with what libFuzzer comes up with; the test
//! `tests/replay.rs` with every file of the corpus and with every input that
//! once broke a property, on any toolchain.

// A property that does not hold is reported by a panic.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod credential_file;
mod input;
mod key;
mod nonces;
mod policy;
mod reader;
mod record;
mod refresh;
mod response;
mod retry_after;
mod seeds;
mod step_up;
mod store_file;
mod stored;
mod token_set;
mod told;
mod verdict;

pub use self::{
    credential_file::credential_file,
    key::{Read, key},
    nonces::nonces,
    policy::policy,
    reader::reader,
    record::record,
    refresh::refresh,
    response::response,
    retry_after::retry_after,
    seeds::{Documented, responses},
    step_up::step_up,
    store_file::{Outcome, store_file},
    token_set::token_set,
    verdict::{bounded, judged_within_reason},
};

use std::time::{Duration, Instant, SystemTime};

use auth_core::Now;

/// One moment for all, so that a run can be repeated: 2027-01-15T08:00:00Z.
fn now() -> Now {
    Now {
        monotonic: Instant::now(),
        wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
    }
}
