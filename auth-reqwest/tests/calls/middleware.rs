//! The middleware, and another one that retries, in either order.

use std::time::Duration;

use auth_accounts::{
    Account, AccountError,
    calls::{CallError, Calls, NotAgain},
};
use auth_core::Advice;
use auth_reqwest::CallMiddleware;
use auth_testkit::{CannedResponse, Fault};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error};
use reqwest_retry::{RetryTransientMiddleware, policies::ExponentialBackoff};

use crate::world::{World, client, why};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Order {
    RetryOutside,
    RetryInside,
}
use Order::{RetryInside, RetryOutside};

/// Retries twice, at once.
fn retries() -> RetryTransientMiddleware<ExponentialBackoff> {
    let policy = ExponentialBackoff::builder().retry_bounds(Duration::ZERO, Duration::ZERO);
    RetryTransientMiddleware::new_with_policy(policy.build_with_max_retries(2))
}

fn calls(world: &World) -> CallMiddleware {
    CallMiddleware::new(Calls::new(world.account.clone(), [world.api.url()]).unwrap())
}

fn in_order(order: Order, calls: CallMiddleware) -> ClientWithMiddleware {
    let builder = ClientBuilder::new(client());
    match order {
        RetryOutside => builder.with(retries()).with(calls),
        RetryInside => builder.with(calls).with(retries()),
    }
    .build()
}

#[tokio::test]
async fn what_is_passing_is_retried_and_a_refused_token_renewed() {
    // The statuses of the API, and how it ends.
    let rows: [(&[u16], Order, u16, usize); 8] = [
        (&[503, 401], RetryOutside, 200, 1),
        (&[503, 401], RetryInside, 200, 1),
        (&[401, 503], RetryOutside, 200, 1),
        (&[401, 503], RetryInside, 200, 1),
        (&[503, 401, 503], RetryOutside, 200, 1),
        (&[503, 401, 503], RetryInside, 200, 1),
        // Nobody retries a 401, nor a 403.
        (&[401, 401], RetryOutside, 401, 1),
        (&[401, 401], RetryInside, 401, 1),
    ];
    for (told, order, last, refreshes) in rows {
        let world = World::new().await;
        world.api.api().respond_next(told.iter().map(|status| match status {
            401 => CannedResponse::invalid_token(),
            status => CannedResponse::status(*status),
        }));
        let client = in_order(order, calls(&world));
        let response = client.post(world.url("/")).body("a note").send().await.unwrap();
        assert_eq!(response.status(), last, "{told:?} {order:?}");
        let is_twice = matches!(why(&response), Some(NotAgain::Twice));
        assert_eq!(is_twice, last == 401, "{told:?} {order:?}");
        let mut seen = told.to_vec();
        seen.extend((last == 200).then_some(200));
        assert_eq!((world.statuses(), world.refreshes()), (seen, refreshes), "{order:?}");
        assert!(world.api.api().calls().iter().all(|call| call.body() == Some(b"a note")));
    }
}

/// It is final, and says what to do. In the way in which errors are looked through.
#[tokio::test]
async fn a_refresh_that_fails_is_not_retried() {
    for order in [RetryOutside, RetryInside] {
        for (ends, advice) in [(true, Advice::LogIn), (false, Advice::TryLater)] {
            let world = World::new().await;
            match ends {
                true => world.server.revoke("ada"),
                false => {
                    world.revoke_access().await;
                    world.server.fail_next(vec![Fault::Status(429); 3]);
                }
            }
            let client = in_order(order, calls(&world));
            let error = client.get(world.url("/")).send().await.unwrap_err();
            let found = AccountError::find(&error).unwrap();
            assert_eq!(found.advice(), advice, "{order:?}: {error}");
            assert_eq!((world.statuses(), world.server.report().requests), (vec![401], 1));
            assert!(error.to_string().contains("ada"), "{error}");
        }
    }
}

/// Without a middleware outside, the error is found as what it is.
#[tokio::test]
async fn an_error_is_found_by_its_type() {
    let world = World::new().await;
    let nobody = Calls::<Account>::per_request([world.api.url()]).unwrap();
    let client = ClientBuilder::new(client()).with(CallMiddleware::new(nobody)).build();
    let error = client.get(world.url("/")).send().await.unwrap_err();
    let Error::Middleware(error) = error else { panic!("{error:?}") };
    let error = error.downcast_ref::<CallError<AccountError, Error>>().unwrap();
    assert!(matches!(error, CallError::Unnamed), "{error:?}");
    assert_eq!(world.api.api().report().calls, 0);
}

/// What the client fails with is its own error, so that it is retried as ever.
#[tokio::test]
async fn an_error_of_the_client_is_its_own() {
    let world = World::new().await;
    let refused = "http://127.0.0.1:1/";
    let calls = Calls::new(world.account.clone(), [refused]).unwrap();
    let client = ClientBuilder::new(client()).with(CallMiddleware::new(calls)).build();
    let error = client.get(refused).send().await.unwrap_err();
    assert!(matches!(&error, Error::Reqwest(error) if error.is_connect()), "{error:?}");
}

#[tokio::test]
async fn each_request_can_name_its_account() {
    for order in [RetryOutside, RetryInside] {
        let world = World::new().await;
        let bob = world.accounts.account("bob");
        bob.store_login(world.server.log_in("bob")).await.unwrap();
        world.server.revoke_access(bob.token().await.unwrap().access_token());
        let named = Calls::per_request([world.api.url()]).unwrap();
        for calls in [calls(&world), CallMiddleware::new(named)] {
            let client = in_order(order, calls);
            let text = |response: reqwest::Response| response.text();
            let response = client.get(world.url("/")).with_extension(bob.clone()).send();
            assert_eq!(text(response.await.unwrap()).await.unwrap(), r#"{"subject":"bob"}"#);
        }
        assert_eq!((world.statuses(), world.refreshes()), (vec![401, 200, 200], 1));
    }
}

/// Middlewares further in see the request's extensions, at both sendings.
#[tokio::test]
async fn the_extensions_go_on() {
    #[derive(Clone, Default)]
    struct Seen(u32);
    struct Counts;
    #[async_trait::async_trait]
    impl reqwest_middleware::Middleware for Counts {
        async fn handle(
            &self,
            request: reqwest::Request,
            extensions: &mut http::Extensions,
            next: reqwest_middleware::Next<'_>,
        ) -> Result<reqwest::Response, Error> {
            extensions.get_or_insert_default::<Seen>().0 += 1;
            next.run(request, extensions).await
        }
    }
    let world = World::new().await;
    world.revoke_access().await;
    let client = ClientBuilder::new(client()).with(calls(&world)).with(Counts).build();
    let mut extensions = http::Extensions::new();
    let request = client.get(world.url("/")).build().unwrap();
    client.execute_with_extensions(request, &mut extensions).await.unwrap();
    assert_eq!(extensions.get::<Seen>().unwrap().0, 2);
}

/// That is of the middleware that retries: it has to copy each request.
#[tokio::test]
async fn beside_retries_a_stream_is_not_sent() {
    for order in [RetryOutside, RetryInside] {
        let world = World::new().await;
        let body = reqwest::Body::wrap(reqwest::Body::from("a note"));
        let request = in_order(order, calls(&world)).post(world.url("/")).body(body);
        let error = request.send().await.unwrap_err();
        assert!(error.is_middleware() && AccountError::find(&error).is_none(), "{error:?}");
        assert_eq!(world.api.api().report().calls, 0);
    }
}

#[tokio::test]
async fn another_origin_gets_no_token() {
    let world = World::new().await;
    let client = in_order(RetryOutside, calls(&world));
    let response = client.get(world.elsewhere.url()).send().await.unwrap();
    assert_eq!((response.status().as_u16(), world.refreshes()), (401, 0));
    world.elsewhere.api().assert_saw_no_token();
}

/// The proof is made outside of the retries, which send it as it is: a server that notes
/// which proofs it has seen refuses the second. The docs say which order is right.
#[tokio::test]
async fn a_proof_is_made_anew_only_if_the_retries_are_outside() {
    for (order, proofs) in [(RetryOutside, 2), (RetryInside, 1)] {
        let world = World::with_proofs().await;
        world.api.api().respond_next([503, 200].map(CannedResponse::status));
        let client = in_order(order, calls(&world));
        assert_eq!(client.get(world.url("/")).send().await.unwrap().status(), 200);
        let calls = world.api.api().calls();
        let mut seen: Vec<_> =
            calls.iter().map(|call| call.request().header("dpop").unwrap().to_owned()).collect();
        seen.dedup();
        assert_eq!((calls.len(), seen.len()), (2, proofs), "{order:?}");
    }
}
