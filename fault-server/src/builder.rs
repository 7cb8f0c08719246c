//! The settings of a server, and its start.

use std::io;
use std::net::TcpListener;
use std::sync::{Arc, OnceLock};

use super::behaviour::Behaviour;
use super::context::{Context, Stop};
use super::fault_server::FaultServer;
use super::listener::Listener;
use super::record::{Log, ReceivedRequest};
use super::script::Source;
use super::tls::{self, Certificate};

/// Every setting of a [`FaultServer`]; see [`FaultServer::builder`].
#[derive(Debug)]
pub struct FaultServerBuilder {
    source: Source,
    tls: Option<Certificate>,
    path: String,
    another_host: bool,
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
        let listener = Listener::start(listener, Arc::clone(&context))?;
        Ok(FaultServer::new(url, listener, context))
    }

    #[track_caller]
    pub(super) fn started(self) -> FaultServer {
        match self.start() {
            Ok(server) => server,
            Err(error) => panic!("no server on loopback: {error}"),
        }
    }
}
