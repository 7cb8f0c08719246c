//! The server as its user sees it.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::context::Context;
use super::listener::Listener;
use super::received::{Handshake, ReceivedConnection, ReceivedRequest};
use super::tls;

/// A server on a port of 127.0.0.1 that answers as scripted, misbehaves as
/// scripted, and records what arrives.
///
/// ```
/// use std::io::{ErrorKind, Read, Write};
/// use std::net::TcpStream;
///
/// use fault_server::{FaultServer, Point, Behaviour};
///
/// let server = FaultServer::plays([
///     Behaviour::reset(Point::AfterBody),
///     Behaviour::json(200, r#"{"id":7}"#),
/// ]);
///
/// let post = || {
///     let mut stream = TcpStream::connect(server.address())?;
///     stream.write_all(
///         b"POST /token HTTP/1.1\r\nconnection: close\r\ncontent-length: 4\r\n\r\nbody",
///     )?;
///     let mut response = String::new();
///     stream.read_to_string(&mut response).map(|_| response)
/// };
///
/// // The first request is read whole, and the connection is reset.
/// assert_eq!(post().unwrap_err().kind(), ErrorKind::ConnectionReset);
/// // Whatever a client makes of that, this is the truth:
/// assert_eq!(server.body_bytes_received(), 4);
/// assert!(server.requests()[0].complete);
///
/// assert!(post()?.contains(r#""id":7"#));
/// server.verify();
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Which reaction is played when
///
/// Each request takes the next [`Behaviour`](super::Behaviour) of the script when its header
/// section has arrived, over whichever connection, so that the script is played
/// in the order of [`requests`](Self::requests). A reaction that strikes before any
/// request ([`Point::OnAccept`], [`Point::OnClientHello`]), or that names a
/// certificate, is taken by the next connection, if it is the first of the
/// script when that connection is accepted. A connection over which nothing
/// comes takes nothing else.
///
/// A request for which no reaction is left is answered with status 599 and
/// fails [`verify`](Self::verify).
///
/// # What is on record
///
/// Every byte is put on record before the server reacts to it, so a client
/// that has seen the reaction finds its request there. What the kernel had
/// taken in when the server reset or left a connection is on record, too: a
/// reset [`Point::AfterHeaders`] finds the body there if the client sent it at
/// once. Where it is the client that gave up, call [`stop`](Self::stop)
/// first.
///
/// A connection on which more than 64 MiB arrive is not recorded further, and
/// fails [`verify`](Self::verify).
///
/// # Faults before there is a server
///
/// A refused connection is [`ClosedPort`](super::ClosedPort)'s part, one that
/// never comes about [`SilentPort`](super::SilentPort)'s.
///
/// # Its end
///
/// Dropping the server ends its threads and connections at once, stalled ones
/// included, and waits for them.
///
/// [`Point::OnAccept`]: super::Point::OnAccept
/// [`Point::OnClientHello`]: super::Point::OnClientHello
/// [`Point::AfterHeaders`]: super::Point::AfterHeaders
#[derive(Debug)]
pub struct FaultServer {
    url: String,
    // In this order: the threads end before what they use.
    listener: Listener,
    context: Arc<Context>,
    elsewhere: Arc<Elsewhere>,
}

/// The server of another origin, started when it is first asked for.
pub(super) struct Elsewhere {
    server: OnceLock<FaultServer>,
    start: Box<dyn Fn() -> FaultServer + Send + Sync>,
}

impl Elsewhere {
    pub(super) fn new(start: impl Fn() -> FaultServer + Send + Sync + 'static) -> Self {
        Self { server: OnceLock::new(), start: Box::new(start) }
    }

    pub(super) fn get(&self) -> &FaultServer {
        self.server.get_or_init(&self.start)
    }
}

impl fmt::Debug for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Elsewhere").field(&self.server).finish()
    }
}

/// So long a `wait_for_…` waits before it fails the test.
const WAIT_LIMIT: Duration = Duration::from_secs(30);

impl FaultServer {
    pub(super) fn new(
        url: String,
        listener: Listener,
        context: Arc<Context>,
        elsewhere: Arc<Elsewhere>,
    ) -> Self {
        Self { url, listener, context, elsewhere }
    }
}

/// Where it is.
impl FaultServer {
    /// `http://127.0.0.1:PORT/token`, or over TLS `https://localhost:PORT/token`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Address and port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The certificate of the authority that signs the servers' certificates,
    /// in DER. One authority serves all servers of a process.
    ///
    /// # Panics
    ///
    /// If no key can be made.
    #[must_use]
    #[track_caller]
    pub fn ca_der() -> Vec<u8> {
        authority().der.clone()
    }

    /// As [`ca_der`](Self::ca_der), in PEM.
    ///
    /// # Panics
    ///
    /// If no key can be made.
    #[must_use]
    #[track_caller]
    pub fn ca_pem() -> String {
        authority().pem.clone()
    }
}

/// What arrived.
impl FaultServer {
    /// All requests whose header section has arrived, in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.context.log.requests()
    }

    /// All connections, in the order in which they were accepted.
    #[must_use]
    pub fn connections(&self) -> Vec<ReceivedConnection> {
        self.context.log.connections()
    }

    /// How many bytes of request bodies have arrived, over all requests. A
    /// client that calls a request "not sent" is right only if this is 0.
    ///
    /// Call [`stop`](Self::stop) before, where the client has given up by
    /// itself: bytes that it sent may wait in the kernel.
    #[must_use]
    pub fn body_bytes_received(&self) -> usize {
        self.requests().iter().map(|request| request.body.len()).sum()
    }

    /// The server of another origin to which [`Behaviour::redirect_elsewhere`](super::Behaviour::redirect_elsewhere)
    /// points. Nothing is scripted there; it records whatever comes.
    #[must_use]
    pub fn elsewhere(&self) -> &Self {
        self.elsewhere.get()
    }

    /// Waits until the header sections of so many requests have arrived.
    ///
    /// # Panics
    ///
    /// If they have not within 30 s.
    #[track_caller]
    pub fn wait_for_requests(&self, count: usize) {
        let arrived = self.context.log.wait(WAIT_LIMIT, |connections| {
            connections.iter().map(|c| c.requests.len()).sum::<usize>() >= count
        });
        assert!(arrived, "{count} requests never came\n{}", self.transcript());
    }

    /// Waits until so many requests have arrived whole.
    ///
    /// # Panics
    ///
    /// If they have not within 30 s.
    #[track_caller]
    pub fn wait_for_whole_requests(&self, count: usize) {
        let arrived = self.context.log.wait(WAIT_LIMIT, |connections| {
            let requests = connections.iter().flat_map(|c| &c.requests);
            requests.filter(|request| request.complete).count() >= count
        });
        assert!(arrived, "{count} whole requests never came\n{}", self.transcript());
    }

    /// Waits until so many connections were accepted.
    ///
    /// # Panics
    ///
    /// If they were not within 30 s.
    #[track_caller]
    pub fn wait_for_connections(&self, count: usize) {
        let arrived = self.context.log.wait(WAIT_LIMIT, |connections| connections.len() >= count);
        assert!(arrived, "{count} connections never came\n{}", self.transcript());
    }

    /// Ends the server, and keeps the record: every byte that a client has
    /// sent until now is on it. A second call does nothing.
    pub fn stop(&self) {
        self.listener.stop();
    }

    /// Fails the test unless the script was played to its end and nothing
    /// came that was not scripted, here or [`elsewhere`](Self::elsewhere).
    ///
    /// # Panics
    ///
    /// If there is anything to complain about, with the whole exchange so far.
    #[track_caller]
    pub fn verify(&self) {
        let complaints = self.complaints();
        assert!(complaints.is_empty(), "{}\n{}", complaints.join("\n"), self.transcript());
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for (number, connection) in self.connections().iter().enumerate() {
            if let Some(problem) = &connection.problem {
                complaints.push(format!("connection {number}: {problem}"));
            }
            for request in connection.requests.iter().filter(|r| r.unexpected) {
                complaints.push(format!("unexpected request: {request}"));
            }
        }
        for behaviour in self.context.source.left() {
            complaints.push(format!("never played: {behaviour}"));
        }
        if let Some(elsewhere) = self.elsewhere.server.get() {
            for (number, connection) in elsewhere.connections().iter().enumerate() {
                let bytes = connection.bytes.len();
                complaints.push(format!("connection {number} to the other origin, {bytes} bytes"));
            }
        }
        complaints
    }

    /// The exchange so far, a line for each connection and request, without
    /// any body, query or header.
    #[must_use]
    pub fn transcript(&self) -> String {
        let mut text = format!("what came to {}:", self.url);
        for (number, connection) in self.connections().iter().enumerate() {
            let _ = write!(text, "\n  connection {number}");
            if !connection.behaviour.is_empty() {
                let _ = write!(text, ": {}", connection.behaviour);
            }
            if let Handshake::Failed(why) = &connection.handshake {
                let _ = write!(text, ", handshake failed: {why}");
            }
            for request in &connection.requests {
                let _ = write!(text, "\n    {request}");
                if !request.behaviour.is_empty() {
                    let _ = write!(text, " -> {}", request.behaviour);
                }
            }
        }
        text
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.stop();
    }
}

#[track_caller]
fn authority() -> &'static tls::Authority {
    match tls::authority() {
        Ok(authority) => authority,
        Err(error) => panic!("{error}"),
    }
}
