//! The settings of a server, and its start.

use std::fmt;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use super::behaviour::Behaviour;
use super::client::Client;
use super::context::{ConnectionHandler, Context, HeadHandler};
use super::fault_server::{Elsewhere, FaultServer};
use super::listener::Listener;
use super::log::Log;
use super::received::ReceivedRequest;
use super::script::Source;
use super::stop::Stop;
use super::tls::{self, Certificate, ClientCertificates, Manner};

/// The settings of a [`FaultServer`]; see [`FaultServer::builder`].
pub struct FaultServerBuilder {
    source: Source,
    head_handler: Option<HeadHandler>,
    connection_handler: Option<ConnectionHandler>,
    tls: Option<Certificate>,
    manner: Manner,
    path: String,
    /// Names the host in the URL by the name that other servers do not use.
    another_host: bool,
}

/// Starting.
impl FaultServer {
    /// Starts a server without TLS that plays this script.
    ///
    /// # Panics
    ///
    /// If there is no free port on 127.0.0.1.
    #[must_use]
    #[track_caller]
    pub fn plays(script: impl IntoIterator<Item = Behaviour>) -> Self {
        Self::builder().script(script).started()
    }

    /// Starts a server over TLS that plays this script, with a certificate that
    /// is valid for a client that trusts [`ca_der`](Self::ca_der).
    ///
    /// # Panics
    ///
    /// If there is no free port on 127.0.0.1.
    #[must_use]
    #[track_caller]
    pub fn plays_over_tls(script: impl IntoIterator<Item = Behaviour>) -> Self {
        Self::builder().tls(Certificate::Trusted).script(script).started()
    }

    /// Starts a server without TLS that asks `handler` about every complete
    /// request.
    ///
    /// The handler is called on the threads of the connections, possibly on
    /// several at once. The server cannot end before it returns. A panic in the
    /// handler ends the connection.
    ///
    /// # Panics
    ///
    /// If there is no free port on 127.0.0.1.
    #[must_use]
    #[track_caller]
    pub fn with_handler(
        handler: impl Fn(&ReceivedRequest) -> Behaviour + Send + Sync + 'static,
    ) -> Self {
        Self::builder().handler(handler).started()
    }

    /// All settings. The defaults are no TLS, an empty script, and the path `/`.
    #[must_use]
    pub fn builder() -> FaultServerBuilder {
        FaultServerBuilder::new()
    }
}

impl FaultServerBuilder {
    pub(super) fn new() -> Self {
        Self {
            source: Source::script([]),
            head_handler: None,
            connection_handler: None,
            tls: None,
            manner: Manner::default(),
            path: "/".to_owned(),
            another_host: false,
        }
    }

    /// Speaks TLS, and presents this certificate unless the script names
    /// another.
    #[must_use]
    pub fn tls(mut self, certificate: Certificate) -> Self {
        self.tls = Some(certificate);
        self
    }

    /// TLS: offers HTTP/2 and HTTP/1.1 in the handshake (ALPN, RFC 7301), and speaks
    /// what the client chooses. By default the handshake says nothing of it, which
    /// means HTTP/1.1.
    #[must_use]
    pub fn http2(mut self) -> Self {
        self.manner.http2 = true;
        self
    }

    /// TLS: speaks TLS 1.2 only. By default also TLS 1.3.
    #[must_use]
    pub fn tls12_only(mut self) -> Self {
        self.manner.tls12 = true;
        self
    }

    /// TLS: whether clients have to show a certificate that the test authority has
    /// signed, as that of [`FaultServer::client_identity`] is. By default they are not
    /// asked for one. What was shown is in
    /// [`ReceivedConnection::client_certificate`](super::ReceivedConnection::client_certificate).
    #[must_use]
    pub fn client_certificates(mut self, asks: ClientCertificates) -> Self {
        self.manner.clients = asks;
        self
    }

    /// TLS: resets a connection whose handshake has failed, behind the alert, as servers
    /// do that close without reading what the client has sent meanwhile. By default the
    /// rest is read.
    #[must_use]
    pub fn resets_failed_handshakes(mut self) -> Self {
        self.manner.abrupt = true;
        self
    }

    /// The path of [`FaultServer::url`], with its slash, or nothing. The server
    /// serves requests for any path.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// Plays this script. It replaces a script or handler that was set before.
    #[must_use]
    pub fn script(mut self, script: impl IntoIterator<Item = Behaviour>) -> Self {
        self.source = Source::script(script);
        self
    }

    /// Asks this function about every complete request; see
    /// [`FaultServer::with_handler`]. It replaces a script or handler that was set
    /// before.
    #[must_use]
    pub fn handler(
        self,
        handler: impl Fn(&ReceivedRequest) -> Behaviour + Send + Sync + 'static,
    ) -> Self {
        self.handler_with_client(move |request, _| handler(request))
    }

    /// As [`handler`](Self::handler), but the function also gets the client that
    /// sent the request. A handler that waits can ask whether the client still
    /// does.
    #[must_use]
    pub fn handler_with_client(
        mut self,
        handler: impl Fn(&ReceivedRequest, &Client) -> Behaviour + Send + Sync + 'static,
    ) -> Self {
        self.source = Source::Handler(Box::new(handler));
        self
    }

    /// Asks this function about every request whose header section has arrived, before
    /// the handler, and without a handler not at all. The body is perhaps not there.
    ///
    /// If it returns a behaviour, the request takes it: with
    /// [`Behaviour::early`] the response does not wait for the body. If it returns
    /// `None`, the handler is asked when the whole request is there.
    #[must_use]
    pub fn head_handler(
        mut self,
        handler: impl Fn(&ReceivedRequest, &Client) -> Option<Behaviour> + Send + Sync + 'static,
    ) -> Self {
        self.head_handler = Some(Box::new(handler));
        self
    }

    /// Asks this function about every connection when it is accepted, before the
    /// script or the handler. The argument is the number of the connection, as in
    /// [`ReceivedRequest::connection`].
    ///
    /// If it returns a behaviour, the connection takes it, or else its first
    /// request. If it returns `None`, the connection is served as usual. After a
    /// panic in the function no more connections are accepted.
    #[must_use]
    pub fn connection_handler(
        mut self,
        handler: impl Fn(usize) -> Option<Behaviour> + Send + Sync + 'static,
    ) -> Self {
        self.connection_handler = Some(Box::new(handler));
        self
    }

    /// Starts the server.
    ///
    /// # Errors
    ///
    /// If there is no free port on 127.0.0.1, or a thread or a certificate cannot
    /// be made.
    pub fn start(self) -> io::Result<FaultServer> {
        self.start_on(TcpListener::bind(("127.0.0.1", 0))?)
    }

    pub(super) fn start_on(self, listener: TcpListener) -> io::Result<FaultServer> {
        if let Some(certificate) = self.tls {
            // Made before the first client waits for it.
            tls::config(certificate, self.manner)?;
        }
        let port = listener.local_addr()?.port();
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let host = if self.tls.is_some() != self.another_host { "localhost" } else { "127.0.0.1" };
        let url = format!("{scheme}://{host}:{port}{}", self.path);
        let (tls, path) = (self.tls, self.path);
        let elsewhere = Arc::new(Elsewhere::new(move || {
            Self { tls, path: path.clone(), another_host: true, ..Self::new() }.started()
        }));
        let context = Arc::new(Context {
            source: self.source,
            head_handler: self.head_handler,
            connection_handler: self.connection_handler,
            log: Log::new(),
            tls: self.tls,
            manner: self.manner,
            stop: Stop::default(),
            elsewhere_url: Box::new({
                let elsewhere = Arc::clone(&elsewhere);
                move || elsewhere.get().url().to_owned()
            }),
        });
        let listener = Listener::start(listener, Arc::clone(&context))?;
        Ok(FaultServer::new(url, listener, context, elsewhere))
    }

    #[track_caller]
    pub(super) fn started(self) -> FaultServer {
        match self.start() {
            Ok(server) => server,
            Err(error) => panic!("no server on loopback: {error}"),
        }
    }
}

impl fmt::Debug for FaultServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultServerBuilder")
            .field("source", &self.source)
            .field("tls", &self.tls)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
