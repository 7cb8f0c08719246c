//! TLS: the trusted root certificates, and the crypto provider.

use std::sync::Arc;

use rustls::{
    RootCertStore,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::{error::BuildError, roots};

/// What TLS is set up with.
#[derive(Default)]
pub(crate) struct TlsSettings {
    pub(crate) roots: Roots,
    pub(crate) provider: Option<Arc<CryptoProvider>>,
}

/// The root certificates to trust.
#[derive(Default)]
pub(crate) struct Roots {
    /// In PEM, as given to the builder.
    pub(crate) extra: Vec<Vec<u8>>,
    pub(crate) without_system: bool,
}

pub(crate) fn config(settings: &TlsSettings) -> Result<TlsConfig, BuildError> {
    let provider = provider(settings.provider.clone())?;
    let wanted = &settings.roots;
    let mut trusted = certificates(&wanted.extra)?;
    let trust = if trusted.is_empty() && !wanted.without_system {
        // Elsewhere the system is asked.
        if cfg!(all(unix, not(target_os = "android"), not(target_vendor = "apple"))) {
            roots::check_environment()?;
        }
        // ureq makes its own verifier at the first request, too late to report
        // that the system has no certificates.
        Verifier::new(provider.clone()).map_err(BuildError::tls)?;
        RootCerts::PlatformVerifier
    } else {
        // ureq ignores roots that it cannot use.
        let mut store = RootCertStore::empty();
        for certificate in &trusted {
            store.add(certificate.clone()).map_err(BuildError::tls)?;
        }
        if !wanted.without_system {
            roots::check_environment()?;
            // Some may be unreadable. If one of them was needed, the server's
            // certificate does not verify, and the error says so.
            trusted.extend(rustls_native_certs::load_native_certs().certs);
        }
        trusted.iter().map(|der| Certificate::from_der(der).to_owned()).into()
    };
    Ok(TlsConfig::builder().root_certs(trust).unversioned_rustls_crypto_provider(provider).build())
}

/// The provider that was given, else the one that the program installed, else
/// that of our features. Never one that rustls would have to guess, for it panics
/// if it cannot; and none is installed for the rest of the program.
fn provider(given: Option<Arc<CryptoProvider>>) -> Result<Arc<CryptoProvider>, BuildError> {
    given
        .or_else(|| CryptoProvider::get_default().cloned())
        .or_else(of_our_features)
        .ok_or(BuildError::NoCryptoProvider)
}

fn of_our_features() -> Option<Arc<CryptoProvider>> {
    #[cfg(feature = "aws-lc-rs")]
    return Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return Some(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    return None;
}

fn certificates(pems: &[Vec<u8>]) -> Result<Vec<CertificateDer<'static>>, BuildError> {
    let mut certificates = Vec::new();
    for pem in pems {
        let before = certificates.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            certificates.push(certificate.map_err(|_| BuildError::Certificate)?);
        }
        if certificates.len() == before {
            return Err(BuildError::Certificate);
        }
    }
    Ok(certificates)
}
