//! TLS: the trusted root certificates, and the crypto provider.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use crate::error::BuildError;

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

/// The protocols to offer in the TLS handshake, the preferred one first.
pub(crate) type Alpn = &'static [&'static [u8]];

pub(crate) fn config(settings: &TlsSettings, alpn: Alpn) -> Result<ClientConfig, BuildError> {
    let provider = provider(settings.provider.clone())?;
    let roots = &settings.roots;
    let extra = certificates(&roots.extra)?;
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(BuildError::tls)?;
    let builder = if roots.without_system {
        let mut store = RootCertStore::empty();
        for certificate in extra {
            store.add(certificate).map_err(BuildError::tls)?;
        }
        builder.with_root_certificates(store)
    } else {
        #[cfg(all(unix, not(target_os = "android"), not(target_vendor = "apple")))]
        crate::roots::check_environment()?;
        let verifier = Verifier::new_with_extra_roots(extra, provider).map_err(BuildError::tls)?;
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
    };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(config)
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
