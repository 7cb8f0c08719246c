//! Why a transport cannot be built.

use std::{error::Error, path::PathBuf};

use auth_tls::{ClientCertificateError, TlsError, text};

const NEEDS_SOCKS: &str = "SOCKS needs the feature \"socks\" of auth-ureq; use an http proxy";

const UNKNOWN_SCHEME: &str = if cfg!(feature = "socks") {
    "its scheme is not supported; use http, https, socks5h, socks5, socks4a or socks4"
} else {
    "its scheme is not supported; use http or https"
};

const SCHEMES: &str = if cfg!(feature = "socks") {
    "http, https, socks5h, socks5, socks4a and socks4 are"
} else {
    "http and https are, and with the feature \"socks\" of auth-ureq those of SOCKS"
};

/// A setting that cannot be used.
///
/// Sources are boxed, so that a new version of ureq or rustls changes
/// nothing here. Their types are not part of the interface.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The user agent contains characters that are not allowed in a header.
    #[error("{}", text::USER_AGENT)]
    UserAgent,
    /// The proxy's URL is not valid. It is not shown, since it may hold a password.
    #[error("{}", text::PROXY)]
    Proxy,
    /// The proxy speaks SOCKS, and this crate was built without its feature `socks`.
    #[error("a SOCKS proxy needs the feature \"socks\" of auth-ureq")]
    ProxyNeedsSocks,
    /// The scheme of the proxy's URL is not supported. Those of SOCKS are with the
    /// feature `socks`. It is not shown, since it may be a part of a password.
    #[error("the scheme of the proxy's URL is not supported; {SCHEMES}")]
    ProxyScheme,
    /// An environment variable names a proxy that cannot be used. Requests do
    /// not silently bypass it. Its value is not shown, since it may hold a
    /// password.
    #[error(
        "the proxy in {variable} cannot be used: {}, set NO_PROXY=*, \
         or call no_proxy() of the builder",
        match (needs_socks, unknown_scheme) {
            (true, _) => NEEDS_SOCKS,
            (_, true) => UNKNOWN_SCHEME,
            _ => "its URL is not valid; fix the variable",
        }
    )]
    #[non_exhaustive]
    ProxyVariable {
        /// The name of the variable.
        variable: &'static str,
        /// Whether it is a SOCKS proxy, and this crate was built without its feature
        /// `socks`.
        needs_socks: bool,
        /// Whether the scheme is not supported, not even with that feature.
        unknown_scheme: bool,
    },
    /// The root certificates are not valid PEM, or hold no certificate.
    #[error("{}", text::ROOT_CERTIFICATES)]
    Certificate,
    /// An environment variable names trusted roots, and none of what it names holds a
    /// certificate that can be used. Other roots are not silently trusted instead.
    #[error("{variable} names {path:?}, {}", text::HOLDS_NO_ROOT)]
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
    #[error("{}", text::TLS)]
    Tls(#[source] Box<dyn Error + Send + Sync>),
    /// There is no crypto provider: the builder was given none, the program
    /// installed none in rustls, and this crate was built without its features
    /// `aws-lc-rs` and `ring`.
    #[error("{}", text::NO_CRYPTO_PROVIDER)]
    NoCryptoProvider,
    /// The client certificate or its key cannot be used: a file cannot be read or is
    /// empty, there is no certificate or no key in it, the key is encrypted or of
    /// another kind, or does not belong to the certificate.
    #[error("{}", text::CLIENT_CERTIFICATE)]
    ClientCertificate(#[source] ClientCertificateError),
}

impl BuildError {
    pub(crate) fn tls(error: TlsError) -> Self {
        match error {
            TlsError::Roots => Self::Certificate,
            TlsError::RootsVariable { variable, path, source } => {
                Self::RootsVariable { variable, path, source }
            }
            TlsError::Rustls(error) => Self::Tls(error.into()),
            TlsError::NoCryptoProvider => Self::NoCryptoProvider,
            TlsError::ClientCertificate(error) => Self::ClientCertificate(error),
        }
    }
}
