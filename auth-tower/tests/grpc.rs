//! gRPC: what the layer notes, what is called again, and what an interceptor can do. By
//! tonic's own client and server, without sockets.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{convert::Infallible, error::Error, time::Duration};

use auth_pool::{AccountPool, PoolError, PoolSettings};
use auth_testkit::{ApiResponse, CannedResponse, FakeApi, FakeAuthServer};
use auth_tower::{
    auth_accounts::{
        Account, AccountError,
        calls::{CallError, Calls, NotAgain},
    },
    grpc::{GrpcLayer, GrpcService, PeekInterceptor, call},
    http::Uri,
    tonic::{
        Code, Request, Response, Status, body::Body, service::interceptor::InterceptedService,
    },
};
use support::{
    API, World,
    notes::{InProcess, Notes, NotesClient, Place},
};
use tokio_stream::StreamExt;
use tower::{Layer, Service, service_fn};

const PLACES: [Place; 3] = [Place::Headers, Place::Trailers, Place::Proxy];

fn layer(world: &World) -> GrpcLayer {
    GrpcLayer::new(world.calls(), &Uri::from_static(API)).unwrap()
}

fn client(world: &World, place: Place) -> NotesClient<GrpcService<InProcess>> {
    let notes = Notes { api: world.api.clone(), place };
    NotesClient::new(layer(world).layer(notes.in_process()))
}

fn unauthorized() -> CannedResponse {
    CannedResponse::unauthorized([])
}

/// The code, and why the call was not made again.
fn told<T>(result: Result<Response<T>, Status>) -> (Code, String) {
    let Err(status) = result else { return (Code::Ok, String::new()) };
    let why = status.source().and_then(|source| source.downcast_ref::<NotAgain>());
    let why = why.map(|why| format!("{why:?}").split([' ', '(']).next().unwrap().to_owned());
    (status.code(), why.unwrap_or_default())
}

#[tokio::test]
async fn a_call_is_made_again_with_another_token() {
    type Row = (Vec<CannedResponse>, Code, &'static str, usize);
    let rows: Vec<Row> = vec![
        (vec![], Code::Ok, "", 1),
        (vec![unauthorized()], Code::Ok, "", 2),
        (vec![CannedResponse::invalid_token()], Code::Ok, "", 2),
        (vec![unauthorized(), unauthorized()], Code::Unauthenticated, "Twice", 2),
        (vec![CannedResponse::status(403)], Code::PermissionDenied, "", 1),
        (vec![CannedResponse::status(500)], Code::Internal, "", 1),
    ];
    for place in [Place::Headers, Place::Trailers] {
        for (responses, code, why, calls) in &rows {
            let world = World::new();
            world.api.respond_next(responses.clone());
            let client = client(&world, place);
            let result = call(Request::new("7".to_owned()), |request| {
                let mut client = client.clone();
                async move { client.get(request).await }
            })
            .await;
            let found = (told(result), world.api.report().calls);
            assert_eq!(found, ((*code, (*why).to_owned()), *calls), "{responses:?} {place:?}");
            assert_eq!(world.refreshes(), calls - 1);
        }
    }
}

#[tokio::test]
async fn a_proxy_may_say_it_in_http() {
    let world = World::new();
    world.api.respond_next([unauthorized()]);
    let client = client(&world, Place::Proxy);
    let response = call(Request::new("7".to_owned()), |request| {
        let mut client = client.clone();
        async move { client.get(request).await }
    });
    assert_eq!(response.await.unwrap().into_inner(), "note 7");
    assert_eq!(world.seen(), [Some(0), Some(1)]);
}

#[tokio::test]
async fn without_the_helper_the_next_call_has_another_token() {
    for place in PLACES {
        let world = World::new();
        world.api.respond_next([unauthorized()]);
        let mut client = client(&world, place);
        let status = client.get(Request::new("7".to_owned())).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated, "{place:?}");
        assert_eq!(world.refreshes(), 0);
        client.get(Request::new("7".to_owned())).await.unwrap();
        assert_eq!(world.seen(), [Some(0), Some(1)], "{place:?}");
    }
}

#[tokio::test]
async fn a_stream_that_ends_with_a_refusal_is_not_called_again() {
    let world = World::new();
    world.api.respond_next([unauthorized()]);
    let client = client(&world, Place::Trailers);
    let list = |request| {
        let mut client = client.clone();
        async move { client.list(request).await }
    };
    let mut notes = call(Request::new(String::new()), list).await.unwrap().into_inner();
    assert_eq!(notes.next().await.unwrap().unwrap(), "one");
    assert_eq!(notes.next().await.unwrap().unwrap_err().code(), Code::Unauthenticated);
    assert_eq!((world.api.report().calls, world.refreshes()), (1, 0));
    // The next call has another token.
    let notes = call(Request::new(String::new()), list).await.unwrap().into_inner();
    assert_eq!(notes.map(Result::unwrap).collect::<Vec<_>>().await, ["one", "two"]);
    assert_eq!(world.seen(), [Some(0), Some(1)]);
}

#[tokio::test]
async fn a_stream_of_messages_is_sent_once() {
    for place in PLACES {
        let world = World::new();
        world.api.respond_next([unauthorized()]);
        let mut client = client(&world, place);
        let messages = || Request::new(tokio_stream::iter(["a".to_owned(), "b".to_owned()]));
        let result = client.chat(messages()).await;
        let status = match result {
            Err(status) => status,
            Ok(response) => response.into_inner().next().await.unwrap().unwrap_err(),
        };
        assert_eq!(status.code(), Code::Unauthenticated, "{place:?}");
        assert_eq!(world.api.report().calls, 1);
        let echoed = client.chat(messages()).await.unwrap().into_inner();
        assert_eq!(echoed.map(Result::unwrap).collect::<Vec<_>>().await, ["a", "b"]);
        assert_eq!(world.seen(), [Some(0), Some(1)], "{place:?}");
    }
}

#[tokio::test]
async fn a_caller_who_leaves_before_the_second_call_leaves_the_token_marked() {
    let world = World::new();
    world.api.respond_next([unauthorized()]);
    let client = client(&world, Place::Headers);
    {
        let mut called = std::pin::pin!(call(Request::new("7".to_owned()), |request| {
            let mut client = client.clone();
            async move {
                let result = client.get(request).await;
                // The layer has told: whoever asks leaves.
                tokio::task::yield_now().await;
                result
            }
        }));
        std::future::poll_fn(|cx| {
            assert!(called.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
    }
    assert_eq!(world.api.report().calls, 1);
    client.clone().get(Request::new("7".to_owned())).await.unwrap();
    assert_eq!(world.seen(), [Some(0), Some(1)]);
}

#[tokio::test]
async fn a_call_without_a_token_says_what_to_do() {
    let world = World::of(FakeAuthServer::new());
    let mut client = client(&world, Place::Headers);
    let status = client.get(Request::new("7".to_owned())).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    let error = status.source().unwrap().downcast_ref::<CallError<AccountError>>().unwrap();
    assert!(matches!(error, CallError::NoToken(_)));
    assert_eq!(world.api.report().calls, 0);

    // An outage is no logout.
    let world = World::new();
    world.server.clock().advance(Duration::from_secs(3600));
    world.server.fail_next([auth_testkit::Fault::Status(503); 9]);
    let mut client = self::client(&world, Place::Headers);
    let status = client.get(Request::new("7".to_owned())).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);

    let calls = Calls::<Account>::per_request([API]).unwrap();
    let layer = GrpcLayer::new(calls, &Uri::from_static(API)).unwrap();
    let notes = Notes { api: world.api.clone(), place: Place::Headers };
    let mut client = NotesClient::new(layer.layer(notes.in_process()));
    let status = client.get(Request::new("7".to_owned())).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
}

/// One that passes counts first, whichever account was tried last.
#[tokio::test]
async fn a_pool_of_which_an_account_waits_is_no_logout() {
    let world = World::new();
    world.server.clock().advance(Duration::from_secs(3600));
    world.server.fail_next([auth_testkit::Fault::Status(503); 9]);
    let accounts = [world.account.clone(), world.accounts.account("bob")];
    let layer = GrpcLayer::for_channel(
        AccountPool::new(accounts, PoolSettings::default()),
        &Uri::from_static(API),
    )
    .unwrap();
    let notes = Notes { api: world.api.clone(), place: Place::Headers };
    let mut client = NotesClient::new(layer.layer(notes.in_process()));
    let status = client.get(Request::new("7".to_owned())).await.unwrap_err();
    let error = status.source().unwrap().downcast_ref::<CallError<PoolError>>().unwrap();
    let CallError::NoToken(error) = error else { panic!("{error:?}") };
    assert!(error.last_error().unwrap().state().needs_login(), "{error:?}");
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
}

#[tokio::test]
async fn a_call_may_name_its_account() {
    let world = World::new();
    let calls = Calls::<Account>::per_request([API]).unwrap();
    let layer = GrpcLayer::new(calls, &Uri::from_static(API)).unwrap();
    let notes = Notes { api: world.api.clone(), place: Place::Headers };
    let client = NotesClient::new(layer.layer(notes.in_process()));
    world.api.respond_next([unauthorized()]);
    let mut request = Request::new("7".to_owned());
    request.extensions_mut().insert(world.account.clone());
    request.metadata_mut().insert("x-note", "kept".parse().unwrap());
    call(request, |request| {
        let mut client = client.clone();
        async move { client.get(request).await }
    })
    .await
    .unwrap();
    for call in world.api.calls() {
        assert_eq!(call.request().header("x-note"), Some("kept"));
        assert_eq!((call.subject(), call.path()), (Some("ada"), "/notes.Notes/Get"));
    }
    assert_eq!(world.seen(), [Some(0), Some(1)]);
}

#[tokio::test]
async fn a_token_goes_to_the_origin_of_the_channel() {
    let world = World::new();
    let other = Uri::from_static("https://elsewhere.example.com");
    assert!(GrpcLayer::new(world.calls(), &other).is_err());
    // A client of its own origin says so in its requests.
    for (url, goes) in [("/a", true), (API, true), ("https://elsewhere.example.com/a", false)] {
        let mut channel =
            layer(&world).layer(service_fn(|request: http::Request<Body>| async move {
                let value = request.headers().get("authorization");
                assert!(value.is_none_or(http::HeaderValue::is_sensitive));
                let mut response = http::Response::new(Body::empty());
                response.extensions_mut().insert(value.is_some());
                Ok::<_, Infallible>(response)
            }));
        let request = http::Request::get(url).body(Body::empty()).unwrap();
        let response = channel.call(request).await.unwrap();
        assert_eq!(response.extensions().get(), Some(&goes), "{url}");
    }
}

/// Whoever has several channels may make the call again on another.
#[tokio::test]
async fn nor_does_it_when_the_call_is_made_again_on_another() {
    let (first, other) = (World::new(), World::new());
    first.api.respond_next([unauthorized()]);
    let elsewhere = "https://elsewhere.example.com";
    let calls = Calls::new(other.account.clone(), [elsewhere]).unwrap();
    let layer = GrpcLayer::new(calls, &Uri::from_static(elsewhere)).unwrap();
    let notes = Notes { api: other.api.clone(), place: Place::Headers };
    let mut clients =
        vec![NotesClient::new(layer.layer(notes.in_process())), client(&first, Place::Headers)];
    let result = call(Request::new("7".to_owned()), |request| {
        let mut client = clients.pop().unwrap();
        async move { client.get(request).await }
    });
    result.await.unwrap();
    let its_own = other.account.peek().unwrap();
    let seen: Vec<_> = other.api.calls().iter().map(|call| call.token().cloned()).collect();
    assert_eq!(seen, [Some(its_own.access_token().clone())]);
}

/// Nor is it made more often for that.
#[tokio::test]
async fn a_call_is_made_twice_over_however_many_channels() {
    let worlds = [(); 4].map(|()| World::new());
    let mut clients = Vec::new();
    for (world, url) in worlds.iter().zip(["https://a.example", "https://b.example"].repeat(2)) {
        world.api.respond_next([ApiResponse::from(unauthorized()).times(usize::MAX)]);
        let layer = GrpcLayer::for_channel(world.account.clone(), &Uri::from_static(url)).unwrap();
        let notes = Notes { api: world.api.clone(), place: Place::Headers };
        clients.push(NotesClient::new(layer.layer(notes.in_process())));
    }
    let result = call(Request::new("7".to_owned()), |request| {
        let mut client = clients.pop().unwrap();
        async move { client.get(request).await }
    });
    assert_eq!(told(result.await), (Code::Unauthenticated, "Twice".to_owned()));
    assert_eq!(worlds.iter().map(|world| world.api.report().calls).sum::<usize>(), 2);
}

/// Another channel has an account of its own.
#[tokio::test]
async fn a_call_that_is_made_again_elsewhere_takes_no_token_along() {
    const OTHER: &str = "https://other.example.com";
    let world = World::new();
    let bob = world.accounts.account("bob");
    bob.store_login(world.server.log_in("bob")).await.unwrap();
    let other = world.server.api();
    let client_of = |account: &Account, api: &FakeApi, url: &'static str| {
        let layer = GrpcLayer::for_channel(account.clone(), &Uri::from_static(url)).unwrap();
        let notes = Notes { api: api.clone(), place: Place::Headers };
        NotesClient::new(layer.layer(notes.in_process()))
    };
    let clients = [client_of(&world.account, &world.api, API), client_of(&bob, &other, OTHER)];
    world.api.respond_next([unauthorized()]);
    let mut clients = clients.iter();
    call(Request::new("7".to_owned()), |request| {
        let mut client = clients.next().unwrap().clone();
        async move { client.get(request).await }
    })
    .await
    .unwrap();
    let subjects = |api: &FakeApi| -> Vec<Option<String>> {
        api.calls().iter().map(|call| call.subject().map(str::to_owned)).collect()
    };
    assert_eq!(subjects(&world.api), [Some("ada".into())]);
    assert_eq!(subjects(&other), [Some("bob".into())]);
}

#[tokio::test]
async fn without_the_layer_a_call_is_made_once() {
    let world = World::new();
    let notes = Notes { api: world.api.clone(), place: Place::Headers };
    let client = NotesClient::new(notes.in_process());
    let result = call(Request::new("7".to_owned()), |request| {
        let mut client = client.clone();
        async move { client.get(request).await }
    });
    assert_eq!(told(result.await), (Code::Unauthenticated, String::new()));
    assert_eq!(world.api.report().calls, 1);
}

#[tokio::test]
async fn an_interceptor_takes_the_token_that_is_ready() {
    let world = World::new();
    let notes = Notes { api: world.api.clone(), place: Place::Headers };
    let peek = PeekInterceptor::new(world.account.clone());
    let mut client = NotesClient::new(InterceptedService::new(notes.in_process(), peek));
    client.get(Request::new("7".to_owned())).await.unwrap();

    world.server.clock().advance(Duration::from_secs(3600));
    let status = client.get(Request::new("7".to_owned())).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("no access token is ready"), "{status}");
    assert_eq!((world.api.report().calls, world.refreshes()), (1, 0));

    world.account.token().await.unwrap();
    client.get(Request::new("7".to_owned())).await.unwrap();
}

#[tokio::test]
async fn refusals_do_not_end_a_loop_that_is_none() {
    let world = World::new();
    world.api.respond_next([ApiResponse::from(unauthorized()).times(usize::MAX)]);
    let client = client(&world, Place::Trailers);
    for _ in 0..3 {
        let before = world.api.report().calls;
        let result = call(Request::new("7".to_owned()), |request| {
            let mut client = client.clone();
            async move { client.get(request).await }
        });
        assert_eq!(told(result.await).0, Code::Unauthenticated);
        assert!(world.api.report().calls - before <= 2);
    }
}
