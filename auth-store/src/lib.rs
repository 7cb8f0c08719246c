#![doc = include_str!("../docs/crate.md")]

// The layers of this crate, lowest first. A module uses modules of its own line and of lines above it.
// layer: error events
// layer: json sys environment
// layer: content in_place lock names
// layer: files
// layer: internal
// layer: token_store -- a macro over what is in `internal`
// layer: file_store

// `pub` items of these modules are reached through `internal` only, which is no
// part of the interface.
#[allow(missing_docs, missing_debug_implementations)]
mod content;
mod environment;
#[allow(missing_docs, missing_debug_implementations)]
mod error;
mod events;
mod file_store;
#[allow(missing_docs, missing_debug_implementations)]
mod files;
#[allow(missing_docs, missing_debug_implementations)]
mod in_place;
mod json;
#[allow(missing_docs, missing_debug_implementations)]
mod lock;
mod names;
#[allow(missing_docs, missing_debug_implementations)]
mod sys;
mod token_store;

pub use auth_accounts;

pub use crate::file_store::FileStore;

/// What `auth-store-agents` shares with this crate. It is no part of the
/// interface and may change in any version.
#[doc(hidden)]
pub mod internal {
    /// What `token_store!` expands to needs these.
    pub use async_trait::async_trait;
    pub use auth_accounts::internal::{Key, OffThread};

    #[cfg(unix)]
    pub use crate::sys::this_user;
    pub use crate::{
        __token_store as token_store,
        content::{Content, MAX_SIZE},
        environment::{absolute, home_directory, named_by},
        error::{FileError, Problem},
        events::{extra_left_out, moved_aside},
        files::{Files, Held, extend, extend_blocking, lease, lease_blocking, off_thread},
        in_place::{Pending, Side, finish, is_marked, read_whole, write_in_place},
        lock::{FileLock, Patience},
        sys::{BareLock, Dir, Modes, Privacy},
    };

    /// JSON that holds secrets.
    pub mod json {
        pub use crate::json::{
            bounded, digest, hex, is_blank, parse, parse_versioned, put_in_lines, revision,
            without_mark,
        };
    }
}
