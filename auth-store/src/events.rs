//! Events, which go to `tracing` with the feature of that name, and nowhere
//! without it.

use std::path::Path;

/// Reports that a record was saved without its `extra`.
#[cfg(feature = "tracing")]
pub fn extra_left_out(file: &Path, reason: &str) {
    tracing::warn!(target: "auth_store", file = ?file, reason, "saved without extra");
}

/// Reports that a record was saved without its `extra`.
#[cfg(not(feature = "tracing"))]
pub fn extra_left_out(_file: &Path, _reason: &str) {}
