//! One attempt.

use std::{fmt, future::poll_fn, pin::Pin, time::Duration};

use auth_core::{Request, Response, ResponseReader, Transport, TransportError, TransportErrorKind};
use bytes::Bytes;
use http::{Version, uri::Scheme};
use http_body::{Body as _, Frame};
use reqwest::{Body, Client};
use tokio::time::Instant;

use crate::{
    BuildError, ReqwestTransportBuilder,
    body::{Sent, Tripwire},
    builder::TIMEOUT,
    cause::{self, Phase},
};

/// Sends requests to a token endpoint with reqwest.
///
/// Cheap to clone; clones share the client. Make one for the program.
#[derive(Clone)]
pub struct ReqwestTransport {
    client: Client,
    /// For plain HTTP, where it must not take the client's proxy.
    direct: Option<Client>,
    timeout: Duration,
}

impl ReqwestTransport {
    /// With the default settings.
    ///
    /// # Errors
    ///
    /// [`BuildError`], if the system has no trusted certificates.
    pub fn new() -> Result<Self, BuildError> {
        Self::builder().build()
    }

    /// With other settings.
    pub fn builder() -> ReqwestTransportBuilder {
        ReqwestTransportBuilder::default()
    }

    /// With a client of your own.
    ///
    /// Whatever its settings, an attempt ends within 10 s
    /// ([`with_timeout`](Self::with_timeout) changes that), the body is sent
    /// once at most, and [`Delivery`](auth_core::Delivery) is right. What a
    /// `Client` does not tell, and so is yours to see to:
    ///
    /// - `redirect(Policy::none())`. Otherwise a 301, 302 or 303 is followed
    ///   with a GET. That request holds no token, and its response is refused if
    ///   it comes from another URL: the attempt fails. (A 307 or 308 is not
    ///   followed, for the body cannot be sent twice.)
    /// - `no_proxy()` for an endpoint on plain HTTP, which is for loopback only:
    ///   a client takes a proxy from the environment by default, and would show
    ///   it the refresh token.
    /// - `connect_timeout`: there is none by default, so that a silent host
    ///   costs the whole 10 s.
    /// - `pool_max_idle_per_host(0)`: otherwise a connection that the server
    ///   has closed in the meantime fails like a lost response.
    /// - `retry(reqwest::retry::never())`, cookies, and connector layers that
    ///   repeat requests. A body that cannot be cloned stops reqwest's own
    ///   retries.
    pub fn from_client(client: Client) -> Self {
        Self { client, direct: None, timeout: TIMEOUT }
    }

    pub(crate) fn ours(client: Client, direct: Option<Client>, timeout: Duration) -> Self {
        Self { client, direct, timeout }
    }

    /// How long one attempt may take, from the name's resolution to the last
    /// byte of the response.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    async fn attempt(
        &self,
        request: reqwest::Request,
        limit: usize,
        call: &Call,
    ) -> Result<Response, TransportError> {
        let url = request.url().clone();
        let client = self.direct.as_ref().filter(|_| !call.https).unwrap_or(&self.client);
        let response = call.in_time(Phase::Head, client.execute(request)).await?;
        if *response.url() != url {
            return Err(TransportError::unknown(TransportErrorKind::Other)
                .with_source("the client followed a redirect; build it with Policy::none()"));
        }
        let (head, mut body) = split(response);
        let http2 = head.version >= Version::HTTP_2;
        let mut reader = ResponseReader::new(head, limit);
        loop {
            match call.in_time(Phase::Body, next_frame(&mut body)).await {
                Ok(Some(frame)) => {
                    if frame.data_ref().is_some_and(|chunk| reader.push(chunk).is_break()) {
                        return reader.finish();
                    }
                }
                // hyper takes RST_STREAM with NO_ERROR for an end, where the
                // stream has not ended.
                Ok(None) if http2 && !body.is_end_stream() => {
                    return reader.fail(TransportError::unknown(TransportErrorKind::Truncated));
                }
                Ok(None) => return reader.finish(),
                Err(error) => return reader.fail(error),
            }
        }
    }
}

#[async_trait::async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let limit = request.response_limit();
        let (head, body) = request.into_parts();
        let (body, sent) = Tripwire::new(body);
        let call = Call {
            sent,
            https: head.uri().scheme() == Some(&Scheme::HTTPS),
            deadline: Instant::now().checked_add(self.timeout),
        };
        let request = reqwest::Request::try_from(head.map(|()| Body::wrap(body)))
            .map_err(|error| cause::read(error, Phase::Head, false, call.https))?;
        self.attempt(request, limit, &call).await
    }
}

/// What is known of a call besides its response.
struct Call {
    sent: Sent,
    https: bool,
    /// `None`: too far away to be counted to.
    deadline: Option<Instant>,
}

impl Call {
    async fn in_time<T>(
        &self,
        phase: Phase,
        step: impl Future<Output = reqwest::Result<T>>,
    ) -> Result<T, TransportError> {
        let result = match self.deadline {
            Some(deadline) => match tokio::time::timeout_at(deadline, step).await {
                Ok(result) => result,
                Err(_) => return Err(cause::timed_out(self.sent.get())),
            },
            None => step.await,
        };
        result.map_err(|error| cause::read(error, phase, self.sent.get(), self.https))
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the client: it prints its default headers and proxies.
        f.debug_struct("ReqwestTransport").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// The head for the reader, and the body.
fn split(mut response: reqwest::Response) -> (http::response::Parts, Body) {
    let (mut head, ()) = http::Response::new(()).into_parts();
    head.status = response.status();
    head.version = response.version();
    head.headers = std::mem::take(response.headers_mut());
    (head, Body::from(response))
}

async fn next_frame(body: &mut Body) -> reqwest::Result<Option<Frame<Bytes>>> {
    poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await.transpose()
}
