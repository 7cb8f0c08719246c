//! What arrived at the server.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, Method, Version};

/// A request as it arrived, perhaps only in part.
///
/// `Debug` shows no body, no query, and no credentials, so that a failed test
/// does not print a token.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// The number of the connection it came over, from 0; an index into
    /// [`FaultServer::connections`](super::FaultServer::connections).
    pub connection: usize,
    /// When its header section was complete, counted from the server's start.
    pub arrived: Duration,
    /// HTTP/1.0, HTTP/1.1 or HTTP/2.
    pub version: Version,
    /// The method.
    pub method: Method,
    /// The target as sent: a path with its query for most, an absolute URL or
    /// an authority for what is meant for a proxy. Over HTTP/2 the `:path`, or
    /// the `:authority` of a CONNECT.
    pub target: String,
    /// The header fields. Over HTTP/2 `:authority` is found as `host`.
    pub headers: HeaderMap,
    /// The body so far, without the framing of chunks.
    pub body: Vec<u8>,
    /// Whether the whole body arrived.
    pub complete: bool,
    /// What the server did about it, in words; empty until it is decided.
    pub behaviour: String,
    /// No entry of the script was left for it.
    pub unexpected: bool,
}

/// A connection that was accepted, and everything that arrived over it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedConnection {
    /// When it was accepted, counted from the server's start.
    pub arrived: Duration,
    /// How far TLS came.
    pub handshake: Handshake,
    /// Every byte that arrived, decrypted where TLS is spoken.
    pub bytes: Vec<u8>,
    /// The requests in those bytes, in order.
    pub requests: Vec<ReceivedRequest>,
    /// What the server did about the connection before any request, in words;
    /// empty if nothing.
    pub behaviour: String,
    /// Why the bytes could not be understood, or not be answered as scripted.
    pub problem: Option<String>,
}

/// How far a TLS handshake came, as the server saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Handshake {
    /// The server does not speak TLS.
    Plain,
    /// TLS was or is to be spoken, and the handshake is not over.
    Unfinished,
    /// The client accepted the certificate.
    Done,
    /// It failed; the text tells the alert that the client sent.
    Failed(String),
}

impl ReceivedRequest {
    pub(super) fn new(
        connection: usize,
        version: Version,
        method: Method,
        target: String,
        headers: HeaderMap,
    ) -> Self {
        Self {
            connection,
            arrived: Duration::ZERO,
            version,
            method,
            target,
            headers,
            body: Vec::new(),
            complete: false,
            behaviour: String::new(),
            unexpected: false,
        }
    }

    /// The body as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl fmt::Debug for ReceivedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivedRequest")
            .field("connection", &self.connection)
            .field("arrived", &self.arrived)
            .field("version", &self.version)
            .field("method", &self.method)
            .field("target", &without_query(&self.target))
            .field("headers", &self.headers)
            .field("body", &format_args!("[{} bytes]", self.body.len()))
            .field("complete", &self.complete)
            .field("behaviour", &self.behaviour)
            .field("unexpected", &self.unexpected)
            .finish()
    }
}

impl fmt::Debug for ReceivedConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivedConnection")
            .field("arrived", &self.arrived)
            .field("handshake", &self.handshake)
            .field("bytes", &format_args!("[{} bytes]", self.bytes.len()))
            .field("requests", &self.requests)
            .field("behaviour", &self.behaviour)
            .field("problem", &self.problem)
            .finish()
    }
}

/// One line: `POST /token, 63 bytes of body`.
impl fmt::Display for ReceivedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = without_query(&self.target);
        let length = self.body.len();
        write!(f, "{} {target}, {length} bytes of body", self.method)?;
        if !self.complete {
            f.write_str(" and more to come")?;
        }
        Ok(())
    }
}

fn without_query(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}
