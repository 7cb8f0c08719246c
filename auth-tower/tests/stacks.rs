//! The layer among tower's own, in either order.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    future::{Ready, ready},
    time::Duration,
};

use auth_testkit::{ApiResponse, CannedResponse};
use auth_tower::{
    BoxError, CallLayer,
    auth_accounts::calls::{CameFrom, NotAgain},
    http::{Request, Response, Uri},
};
use bytes::Bytes;
use http_body_util::Empty;
use support::{World, get};
use tower::{Service, ServiceBuilder, ServiceExt, retry::Policy, service_fn, util::BoxService};
use tower_http::follow_redirect::{FollowRedirectLayer, RequestUri};

type Answered = Response<Vec<u8>>;

fn unauthorized() -> CannedResponse {
    CannedResponse::unauthorized([])
}

/// A request whose token is refused once, and one after that, by one client.
async fn is_served<S>(world: &World, mut client: S)
where
    S: Service<Request<()>, Response = Answered, Error: std::fmt::Debug>,
{
    world.api.respond_next([unauthorized()]);
    for _ in 0..2 {
        let response = client.ready().await.unwrap().call(get("/me")).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    assert_eq!((world.api.report().calls, world.refreshes()), (3, 1));
    // With a token to obtain, too.
    world.server.clock().advance(Duration::from_secs(3600));
    let response = client.ready().await.unwrap().call(get("/me")).await.unwrap();
    assert_eq!((response.status().as_u16(), world.refreshes()), (200, 2));
}

#[tokio::test]
async fn with_one_request_at_a_time() {
    let world = World::new();
    let layer = CallLayer::new(world.calls()).send_again();
    let below = ServiceBuilder::new().layer(layer).concurrency_limit(1).service(world.client());
    is_served(&world, below).await;

    let world = World::new();
    let layer = CallLayer::new(world.calls()).send_again();
    let above = ServiceBuilder::new().concurrency_limit(1).layer(layer).service(world.client());
    is_served(&world, above).await;
}

#[tokio::test]
async fn with_a_rate_that_allows_it() {
    // Not `Clone`, so that a buffer stands between.
    let world = World::new();
    let layer = CallLayer::new(world.calls()).send_again();
    let below = ServiceBuilder::new()
        .layer(layer.box_errors())
        .buffer(1)
        .rate_limit(10, Duration::from_secs(3600))
        .service(world.client());
    is_served(&world, below).await;
}

#[tokio::test]
async fn with_a_buffer() {
    let world = World::new();
    let layer = CallLayer::new(world.calls()).send_again().box_errors();
    let below = ServiceBuilder::new().layer(layer).buffer(1).service(world.client());
    is_served(&world, below).await;

    let world = World::new();
    let layer = CallLayer::new(world.calls()).send_again();
    let above = ServiceBuilder::new().buffer(1).layer(layer).service(world.client());
    is_served(&world, above).await;
}

#[tokio::test]
async fn with_a_client_that_cannot_be_cloned() {
    // As that of kube is. A buffer makes clones of it.
    let world = World::new();
    let client: BoxService<Request<()>, Answered, BoxError> =
        BoxService::new(ServiceBuilder::new().map_err(BoxError::from).service(world.client()));
    let layer = CallLayer::new(world.calls()).send_again().box_errors();
    let client = ServiceBuilder::new().layer(layer).buffer(1).service(client);
    // It is what kube asks for.
    fn kube<S>(client: S) -> S
    where
        S: Service<Request<()>, Error: Into<BoxError>, Future: Send + 'static> + Send + 'static,
    {
        client
    }
    is_served(&world, kube(client)).await;
}

/// Retries 503, and any other number of times nothing.
#[derive(Clone)]
struct Busy(usize);

impl<E> Policy<Request<()>, Answered, E> for Busy {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<()>,
        result: &mut Result<Answered, E>,
    ) -> Option<Ready<()>> {
        let is_busy = result.as_ref().is_ok_and(|response| response.status() == 503);
        self.0 = self.0.checked_sub(1).filter(|_| is_busy)?;
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &Request<()>) -> Option<Request<()>> {
        Some(request.clone())
    }
}

#[tokio::test]
async fn with_retries() {
    for is_above in [true, false] {
        let world = World::new();
        let busy = || CannedResponse::status(503);
        world.api.respond_next([busy(), unauthorized(), busy(), busy()]);
        let layer = CallLayer::new(world.calls()).send_again();
        let client = world.client();
        let retry = ServiceBuilder::new().retry(Busy(3));
        let response = match is_above {
            true => retry.layer(layer).service(client).oneshot(get("/me")).await,
            false => {
                ServiceBuilder::new()
                    .layer(layer)
                    .retry(Busy(3))
                    .service(client)
                    .oneshot(get("/me"))
                    .await
            }
        };
        assert_eq!(response.unwrap().status(), 200, "above: {is_above}");
        assert_eq!(world.seen(), [Some(0), Some(0), Some(1), Some(1), Some(1)]);
        assert_eq!(world.refreshes(), 1);
    }
}

#[tokio::test]
async fn retries_above_do_not_multiply_what_is_sent_again() {
    let world = World::new();
    world.api.respond_next([ApiResponse::from(unauthorized()).times(usize::MAX)]);
    let layer = CallLayer::new(world.calls()).send_again();
    let client = ServiceBuilder::new().retry(Busy(3)).layer(layer).service(world.client());
    let response = client.oneshot(get("/me")).await.unwrap();
    assert!(matches!(response.extensions().get(), Some(NotAgain::Twice)));
    assert_eq!(world.api.report().calls, 2);
}

/// A client of two APIs, of which the first redirects.
fn two_apis(
    world: &World,
) -> (
    auth_testkit::FakeApi,
    impl Service<Request<Empty<Bytes>>, Response = Answered, Error = BoxError, Future: Send>
    + Clone
    + Send
    + 'static,
) {
    let elsewhere = world.server.api();
    let (api, other) = (world.api.clone(), elsewhere.clone());
    let client = service_fn(move |request: Request<Empty<Bytes>>| {
        let is_elsewhere = request.uri().host() == Some("elsewhere.example.com");
        let api = if is_elsewhere { &other } else { &api };
        ready(Ok::<_, BoxError>(api.respond(&request)))
    });
    (elsewhere, client)
}

#[tokio::test]
async fn redirects_that_are_followed_above() {
    for (location, status, refreshes) in [
        ("https://elsewhere.example.com/me", 401, 0),
        ("https://api.example.com/moved", 200, 0),
        ("/moved", 200, 0),
    ] {
        let world = World::new();
        let (elsewhere, client) = two_apis(&world);
        world.api.respond_next([CannedResponse::redirect(302, location)]);
        let client = ServiceBuilder::new()
            .layer(FollowRedirectLayer::new())
            .layer(CallLayer::new(world.calls()).send_again().box_errors())
            .service(client);
        let response = client.oneshot(get("/me").map(|()| Empty::new())).await.unwrap();
        assert_eq!(response.status(), status, "{location}");
        assert_eq!(world.refreshes(), refreshes, "{location}");
        elsewhere.assert_saw_no_token();
    }
}

#[tokio::test]
async fn redirects_that_are_followed_below() {
    // They have to say where the response came from.
    for (is_told, outcome, refreshes) in [(true, "Some(Elsewhere)", 0), (false, "Some(Twice)", 1)] {
        let world = World::new();
        let (elsewhere, client) = two_apis(&world);
        let to = CannedResponse::redirect(302, "https://elsewhere.example.com/me");
        world.api.respond_next([ApiResponse::from(to).times(usize::MAX)]);
        let client = ServiceBuilder::new()
            .layer(CallLayer::new(world.calls()).send_again().box_errors())
            .map_response(move |mut response: Answered| {
                let from = response.extensions().get::<RequestUri>().map(|uri| uri.0.clone());
                if let Some(uri) = from.filter(|_| is_told) {
                    response.extensions_mut().insert(CameFrom(Uri::clone(&uri)));
                }
                response
            })
            .layer(FollowRedirectLayer::new())
            .service(client);
        let response = client.oneshot(get("/me").map(|()| Empty::new())).await.unwrap();
        let why = response.extensions().get::<NotAgain>();
        assert_eq!((response.status().as_u16(), format!("{why:?}").as_str()), (401, outcome));
        assert_eq!(world.refreshes(), refreshes);
        elsewhere.assert_saw_no_token();
    }
}
