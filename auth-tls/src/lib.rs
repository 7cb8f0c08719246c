#![doc = include_str!("../docs/crate.md")]

// The layers of this crate, lowest first. A module uses modules of its own line and of lines above it.
// layer: expiry handshakes text validity
// layer: error
// layer: pem provider roots
// layer: client_certificate
// layer: identity
// layer: refusal
// layer: tls
// layer: attempt
mod attempt;
mod client_certificate;
mod error;
mod expiry;
mod handshakes;
mod identity;
mod pem;
mod provider;
mod refusal;
#[cfg(all(unix, not(target_os = "android"), not(target_vendor = "apple")))]
mod roots;
#[doc(hidden)]
pub mod text;
mod tls;
mod validity;

#[doc(hidden)]
pub use crate::{
    attempt::{AttemptConnections, Phase},
    error::TlsError,
    handshakes::Handshakes,
    refusal::{Connections, Refusal, alert, refusal},
    tls::{Current, Tls, TlsSettings},
    validity::judge,
};
pub use crate::{
    client_certificate::ClientCertificate,
    error::{ClientCertificateError, ClientCertificateErrorKind},
};
