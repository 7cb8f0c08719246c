//! What is known of the connections of one attempt when it fails.

use auth_core::TransportErrorKind as Kind;

use crate::{
    handshakes::Handshakes,
    refusal::{Connections, Refusal, refusal},
    tls::Tls,
};

/// What the transport was waiting for when the error occurred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The response's head, and everything before it.
    Head,
    /// The response's body.
    Body,
}

/// What is known of the connections of an attempt.
#[derive(Debug, Default)]
pub struct AttemptConnections {
    /// `None` for a client of the program's own.
    pub tls: Option<Tls>,
    /// What is seen of their handshakes.
    pub handshakes: Handshakes,
    /// Whether each serves one request, and no proxy speaks TLS with us.
    pub alone: bool,
}

impl AttemptConnections {
    /// What the server has against the client's certificate, if this is that.
    pub fn refusal(&self, error: &rustls::Error) -> Option<Refusal> {
        match &self.tls {
            Some(tls) => tls.refusal(error, &self.handshakes),
            None => refusal(error, Connections::Foreign),
        }
    }

    /// Why the server may have closed the connection without a word.
    pub fn suspicion(&self, kind: Kind, phase: Phase) -> Option<&'static str> {
        let closed = matches!(kind, Kind::TlsHandshake | Kind::Closed | Kind::Reset);
        let tls = self.tls.as_ref().filter(|_| closed && phase == Phase::Head)?;
        tls.suspicion(&self.handshakes)
    }

    /// Whether the server that refuses the client's certificate so has not read the
    /// request, however much of it was sent. If the connection had served before, the
    /// alert is no answer to the handshake; and that of a proxy says nothing of the server.
    pub fn proves_unread(&self, refusal: &Refusal, phase: Phase) -> bool {
        refusal.is_of_handshake && self.alone && phase == Phase::Head
    }
}
