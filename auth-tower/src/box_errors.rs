//! For stacks whose errors are boxed.

use std::{
    error::Error,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use auth_accounts::calls::CallError;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

/// The error of tower's own layers, and of whoever has many.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A layer, or what it makes, with boxed errors: a [`CallError`] without the client's
/// error, or the client's error as it is.
#[derive(Debug, Clone)]
pub struct BoxErrors<L>(L);

impl<L> BoxErrors<L> {
    pub(crate) fn new(inner: L) -> Self {
        Self(inner)
    }
}

impl<S, L: Layer<S>> Layer<S> for BoxErrors<L> {
    type Service = BoxErrors<L::Service>;

    fn layer(&self, inner: S) -> Self::Service {
        BoxErrors(self.0.layer(inner))
    }
}

impl<S, Q, E, C> Service<Q> for BoxErrors<S>
where
    S: Service<Q, Error = CallError<E, C>>,
    E: Error + Send + Sync + 'static,
    C: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxErrorsFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx).map_err(boxed)
    }

    fn call(&mut self, request: Q) -> Self::Future {
        BoxErrorsFuture { inner: self.0.call(request) }
    }
}

pin_project! {
    /// The response, or a boxed error.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct BoxErrorsFuture<F> {
        #[pin]
        inner: F,
    }
}

impl<F, R, E, C> Future for BoxErrorsFuture<F>
where
    F: Future<Output = Result<R, CallError<E, C>>>,
    E: Error + Send + Sync + 'static,
    C: Into<BoxError>,
{
    type Output = Result<R, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(ready!(self.project().inner.poll(cx)).map_err(boxed))
    }
}

pub(crate) fn boxed<E, C>(error: CallError<E, C>) -> BoxError
where
    E: Error + Send + Sync + 'static,
    C: Into<BoxError>,
{
    match error.into_client() {
        Ok(error) => error.into(),
        Err(error) => Box::new(error),
    }
}
