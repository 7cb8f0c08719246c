//! What a case asks of the transport that it is handed.

use std::time::Duration;

/// How the transport of one case is to be set up. What a transport has no
/// setting for it may ignore, and excuse the cases that need it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// How long a connection may take to be made, TLS included.
    pub connect_timeout: Duration,
    /// How long the call may take in all, the response's body included.
    pub timeout: Duration,
    /// A certificate in PEM to trust beside, or in place of, the system's. Set
    /// in every case but the one about an authority that nobody knows.
    pub root_certificate_pem: Option<String>,
    /// The HTTP proxy to go through; but not for a server without TLS, since it
    /// would see the refresh token in clear. `None`: none, not even one that
    /// the environment names, for the servers are on loopback.
    pub proxy: Option<String>,
    /// Speak HTTP/2 at once, over plain TCP.
    pub http2_prior_knowledge: bool,
}

impl Settings {
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
