//! The server as its user sees it.

use std::fmt::Write as _;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::context::{Context, Stop};
use super::listener::Listener;
use super::reaction::Reaction;
use super::record::{Log, ReceivedConnection, ReceivedRequest};
use super::script::Source;
use super::tls::{self, Certificate};

/// A server on a port of 127.0.0.1 that answers as scripted, misbehaves as
/// scripted, and records what arrives.
///
/// Each request takes the next [`Reaction`] of the script; a reaction that
/// strikes before any request, or that names a certificate, is taken by the
/// next connection. A request for which none is left is answered with status
/// 599 and fails [`verify`](Self::verify).
///
/// Dropping the server ends its threads and connections at once, stalled ones
/// included.
#[derive(Debug)]
pub struct FaultServer {
    url: String,
    // In this order: the threads end before what they use.
    listener: Listener,
    context: Arc<Context>,
}

/// Every setting of a [`FaultServer`]; see [`FaultServer::builder`].
#[derive(Debug)]
pub struct FaultServerBuilder {
    source: Source,
    tls: Option<Certificate>,
    path: String,
    another_host: bool,
}

/// So long a `wait_for_…` waits before it fails the test.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starting.
impl FaultServer {
    /// Starts a server over plain HTTP that plays this script.
    ///
    /// # Panics
    ///
    /// If no port of 127.0.0.1 can be had.
    #[must_use]
    #[track_caller]
    pub fn plays(script: impl IntoIterator<Item = Reaction>) -> Self {
        Self::builder().script(script).started()
    }

    /// Starts a server over TLS that plays this script, with a certificate
    /// that is in order for whoever trusts [`ca_der`](Self::ca_der).
    ///
    /// # Panics
    ///
    /// If no port of 127.0.0.1 can be had.
    #[must_use]
    #[track_caller]
    pub fn plays_over_tls(script: impl IntoIterator<Item = Reaction>) -> Self {
        Self::builder().tls(Certificate::Trusted).script(script).started()
    }

    /// Starts a server over plain HTTP that asks `handler` about every whole
    /// request. The handler is called from the threads of the connections,
    /// perhaps from several at once; while it does not return, the server
    /// cannot end. A handler that panics ends the connection.
    ///
    /// # Panics
    ///
    /// If no port of 127.0.0.1 can be had.
    #[must_use]
    #[track_caller]
    pub fn with_handler(
        handler: impl Fn(&ReceivedRequest) -> Reaction + Send + Sync + 'static,
    ) -> Self {
        Self::builder().handler(handler).started()
    }

    /// Settings, starting from plain HTTP, an empty script, and the path
    /// `/token`.
    #[must_use]
    pub fn builder() -> FaultServerBuilder {
        FaultServerBuilder {
            source: Source::script([]),
            tls: None,
            path: "/token".to_owned(),
            another_host: false,
        }
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

    /// The server of another origin to which [`Reaction::redirect_elsewhere`]
    /// points. Nothing is scripted there; it records whatever comes.
    #[must_use]
    pub fn elsewhere(&self) -> &Self {
        self.context.elsewhere()
    }

    /// Waits until the header sections of so many requests have arrived.
    ///
    /// # Panics
    ///
    /// If they have not within 30 s.
    #[track_caller]
    pub fn wait_for_requests(&self, count: usize) {
        let arrived = self.context.log.wait(PATIENCE, |connections| {
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
        let arrived = self.context.log.wait(PATIENCE, |connections| {
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
        let arrived = self.context.log.wait(PATIENCE, |connections| connections.len() >= count);
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
        for reaction in self.context.source.left() {
            complaints.push(format!("never played: {reaction}"));
        }
        if let Some(elsewhere) = self.context.elsewhere.get() {
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
        let mut text = format!("exchange with {}:", self.url);
        for (number, connection) in self.connections().iter().enumerate() {
            let _ = write!(text, "\n  connection {number}");
            if !connection.reaction.is_empty() {
                let _ = write!(text, ": {}", connection.reaction);
            }
            if let super::Handshake::Failed(why) = &connection.handshake {
                let _ = write!(text, ", handshake failed: {why}");
            }
            for request in &connection.requests {
                let _ = write!(text, "\n    {request}");
                if !request.reaction.is_empty() {
                    let _ = write!(text, " -> {}", request.reaction);
                }
            }
        }
        text
    }
}

impl FaultServerBuilder {
    /// Speaks TLS, and presents this certificate where the script names no
    /// other.
    #[must_use]
    pub fn tls(self, certificate: Certificate) -> Self {
        self.certified(Some(certificate))
    }

    pub(super) fn certified(mut self, certificate: Option<Certificate>) -> Self {
        self.tls = certificate;
        self
    }

    /// The path of [`FaultServer::url`], with its slash. The server answers
    /// requests for any path.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// Plays this script; takes the place of a script or handler set before.
    #[must_use]
    pub fn script(mut self, script: impl IntoIterator<Item = Reaction>) -> Self {
        self.source = Source::script(script);
        self
    }

    /// Asks this function; takes the place of a script or handler set before.
    /// See [`FaultServer::with_handler`].
    #[must_use]
    pub fn handler(
        mut self,
        handler: impl Fn(&ReceivedRequest) -> Reaction + Send + Sync + 'static,
    ) -> Self {
        self.source = Source::Handler(Box::new(handler));
        self
    }

    /// Names the host in the URL by the name that other servers do not use.
    pub(super) fn another_host(mut self) -> Self {
        self.another_host = true;
        self
    }

    /// Starts the server.
    ///
    /// # Errors
    ///
    /// If no port of 127.0.0.1, no thread, or no certificate can be had.
    pub fn start(self) -> io::Result<FaultServer> {
        self.start_on(TcpListener::bind(("127.0.0.1", 0))?)
    }

    pub(super) fn start_on(self, listener: TcpListener) -> io::Result<FaultServer> {
        if let Some(certificate) = self.tls {
            // Made before the first client waits for it.
            tls::config(certificate)?;
        }
        let port = listener.local_addr()?.port();
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let host = if self.tls.is_some() != self.another_host { "localhost" } else { "127.0.0.1" };
        let url = format!("{scheme}://{host}:{port}{}", self.path);
        let context = Arc::new(Context {
            source: self.source,
            log: Log::new(),
            tls: self.tls,
            path: self.path,
            stop: Stop::default(),
            elsewhere: OnceLock::new(),
        });
        Ok(FaultServer { url, listener: Listener::start(listener, Arc::clone(&context))?, context })
    }

    #[track_caller]
    fn started(self) -> FaultServer {
        match self.start() {
            Ok(server) => server,
            Err(error) => panic!("no server on loopback: {error}"),
        }
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
