//! The functions for a client of the program's own.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use auth_accounts::{
    Account,
    calls::{CallError, Calls, NotAgain},
};
use auth_core::Advice;
use auth_reqwest::{attach, send, send_with_calls};
use auth_testkit::{ApiResponse, CannedResponse, Gate};
use http::{StatusCode, Version};
use http_body::{Body, Frame};

use crate::world::{World, client, why};

/// What is asked for over HTTP/1.1 and HTTP/2.
fn clients() -> [(Version, reqwest::Client); 2] {
    let http2 = reqwest::Client::builder().no_proxy().http2_prior_knowledge();
    [(Version::HTTP_11, client()), (Version::HTTP_2, http2.build().unwrap())]
}

#[tokio::test]
async fn a_refused_token_is_renewed_and_the_request_sent_once_more() {
    for (version, client) in clients() {
        let world = World::new().await;
        world.revoke_access().await;
        let request = client.post(world.url("/notes?draft=1")).header("x-note", "7").body("a note");
        let response = send(&client, &world.account, request).await.unwrap();
        assert_eq!((response.status().as_u16(), response.version()), (200, version));
        assert!(why(&response).is_none());
        assert_eq!(response.text().await.unwrap(), r#"{"subject":"ada"}"#);

        assert_eq!((world.statuses(), world.refreshes()), (vec![401, 200], 1));
        let calls = world.api.api().calls();
        for call in &calls {
            assert_eq!((call.path(), call.body()), ("/notes", Some(&b"a note"[..])));
            assert_eq!(call.request().header("x-note"), Some("7"));
            assert!(call.request().headers().get_all("authorization").iter().count() == 1);
        }
        assert_ne!(calls[0].token(), calls[1].token());
        // The first response was dropped, and its connection was not.
        let connections: Vec<_> =
            world.api.socket().requests().iter().map(|request| request.connection).collect();
        assert_eq!(connections, [0, 0], "{version:?}");
    }
}

/// A request that is built, one that is not, and one that needs no token.
#[tokio::test]
async fn what_is_taken_for_a_request() {
    let world = World::new().await;
    let built = client().get(world.url("/")).build().unwrap();
    assert_eq!(send(&client(), &world.account, built).await.unwrap().status(), 200);
    let never = client().get("no URL");
    let error = send(&client(), &world.account, never).await.unwrap_err();
    assert!(matches!(&error, CallError::Client(error) if error.is_builder()), "{error:?}");

    // The client's is for requests that have none.
    let nobody = http::HeaderValue::from_static("Bearer nobody");
    let headers = http::HeaderMap::from_iter([(http::header::AUTHORIZATION, nobody)]);
    let usual = reqwest::Client::builder().no_proxy().default_headers(headers).build().unwrap();
    let response = send(&usual, &world.account, usual.get(world.url("/"))).await.unwrap();
    assert_eq!(response.status(), 200);

    // It has one of its own, which nobody judges.
    let own = client().get(world.url("/")).bearer_auth("another");
    let response = send(&client(), &world.account, own).await.unwrap();
    assert_eq!((response.status().as_u16(), world.refreshes()), (401, 0));
    let mut own = client().get(world.url("/")).bearer_auth("another").build().unwrap();
    assert!(attach(&world.account, &mut own).await.unwrap().is_none());
    assert_eq!(own.headers()["authorization"], "Bearer another");
}

#[tokio::test]
async fn a_token_does_not_go_out_in_clear() {
    let world = World::new().await;
    for url in ["http://api.example.com/", "http://user@api.example.com/"] {
        let request = || reqwest::Request::new(http::Method::GET, url.parse().unwrap());
        let error = send(&client(), &world.account, request()).await.unwrap_err();
        assert!(matches!(error, CallError::Origin(_)), "{url}: {error:?}");
        let mut request = request();
        let error = attach(&world.account, &mut request).await.unwrap_err();
        assert!(matches!(error, CallError::Origin(_)), "{url}: {error:?}");
        assert!(request.headers().is_empty());
    }
}

#[tokio::test]
async fn calls_have_origins_and_statuses_of_their_own() {
    let world = World::new().await;
    let calls = Calls::new(world.account.clone(), [world.api.url()]).unwrap();
    let calls = calls.also_refused_at([StatusCode::from_u16(419).unwrap()]);
    world.api.api().respond_next([CannedResponse::status(419)]);
    let request = client().get(world.url("/"));
    let response = send_with_calls(&client(), &calls, request).await.unwrap();
    assert_eq!((response.status().as_u16(), world.refreshes()), (200, 1));

    let request = client().get(world.elsewhere.url());
    let response = send_with_calls(&client(), &calls, request).await.unwrap();
    assert_eq!((response.status().as_u16(), world.refreshes()), (401, 1));
    world.elsewhere.api().assert_saw_no_token();

    let nobody = Calls::<Account>::per_request([world.api.url()]).unwrap();
    let request = || client().get(world.url("/"));
    let error = send_with_calls(&client(), &nobody, request()).await.unwrap_err();
    assert!(matches!(error, CallError::Unnamed), "{error:?}");
    let named = nobody.with(world.account.clone());
    assert_eq!(send_with_calls(&client(), &named, request()).await.unwrap().status(), 200);
}

/// The token's value is the account's, marked as a secret.
#[tokio::test]
async fn a_token_is_attached_for_a_program_that_sends() {
    let world = World::new().await;
    world.revoke_access().await;
    let mut request = client().get(world.url("/")).build().unwrap();
    let token = attach(&world.account, &mut request).await.unwrap().unwrap();
    assert!(request.headers()["authorization"].is_sensitive());
    assert!(!format!("{request:?}").contains(token.access_token().expose()));
    assert_eq!(client().execute(request).await.unwrap().status(), 401);

    world.account.token_refused(token.access_token()).await.unwrap();
    let mut request = client().get(world.url("/")).build().unwrap();
    attach(&world.account, &mut request).await.unwrap();
    assert_eq!(client().execute(request).await.unwrap().status(), 200);
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn a_stream_is_sent_once_and_the_next_request_has_another_token() {
    for (version, client) in clients() {
        let world = World::new().await;
        world.revoke_access().await;
        let stream = || client.post(world.url("/")).body(reqwest::Body::wrap(Once(Some("a note"))));
        let response = send(&client, &world.account, stream()).await.unwrap();
        assert_eq!(response.status(), 401);
        assert!(
            matches!(why(&response), Some(NotAgain::Body)),
            "{version:?}: {:?}",
            why(&response)
        );
        assert_eq!((world.statuses(), world.refreshes()), (vec![401], 0));

        let response = send(&client, &world.account, stream()).await.unwrap();
        assert_eq!((response.status().as_u16(), world.refreshes()), (200, 1));
        assert_eq!(world.api.api().calls()[1].body(), Some(&b"a note"[..]));
    }
}

/// The caller's patience ends while the API is at work.
#[tokio::test]
async fn a_caller_that_leaves_breaks_nothing() {
    let world = World::new().await;
    let gate = Gate::new();
    world.api.api().respond_next([ApiResponse::from(CannedResponse::status(200)).once_open(&gate)]);
    let (client, account) = (client(), &world.account);
    tokio::select! {
        result = send(&client, account, client.get(world.url("/"))) => panic!("{result:?}"),
        () = gate.until_waiting(1) => {}
    }
    let response = send(&client, account, client.get(world.url("/"))).await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_session_that_has_ended_is_the_error() {
    let world = World::new().await;
    world.server.revoke("ada");
    let error = send(&client(), &world.account, client().get(world.url("/"))).await.unwrap_err();
    let CallError::NoToken(error) = error else { panic!("{error:?}") };
    assert_eq!(error.advice(), Advice::LogIn);
    // Now it is known, and nothing is sent.
    let error = send(&client(), &world.account, client().get(world.url("/"))).await.unwrap_err();
    assert!(matches!(error, CallError::NoToken(_)), "{error:?}");
    assert_eq!(world.statuses(), [401]);
}

/// A body that comes once.
struct Once(Option<&'static str>);

impl Body for Once {
    type Data = bytes::Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|text| Ok(Frame::data(text.into()))))
    }
}
