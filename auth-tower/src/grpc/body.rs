//! The body of a response, whose trailers may say that the token was refused.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use auth_accounts::calls::{Call, Tokens};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::{
    code::{code, http_status},
    exchange::{Exchange, conclude},
};

pin_project! {
    /// The body of a response. When its trailers come, and say that the token was
    /// refused, the token is marked. It is the inner body in all else.
    pub struct GrpcBody<B, T: Tokens> {
        #[pin]
        inner: B,
        watch: Option<Watch<T>>,
    }
}

impl<B, T: Tokens> GrpcBody<B, T> {
    pub(super) fn new(inner: B, watch: Option<Watch<T>>) -> Self {
        Self { inner, watch }
    }
}

impl<B: fmt::Debug, T: Tokens> fmt::Debug for GrpcBody<B, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GrpcBody").field(&self.inner).finish()
    }
}

/// A call whose verdict is in the trailers.
pub(super) struct Watch<T: Tokens> {
    pub(super) call: Call<T>,
    pub(super) exchange: Option<Exchange>,
}

impl<T: Tokens> Watch<T> {
    fn conclude(mut self, trailers: &HeaderMap) {
        if let Some(status) = code(trailers).and_then(http_status) {
            let verdict = self.call.judge(None, status, trailers);
            conclude(self.call, verdict, self.exchange.as_ref());
        }
    }
}

impl<B: Body, T: Tokens> Body for GrpcBody<B, T> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.inner.poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(trailers) = frame.trailers_ref()
            && let Some(watch) = this.watch.take()
        {
            watch.conclude(trailers);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
