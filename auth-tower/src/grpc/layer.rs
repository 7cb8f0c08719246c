//! The layer above a channel.

use std::{
    error::Error,
    fmt, mem,
    task::{Context, Poll},
};

use auth_accounts::{
    Account,
    calls::{AsyncTokens, Call, CallError, Calls, Target},
};
use http::{HeaderMap, Method, Request, Response, Uri, uri::Parts};
use http_body::Body;
use tonic::Status;
use tower_layer::Layer;
use tower_service::Service;

use super::{
    body::GrpcBody,
    error::without_token,
    exchange::Exchange,
    future::{About, GrpcFuture, State},
};
use crate::box_errors::BoxError;

/// A layer for a gRPC channel: see [the module](super).
#[derive(Debug, Clone)]
pub struct GrpcLayer<T = Account> {
    calls: Calls<T>,
    channel: Uri,
}

/// A layer for gRPC was made for a channel to an origin that its calls do not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnnamedChannel;

impl fmt::Display for UnnamedChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the channel's URL is not of an origin that was named for the tokens")
    }
}

impl Error for UnnamedChannel {}

impl<T: AsyncTokens> GrpcLayer<T> {
    /// Requests of a channel to this URL carry the tokens of `calls`.
    ///
    /// A request of tonic has no more than a path until it is within the channel: where
    /// it goes is the channel's to say. So its URL, which is that of the `Endpoint`, is
    /// needed here.
    ///
    /// # Errors
    ///
    /// [`UnnamedChannel`] if `calls` do not go to the origin of this URL.
    pub fn new(calls: Calls<T>, channel: &Uri) -> Result<Self, UnnamedChannel> {
        match calls.go_to(&Target::Uri(channel)) {
            true => Ok(Self { calls, channel: channel.clone() }),
            false => Err(UnnamedChannel),
        }
    }
}

impl<S, T: Clone> Layer<S> for GrpcLayer<T> {
    type Service = GrpcService<S, T>;

    fn layer(&self, inner: S) -> Self::Service {
        GrpcService { inner, calls: self.calls.clone(), channel: self.channel.clone() }
    }
}

/// A channel whose requests carry a token: what [`GrpcLayer`] makes.
#[derive(Debug, Clone)]
pub struct GrpcService<S, T = Account> {
    inner: S,
    calls: Calls<T>,
    channel: Uri,
}

impl<S, T: AsyncTokens> GrpcService<S, T> {
    /// Where the request goes.
    fn target(&self, uri: &Uri) -> Uri {
        if uri.scheme().is_some() {
            return uri.clone();
        }
        let mut parts = Parts::default();
        parts.scheme = self.channel.scheme().cloned();
        parts.authority = self.channel.authority().cloned();
        parts.path_and_query = uri.path_and_query().cloned();
        Uri::from_parts(parts).unwrap_or_else(|_| self.channel.clone())
    }

    /// The call of a request: one that is made again, or one that begins.
    fn begin<B>(
        &self,
        uri: &Uri,
        request: &Request<B>,
        exchange: Option<&Exchange>,
    ) -> Option<Result<Call<T>, CallError<T::Error>>> {
        if let Some(call) = exchange.and_then(Exchange::take_call) {
            return Some(Ok(call));
        }
        let mut call =
            self.calls.begin(&Target::Uri(uri), request.headers(), Some(request.extensions()))?;
        if let Ok(call) = &mut call {
            call.peek();
        }
        Some(call)
    }
}

impl<S, T, B, R> Service<Request<B>> for GrpcService<S, T>
where
    T: AsyncTokens,
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Send + 'static,
    R: Body + Send + 'static,
{
    type Response = Response<GrpcBody<R, T>>;
    type Error = Status;
    type Future = GrpcFuture<T, S::Future, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.inner.poll_ready(cx).map_err(|error| Status::from_error(error.into()))
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let uri = self.target(request.uri());
        let exchange = request.extensions().get::<Exchange>().cloned();
        let call = match self.begin(&uri, &request, exchange.as_ref()) {
            None => {
                let future = self.inner.call(request);
                return GrpcFuture::new(State::Sending { future, call: None }, None);
            }
            Some(Err(error)) => return GrpcFuture::failed(without_token(error)),
            Some(Ok(call)) => call,
        };
        let (method, target) = (request.method().clone(), Target::Uri(&uri));
        // What cannot be attached at once is attached, or fails, on the long way.
        let is_attached =
            call.held().is_some() && call.attach(&method, &target, request.headers_mut()).is_ok();
        let state = if is_attached {
            State::Sending { future: self.inner.call(request), call: Some(call) }
        } else {
            let clone = self.inner.clone();
            let mut ready = mem::replace(&mut self.inner, clone);
            let uri = uri.clone();
            let future = async move {
                let (mut parts, body) = request.into_parts();
                let call = obtained(call, &parts.method, &uri, &mut parts.headers).await?;
                let sent = ready.call(Request::from_parts(parts, body));
                let response = sent.await.map_err(|error| Status::from_error(error.into()))?;
                Ok((response, call))
            };
            State::Obtaining { future: Box::pin(future) }
        };
        GrpcFuture::new(state, Some(About { uri, exchange }))
    }
}

/// The same call, with a token, which is in the headers.
async fn obtained<T: AsyncTokens>(
    mut call: Call<T>,
    method: &Method,
    uri: &Uri,
    headers: &mut HeaderMap,
) -> Result<Call<T>, Status> {
    if call.held().is_none() {
        call.obtain().await.map_err(without_token)?;
    }
    call.attach_async(method, &Target::Uri(uri), headers).await.map_err(without_token)?;
    Ok(call)
}
