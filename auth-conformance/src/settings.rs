//! The settings of the transport of a case.

use std::time::Duration;

/// How to set up the transport of one case.
///
/// A transport that lacks a setting ignores it, and its test excuses the cases that
/// need it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransportSettings {
    /// The time limit for making a connection, TLS included.
    pub connect_timeout: Duration,
    /// The time limit for the whole call, the body of the response included.
    pub timeout: Duration,
    /// A certificate in PEM to trust, in addition to those of the system or instead
    /// of them. `None` only in the case about an unknown authority.
    pub root_certificate_pem: Option<String>,
    /// The HTTP proxy to use for servers with TLS. It must not be used for a server
    /// without TLS, since it would see the refresh token. `None` means no proxy, also
    /// not one from the environment, since the servers are on loopback.
    pub proxy: Option<String>,
    /// Whether to speak HTTP/2 without TLS from the start (prior knowledge).
    pub http2_prior_knowledge: bool,
}

impl TransportSettings {
    /// With time enough that a busy machine does not decide the case.
    pub(super) fn patient() -> Self {
        Self {
            connect_timeout: Duration::from_secs(20),
            timeout: Duration::from_secs(20),
            root_certificate_pem: Some(fault_server::FaultServer::ca_pem()),
            proxy: None,
            http2_prior_knowledge: false,
        }
    }
}
