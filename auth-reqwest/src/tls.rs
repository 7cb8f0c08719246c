//! TLS: whom to trust, and whose cryptography.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use crate::BuildError;

/// Who may vouch for a server.
#[derive(Default)]
pub(crate) struct Roots {
    /// In PEM, as handed in.
    pub(crate) extra: Vec<Vec<u8>>,
    pub(crate) without_system: bool,
}

/// The protocols to offer, best first.
pub(crate) type Alpn = &'static [&'static [u8]];

pub(crate) fn config(roots: &Roots, alpn: Alpn) -> Result<ClientConfig, BuildError> {
    let provider = provider()?;
    let extra = certificates(&roots.extra)?;
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(BuildError::Tls)?;
    let builder = if roots.without_system {
        let mut store = RootCertStore::empty();
        for certificate in extra {
            store.add(certificate).map_err(BuildError::Tls)?;
        }
        builder.with_root_certificates(store)
    } else {
        let verifier = Verifier::new_with_extra_roots(extra, provider).map_err(BuildError::Tls)?;
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
    };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(config)
}

/// The program's own choice, if it made one.
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
