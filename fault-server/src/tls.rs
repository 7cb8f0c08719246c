//! A private certification authority for tests, one a process, and server
//! certificates of every kind under it.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use rustls::ServerConfig;

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod authority;
#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
mod no_authority;

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

/// The configuration of a server that presents `certificate`, made once. With
/// `http2` it takes part in the choice of a protocol (ALPN, RFC 7301).
pub(super) fn config(certificate: Certificate, http2: bool) -> io::Result<Arc<ServerConfig>> {
    static CONFIGS: [OnceLock<Result<Arc<ServerConfig>, String>>; 10] =
        [const { OnceLock::new() }; 10];
    let authority = authority()?;
    CONFIGS[2 * certificate as usize + usize::from(http2)]
        .get_or_init(|| {
            let alpn: &[&[u8]] = if http2 { &[b"h2", b"http/1.1"] } else { &[] };
            authority.config(certificate, alpn).map_err(|e| e.to_string())
        })
        .clone()
        .map_err(io::Error::other)
}
