//! A request with a token that is ready, and that is sent once, allocates nothing above
//! what its client does.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
};

use auth_tower::{
    CallLayer,
    http::{Request, Response, Uri, header},
};
use support::{API, World};
use tower::{Layer, Service};

/// A client that allocates nothing.
#[derive(Debug, Clone)]
struct Bare;

impl Service<Request<()>> for Bare {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        black_box(&request);
        ready(Ok(Response::new(())))
    }
}

/// A request as programs make them: it has a header, and room for another.
fn request(uri: &str) -> Request<()> {
    Request::get(uri).header(header::ACCEPT, "application/json").body(()).unwrap()
}

fn answered<F: Future<Output = Result<Response<()>, E>>, E: std::fmt::Debug>(future: F) {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(response) => assert_eq!(response.unwrap().status(), 200),
        Poll::Pending => panic!("all of it is there at once"),
    }
}

fn allocations(mut act: impl FnMut(Request<()>), uri: &str) -> u64 {
    // Once before: what is shared is shared by then.
    act(request(uri));
    let request = request(uri);
    allocation_counter::measure(|| act(request)).count_total
}

#[test]
fn a_token_that_is_ready_costs_none() {
    let world = World::new();
    let layer = CallLayer::new(world.calls());
    let mut bare = Bare;
    let mut once = layer.clone().layer(Bare);
    let mut based = layer.clone().base(&Uri::from_static(API)).unwrap().layer(Bare);
    let mut boxed = layer.clone().box_errors().layer(Bare);
    let mut again = layer.send_again().layer(Bare);
    let whole = "https://api.example.com/me";
    for (what, count) in [
        ("bare", allocations(|request| answered(bare.call(request)), whole)),
        ("attached", allocations(|request| answered(once.call(request)), whole)),
        ("elsewhere", allocations(|request| answered(once.call(request)), "https://b.example/")),
        ("errors boxed", allocations(|request| answered(boxed.call(request)), whole)),
    ] {
        assert_eq!(count, 0, "{what}");
    }
    // A path that is a whole text by itself is shared at its first copy.
    let path = allocations(|request| answered(based.call(request)), "/me");
    assert!(path <= 1, "{path}");
    // The copy that a second sending needs, and the future.
    let copied = allocations(|request| answered(again.call(request)), whole);
    println!("sending again: {copied} allocations a request");
    assert!((1..=8).contains(&copied), "{copied}");
}
