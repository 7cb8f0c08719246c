#![doc = include_str!("../docs/crate.md")]
#![cfg_attr(feature = "middleware", doc = include_str!("../docs/calls.md"))]

// The layers of this crate, lowest first. A module uses modules of its own line and of lines above it.
// layer: addresses attempt body clock error looking
// layer: cause connection proxy
// layer: transport
// layer: builder
// layer: calls -- requests to an API that carry a token
// layer: middleware
mod addresses;
mod attempt;
mod body;
mod builder;
#[cfg(feature = "middleware")]
mod calls;
mod cause;
mod clock;
mod connection;
mod error;
mod looking;
#[cfg(feature = "middleware")]
mod middleware;
mod proxy;
mod transport;

#[cfg(feature = "middleware")]
pub use auth_accounts;
pub use auth_core;
pub use auth_tls::{ClientCertificate, ClientCertificateError, ClientCertificateErrorKind};
pub use http;
pub use rustls;
pub use ureq;

pub use crate::{
    builder::UreqTransportBuilder, clock::SystemClock, error::BuildError, transport::UreqTransport,
};
#[cfg(feature = "middleware")]
pub use crate::{
    calls::{CallBody, SendError, send_with, send_with_calls},
    middleware::CallMiddleware,
};
