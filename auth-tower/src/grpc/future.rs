//! The future of a gRPC request.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use auth_accounts::calls::{Answer, Call, Tokens};
use http::Response;
use pin_project_lite::pin_project;
use tonic::Status;

use super::{
    body::{GrpcBody, Watch},
    code::{code, http_status},
    exchange::{Exchange, conclude},
};
use crate::box_errors::BoxError;

/// A response, and the call that it is of.
pub(super) type Obtaining<T, R> =
    Pin<Box<dyn Future<Output = Result<(Response<R>, Call<T>), Status>> + Send>>;

pin_project! {
    /// The response to a gRPC request that carries a token.
    #[must_use = "futures do nothing unless polled"]
    pub struct GrpcFuture<T: Tokens, F, R> {
        #[pin]
        state: State<T, F, R>,
        exchange: Option<Exchange>,
    }
}

pin_project! {
    #[project = StateProjection]
    pub(super) enum State<T: Tokens, F, R> {
        /// With a token, or without if it does not go there.
        Sending {
            #[pin]
            future: F,
            call: Option<Call<T>>,
        },
        /// A token is obtained first, or signed for.
        Obtaining {
            future: Obtaining<T, R>,
        },
        Failed {
            status: Option<Status>,
        },
    }
}

impl<T: Tokens, F, R> GrpcFuture<T, F, R> {
    pub(super) fn new(state: State<T, F, R>, exchange: Option<Exchange>) -> Self {
        Self { state, exchange }
    }

    pub(super) fn failed(status: Status) -> Self {
        Self::new(State::Failed { status: Some(status) }, None)
    }
}

impl<T: Tokens, F, R> fmt::Debug for GrpcFuture<T, F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcFuture").finish_non_exhaustive()
    }
}

impl<T, F, R, E> Future for GrpcFuture<T, F, R>
where
    T: Tokens,
    F: Future<Output = Result<Response<R>, E>>,
    E: Into<BoxError>,
{
    type Output = Result<Response<GrpcBody<R, T>>, Status>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (response, call) = match this.state.project() {
            StateProjection::Sending { future, call } => {
                let response = ready!(future.poll(cx));
                (response.map_err(|error| Status::from_error(error.into()))?, call.take())
            }
            StateProjection::Obtaining { future } => {
                let (response, call) = ready!(future.as_mut().poll(cx))?;
                (response, Some(call))
            }
            StateProjection::Failed { status } => match status.take() {
                Some(status) => return Poll::Ready(Err(status)),
                None => return Poll::Pending,
            },
        };
        Poll::Ready(Ok(match call {
            Some(call) => judged(response, call, this.exchange.take()),
            None => response.map(|body| GrpcBody::new(body, None)),
        }))
    }
}

/// Judges the head of a response, and leaves the rest to its body.
fn judged<T: Tokens, R>(
    mut response: Response<R>,
    mut call: Call<T>,
    exchange: Option<Exchange>,
) -> Response<GrpcBody<R, T>> {
    let code = code(response.headers());
    // Without a code in the headers, it is in the trailers, if it is gRPC at all.
    let status = code.and_then(http_status).unwrap_or(response.status());
    let verdict = call.judge(None, status, response.headers());
    let watch = if code.is_none() && response.status().is_success() {
        Some(Watch { call, exchange })
    } else {
        if let Some(why) = conclude(call, verdict, exchange.as_ref()) {
            response.note(why);
        }
        None
    };
    response.map(|body| GrpcBody::new(body, watch))
}
