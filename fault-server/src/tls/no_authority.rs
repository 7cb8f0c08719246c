//! What there is without a crypto provider: no authority.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;

use super::{Certificate, ClientIdentity, ClientIdentityKind, Manner};

/// Cannot be made.
#[derive(Debug)]
pub(crate) struct Authority {
    pub(crate) der: Vec<u8>,
    pub(crate) pem: String,
}

impl Authority {
    pub(super) fn new() -> io::Result<Self> {
        Err(io::Error::other("TLS needs the feature `aws-lc-rs` or `ring` of fault-server"))
    }

    pub(super) fn config(&self, _: Certificate, _: Manner) -> io::Result<Arc<ServerConfig>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn client(&self, _: ClientIdentityKind) -> io::Result<ClientIdentity> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
