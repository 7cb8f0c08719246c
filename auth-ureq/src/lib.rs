#![doc = include_str!("../docs/crate.md")]

// The layers of this crate, lowest first. A module uses modules of its own line and of lines above it.
// layer: addresses attempt body clock error looking
// layer: cause connection proxy
// layer: transport
// layer: builder
mod addresses;
mod attempt;
mod body;
mod builder;
mod cause;
mod clock;
mod connection;
mod error;
mod looking;
mod proxy;
mod transport;

pub use auth_core;
pub use auth_tls::{ClientCertificate, ClientCertificateError, ClientCertificateErrorKind};
pub use http;
pub use rustls;
pub use ureq;

pub use crate::{
    builder::UreqTransportBuilder, clock::SystemClock, error::BuildError, transport::UreqTransport,
};
