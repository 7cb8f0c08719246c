//! Every public async function can be spawned on a runtime with threads: its future is
//! `Send`, and with owned clones `'static`. So are the futures of the services. The
//! compiler is the judge; `auth-tests` checks that none is missing here.
#![cfg(feature = "tonic")]

use std::{convert::Infallible, future::Future};

use auth_tower::{
    CallLayer,
    auth_accounts::Account,
    grpc::{self, GrpcLayer},
    http,
    tonic::{Request, Response, Status, body::Body, transport::Channel},
};
use tower::{Layer, Service, util::BoxCloneService};

/// What the `spawn` of a runtime with threads asks for.
fn spawned<T: Send + 'static>(_: impl Future<Output = T> + Send + 'static) {}

async fn method(client: Channel, request: Request<String>) -> Result<Response<String>, Status> {
    let (_, message) = (client, request.into_inner());
    Ok(Response::new(message))
}

/// Compiled, and never called.
#[allow(dead_code)]
fn every_function(client: Channel) {
    let request = Request::new(String::new());
    spawned(async move {
        let made = grpc::call(request, |request| method(client.clone(), request));
        made.await.map(Response::into_inner)
    });
}

/// Compiled, and never called. A body need not be `Sync`.
#[allow(dead_code)]
fn every_future_of_a_service(layer: CallLayer<Account>, channel: GrpcLayer<Account>) {
    type Client = BoxCloneService<http::Request<Body>, http::Response<Body>, Infallible>;
    fn calls<S: Service<http::Request<Body>, Future: Send + 'static>>(mut client: S)
    where
        S::Response: Send + 'static,
        S::Error: Send + 'static,
    {
        spawned(client.call(http::Request::new(Body::empty())));
    }
    fn layers(client: Client, layer: CallLayer<Account>, channel: GrpcLayer<Account>) {
        calls(layer.layer(client.clone()));
        calls(layer.clone().send_again_with(|_: &Body| None).layer(client.clone()));
        calls(layer.box_errors().layer(client.clone()));
        calls(channel.layer(client));
    }
    let _ = layers;
    let _ = (layer, channel);
}
