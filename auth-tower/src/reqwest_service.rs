//! A `reqwest::Client` as a service of `http` types.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use auth_accounts::calls::CameFrom;
use http::{Request, Response, Uri};
use pin_project_lite::pin_project;
use reqwest::{Body, Client, ClientBuilder, Error, redirect::Policy};
use tower_service::Service;

/// A [`reqwest::Client`] as a service that takes an [`http::Request`] and returns an
/// [`http::Response`]. It is always ready.
///
/// ```
/// use auth_tower::{CallLayer, ReqwestService, auth_accounts::{Account, calls::Calls}, reqwest};
/// use tower::ServiceBuilder;
///
/// # fn example(account: Account) -> Result<(), Box<dyn std::error::Error>> {
/// let calls = Calls::new(account, ["https://api.example.com"])?;
/// let client = ServiceBuilder::new()
///     .layer(CallLayer::new(calls).send_again_with(ReqwestService::copy))
///     .service(ReqwestService::new(reqwest::Client::builder())?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ReqwestService(Client);

impl ReqwestService {
    /// A client that follows no redirect by itself, so that none takes a token along. A
    /// layer above the one that attaches tokens can follow them, such as that of
    /// tower-http: then each hop is judged anew.
    ///
    /// # Errors
    ///
    /// As [`ClientBuilder::build`].
    pub fn new(builder: ClientBuilder) -> Result<Self, Error> {
        Ok(Self(builder.redirect(Policy::none()).build()?))
    }

    /// This client, whose redirect policy takes no token elsewhere: none; or `redirects()`
    /// of auth-reqwest, if its tokens are not bound to a key (DPoP). The URL that a response
    /// came from is in its extensions, as [`CameFrom`], so that a refusal from elsewhere is
    /// not taken for one of the token.
    pub fn of_client(client: Client) -> Self {
        Self(client)
    }

    /// A copy of a body, unless it is a stream: for
    /// [`send_again_with`](crate::CallLayer::send_again_with). Bodies of type `Bytes`,
    /// which this service takes, too, are cloned without a copy.
    pub fn copy(body: &Body) -> Option<Body> {
        body.as_bytes().map(|bytes| Body::from(bytes.to_vec()))
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
