//! One attempt.

use std::{
    fmt,
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use auth_core::{
    Deadline, Request, Response, ResponseReader, Transport, TransportError, TransportErrorKind,
};
use bytes::Bytes;
use http::{Version, uri::Scheme};
use http_body::{Body as _, Frame};
use reqwest::{Body, Client};
use tokio::time::Instant;

use crate::{
    body::{Sent, Tripwire},
    cause::{self, Connections, Phase},
    http1::{Clients, Servers, is_http2_trouble},
    ours::{Ours, Set},
};

/// How long one attempt may take by default.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends requests to a token endpoint with reqwest.
///
/// A transport is cheap to clone; clones share the client. Make one for the
/// whole program.
#[derive(Clone)]
pub struct ReqwestTransport {
    clients: Source,
    /// With which HTTP/2 has failed.
    servers: Servers,
    timeout: Duration,
}

/// Where the clients are from.
#[derive(Clone)]
enum Source {
    Given(Arc<Set>),
    Ours(Ours),
}

impl ReqwestTransport {
    /// Makes a transport from a client of your own.
    ///
    /// Whatever the client's settings, an attempt ends within 10 s
    /// ([`timeout`](Self::timeout) changes that), the body is sent at most once,
    /// and [`Delivery`](auth_core::Delivery) is right. What has arrived by then is read
    /// for at most 1 s more. The settings of a `Client` cannot be read, so these are
    /// your responsibility:
    ///
    /// - `redirect(Policy::none())`. Otherwise the client follows a 301, 302 or
    ///   303 with a GET. That request holds no token, and its response is
    ///   refused if it comes from another URL: the attempt fails. (The client
    ///   does not follow a 307 or 308, since the body cannot be sent twice.) Which
    ///   headers go along, a secret in `Authorization` among them, is then for reqwest
    ///   to decide.
    /// - `no_proxy()` for an endpoint on plain HTTP.
    ///   By default a client uses the proxy of the environment, which would see
    ///   the refresh token.
    /// - `connect_timeout`. There is none by default, so a host that does not
    ///   respond costs the whole 10 s.
    /// - `timeout` and `read_timeout`. Set neither: after the program stood
    ///   still, they throw away a response that has arrived.
    /// - `pool_max_idle_per_host(0)`. Otherwise a connection that the server has
    ///   closed in the meantime fails like a lost response.
    /// - `retry(reqwest::retry::never())`, cookies, and connector layers that
    ///   repeat requests. reqwest's own retries fail, since the body cannot be
    ///   cloned.
    /// - `no_gzip()` and its like, if some crate in the tree enables these features of
    ///   reqwest. Otherwise a response that is not encoded as its header says is lost.
    /// - The leniency of HTTP/1.1 (`http1_ignore_invalid_headers_in_responses` and
    ///   its like), and `http1_only` for a server that cannot speak HTTP/2. Here is no
    ///   second client that would.
    /// - A client certificate (`identity`), its renewal, and the proxies that see it.
    pub fn from_client(client: Client) -> Self {
        let set = Set { usual: Clients { usual: client, http1: None }, direct: None };
        Self {
            clients: Source::Given(Arc::new(set)),
            servers: Servers::default(),
            timeout: TIMEOUT,
        }
    }

    pub(crate) fn ours(clients: Ours, timeout: Duration) -> Self {
        Self { clients: Source::Ours(clients), servers: Servers::default(), timeout }
    }

    /// Sets how long one attempt may take, from the DNS lookup to the last byte
    /// of the response.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends the request in the version of HTTP that has worked, and learns from it.
    async fn attempt(
        &self,
        request: reqwest::Request,
        limit: usize,
        call: &mut Call,
    ) -> Result<Response, TransportError> {
        let url = request.url().clone();
        let set = match &self.clients {
            Source::Given(set) => Arc::clone(set),
            Source::Ours(ours) => {
                let set = ours.clients(call.deadline.at().map(Into::into)).await?;
                call.connections = ours.connections();
                set
            }
        };
        let clients = set.for_url(&url);
        // Without TLS nobody chooses a version.
        let Some(http1) = clients.http1.as_ref().filter(|_| call.https) else {
            return exchange(&clients.usual, request, limit, call).await;
        };
        if !self.servers.contain(&url) {
            let result = exchange(&clients.usual, request, limit, call).await;
            if call.http2_trouble {
                self.servers.remember(&url);
            }
            return result;
        }
        let result = exchange(http1, request, limit, call).await;
        match &result {
            Ok(_) => self.servers.confirm(&url),
            Err(error) if error.kind() == TransportErrorKind::TlsHandshake => {
                self.servers.doubt(&url);
            }
            Err(_) => {}
        }
        result
    }
}

async fn exchange(
    client: &Client,
    request: reqwest::Request,
    limit: usize,
    call: &mut Call,
) -> Result<Response, TransportError> {
    let url = request.url().clone();
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
                if reader.is_whole() {
                    call.deadline.settle(Instant::now().into_std());
                }
            }
            // hyper takes RST_STREAM with NO_ERROR for the end of the body,
            // though the stream has not ended.
            Ok(None) if http2 && !body.is_end_stream() => {
                return reader.fail(TransportError::unknown(TransportErrorKind::Truncated));
            }
            Ok(None) => return reader.finish(),
            Err(error) => return reader.fail(error),
        }
    }
}

#[async_trait::async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let limit = request.response_limit();
        let (head, body) = request.into_parts();
        let (body, sent) = Tripwire::new(body);
        let mut call = Call {
            sent,
            https: head.uri().scheme() == Some(&Scheme::HTTPS),
            deadline: Deadline::new(Instant::now().into_std(), self.timeout),
            http2_trouble: false,
            connections: Connections::default(),
        };
        let request =
            reqwest::Request::try_from(head.map(|()| Body::wrap(body))).map_err(|error| {
                cause::read(error, Phase::Head, false, call.https, &call.connections)
            })?;
        self.attempt(request, limit, &mut call).await
    }
}

/// What is known of an attempt besides its response.
struct Call {
    sent: Sent,
    https: bool,
    deadline: Deadline,
    /// Whether HTTP/2 itself failed.
    http2_trouble: bool,
    connections: Connections,
}

impl Call {
    async fn in_time<T>(
        &mut self,
        phase: Phase,
        step: impl Future<Output = reqwest::Result<T>>,
    ) -> Result<T, TransportError> {
        let mut step = pin!(step);
        let handshakes = self.connections.handshakes.clone();
        // It connects within its polls, for none of the connections is kept then.
        let mut step = poll_fn(move |context| handshakes.during(|| step.as_mut().poll(context)));
        let result = loop {
            let Some(at) = self.deadline.at() else { break step.await };
            if let Ok(result) = tokio::time::timeout_at(at.into(), &mut step).await {
                break result;
            }
            // What was not sent in time is not sent later. Of what was, the
            // response may have arrived.
            let sent = self.sent.close();
            if !sent || !self.deadline.grace(Instant::now().into_std()) {
                return Err(cause::timed_out(sent));
            }
        };
        // As long as the step is there, the client's task might still read the body.
        result.map_err(|error| {
            self.http2_trouble |= is_http2_trouble(&error);
            cause::read(error, phase, self.sent.close(), self.https, &self.connections)
        })
    }
}

/// Also if the call is dropped, nothing is sent later.
impl Drop for Call {
    fn drop(&mut self) {
        self.sent.close();
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the client: it prints its default headers and proxies.
        f.debug_struct("ReqwestTransport").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// The head of the response, for the reader, and its body.
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

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use auth_core::Delivery;

    use super::*;

    /// A client's own timeout ends the step, and its task still holds the body.
    #[tokio::test]
    async fn what_was_reported_as_not_sent_is_not_sent_later() {
        let (mut body, sent) = Tripwire::new(Bytes::from_static(b"rt"));
        let deadline = Deadline::new(Instant::now().into_std(), TIMEOUT);
        let connections = Connections::default();
        let mut call = Call { sent, https: true, deadline, http2_trouble: false, connections };
        let failed = async { Err::<(), _>(reqwest::Proxy::all("http://").unwrap_err()) };
        let error = call.in_time(Phase::Head, failed).await.unwrap_err();
        assert_eq!(error.delivery(), Delivery::NotSent);
        let frame = Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(frame, Poll::Ready(Some(Err(_)))));
    }
}
