//! The future of a request that is sent once.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
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
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<T: Tokens, F, R, E> {
        /// Without a token: it does not go there.
        AsItIs {
            #[pin]
            future: F,
        },
        Sending {
            #[pin]
            future: F,
            call: Call<T>,
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
    pub(crate) fn as_it_is(future: F) -> Self {
        Self { state: State::AsItIs { future } }
    }

    pub(crate) fn sending(future: F, call: Call<T>) -> Self {
        Self { state: State::Sending { future, call } }
    }

    pub(crate) fn obtaining(
        future: Pin<Box<dyn Future<Output = Outcome<T, R, E>> + Send>>,
    ) -> Self {
        Self { state: State::Obtaining { future } }
    }

    pub(crate) fn failed(error: CallError<T::Error, E>) -> Self {
        Self { state: State::Failed { error: Some(error) } }
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
        match self.project().state.project() {
            StateProjection::AsItIs { future } => future.poll(cx).map_err(CallError::Client),
            StateProjection::Sending { future, call } => {
                let mut response = ready!(future.poll(cx)).map_err(CallError::Client)?;
                let from = response.came_from();
                let verdict = call.judge(from.as_ref(), response.status(), response.headers());
                if let Some(why) = settle(call, verdict) {
                    response.note(why);
                }
                Poll::Ready(Ok(response))
            }
            StateProjection::Obtaining { future } => future.as_mut().poll(cx),
            StateProjection::Failed { error } => match error.take() {
                Some(error) => Poll::Ready(Err(error)),
                None => Poll::Pending,
            },
        }
    }
}
