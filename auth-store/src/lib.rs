#![doc = include_str!("../docs/crate.md")]

// What `internal` shows of these is no interface.
#[allow(missing_docs, missing_debug_implementations)]
mod content;
#[allow(missing_docs, missing_debug_implementations)]
mod error;
mod events;
mod file_store;
mod json;
#[allow(missing_docs, missing_debug_implementations)]
mod lock;
mod names;
#[allow(missing_docs, missing_debug_implementations)]
mod sys;
#[allow(missing_docs, missing_debug_implementations)]
mod traits;

pub use crate::file_store::FileStore;

/// What `auth-store-agents` shares with this crate. It is no part of the
/// interface and changes with any version.
#[doc(hidden)]
pub mod internal {
    pub use crate::{
        content::{Content, MAX_SIZE},
        error::{FileError, Problem},
        events::left_out,
        json::{bounded, digest, hex, parse, parse_versioned, put_in_lines, revision},
        lock::{FileLock, Patience},
        sys::{Dir, Privacy},
        token_store,
        traits::{Files, lease, lease_blocking, off_thread},
    };
}
