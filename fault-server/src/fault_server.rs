//! The server as its user sees it.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::context::Context;
use super::listener::Listener;
use super::received::{Handshake, ReceivedConnection, ReceivedRequest};
use super::tls::{self, ClientIdentity, ClientIdentityKind};

/// A server on a port of 127.0.0.1 that plays behaviours and records what
/// arrives.
///
/// ```
/// use std::io::{ErrorKind, Read, Write};
/// use std::net::TcpStream;
///
/// use fault_server::{Behaviour, FaultServer, Point};
///
/// let server = FaultServer::plays([
///     Behaviour::reset(Point::AfterBody),
///     Behaviour::json(200, r#"{"id":7}"#),
/// ]);
///
/// let post = || {
///     let mut stream = TcpStream::connect(server.address())?;
///     stream.write_all(
///         b"POST / HTTP/1.1\r\nconnection: close\r\ncontent-length: 4\r\n\r\nbody",
///     )?;
///     let mut response = String::new();
///     stream.read_to_string(&mut response).map(|_| response)
/// };
///
/// // The complete request is read, and the connection is reset.
/// assert_eq!(post().unwrap_err().kind(), ErrorKind::ConnectionReset);
/// // The record shows what the client had sent by then.
/// assert_eq!(server.body_bytes_received(), 4);
/// assert!(server.requests()[0].complete);
///
/// assert!(post()?.contains(r#""id":7"#));
/// server.verify();
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Order
///
/// A request takes the next [`Behaviour`](super::Behaviour) of the script when
/// its header section has arrived, on any connection. So the script is played in
/// the order of [`requests`](Self::requests).
///
/// A behaviour that strikes before any request ([`Point::OnAccept`],
/// [`Point::OnClientHello`]) or that names a certificate belongs to a connection.
/// A connection takes it if it is the first of the script when the connection is
/// accepted. A connection over which no request comes takes nothing else.
///
/// A request for which no behaviour is left gets a response with status 599 and
/// fails [`verify`](Self::verify).
///
/// # Record
///
/// Every byte is on record before the server reacts to it. A client that has
/// seen a behaviour therefore finds its request on record.
///
/// What the kernel had received when the server reset or left a connection is on
/// record too: after a reset at [`Point::AfterHeaders`] the body is there if the
/// client sent it at once. If it was the client that gave up, call
/// [`stop`](Self::stop) first.
///
/// After 64 MiB on one connection the server records no more of it, and
/// [`verify`](Self::verify) fails.
///
/// # Faults without a server
///
/// [`ClosedPort`](super::ClosedPort) refuses connections, and
/// [`SilentPort`](super::SilentPort) lets them time out.
///
/// # End
///
/// Dropping the server ends its threads and connections at once, stalled ones
/// included, and waits for the threads.
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

/// How long a `wait_for_…` waits before it fails the test.
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

/// Its address and its certificates.
impl FaultServer {
    /// `http://127.0.0.1:PORT/`, or over TLS `https://localhost:PORT/`, with the
    /// path of the [builder](super::FaultServerBuilder::path).
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address and port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The certificate of the test authority, in DER. All servers of a process
    /// share one authority.
    ///
    /// # Panics
    ///
    /// If no key can be generated.
    #[must_use]
    #[track_caller]
    pub fn ca_der() -> Vec<u8> {
        authority().der.clone()
    }

    /// The certificate of the test authority, in PEM.
    ///
    /// # Panics
    ///
    /// If no key can be generated.
    #[must_use]
    #[track_caller]
    pub fn ca_pem() -> String {
        authority().pem.clone()
    }
}

/// Certificates of clients.
impl FaultServer {
    /// A new certificate for a client, and its key. A server of this process that
    /// [asks for one](super::FaultServerBuilder::client_certificates) accepts it, if it
    /// is a trusted one.
    ///
    /// # Panics
    ///
    /// If no key can be generated.
    #[must_use]
    #[track_caller]
    pub fn client_identity(kind: ClientIdentityKind) -> ClientIdentity {
        match authority().client(kind) {
            Ok(identity) => identity,
            Err(error) => panic!("no certificate for a client: {error}"),
        }
    }
}

/// What arrived.
impl FaultServer {
    /// All requests whose header section has arrived, in the order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.context.log.requests()
    }

    /// All connections, in the order in which they were accepted.
    #[must_use]
    pub fn connections(&self) -> Vec<ReceivedConnection> {
        self.context.log.connections()
    }

    /// How many bytes of request bodies have arrived, over all requests. If this
    /// is not 0, a client may not report that it sent nothing.
    ///
    /// If it was the client that gave up, call [`stop`](Self::stop) first: bytes
    /// that it sent may still be in the kernel.
    #[must_use]
    pub fn body_bytes_received(&self) -> usize {
        self.requests().iter().map(|request| request.body.len()).sum()
    }

    /// The server to which
    /// [`Behaviour::redirect_elsewhere`](super::Behaviour::redirect_elsewhere)
    /// points. It is another origin, has no script, and records what arrives.
    #[must_use]
    pub fn elsewhere(&self) -> &Self {
        self.elsewhere.get()
    }

    /// Waits until the header sections of `count` requests have arrived.
    ///
    /// # Panics
    ///
    /// If they have not within 30 s.
    #[track_caller]
    pub fn wait_for_requests(&self, count: usize) {
        let arrived = self.context.log.wait(WAIT_LIMIT, |connections| {
            connections.iter().map(|c| c.requests.len()).sum::<usize>() >= count
        });
        assert!(arrived, "{count} requests did not arrive\n{}", self.transcript());
    }

    /// Waits until `count` complete requests have arrived.
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
        assert!(arrived, "{count} complete requests did not arrive\n{}", self.transcript());
    }

    /// Waits until `count` requests are [`responded`]: all that their behaviours
    /// send has been sent. On loopback it is then with the client's kernel.
    ///
    /// [`responded`]: super::ReceivedRequest::responded
    ///
    /// # Panics
    ///
    /// If they have not within 30 s.
    #[track_caller]
    pub fn wait_for_responses(&self, count: usize) {
        let sent = self.context.log.wait(WAIT_LIMIT, |connections| {
            let requests = connections.iter().flat_map(|c| &c.requests);
            requests.filter(|request| request.responded).count() >= count
        });
        assert!(sent, "{count} responses were not sent\n{}", self.transcript());
    }

    /// Waits until `count` connections have been accepted.
    ///
    /// # Panics
    ///
    /// If they have not within 30 s.
    #[track_caller]
    pub fn wait_for_connections(&self, count: usize) {
        let arrived = self.context.log.wait(WAIT_LIMIT, |connections| connections.len() >= count);
        assert!(arrived, "{count} connections were not made\n{}", self.transcript());
    }

    /// Ends the server and keeps its record, on which is every byte that a client
    /// has sent until now. A second call has no effect.
    pub fn stop(&self) {
        self.listener.stop();
    }

    /// Fails the test unless the script was played to its end and nothing else
    /// arrived, here or [`elsewhere`](Self::elsewhere).
    ///
    /// # Panics
    ///
    /// If that is not so. The message contains the [transcript](Self::transcript).
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

    /// A line for each connection and request so far, without bodies, queries and
    /// header fields.
    #[must_use]
    pub fn transcript(&self) -> String {
        let mut text = format!("connections to {}:", self.url);
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
