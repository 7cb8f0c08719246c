//! The future of a request that is sent once.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use auth_accounts::calls::{Answer, Call, CallError, Tokens};
use http::Response;
use pin_project_lite::pin_project;

use crate::settle::settle;

/// What a call comes to.
pub(crate) type Outcome<T, R, E> = Result<Response<R>, CallError<<T as Tokens>::Error, E>>;

pin_project! {
    /// The response to a request that carries a token. With a token that is ready it
    /// allocates nothing.
    #[must_use = "futures do nothing unless polled"]
    pub struct CallFuture<T: Tokens, F, R, E> {
        #[pin]
        state: State<T, F, R, E>,
        // What judges the response of what is sent. It is beside the state, since what is
        // large is copied less often so.
        call: Option<Call<T>>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<T: Tokens, F, R, E> {
        Sending {
            #[pin]
            future: F,
        },
        /// A token is obtained first, or signed for.
        Obtaining {
            future: Pin<Box<dyn Future<Output = Outcome<T, R, E>> + Send>>,
        },
        Failed {
            error: Option<CallError<T::Error, E>>,
        },
    }
}

impl<T: Tokens, F, R, E> CallFuture<T, F, R, E> {
    /// A request that is on its way, with the token of this call, or as it is.
    #[inline]
    pub(crate) fn sending(future: F, call: Option<Call<T>>) -> Self {
        Self { state: State::Sending { future }, call }
    }

    pub(crate) fn obtaining(
        future: Pin<Box<dyn Future<Output = Outcome<T, R, E>> + Send>>,
    ) -> Self {
        Self { state: State::Obtaining { future }, call: None }
    }

    pub(crate) fn failed(error: CallError<T::Error, E>) -> Self {
        Self { state: State::Failed { error: Some(error) }, call: None }
    }
}

impl<T: Tokens, F, R, E> std::fmt::Debug for CallFuture<T, F, R, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallFuture").finish_non_exhaustive()
    }
}

impl<T, F, R, E> Future for CallFuture<T, F, R, E>
where
    T: Tokens,
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Outcome<T, R, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.state.project() {
            StateProjection::Sending { future } => {
                let mut sent = future.poll(cx).map_err(CallError::Client);
                // Judged where it stands: a response is large to be moved about.
                if let (Poll::Ready(Ok(response)), Some(call)) = (&mut sent, this.call) {
                    let from = response.came_from();
                    let verdict = call.judge(from.as_ref(), response.status(), response.headers());
                    if let Some(why) = settle(call, verdict) {
                        response.note(why);
                    }
                }
                sent
            }
            StateProjection::Obtaining { future } => future.as_mut().poll(cx),
            StateProjection::Failed { error } => match error.take() {
                Some(error) => Poll::Ready(Err(error)),
                None => Poll::Pending,
            },
        }
    }
}
