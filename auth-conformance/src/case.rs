//! A case as a value: its set-up, and what it expects.

use std::{any::Any, io, time::Duration};

use auth_core::{
    BodyFormat, ClientAuth, Grant, RefreshToken, Request, TokenEndpoint, TransportErrorKind,
};
use auth_testkit::behaviours;
use fault_server::{
    Behaviour, Certificate, FaultServer, FaultServerBuilder, ReceivedRequest, ResponseGate,
};

use crate::settings::TransportSettings;

/// The secrets that travel in every case. Long and odd, so that finding one in
/// an error is no accident.
pub(super) const REFRESH_TOKEN: &str = "rt-conformance-7Yq2pL9sVx4";
pub(super) const CLIENT_SECRET: &str = "cs-conformance-K3mW8tZb1Rf";
pub(super) const QUERY_SECRET: &str = "qs-conformance-N6dJ5hGc0Ue";
pub(super) const HEADER_SECRET: &str = "hs-conformance-B9xT4vPa7Oy";
/// What a good response holds.
pub(super) const ACCESS_TOKEN: &str = "at-conformance-Q1wE8rTy3Ui";
pub(super) const NEW_REFRESH_TOKEN: &str = "rt-conformance-2-Z5aS0dFg6Hj";

/// The timeout of a call that is meant to run into it.
pub(super) const SOON: Duration = Duration::from_millis(300);

/// A good response with tokens.
pub(super) fn tokens() -> Behaviour {
    behaviours::tokens(ACCESS_TOKEN, NEW_REFRESH_TOKEN, 3600)
}

/// `CLIENT_SECRET` as it stands in the `Authorization` header.
pub(super) fn basic_credentials() -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.encode(format!("conformance:{CLIENT_SECRET}"))
}

#[derive(Clone, Copy)]
pub(super) struct Case {
    pub(super) name: &'static str,
    /// What happens, in words.
    pub(super) does: &'static str,
    pub(super) setup: fn() -> io::Result<Setup>,
    /// One for each call that is made, in order.
    pub(super) calls: &'static [Expect],
}

/// What a call should return.
#[derive(Clone, Copy)]
pub(super) enum Expect {
    /// A response.
    Response(ExpectedResponse),
    /// An error of one of these kinds.
    Failure(&'static [TransportErrorKind], ExpectedDelivery),
    /// Either: the network or the library decides.
    Either(ExpectedResponse, &'static [TransportErrorKind], ExpectedDelivery),
}

#[derive(Clone, Copy)]
pub(super) struct ExpectedResponse {
    pub(super) status: u16,
    /// What its body must hold; empty if that does not matter.
    pub(super) holds: &'static str,
    /// A header field that must have arrived.
    pub(super) header: Option<(&'static str, &'static str)>,
}

/// What the error must say about the delivery of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExpectedDelivery {
    /// The request cannot have been sent, and the error must say so.
    NotSent,
    /// The request was sent, or may have been.
    Unknown,
    /// The network decides. That a `NotSent` is true is checked anyway.
    Open,
}

pub(super) const fn response(status: u16, holds: &'static str) -> Expect {
    Expect::Response(ExpectedResponse { status, holds, header: None })
}

pub(super) const fn not_sent(kinds: &'static [TransportErrorKind]) -> Expect {
    Expect::Failure(kinds, ExpectedDelivery::NotSent)
}

pub(super) const fn unknown(kinds: &'static [TransportErrorKind]) -> Expect {
    Expect::Failure(kinds, ExpectedDelivery::Unknown)
}

pub(super) const fn open(kinds: &'static [TransportErrorKind]) -> Expect {
    Expect::Failure(kinds, ExpectedDelivery::Open)
}

/// The servers of a case, and how they are called.
pub(super) struct Setup {
    pub(super) settings: TransportSettings,
    /// Where the request goes.
    pub(super) url: String,
    pub(super) response_limit: usize,
    /// The token endpoint, if there is one.
    pub(super) server: Option<FaultServer>,
    pub(super) proxy: Option<FaultServer>,
    /// The server redirects to another origin, where nothing may arrive.
    pub(super) redirects: bool,
    /// The process that makes the call is stopped when the request has arrived,
    /// and goes on after its time. This gate holds the response until then.
    pub(super) stopped: Option<ResponseGate>,
    /// Kept until the case is over.
    _ports: Option<Box<dyn Any + Send>>,
}

impl Setup {
    /// A server without TLS that plays this script.
    pub(super) fn plain(script: impl IntoIterator<Item = Behaviour>) -> io::Result<Self> {
        Self::server(FaultServer::builder().script(script))
    }

    /// A server over TLS, with a valid certificate.
    pub(super) fn tls(script: impl IntoIterator<Item = Behaviour>) -> io::Result<Self> {
        Self::server(FaultServer::builder().tls(Certificate::Trusted).script(script))
    }

    /// A server to which the transport speaks HTTP/2.
    pub(super) fn http2(script: impl IntoIterator<Item = Behaviour>) -> io::Result<Self> {
        let mut setup = Self::plain(script)?;
        setup.settings.http2_prior_knowledge = true;
        Ok(setup)
    }

    /// A server over TLS that offers HTTP/2, and answers each request as `handler` says.
    pub(super) fn http2_over_tls(
        handler: impl Fn(&ReceivedRequest) -> Behaviour + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let builder = FaultServer::builder().tls(Certificate::Trusted).http2();
        Self::server(builder.handler(handler))
    }

    pub(super) fn server(builder: FaultServerBuilder) -> io::Result<Self> {
        let server = builder.path(&format!("/token?key={QUERY_SECRET}")).start()?;
        Ok(Self { url: server.url().to_owned(), server: Some(server), ..Self::at("") })
    }

    /// A URL without a server of the suite.
    pub(super) fn at(url: &str) -> Self {
        Self {
            settings: TransportSettings::patient(),
            url: format!("{url}?key={QUERY_SECRET}"),
            response_limit: 64 * 1024,
            server: None,
            proxy: None,
            redirects: false,
            stopped: None,
            _ports: None,
        }
    }

    pub(super) fn keeping(mut self, port: impl Any + Send) -> Self {
        self._ports = Some(Box::new(port));
        self
    }

    /// Limits the time of the call.
    pub(super) fn within(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// Limits the time of making the connection.
    pub(super) fn connecting_within(mut self, timeout: Duration) -> Self {
        self.settings.connect_timeout = timeout;
        self
    }

    /// Through a proxy that plays this script.
    pub(super) fn through(
        mut self,
        script: impl IntoIterator<Item = Behaviour>,
    ) -> io::Result<Self> {
        let proxy = FaultServer::builder().script(script).path("").start()?;
        self.settings.proxy = Some(proxy.url().to_owned());
        self.proxy = Some(proxy);
        Ok(self)
    }

    pub(super) fn redirecting(mut self) -> Self {
        self.redirects = true;
        self
    }

    pub(super) fn stopping(mut self, gate: ResponseGate) -> Self {
        self.stopped = Some(gate);
        self
    }

    /// The request of a call.
    pub(super) fn request(&self) -> io::Result<Request> {
        let endpoint = TokenEndpoint::new(&self.url, "conformance")
            .and_then(|endpoint| endpoint.header("x-api-key", HEADER_SECRET))
            .map_err(io::Error::other)?
            .client_auth(ClientAuth::basic(CLIENT_SECRET))
            .body_format(BodyFormat::Form)
            .response_limit(self.response_limit);
        let grant = Grant::RefreshToken(RefreshToken::new(REFRESH_TOKEN));
        endpoint.request(&grant).map_err(io::Error::other)
    }
}
