#![doc = include_str!("../docs/crate.md")]

// The layers of this crate, lowest first. A module uses modules of its own line and of lines above it.
// layer: attempt body cause clock error
// layer: connection proxy tls
// layer: transport
// layer: builder
mod attempt;
mod body;
mod builder;
mod cause;
mod clock;
mod connection;
mod error;
mod proxy;
mod tls;
mod transport;

pub use auth_core;
pub use http;
pub use rustls;
pub use ureq;

pub use crate::{
    builder::UreqTransportBuilder, clock::SystemClock, error::BuildError, transport::UreqTransport,
};
