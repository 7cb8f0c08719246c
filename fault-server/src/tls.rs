//! A private certification authority for tests, one a process, and server
//! certificates of every kind under it.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// The certificate that a [`FaultServer`](super::FaultServer) presents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Certificate {
    /// Valid for `localhost` and 127.0.0.1, and signed by the test authority. A
    /// client has to trust the certificate that
    /// [`FaultServer::ca_der`](super::FaultServer::ca_der) returns.
    #[default]
    Trusted,
    /// As [`Trusted`](Self::Trusted), but expired since the end of the year 2000.
    Expired,
    /// As [`Trusted`](Self::Trusted), but not valid before the year 3000.
    NotYetValid,
    /// For `localhost` and 127.0.0.1, but signed with its own key.
    SelfSigned,
    /// Signed by the test authority, but for `wrong.example`.
    WrongHost,
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Trusted => "valid",
            Self::Expired => "expired",
            Self::NotYetValid => "not yet valid",
            Self::SelfSigned => "self-signed",
            Self::WrongHost => "for another host",
        })
    }
}

/// The authority's certificate, DER and PEM.
#[derive(Debug)]
pub(super) struct Authority {
    pub(super) der: Vec<u8>,
    pub(super) pem: String,
    issuer: Issuer<'static, KeyPair>,
    /// One key serves all certificates; making one costs more than signing.
    key: KeyPair,
}

/// The authority of this process, made when it is first asked for.
pub(super) fn authority() -> io::Result<&'static Authority> {
    static AUTHORITY: OnceLock<Result<Authority, String>> = OnceLock::new();
    AUTHORITY
        .get_or_init(|| Authority::new().map_err(|error| error.to_string()))
        .as_ref()
        .map_err(|error| io::Error::other(format!("no test authority: {error}")))
}

/// The configuration of a server that presents `certificate`, made once.
pub(super) fn config(certificate: Certificate) -> io::Result<Arc<ServerConfig>> {
    static CONFIGS: [OnceLock<Result<Arc<ServerConfig>, String>>; 5] =
        [const { OnceLock::new() }; 5];
    let authority = authority()?;
    CONFIGS[certificate as usize]
        .get_or_init(|| authority.config(certificate).map_err(|e| e.to_string()))
        .clone()
        .map_err(io::Error::other)
}

impl Authority {
    fn new() -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "fault-server test authority");
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

    fn config(
        &self,
        certificate: Certificate,
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
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![signed.der().clone()], key)?;
        // Every handshake is a full one, so that a certificate is always
        // looked at; and nothing follows the handshake that no test asked for.
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        Ok(Arc::new(config))
    }
}
