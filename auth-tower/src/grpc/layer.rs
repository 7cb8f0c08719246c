//! The layer above a channel.

use std::{
    mem,
    task::{Context, Poll},
};

use auth_accounts::{
    Account,
    calls::{AsyncTokens, Call, CallError, Calls, OriginError, Target},
};
use http::{HeaderMap, Method, Request, Response, Uri};
use http_body::Body;
use tonic::Status;
use tower_layer::Layer;
use tower_service::Service;

use super::{
    body::GrpcBody,
    error::without_token,
    exchange::Exchange,
    future::{GrpcFuture, State},
};
use crate::{
    base::{Base, UnnamedOrigin},
    box_errors::BoxError,
};

/// A layer for a gRPC channel: see [the module](super).
#[derive(Debug, Clone)]
pub struct GrpcLayer<T = Account> {
    calls: Calls<T>,
    channel: Base,
}

impl<T: AsyncTokens> GrpcLayer<T> {
    /// Requests of a channel to this URL carry these tokens.
    ///
    /// A request of tonic has no more than a path until it is within the channel: where
    /// it goes is the channel's to say. So its URL, which is that of the `Endpoint`, is
    /// needed here.
    ///
    /// # Errors
    ///
    /// [`OriginError`] if that is no URL that a token may go to, such as plain `http` to
    /// a host that is not loopback.
    pub fn for_channel(tokens: T, channel: &Uri) -> Result<Self, OriginError> {
        let calls = Calls::new(tokens, [channel.to_string()])?;
        Self::new(calls, channel).map_err(|UnnamedOrigin| OriginError::None)
    }

    /// Requests of a channel to this URL carry the tokens of `calls`.
    ///
    /// # Errors
    ///
    /// [`UnnamedOrigin`] if `calls` do not go to the origin of this URL.
    pub fn new(calls: Calls<T>, channel: &Uri) -> Result<Self, UnnamedOrigin> {
        Ok(Self { channel: Base::new(channel, &calls)?, calls })
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
    channel: Base,
}

impl<S, T: AsyncTokens> GrpcService<S, T> {
    /// The call of a request: one that is made again, or one that begins.
    fn begin<B>(
        &self,
        uri: &Uri,
        request: &Request<B>,
        exchange: Option<&Exchange>,
    ) -> Option<Result<Call<T>, CallError<T::Error>>> {
        let target = Target::Uri(uri);
        if let Some(call) = exchange.and_then(|exchange| exchange.take_call(&target)) {
            return Some(Ok(call));
        }
        let mut call = self.calls.begin(&target, request.headers(), Some(request.extensions()))?;
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
        let uri = self.channel.complete(request.uri()).into_owned();
        let exchange = request.extensions().get::<Exchange>().cloned();
        let mut call = match self.begin(&uri, &request, exchange.as_ref()) {
            None => {
                let future = self.inner.call(request);
                return GrpcFuture::new(State::Sending { future, call: None }, None);
            }
            Some(Err(error)) => return GrpcFuture::failed(without_token::<T>(error)),
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
            let future = async move {
                let (mut parts, body) = request.into_parts();
                let call = obtained(call, &parts.method, &uri, &mut parts.headers).await?;
                let sent = ready.call(Request::from_parts(parts, body));
                let response = sent.await.map_err(|error| Status::from_error(error.into()))?;
                Ok((response, call))
            };
            State::Obtaining { future: Box::pin(future) }
        };
        GrpcFuture::new(state, exchange)
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
        call.obtain().await.map_err(without_token::<T>)?;
    }
    call.attach_async(method, &Target::Uri(uri), headers).await.map_err(without_token::<T>)?;
    Ok(call)
}
