//! Durable stores.

#[cfg(feature = "file")]
mod error;
#[cfg(feature = "file")]
mod file_store;
#[cfg(feature = "file")]
mod import;
#[cfg(feature = "file")]
mod json;
#[cfg(feature = "file")]
mod lock;
#[cfg(feature = "file")]
mod names;
#[cfg(feature = "file")]
mod sys;
#[cfg(feature = "file")]
mod traits;

#[cfg(feature = "file")]
pub use crate::{
    file_store::FileStore,
    import::{ClaudeCredentials, CodexAuth},
};
