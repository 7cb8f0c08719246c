use serde_json::json;

use super::{Issuer, authority, leaf};
use crate::child::{NodeProgram, port};

/// Ends TLS before a server on loopback, and tells it of the client's
/// certificate, as nginx does for servers that take mutual TLS (RFC 8705).
pub(crate) struct TlsFront {
    _program: NodeProgram,
    port: u16,
    issuer: Issuer,
}

impl TlsFront {
    pub(crate) fn before(upstream: u16) -> Self {
        let issuer = authority();
        let (cert, key) = leaf(&issuer, "localhost", (2020, 2120));
        let settings =
            json!({ "ca": issuer.pem(), "cert": cert, "key": key, "upstream": upstream });
        let (program, ready) = NodeProgram::start("tls_front.mjs", &[settings.to_string()]);
        Self { _program: program, port: port(&ready["port"]), issuer }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}/token", self.port)
    }

    /// The certificate of the authority that its own and the clients' come from.
    pub(crate) fn root_pem(&self) -> String {
        self.issuer.pem()
    }

    /// A new certificate for a client of this name, and its key, in PEM.
    pub(crate) fn issue(&self, name: &str) -> (String, String) {
        leaf(&self.issuer, name, (2020, 2120))
    }
}
