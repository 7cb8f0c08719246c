//! Events, through `tracing` with the feature of that name, and nothing
//! without it.

use std::path::Path;

#[cfg(feature = "tracing")]
pub(crate) fn left_out(file: &Path, reason: &str) {
    tracing::warn!(target: "auth_store", file = ?file, reason, "saved without extra");
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn left_out(_file: &Path, _reason: &str) {}
