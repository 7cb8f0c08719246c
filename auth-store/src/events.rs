//! Events, through `tracing` with the feature of that name, and nothing
//! without it.

use std::path::Path;

/// Says that a record was saved without `extra`.
#[cfg(feature = "tracing")]
pub fn left_out(file: &Path, reason: &str) {
    tracing::warn!(target: "auth_store", file = ?file, reason, "saved without extra");
}

/// Says that a record was saved without `extra`.
#[cfg(not(feature = "tracing"))]
pub fn left_out(_file: &Path, _reason: &str) {}
