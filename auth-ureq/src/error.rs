//! Why a transport cannot be built.

use std::{error::Error, path::PathBuf};

/// A setting that cannot be used.
///
/// Sources are boxed, so that a new version of ureq or rustls changes
/// nothing here. Their types are not part of the interface.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The user agent contains characters that are not allowed in a header.
    #[error("the user agent contains characters that are not allowed in a header")]
    UserAgent,
    /// The proxy's URL is not valid, or has a scheme that is not supported; those
    /// of SOCKS are with the feature `socks`. The URL is not shown, since it may
    /// hold a password.
    #[error("the proxy's URL is not valid, or not supported (SOCKS needs the feature \"socks\")")]
    Proxy,
    /// An environment variable names a proxy that cannot be used. Requests do
    /// not silently bypass it. Its value is not shown, since it may hold a
    /// password.
    #[error(
        "the proxy in {variable} cannot be used{}; fix the variable, or build with no_proxy()",
        if *needs_socks { ": SOCKS needs the feature \"socks\"" } else { "" }
    )]
    #[non_exhaustive]
    ProxyVariable {
        /// The name of the variable.
        variable: &'static str,
        /// Whether it is a SOCKS proxy, and this crate was built without its feature
        /// `socks`.
        needs_socks: bool,
    },
    /// The root certificates are not valid PEM, or hold no certificate.
    #[error("the root certificates are not valid PEM, or hold no certificate")]
    Certificate,
    /// An environment variable names trusted roots, and none of what it names holds a
    /// certificate that can be used. Other roots are not silently trusted instead.
    #[error(
        "{variable} names {path:?}, which holds no certificate that can be used; \
         fix the variable or unset it"
    )]
    #[non_exhaustive]
    RootsVariable {
        /// The name of the variable.
        variable: &'static str,
        /// The file, or the first of the directories.
        path: PathBuf,
        /// Why it cannot be read, if that is the reason.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// TLS cannot be set up: the system has no trusted certificates, or rustls
    /// cannot use a root certificate.
    #[error("TLS cannot be set up")]
    Tls(#[source] Box<dyn Error + Send + Sync>),
    /// There is no crypto provider: the builder was given none, the program
    /// installed none in rustls, and this crate was built without its features
    /// `aws-lc-rs` and `ring`.
    #[error(
        "no crypto provider: use the feature \"aws-lc-rs\" or \"ring\", \
         give one to the builder, or install one in rustls"
    )]
    NoCryptoProvider,
}

impl BuildError {
    pub(crate) fn tls(error: rustls::Error) -> Self {
        Self::Tls(error.into())
    }
}
