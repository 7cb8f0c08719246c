//! The layer over any client.

use std::{
    future::{Future, poll_fn},
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use auth_accounts::{
    Account,
    calls::{AsyncTokens, Call, CallError, Calls, Target},
};
use http::{Request, Response, Uri};
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    again::{AttachOnly, Copied, Copies, SendAgain, SendAgainWith},
    base::{Base, UnnamedOrigin},
    box_errors::BoxErrors,
    future::{CallFuture, Outcome},
};

/// A future whose type has no name.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A layer whose requests carry a token: see [the crate](crate).
#[derive(Debug, Clone)]
pub struct CallLayer<T = Account, M = AttachOnly> {
    calls: Calls<T>,
    base: Base,
    again: M,
}

impl<T: AsyncTokens> CallLayer<T> {
    /// Requests to the origins of `calls` carry its tokens, and are sent once.
    pub fn new(calls: Calls<T>) -> Self {
        Self { calls, base: Base::default(), again: AttachOnly }
    }

    /// Sends a request once more, with another token, if its token is refused. It asks
    /// for bodies that can be cloned, and keeps a copy of each request.
    #[must_use]
    pub fn send_again(self) -> CallLayer<T, SendAgain> {
        CallLayer { calls: self.calls, base: self.base, again: SendAgain }
    }

    /// The same for bodies that may or may not be copied: a request whose body is `None`
    /// is sent once.
    #[must_use]
    pub fn send_again_with<B>(self, copy: fn(&B) -> Option<B>) -> CallLayer<T, SendAgainWith<B>> {
        CallLayer { calls: self.calls, base: self.base, again: SendAgainWith(copy) }
    }
}

impl<T: AsyncTokens, M> CallLayer<T, M> {
    /// The URL of the service below, for requests whose URL is no more than a path until
    /// they are there. Without this, they go without a token.
    ///
    /// # Errors
    ///
    /// [`UnnamedOrigin`] if the calls do not go to the origin of this URL.
    pub fn base(self, uri: &Uri) -> Result<Self, UnnamedOrigin> {
        Ok(Self { base: Base::new(uri, &self.calls)?, ..self })
    }

    /// The same with errors of type [`BoxError`](crate::BoxError), for stacks whose
    /// errors are boxed.
    #[must_use]
    pub fn box_errors(self) -> BoxErrors<Self> {
        BoxErrors::new(self)
    }
}

impl<S, T: Clone, M: Clone> Layer<S> for CallLayer<T, M> {
    type Service = CallService<S, T, M>;

    fn layer(&self, inner: S) -> Self::Service {
        let (calls, base, again) = (self.calls.clone(), self.base.clone(), self.again.clone());
        CallService { inner, calls, base, again }
    }
}

/// A client whose requests carry a token: what [`CallLayer`] makes.
#[derive(Debug, Clone)]
pub struct CallService<S, T = Account, M = AttachOnly> {
    inner: S,
    calls: Calls<T>,
    base: Base,
    again: M,
}

impl<S: Clone, T, M> CallService<S, T, M> {
    /// The service that is ready. A clone takes its place, which is not.
    fn take_ready(&mut self) -> S {
        let clone = self.inner.clone();
        mem::replace(&mut self.inner, clone)
    }
}

impl<S, T: AsyncTokens> CallService<S, T> {
    /// The call of a request that has its token at once.
    #[inline]
    fn attach_ready<B>(&self, request: &mut Request<B>) -> Option<Call<T>> {
        let uri = self.base.complete(request.uri());
        let ready = self.calls.begin_ready(&Target::Uri(&uri), Some(request.extensions()))?;
        ready.attach(request.headers_mut())
    }

    /// The same for all others.
    #[inline(never)]
    fn call_others<B, R>(&mut self, request: Request<B>) -> CallFuture<T, S::Future, R, S::Error>
    where
        S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: Send + 'static,
        B: Send + 'static,
        R: Send + 'static,
    {
        let uri = self.base.complete(request.uri());
        match self.calls.begin(&Target::Uri(&uri), request.headers(), Some(request.extensions())) {
            None => CallFuture::sending(self.inner.call(request), None),
            Some(Err(error)) => CallFuture::failed(error.widen()),
            // Something has to be obtained or signed; or it fails, as it does there.
            Some(Ok(_)) => {
                let uri = uri.into_owned();
                let copied = Copied { request, uri, copy: |_| None };
                CallFuture::obtaining(Box::pin(send(self.calls.clone(), self.take_ready(), copied)))
            }
        }
    }
}

impl<S, T, B, R> Service<Request<B>> for CallService<S, T, AttachOnly>
where
    T: AsyncTokens,
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send + 'static,
    B: Send + 'static,
    R: Send + 'static,
{
    type Response = Response<R>;
    type Error = CallError<T::Error, S::Error>;
    type Future = CallFuture<T, S::Future, R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(CallError::Client)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match self.attach_ready(&mut request) {
            None => self.call_others(request),
            call => CallFuture::sending(self.inner.call(request), call),
        }
    }
}

impl<S, T, M, B, R> Service<Request<B>> for CallService<S, T, M>
where
    M: Copies<B>,
    T: AsyncTokens,
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send + 'static,
    B: Send + 'static,
    R: Send + 'static,
{
    type Response = Response<R>;
    type Error = CallError<T::Error, S::Error>;
    type Future = BoxFuture<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(CallError::Client)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let uri = self.base.complete(request.uri()).into_owned();
        let copied = Copied { request, uri, copy: self.again.copy() };
        Box::pin(send(self.calls.clone(), self.take_ready(), copied))
    }
}

/// Sends by a service that is ready. What is sent again goes to a clone of it, once
/// that is ready.
async fn send<S, T, B, R>(calls: Calls<T>, ready: S, request: Copied<B>) -> Outcome<T, R, S::Error>
where
    T: AsyncTokens,
    S: Service<Request<B>, Response = Response<R>> + Clone,
{
    let spare = ready.clone();
    let mut first = Some(ready);
    calls
        .send(request, move |Copied { request, .. }| {
            let ready = first.take();
            let is_ready = ready.is_some();
            let mut service = ready.unwrap_or_else(|| spare.clone());
            async move {
                if !is_ready {
                    poll_fn(|cx| service.poll_ready(cx)).await?;
                }
                service.call(request).await
            }
        })
        .await
}
