//! TLS: the trusted root certificates, and the crypto provider.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use crate::error::BuildError;

/// The root certificates to trust.
#[derive(Default)]
pub(crate) struct Roots {
    /// In PEM, as given to the builder.
    pub(crate) extra: Vec<Vec<u8>>,
    pub(crate) without_system: bool,
}

/// The protocols to offer in the TLS handshake, the preferred one first.
pub(crate) type Alpn = &'static [&'static [u8]];

pub(crate) fn config(roots: &Roots, alpn: Alpn) -> Result<ClientConfig, BuildError> {
    let provider = provider()?;
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
        let verifier = Verifier::new_with_extra_roots(extra, provider).map_err(BuildError::tls)?;
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
    };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(config)
}

/// The provider that the program installed, else ring.
fn provider() -> Result<Arc<CryptoProvider>, BuildError> {
    match CryptoProvider::get_default() {
        Some(provider) => Ok(provider.clone()),
        #[cfg(feature = "ring")]
        None => Ok(Arc::new(rustls::crypto::ring::default_provider())),
        #[cfg(not(feature = "ring"))]
        None => Err(BuildError::NoCryptoProvider),
    }
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
