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

/// Reports that a damaged record was moved aside.
#[cfg(feature = "tracing")]
pub fn moved_aside(file: &Path, to: &Path) {
    tracing::warn!(target: "auth_store", ?file, ?to, "a damaged record was moved aside");
}

/// Reports that a damaged record was moved aside.
#[cfg(not(feature = "tracing"))]
pub fn moved_aside(_file: &Path, _to: &Path) {}

/// Reports a file that has the name of a record, and of which cannot be told
/// whose it is.
#[cfg(feature = "tracing")]
pub(crate) fn nobodys_record(file: &Path) {
    tracing::warn!(target: "auth_store", file = ?file, "a record without an account is not listed");
}

/// Reports a file that has the name of a record, and of which cannot be told
/// whose it is.
#[cfg(not(feature = "tracing"))]
pub(crate) fn nobodys_record(_file: &Path) {}

/// Reports what was open to its group, which has the number `group`, and was made
/// private again: a file, or a directory with so many of its files.
#[cfg(feature = "tracing")]
#[cfg_attr(not(unix), allow(dead_code, reason = "modes are Unix's"))]
pub(crate) fn made_private(file: &Path, mode: u32, group: u32, files: u64) {
    tracing::warn!(
        target: "auth_store", file = ?file, mode = %format_args!("{mode:04o}"), group, files,
        "open to its group, which may have read the tokens; made private again"
    );
}

/// Reports what was open to its group, which has the number `group`, and was made
/// private again: a file, or a directory with so many of its files.
#[cfg(not(feature = "tracing"))]
#[cfg_attr(not(unix), allow(dead_code, reason = "modes are Unix's"))]
pub(crate) fn made_private(_file: &Path, _mode: u32, _group: u32, _files: u64) {}
