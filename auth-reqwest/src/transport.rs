//! One attempt.

use std::{fmt, time::Duration};

use auth_core::{Request, Response, ResponseReader, Transport, TransportError, TransportErrorKind};
use reqwest::{Body, Client};

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
    ///   with a GET. That request holds no token, and its answer is refused:
    ///   the attempt fails. (A 307 or 308 is not followed, for the body cannot
    ///   be sent twice.)
    /// - `connect_timeout`: there is none by default, so that a silent host
    ///   costs the whole 10 s.
    /// - `pool_max_idle_per_host(0)`: otherwise a connection that the server
    ///   has closed in the meantime fails like a lost answer.
    /// - `retry(reqwest::retry::never())`, cookies, and connector layers that
    ///   repeat requests. A body that cannot be cloned stops reqwest's own
    ///   retries.
    pub fn from_client(client: Client) -> Self {
        Self { client, timeout: TIMEOUT }
    }

    /// How long one attempt may take, from the name's resolution to the last
    /// byte of the answer.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    async fn attempt(
        &self,
        request: reqwest::Request,
        sent: &Sent,
        limit: usize,
    ) -> Result<Response, TransportError> {
        let https = request.url().scheme() == "https";
        let url = request.url().clone();
        let fail = |error, phase| cause::read(error, phase, sent.get(), https);

        let response =
            self.client.execute(request).await.map_err(|error| fail(error, Phase::Head))?;
        if *response.url() != url {
            return Err(TransportError::unknown(TransportErrorKind::Other)
                .with_source("the client followed a redirect; build it with Policy::none()"));
        }
        let (head, mut body) = split(response);
        let mut reader = ResponseReader::new(head, limit);
        loop {
            match body.chunk().await {
                Ok(Some(chunk)) => {
                    if reader.push(&chunk).is_break() {
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => return reader.fail(fail(error, Phase::Body)),
            }
        }
        reader.finish()
    }
}

#[async_trait::async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let limit = request.response_limit();
        let (head, body) = request.into_parts();
        let (body, sent) = Tripwire::new(body);
        let request = reqwest::Request::try_from(head.map(|()| Body::wrap(body)))
            .map_err(|error| cause::read(error, Phase::Head, false, false))?;
        tokio::time::timeout(self.timeout, self.attempt(request, &sent, limit))
            .await
            .unwrap_or_else(|_| Err(cause::timed_out(sent.get())))
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the client: it prints its default headers and proxies.
        f.debug_struct("ReqwestTransport").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// The head for the reader, and the response to read the body from.
fn split(mut response: reqwest::Response) -> (http::response::Parts, reqwest::Response) {
    let (mut head, ()) = http::Response::new(()).into_parts();
    head.status = response.status();
    head.version = response.version();
    head.headers = std::mem::take(response.headers_mut());
    (head, response)
}
