#![doc = include_str!("../docs/crate.md")]

// The layers of this crate, lowest first. A module uses modules of its own line and of lines above it.
// layer: body clock error http1
// layer: cause proxy
// layer: ours
// layer: transport
// layer: builder
// layer: redirects -- calls of an API, over clients of others
// layer: adapted
// layer: send
// layer: middleware
#[cfg(feature = "send")]
mod adapted;
mod body;
mod builder;
mod cause;
mod clock;
mod error;
mod http1;
#[cfg(feature = "middleware")]
mod middleware;
mod ours;
mod proxy;
#[cfg(feature = "send")]
mod redirects;
#[cfg(feature = "send")]
mod send;
mod transport;

#[cfg(feature = "send")]
pub use auth_accounts;
pub use auth_core;
pub use auth_tls::{ClientCertificate, ClientCertificateError, ClientCertificateErrorKind};
pub use http;
pub use reqwest;
#[cfg(feature = "middleware")]
pub use reqwest_middleware;
pub use rustls;

#[cfg(feature = "middleware")]
pub use crate::middleware::CallMiddleware;
#[cfg(feature = "send")]
pub use crate::{
    adapted::IntoRequest,
    redirects::redirects,
    send::{SendError, attach, send, send_with_calls},
};
pub use crate::{
    builder::ReqwestTransportBuilder, clock::TokioClock, error::BuildError,
    transport::ReqwestTransport,
};
