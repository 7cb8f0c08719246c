#![doc = include_str!("../docs/crate.md")]

// The layers of this crate, lowest first. A module uses modules of its own line and of lines above it.
// layer: again base box_errors settle
// layer: future
// layer: layer
// layer: reqwest_service grpc
mod again;
mod base;
mod box_errors;
mod future;
#[cfg(feature = "tonic")]
pub mod grpc;
mod layer;
#[cfg(feature = "reqwest")]
mod reqwest_service;
mod settle;

/// Its types appear in this crate's API.
pub use auth_accounts;
/// Its types appear in this crate's API.
pub use http;
/// Its types appear in this crate's API.
#[cfg(feature = "reqwest")]
pub use reqwest;
/// Its types appear in this crate's API.
#[cfg(feature = "tonic")]
pub use tonic;

#[cfg(feature = "reqwest")]
pub use crate::reqwest_service::{ReqwestFuture, ReqwestService};
pub use crate::{
    again::{AttachOnly, SendAgain, SendAgainWith},
    base::UnnamedOrigin,
    box_errors::{BoxError, BoxErrors, BoxErrorsFuture},
    future::CallFuture,
    layer::{BoxFuture, CallLayer, CallService},
};
