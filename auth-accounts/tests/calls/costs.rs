//! What a call costs with a token that is there.

use std::{
    convert::Infallible,
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use auth_accounts::{
    calls::{Calls, Target, TokensFor, Verdict, send, send_blocking},
    http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header::AUTHORIZATION},
};
use auth_core::TokenRequest;
use auth_testkit::Script;
use pollster::block_on;

use crate::{
    ORIGIN, Stream, URL,
    support::{ADA, World},
};

fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("a cached token is there at once"),
    }
}

fn allocations(act: impl FnOnce()) -> u64 {
    allocation_counter::measure(act).count_total
}

/// A request with room for a header.
fn request() -> Request<()> {
    let mut request = Request::get(URL).body(()).unwrap();
    *request.headers_mut() = HeaderMap::with_capacity(8);
    // From the second clone on it is shared.
    drop(request.uri().clone());
    request
}

async fn client<R>(request: R) -> Result<Response<()>, Infallible> {
    drop(request);
    Ok(Response::new(()))
}

#[test]
fn a_call_with_a_token_that_is_there_allocates_nothing() {
    let world = World::new(Script::new().tokens("m-1", "rt-2")).with_record(3600);
    let (tasks, threads) = (world.account(), world.blocking().account(ADA));
    let further = TokensFor::new(tasks.clone(), TokenRequest::new().scope("mail"));
    let calls = Calls::new(tasks.clone(), ["https://first.example.com", ORIGIN]).unwrap();
    let of_further = calls_of(further);
    let of_threads = Calls::new(threads.clone(), [ORIGIN]).unwrap();
    // Each has its token, and its header was cloned before.
    block_on(calls.send(request(), client)).unwrap();
    block_on(of_further.send(request(), client)).unwrap();
    of_threads.send_blocking(request(), |request| ready(client(request))).unwrap();

    let stream = || Stream(request());
    let mut requests: Vec<Stream<()>> = (0..6).map(|_| stream()).collect();
    let mut next = || requests.pop().unwrap();
    let once = [
        ("calls", {
            let sent = next();
            allocations(|| drop(ready(calls.send(sent, client))))
        }),
        ("further", {
            let sent = next();
            allocations(|| drop(ready(of_further.send(sent, client))))
        }),
        ("bare", {
            let sent = next();
            allocations(|| drop(ready(send(&tasks, sent, client))))
        }),
        ("threads", {
            let sent = next();
            allocations(|| drop(of_threads.send_blocking(sent, |sent| ready(client(sent)))))
        }),
        ("bare, threads", {
            let sent = next();
            allocations(|| drop(send_blocking(&threads, sent, |sent| ready(client(sent)))))
        }),
        ("machine", {
            let mut sent = next().0;
            allocations(|| {
                let target = Target::Uri(sent.uri()).to_uri();
                let target = Target::Uri(&target);
                let mut call = calls.begin(&target, sent.headers(), None).unwrap().unwrap();
                assert!(call.peek());
                let method = sent.method().clone();
                call.attach(&method, &target, sent.headers_mut()).unwrap();
                let verdict = call.judge(None, StatusCode::OK, &HeaderMap::new());
                assert!(matches!(verdict, Verdict::HandOut(None)));
            })
        }),
    ];
    for (what, count) in once {
        assert_eq!(count, 0, "{what}");
    }
    // That it can be sent again costs a copy of its headers: here, of their two tables.
    let sent = request();
    assert!(allocations(|| drop(ready(calls.send(sent, client)))) <= 2);
}

#[test]
fn the_short_way_is_for_the_requests_of_the_long_one() {
    let world = World::new(Script::new()).with_record(3600);
    let account = world.account();
    let (calls, named) = (calls_of(account.clone()), Calls::per_request([ORIGIN]).unwrap());
    let attached = |calls: &Calls, request: &mut Request<()>| {
        let ready = calls.begin_ready(&Target::Uri(request.uri()), Some(request.extensions()));
        ready.and_then(|ready| ready.attach(request.headers_mut())).is_some()
    };
    assert!(!attached(&calls, &mut request()), "there is no token yet");
    block_on(account.token()).unwrap();

    let (mut own, mut elsewhere, mut with_account) = (request(), request(), request());
    own.headers_mut().insert(AUTHORIZATION, "Basic bWU6".parse().unwrap());
    *elsewhere.uri_mut() = "https://elsewhere.example.com/".parse().unwrap();
    with_account.extensions_mut().insert(account);
    for (what, calls, mut request, expected) in [
        ("usual", &calls, request(), true),
        ("of its own", &calls, own, false),
        ("elsewhere", &calls, elsewhere, false),
        ("of nobody", &named, request(), false),
        ("with an account", &named, with_account, true),
    ] {
        let before = request.headers().clone();
        let mut is_attached = false;
        let count = allocations(|| is_attached = attached(calls, &mut request));
        assert_eq!((is_attached, count), (expected, 0), "{what}");
        let header = request.headers().get(AUTHORIZATION);
        assert_eq!(header.is_some_and(HeaderValue::is_sensitive), expected, "{what}");
        assert!(expected || *request.headers() == before, "{what}");
        assert!(!attached(calls, &mut request), "{what}: it has one by now, or never");
    }
}

fn calls_of<T: auth_accounts::calls::AsyncTokens>(tokens: T) -> Calls<T> {
    Calls::new(tokens, [ORIGIN]).unwrap()
}
