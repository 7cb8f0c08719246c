//! What only sockets show: the clients of hyper, reqwest and tonic below the layers.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{net::SocketAddr, time::Duration};

use auth_testkit::{CannedResponse, ListeningApi};
use auth_tower::{
    CallLayer, ReqwestService,
    auth_accounts::calls::{Calls, NotAgain},
    grpc::{GrpcLayer, call},
    http::{Request, Response, Uri},
    reqwest,
    tonic::{self, transport::Endpoint},
};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::{body::Frame, server::conn::http2, service::service_fn};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioIo},
};
use support::{
    World,
    notes::{Notes, NotesClient, Place},
};
use tokio::{net::TcpListener, task::JoinSet};
use tower::{Layer, ServiceBuilder, ServiceExt};
use tower_http::follow_redirect::FollowRedirectLayer;

fn unauthorized() -> CannedResponse {
    CannedResponse::unauthorized([])
}

fn calls_of(world: &World, api: &ListeningApi) -> Calls {
    Calls::new(world.account.clone(), [api.url()]).unwrap()
}

fn get<B: Default>(api: &ListeningApi) -> Request<B> {
    Request::get(format!("{}/me", api.url().trim_end_matches('/'))).body(B::default()).unwrap()
}

#[tokio::test]
async fn the_client_of_hyper() {
    let world = World::new();
    let listening = world.api.listen();
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let layer = CallLayer::new(calls_of(&world, &listening)).send_again();
    let client = layer.layer(client);

    world.api.respond_next([unauthorized()]);
    let mut request = get::<Full<Bytes>>(&listening);
    *request.method_mut() = http::Method::PUT;
    *request.body_mut() = Full::from("a note");
    let response = client.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8(body.into()).unwrap().contains("ada"));
    let bodies: Vec<_> =
        world.api.calls().iter().map(|call| call.body().map(<[u8]>::to_vec)).collect();
    assert_eq!(bodies, [Some(b"a note".to_vec()), Some(b"a note".to_vec())]);
    assert_eq!(world.seen(), [Some(0), Some(1)]);
}

#[tokio::test]
async fn a_stream_is_sent_once() {
    let world = World::new();
    let listening = world.api.listen();
    let chunks = || {
        let chunks = [b"a", b"b"].map(|chunk| Ok::<_, std::io::Error>(Frame::data(&chunk[..])));
        StreamBody::new(tokio_stream::iter(chunks))
    };
    let client = Client::builder(TokioExecutor::new()).build_http();
    let client = CallLayer::new(calls_of(&world, &listening)).layer(client);
    world.api.respond_next([unauthorized()]);
    for status in [401, 200] {
        let request = Request::put(listening.url()).body(chunks()).unwrap();
        let response = client.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status);
        let why = response.extensions().get::<NotAgain>();
        assert_eq!(why.is_some(), status == 401, "{why:?}");
    }
    assert_eq!(world.seen(), [Some(0), Some(1)]);
}

#[tokio::test]
async fn a_hundred_requests_share_a_refresh() {
    let world = World::new();
    let listening = world.api.listen();
    world.server.clock().advance(Duration::from_secs(3600));
    let service = ReqwestService::new(reqwest::Client::builder()).unwrap();
    let layer = CallLayer::new(calls_of(&world, &listening));
    let client = layer.send_again_with(ReqwestService::copy).layer(service);
    let mut tasks = JoinSet::new();
    for _ in 0..100 {
        tasks.spawn(client.clone().oneshot(get::<reqwest::Body>(&listening)));
    }
    while let Some(response) = tasks.join_next().await {
        assert_eq!(response.unwrap().unwrap().status(), 200);
    }
    assert_eq!((world.api.report().calls, world.refreshes()), (100, 1));
}

#[tokio::test]
async fn the_client_of_reqwest_takes_any_body() {
    let world = World::new();
    let listening = world.api.listen();
    let service = ReqwestService::new(reqwest::Client::builder()).unwrap();
    let layer = CallLayer::new(calls_of(&world, &listening));
    world.api.respond_next([unauthorized(), unauthorized()]);
    let client = layer.clone().send_again().layer(service.clone());
    let request = get::<Bytes>(&listening).map(|_| Bytes::from_static(b"a note"));
    assert_eq!(client.oneshot(request).await.unwrap().status(), 401);
    let client = layer.send_again_with(ReqwestService::copy).layer(service);
    let request = get::<Bytes>(&listening).map(|_| reqwest::Body::from("a note"));
    assert_eq!(client.oneshot(request).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_token_takes_no_redirect_elsewhere() {
    let world = World::new();
    let listening = world.api.listen();
    // Another port is another origin.
    let elsewhere = world.server.api();
    let other = elsewhere.listen();
    let layer = CallLayer::new(calls_of(&world, &listening));
    let layer = layer.send_again_with(ReqwestService::copy);
    let redirect = || world.api.respond_next([CannedResponse::redirect(302, other.url())]);

    // By itself the client follows none.
    let service = ReqwestService::new(reqwest::Client::builder()).unwrap();
    redirect();
    let response = layer.layer(service.clone()).oneshot(get(&listening)).await.unwrap();
    assert_eq!(response.status(), 302);

    // A layer above follows it, without a token; and where it leads from there.
    redirect();
    elsewhere.respond_next([CannedResponse::redirect(302, other.url())]);
    let client = ServiceBuilder::new()
        .layer(FollowRedirectLayer::new())
        .layer(layer.clone())
        .service(service);
    let response: Response<_> = client.oneshot(get::<reqwest::Body>(&listening)).await.unwrap();
    assert_eq!((response.status().as_u16(), elsewhere.report().calls), (401, 2));

    // A client that follows it says where the response came from.
    redirect();
    let following = layer.layer(ReqwestService::of_client(reqwest::Client::new()));
    let response = following.oneshot(get::<reqwest::Body>(&listening)).await.unwrap();
    let why = response.extensions().get::<NotAgain>();
    assert!(matches!(why, Some(NotAgain::Elsewhere)), "{why:?}");
    assert_eq!(elsewhere.report().calls, 3);

    elsewhere.assert_saw_no_token();
    assert_eq!(world.refreshes(), 0);
}

/// Notes on loopback, by hyper's server.
async fn listen(notes: Notes) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let notes = notes.clone();
            let service = service_fn(move |request| {
                let notes = notes.clone();
                async move { Ok::<_, std::convert::Infallible>(notes.respond(request).await) }
            });
            let connection = http2::Builder::new(TokioExecutor::new());
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

#[tokio::test]
async fn the_channel_of_tonic() {
    for place in [Place::Headers, Place::Trailers, Place::Proxy] {
        let world = World::new();
        let address = listen(Notes { api: world.api.clone(), place }).await;
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let calls = Calls::new(world.account.clone(), [endpoint.uri().to_string()]).unwrap();
        let layer = GrpcLayer::new(calls, endpoint.uri()).unwrap();
        let client = NotesClient::new(layer.layer(endpoint.connect_lazy()));

        // Expired here, and refused there.
        world.server.clock().advance(Duration::from_secs(3600));
        world.api.respond_next([unauthorized()]);
        let response = call(tonic::Request::new("7".to_owned()), |request| {
            let mut client = client.clone();
            async move { client.get(request).await }
        });
        assert_eq!(response.await.unwrap().into_inner(), "note 7", "{place:?}");
        assert_eq!((world.api.report().calls, world.refreshes()), (2, 2));
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let world = World::new();
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let endpoint = Endpoint::from_shared(url.clone()).unwrap();
    let calls = Calls::new(world.account.clone(), [url.as_str()]).unwrap();
    let layer = GrpcLayer::new(calls, &url.parse::<Uri>().unwrap()).unwrap();
    let mut client = NotesClient::new(layer.layer(endpoint.connect_lazy()));
    let status = client.get(tonic::Request::new("7".to_owned())).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
}
