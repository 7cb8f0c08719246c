#![doc = include_str!("../docs/crate.md")]

// The layers of this crate, lowest first. A module uses modules of its own line and of lines above it.
// layer: body certificate clock error http1
// layer: cause proxy roots
// layer: tls
// layer: transport
// layer: builder
mod body;
mod builder;
mod cause;
mod certificate;
mod clock;
mod error;
mod http1;
mod proxy;
#[cfg(all(unix, not(target_os = "android"), not(target_vendor = "apple")))]
mod roots;
mod tls;
mod transport;

pub use auth_core;
pub use http;
pub use reqwest;
pub use rustls;

pub use crate::{
    builder::ReqwestTransportBuilder, clock::TokioClock, error::BuildError,
    transport::ReqwestTransport,
};
