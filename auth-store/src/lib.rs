#![cfg_attr(feature = "file", doc = include_str!("../docs/crate.md"))]
#![cfg_attr(
    not(feature = "file"),
    doc = "Durable stores for [`auth_accounts`]; there is none without the feature `file`."
)]

#[cfg(feature = "file")]
mod content;
#[cfg(feature = "file")]
mod error;
#[cfg(feature = "file")]
mod events;
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
