//! One attempt.

use std::{
    fmt,
    io::{self, Read},
    time::Duration,
};

use auth_core::{
    BlockingTransport, Request, Response, ResponseReader, TransportError, TransportErrorKind,
    internal::Exceptions,
};
use auth_tls::{Handshakes, Tls};
use http::{HeaderValue, header};
use ureq::{Agent, SendBody, config::ConfigBuilder, typestate::AgentScope};
use zeroize::Zeroizing;

use crate::{
    attempt::{self, Attempt},
    body::Tripwire,
    cause::{self, Connections, Phase},
    connection,
    looking::Looking,
    proxy::bypasses,
};

/// How long one attempt may take by default.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends requests to a token endpoint with ureq, blocking the thread.
///
/// A transport is cheap to clone; clones share the agent. Make one for the
/// whole program.
#[derive(Clone)]
pub struct UreqTransport {
    agent: Agent,
    timeout: Duration,
    /// What the agent's connections have if it was made here. It has the settings then,
    /// and its connections keep to the time of the attempt. Any other lacks both, and
    /// each request brings the settings, for which ureq sets TLS up anew.
    ours: Option<Ours>,
    /// For what must not use the agent's proxy.
    direct: Option<(Agent, Exceptions)>,
}

/// The connections of an agent that was made here.
#[derive(Clone)]
struct Ours {
    tls: Tls,
    /// Whether each serves one request, and no proxy speaks TLS with us.
    alone: bool,
    looking: Looking,
}

impl Ours {
    /// What is known of the connections of the attempt that begins now. They are made,
    /// and kept ones used, by what is in the files now.
    fn connections(&self) -> Result<Connections, TransportError> {
        let Self { tls, alone, looking } = self;
        let time = attempt::left().unwrap_or(Duration::MAX);
        let looks = tls.clone();
        if tls.may_change() && !looking.look(time, move || drop(looks.look())) {
            return Err(TransportError::not_sent(TransportErrorKind::ConnectTimeout)
                .with_source("the files of the client certificate could not be read in time"));
        }
        let tls = Some(tls.clone());
        Ok(Connections { tls, handshakes: Handshakes::default(), alone: *alone })
    }
}

/// The settings that must hold, for an agent or for one request. This is a
/// macro because ureq has no name for what the two builders have in common.
macro_rules! owed {
    ($builder:expr, $timeout:expr) => {
        $builder
            .timeout_global($timeout)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .save_redirect_history(false)
            // A feature of another crate may switch compression on.
            .accept_encoding("")
            .build()
    };
}

impl UreqTransport {
    /// Makes a transport from an agent of your own.
    ///
    /// Whatever the agent's settings, an attempt without a proxy ends within 10 s
    /// ([`timeout`](Self::timeout) changes that), no redirect is followed, every
    /// status is a response, no compression is asked for, the body is sent at
    /// most once, and [`Delivery`](auth_core::Delivery) is right.
    ///
    /// The agent makes its own connections. So a proxy that answers slowly can hold
    /// an attempt beyond its time, interim responses are not bounded by number, and
    /// a response that arrived while the program stood still is lost if the time is
    /// up; one that is whole but for its end is waited for until then. If ureq's
    /// feature `gzip` or `brotli` is on, a response that is not encoded as its header
    /// says is lost. None of it is so with a transport that is
    /// [built](Self::builder) here.
    ///
    /// These cannot be set for one request, and are your responsibility:
    ///
    /// - `timeout_connect`. There is none by default, so a host that does not
    ///   respond costs the whole 10 s.
    /// - `max_idle_connections(0)`. Otherwise a connection that the server has
    ///   closed in the meantime fails like a lost response.
    /// - `proxy`. Unless it is `None`, plain HTTP goes through the
    ///   proxy, which sees the refresh token. By default an agent uses the proxy
    ///   of the environment.
    /// - A client certificate (`TlsConfig::client_cert`), its renewal, and the proxies
    ///   that see it.
    /// - Middleware, connectors and resolvers that repeat requests or report
    ///   what is in them, and cookies.
    pub fn from_agent(agent: Agent) -> Self {
        Self { agent, timeout: TIMEOUT, ours: None, direct: None }
    }

    pub(crate) fn ours(
        settings: ConfigBuilder<AgentScope>,
        direct: Option<(ConfigBuilder<AgentScope>, Exceptions)>,
        tls: Tls,
        alone: bool,
        timeout: Duration,
    ) -> Self {
        let agent = |settings: ConfigBuilder<AgentScope>| {
            connection::agent(owed!(settings, None), tls.clone())
        };
        let direct = direct.map(|(settings, exceptions)| (agent(settings), exceptions));
        let agent = agent(settings);
        Self {
            agent,
            timeout,
            ours: Some(Ours { tls, alone, looking: Looking::default() }),
            direct,
        }
    }

    /// Sets how long one attempt may take, from the DNS lookup to the last byte
    /// of the response.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl BlockingTransport for UreqTransport {
    fn send_blocking(&self, request: Request) -> Result<Response, TransportError> {
        let limit = request.response_limit();
        let (mut head, body) = request.into_parts();
        let mut body = Tripwire::new(body);
        // With a known length, the body is not sent in chunks.
        head.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        let agent = match &self.direct {
            Some((direct, exceptions)) if bypasses(exceptions, head.uri()) => direct,
            _ => &self.agent,
        };
        let attempt = self.ours.as_ref().map(|_| Attempt::begin(self.timeout));
        let connections = match &self.ours {
            Some(ours) => ours.connections()?,
            None => Connections::default(),
        };
        let handshakes = connections.handshakes.clone();
        let route = cause::Route::of(agent, head.uri(), connections);

        let request = head.map(|()| SendBody::from_reader(&mut body));
        let request = if self.ours.is_some() {
            request
        } else {
            owed!(agent.configure_request(request), Some(self.timeout))
        };
        let response = match handshakes.during(|| agent.run(request)) {
            Ok(response) => response,
            Err(error) => return Err(cause::read(error, Phase::Head, body.sent(), &route)),
        };
        if let Some(attempt) = &attempt {
            attempt.head_has_come();
        }
        let (mut head, response) = response.into_parts();
        connection::reveal(&mut head.headers);
        let reader = ResponseReader::new(head, limit);
        let whole = || {
            if let Some(attempt) = &attempt {
                attempt.is_whole();
            }
        };
        collect(reader, response.into_reader(), whole, |error| {
            cause::read(error.into(), Phase::Body, body.sent(), &route)
        })
    }
}

fn collect(
    mut reader: ResponseReader,
    mut body: impl Read,
    whole: impl Fn(),
    fail: impl Fn(io::Error) -> TransportError,
) -> Result<Response, TransportError> {
    let mut buffer = Zeroizing::new([0; 8 * 1024]);
    loop {
        match body.read(&mut *buffer) {
            Ok(0) => return reader.finish(),
            Ok(length) => {
                if reader.push(&buffer[..length]).is_break() {
                    return reader.finish();
                }
                if reader.is_whole() {
                    whole();
                }
            }
            Err(error) => return reader.fail(fail(error)),
        }
    }
}

impl fmt::Debug for UreqTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the agent: it prints its proxy.
        f.debug_struct("UreqTransport").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
