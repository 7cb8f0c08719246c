//! A `reqwest::Client` as a service of `http` types.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use auth_accounts::calls::CameFrom;
use http::{Request, Response, Uri};
use pin_project_lite::pin_project;
use reqwest::{Body, Client, Error};
use tower_service::Service;

/// A [`reqwest::Client`] as a service that takes an [`http::Request`] and returns an
/// [`http::Response`]. It is always ready.
///
/// reqwest follows redirects unless it is told otherwise. The URL that the response came
/// from is in its extensions, as [`CameFrom`].
#[derive(Debug, Clone, Default)]
pub struct ReqwestService(Client);

impl ReqwestService {
    /// This client.
    pub fn new(client: Client) -> Self {
        Self(client)
    }
}

impl From<Client> for ReqwestService {
    fn from(client: Client) -> Self {
        Self(client)
    }
}

impl<B: Into<Body>> Service<Request<B>> for ReqwestService {
    type Response = Response<Body>;
    type Error = Error;
    type Future = ReqwestFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ReqwestFuture {
        let state = match reqwest::Request::try_from(request) {
            Ok(request) => State::Sending { future: self.0.call(request) },
            Err(error) => State::Failed { error: Some(error) },
        };
        ReqwestFuture { state }
    }
}

pin_project! {
    /// The response.
    #[must_use = "futures do nothing unless polled"]
    pub struct ReqwestFuture {
        #[pin]
        state: State,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State {
        Sending {
            #[pin]
            future: <Client as Service<reqwest::Request>>::Future,
        },
        Failed {
            error: Option<Error>,
        },
    }
}

impl std::fmt::Debug for ReqwestFuture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReqwestFuture").finish_non_exhaustive()
    }
}

impl Future for ReqwestFuture {
    type Output = Result<Response<Body>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Sending { future } => {
                let response = ready!(future.poll(cx))?;
                let came_from = response.url().as_str().parse::<Uri>();
                let mut response = Response::from(response);
                if let Ok(uri) = came_from {
                    response.extensions_mut().insert(CameFrom(uri));
                }
                Poll::Ready(Ok(response))
            }
            StateProjection::Failed { error } => match error.take() {
                Some(error) => Poll::Ready(Err(error)),
                None => Poll::Pending,
            },
        }
    }
}
