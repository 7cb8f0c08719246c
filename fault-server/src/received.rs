//! What arrived at the server.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, Method, Version, header};

/// A request as it arrived, perhaps only in part.
///
/// `Debug` shows neither body nor query nor credentials, so that a failed test
/// prints no secret.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// The number of its connection, from 0; an index into
    /// [`FaultServer::connections`](super::FaultServer::connections).
    pub connection: usize,
    /// When its header section was complete, since the start of the server.
    pub arrived: Duration,
    /// HTTP/1.0, HTTP/1.1 or HTTP/2.
    pub version: Version,
    /// The method.
    pub method: Method,
    /// The target as sent: a path with its query, or for a proxy an absolute URL
    /// or an authority. Over HTTP/2 the `:path`, or the `:authority` of a
    /// CONNECT.
    pub target: String,
    /// The header fields. Over HTTP/2 `host` holds the `:authority`.
    pub headers: HeaderMap,
    /// The body as far as it has arrived, without the framing of chunks.
    pub body: Vec<u8>,
    /// Whether the complete body has arrived.
    pub complete: bool,
    /// Whether all that its behaviour sends has been sent. Never for a relay, or
    /// for what is endless or cut before a response.
    pub responded: bool,
    /// The behaviour that the request got, in words; empty until it is chosen.
    pub behaviour: String,
    /// Whether no behaviour of the script was left for it.
    pub unexpected: bool,
}

/// An accepted connection, and everything that arrived over it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedConnection {
    /// When it was accepted, since the start of the server.
    pub arrived: Duration,
    /// How far the TLS handshake came.
    pub handshake: Handshake,
    /// The certificate that the client showed and the server accepted, in DER. `None`
    /// if there was none.
    pub client_certificate: Option<Vec<u8>>,
    /// Every byte that arrived, decrypted if the server speaks TLS.
    pub bytes: Vec<u8>,
    /// The requests in those bytes, in order.
    pub requests: Vec<ReceivedRequest>,
    /// The behaviour that the connection took before any request, in words;
    /// empty if none.
    pub behaviour: String,
    /// Why the bytes could not be read as HTTP, or the script not be played.
    pub problem: Option<String>,
}

/// How far a TLS handshake came, as the server saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Handshake {
    /// The server does not speak TLS.
    Plain,
    /// The handshake has not begun, or is not over.
    Unfinished,
    /// The client accepted the certificate, and the server the client's, if it asks.
    Done,
    /// It failed. The text names the alert of the client, if there was one, or what the
    /// server has against its certificate.
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
            responded: false,
            behaviour: String::new(),
            unexpected: false,
        }
    }

    /// The body as text. Bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The bytes of this request as a proxy passes it on over HTTP/1.1, with
    /// this target: without the header fields that concern one hop only, with
    /// `Content-Length`, and with `Connection: close`, so that the response ends
    /// with its connection. An empty target becomes `/`.
    #[must_use]
    pub fn forwarded(&self, target: &str) -> Vec<u8> {
        let target = if target.is_empty() { "/" } else { target };
        let mut out = format!("{} {target} HTTP/1.1\r\n", self.method).into_bytes();
        for (name, value) in &self.headers {
            let is_of_this_hop = [
                header::CONNECTION,
                header::TRANSFER_ENCODING,
                header::CONTENT_LENGTH,
                header::EXPECT,
                header::PROXY_AUTHORIZATION,
            ]
            .contains(name)
                || name == "proxy-connection";
            if !is_of_this_hop {
                out.extend_from_slice(name.as_str().as_bytes());
                out.extend_from_slice(b": ");
                out.extend_from_slice(value.as_bytes());
                out.extend_from_slice(b"\r\n");
            }
        }
        let length = self.body.len();
        out.extend_from_slice(
            format!("content-length: {length}\r\nconnection: close\r\n\r\n").as_bytes(),
        );
        out.extend_from_slice(&self.body);
        out
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
            .field("client_certificate", &self.client_certificate.is_some())
            .field("bytes", &format_args!("[{} bytes]", self.bytes.len()))
            .field("requests", &self.requests)
            .field("behaviour", &self.behaviour)
            .field("problem", &self.problem)
            .finish()
    }
}

/// One line: `POST /items, 63 bytes of body`.
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
