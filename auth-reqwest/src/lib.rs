#![doc = include_str!("../docs/crate.md")]

// The layers of this crate, lowest first. A module uses modules of its own line and of lines above it.
// layer: body clock error http1
// layer: cause proxy
// layer: ours
// layer: transport
// layer: builder
mod body;
mod builder;
mod cause;
mod clock;
mod error;
mod http1;
mod ours;
mod proxy;
mod transport;

pub use auth_core;
pub use auth_tls::{ClientCertificate, ClientCertificateError, ClientCertificateErrorKind};
pub use http;
pub use reqwest;
pub use rustls;

pub use crate::{
    builder::ReqwestTransportBuilder, clock::TokioClock, error::BuildError,
    transport::ReqwestTransport,
};
