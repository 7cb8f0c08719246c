//! A private certification authority for tests, one a process, and server
//! certificates of every kind under it.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::ServerConfig;

mod alert;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod authority;
#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
mod no_authority;

pub(super) use self::alert::alert;
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub(super) use self::authority::Authority;
#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
pub(super) use self::no_authority::Authority;

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

/// Whether a [`FaultServer`](super::FaultServer) asks for a certificate of the client
/// in the TLS handshake (mutual TLS).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientCertificates {
    /// It does not ask.
    #[default]
    NotAsked,
    /// It asks, and serves clients that show none. One that does not verify is refused.
    Wanted,
    /// It asks, and refuses clients that show none.
    Required,
}

/// Which certificate a client gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientIdentityKind {
    /// Signed by the test authority.
    #[default]
    Trusted,
    /// As [`Trusted`](Self::Trusted), but expired since the end of the year 2000.
    Expired,
    /// Signed by an authority that no server knows.
    UnknownAuthority,
}

/// A certificate of a client, and its key. Each has a key of its own.
///
/// `Debug` does not show the key.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientIdentity {
    /// The certificate, in PEM.
    pub certificate_pem: String,
    /// The key as PKCS#8, in PEM.
    pub key_pem: String,
    /// The certificate in DER, as in
    /// [`ReceivedConnection::client_certificate`](super::ReceivedConnection::client_certificate).
    pub der: Vec<u8>,
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIdentity")
            .field("certificate_pem", &self.certificate_pem)
            .finish_non_exhaustive()
    }
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

/// The authority of this process, made when it is first asked for.
pub(super) fn authority() -> io::Result<&'static Authority> {
    static AUTHORITY: OnceLock<Result<Authority, String>> = OnceLock::new();
    AUTHORITY
        .get_or_init(|| Authority::new().map_err(|error| error.to_string()))
        .as_ref()
        .map_err(|error| io::Error::other(format!("no test authority: {error}")))
}

/// How a server over TLS speaks, besides its certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Manner {
    /// Whether it takes part in the choice of a protocol (ALPN, RFC 7301).
    pub(super) http2: bool,
    /// Whether it speaks nothing newer than TLS 1.2.
    pub(super) tls12: bool,
    pub(super) clients: ClientCertificates,
    /// Whether it resets a connection whose handshake has failed.
    pub(super) abrupt: bool,
}

/// The configuration of a server that presents `certificate`, made once.
pub(super) fn config(certificate: Certificate, manner: Manner) -> io::Result<Arc<ServerConfig>> {
    type Made = (Certificate, Manner, Arc<ServerConfig>);
    static MADE: Mutex<Vec<Made>> = Mutex::new(Vec::new());
    let authority = authority()?;
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((.., config)) = made.iter().find(|made| (made.0, made.1) == (certificate, manner)) {
        return Ok(Arc::clone(config));
    }
    let config = authority.config(certificate, manner);
    let config = config.map_err(|error| io::Error::other(error.to_string()))?;
    made.push((certificate, manner, Arc::clone(&config)));
    Ok(config)
}
