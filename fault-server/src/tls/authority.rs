//! The authority, with the crypto provider that a feature names.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
#[cfg(feature = "aws-lc-rs")]
use rustls::crypto::aws_lc_rs::default_provider as provider;
#[cfg(not(feature = "aws-lc-rs"))]
use rustls::crypto::ring::default_provider as provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS12;
use rustls::{RootCertStore, ServerConfig};

use super::{Certificate, ClientCertificates, ClientIdentity, ClientIdentityKind, Manner};

/// The authority's certificate, DER and PEM.
#[derive(Debug)]
pub(crate) struct Authority {
    pub(crate) der: Vec<u8>,
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
    /// One key serves all certificates; making one costs more than signing.
    key: KeyPair,
}

impl Authority {
    pub(super) fn new() -> Result<Self, rcgen::Error> {
        Self::named("fault-server test authority")
    }

    fn named(name: &str) -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            der: certificate.der().to_vec(),
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
            key: KeyPair::generate()?,
        })
    }

    pub(super) fn config(
        &self,
        certificate: Certificate,
        manner: Manner,
    ) -> Result<Arc<ServerConfig>, Box<dyn std::error::Error>> {
        let names: &[&str] = match certificate {
            Certificate::WrongHost => &["wrong.example"],
            _ => &["localhost", "127.0.0.1"],
        };
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, "fault-server test server");
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        match certificate {
            Certificate::Expired => params.not_after = date_time_ymd(2001, 1, 1),
            Certificate::NotYetValid => params.not_before = date_time_ymd(3000, 1, 1),
            _ => {}
        }
        let signed = match certificate {
            Certificate::SelfSigned => params.self_signed(&self.key)?,
            _ => params.signed_by(&self.key, &self.issuer)?,
        };
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let provider = Arc::new(provider());
        let versions = if manner.tls12 { &[&TLS12][..] } else { rustls::ALL_VERSIONS };
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)?;
        let builder = match manner.clients {
            ClientCertificates::NotAsked => builder.with_no_client_auth(),
            asks => {
                let mut roots = RootCertStore::empty();
                roots.add(CertificateDer::from(self.der.clone()))?;
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                let verifier = match asks {
                    ClientCertificates::Required => verifier,
                    _ => verifier.allow_unauthenticated(),
                };
                builder.with_client_cert_verifier(verifier.build()?)
            }
        };
        let mut config = builder.with_single_cert(vec![signed.der().clone()], key)?;
        // Every handshake is a full one, so that a certificate is always
        // looked at; and nothing follows the handshake that no test asked for.
        config.send_tls13_tickets = 0;
        // For alerts of ours.
        config.enable_secret_extraction = true;
        let alpn: &[&[u8]] = if manner.http2 { &[b"h2", b"http/1.1"] } else { &[] };
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        Ok(Arc::new(config))
    }

    pub(crate) fn client(&self, kind: ClientIdentityKind) -> Result<ClientIdentity, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "fault-server test client");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        if kind == ClientIdentityKind::Expired {
            params.not_after = date_time_ymd(2001, 1, 1);
        }
        let key = KeyPair::generate()?;
        let signed = match kind {
            ClientIdentityKind::UnknownAuthority => {
                params.signed_by(&key, &Self::named("another test authority")?.issuer)?
            }
            _ => params.signed_by(&key, &self.issuer)?,
        };
        Ok(ClientIdentity {
            certificate_pem: signed.pem(),
            key_pem: key.serialize_pem(),
            der: signed.der().to_vec(),
        })
    }
}
