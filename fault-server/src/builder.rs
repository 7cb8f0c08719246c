//! The settings of a server, and its start.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use super::behaviour::Behaviour;
use super::context::Context;
use super::fault_server::{Elsewhere, FaultServer};
use super::listener::Listener;
use super::log::Log;
use super::received::ReceivedRequest;
use super::script::Source;
use super::stop::Stop;
use super::tls::{self, Certificate};

/// Every setting of a [`FaultServer`]; see [`FaultServer::builder`].
#[derive(Debug)]
pub struct FaultServerBuilder {
    source: Source,
    tls: Option<Certificate>,
    path: String,
    /// Names the host in the URL by the name that other servers do not use.
    another_host: bool,
}

/// Starting.
impl FaultServer {
    /// Starts a server over plain HTTP that plays this script.
    ///
    /// # Panics
    ///
    /// If no port of 127.0.0.1 can be had.
    #[must_use]
    #[track_caller]
    pub fn plays(script: impl IntoIterator<Item = Behaviour>) -> Self {
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
    pub fn plays_over_tls(script: impl IntoIterator<Item = Behaviour>) -> Self {
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
        handler: impl Fn(&ReceivedRequest) -> Behaviour + Send + Sync + 'static,
    ) -> Self {
        Self::builder().handler(handler).started()
    }

    /// Settings, starting from plain HTTP, an empty script, and the path
    /// `/token`.
    #[must_use]
    pub fn builder() -> FaultServerBuilder {
        FaultServerBuilder::new()
    }
}

impl FaultServerBuilder {
    pub(super) fn new() -> Self {
        Self {
            source: Source::script([]),
            tls: None,
            path: "/token".to_owned(),
            another_host: false,
        }
    }

    /// Speaks TLS, and presents this certificate where the script names no
    /// other.
    #[must_use]
    pub fn tls(mut self, certificate: Certificate) -> Self {
        self.tls = Some(certificate);
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
    pub fn script(mut self, script: impl IntoIterator<Item = Behaviour>) -> Self {
        self.source = Source::script(script);
        self
    }

    /// Asks this function; takes the place of a script or handler set before.
    /// See [`FaultServer::with_handler`].
    #[must_use]
    pub fn handler(
        mut self,
        handler: impl Fn(&ReceivedRequest) -> Behaviour + Send + Sync + 'static,
    ) -> Self {
        self.source = Source::Handler(Box::new(handler));
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
        let (tls, path) = (self.tls, self.path);
        let elsewhere = Arc::new(Elsewhere::new(move || {
            Self { tls, path: path.clone(), another_host: true, ..Self::new() }.started()
        }));
        let context = Arc::new(Context {
            source: self.source,
            log: Log::new(),
            tls: self.tls,
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
