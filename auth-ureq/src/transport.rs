//! One attempt.

use std::{
    fmt,
    io::{self, Read},
    time::Duration,
};

use auth_core::{BlockingTransport, Request, Response, ResponseReader, TransportError};
use http::{HeaderValue, header, uri::Scheme};
use ureq::{Agent, SendBody, config::ConfigBuilder, typestate::AgentScope};
use zeroize::Zeroizing;

use crate::{
    BuildError, UreqTransportBuilder,
    body::Tripwire,
    builder::TIMEOUT,
    cause::{self, Phase},
};

/// Sends requests to a token endpoint with ureq, blocking the thread.
///
/// Cheap to clone; clones share the agent. Make one for the program.
#[derive(Clone)]
pub struct UreqTransport {
    agent: Agent,
    timeout: Duration,
    /// Whether the agent lacks the settings, so that each request needs them.
    /// ureq then sets TLS up anew each time, which is why ours has them.
    per_request: bool,
    /// Whether plain HTTP passes the agent's proxy over: it is for loopback
    /// only, and a proxy elsewhere would see the refresh token in clear.
    direct_http: bool,
}

/// The settings that must hold, for an agent or for one request. (A macro, for
/// ureq does not let one name what the two builders have in common.)
macro_rules! owed {
    ($builder:expr, $timeout:expr) => {
        $builder
            .timeout_global(Some($timeout))
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
    /// With the default settings.
    ///
    /// # Errors
    ///
    /// [`BuildError`], if the system has no trusted certificates.
    pub fn new() -> Result<Self, BuildError> {
        Self::builder().build()
    }

    /// With other settings.
    pub fn builder() -> UreqTransportBuilder {
        UreqTransportBuilder::default()
    }

    /// With an agent of your own.
    ///
    /// Whatever its settings, an attempt ends within 10 s
    /// ([`with_timeout`](Self::with_timeout) changes that), no redirect is
    /// followed, every status is a response, no compression is asked for, the
    /// body is sent once at most, and [`Delivery`](auth_core::Delivery) is
    /// right. What cannot be set for one request, and so is yours to see to:
    ///
    /// - `timeout_connect`: there is none by default, so that a silent host
    ///   costs the whole 10 s.
    /// - `max_idle_connections(0)`: otherwise a connection that the server has
    ///   closed in the meantime fails like a lost response.
    /// - `proxy`: unless it is `None`, plain HTTP to loopback goes through it,
    ///   and shows it the refresh token. An agent takes one from the environment
    ///   by default.
    /// - middleware, connectors and resolvers that repeat requests or report
    ///   what is in them; cookies.
    pub fn from_agent(agent: Agent) -> Self {
        Self { agent, timeout: TIMEOUT, per_request: true, direct_http: false }
    }

    pub(crate) fn ours(
        settings: ConfigBuilder<AgentScope>,
        timeout: Duration,
        direct_http: bool,
    ) -> Self {
        let agent = owed!(settings, timeout).new_agent();
        Self { agent, timeout, per_request: false, direct_http }
    }

    /// How long one attempt may take, from the name's resolution to the last
    /// byte of the response.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self.per_request = true;
        self
    }
}

impl BlockingTransport for UreqTransport {
    fn send_blocking(&self, request: Request) -> Result<Response, TransportError> {
        let limit = request.response_limit();
        let (mut head, body) = request.into_parts();
        let mut body = Tripwire::new(body);
        // A body of known length is sent as it is, without one in chunks.
        head.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        let direct = self.direct_http && head.uri().scheme() == Some(&Scheme::HTTP);
        let route = cause::Route::of(&self.agent, head.uri(), direct);

        let request = head.map(|()| SendBody::from_reader(&mut body));
        let request = if direct {
            owed!(self.agent.configure_request(request).proxy(None), self.timeout)
        } else if self.per_request {
            owed!(self.agent.configure_request(request), self.timeout)
        } else {
            request
        };
        let response = match self.agent.run(request) {
            Ok(response) => response,
            Err(error) => return Err(cause::read(error, Phase::Head, body.sent(), route)),
        };
        let (head, response) = response.into_parts();
        let reader = ResponseReader::new(head, limit);
        collect(reader, response.into_reader(), |error| {
            cause::read(error.into(), Phase::Body, body.sent(), route)
        })
    }
}

fn collect(
    mut reader: ResponseReader,
    mut body: impl Read,
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
