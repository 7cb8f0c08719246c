//! Which requests get a token, what becomes of a refused one, and that the layer minds the
//! contract of a service.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{io, time::Duration};

use auth_testkit::CannedResponse;
use auth_tower::{
    BoxError, CallLayer, UnnamedOrigin,
    auth_accounts::{
        Account, Reason,
        calls::{CallError, Calls, CameFrom, NotAgain, OriginError},
    },
    http::{Request, Response, Uri, header::AUTHORIZATION},
};
use pollster::block_on;
use support::{API, Log, World, get};
use tower::{Layer, Service, ServiceBuilder, ServiceExt};

/// The status, and why the request was not sent again.
fn told<B>(response: &Response<B>) -> (u16, String) {
    let why = response.extensions().get::<NotAgain>();
    let why = why.map(|why| format!("{why:?}").split([' ', '(']).next().unwrap().to_owned());
    (response.status().as_u16(), why.unwrap_or_default())
}

fn until_ready<S: Service<Request<()>>>(client: &mut S) -> Result<(), S::Error> {
    block_on(client.ready()).map(drop)
}

/// As whoever minds the contract does it.
fn send<S: Service<Request<()>>>(
    client: &mut S,
    request: Request<()>,
) -> Result<S::Response, S::Error> {
    block_on(async { client.ready().await?.call(request).await })
}

fn without_clones(log: &Log) -> String {
    let told = log.take();
    told.split(' ').filter(|what| *what != "clone").collect::<Vec<_>>().join(" ")
}

#[test]
fn what_an_api_says_of_the_token() {
    let unauthorized = || CannedResponse::unauthorized([]);
    let scope = || CannedResponse::insufficient_scope("notes:write");
    type Row = (Vec<CannedResponse>, (u16, &'static str, usize), (u16, &'static str, usize));
    let rows: Vec<Row> = vec![
        // What the API says; and for each layer the status, the reason, and the calls.
        (vec![], (200, "", 1), (200, "", 1)),
        (vec![unauthorized()], (401, "Body", 1), (200, "", 2)),
        (vec![CannedResponse::invalid_token()], (401, "Body", 1), (200, "", 2)),
        (vec![unauthorized(), unauthorized()], (401, "Body", 1), (401, "Twice", 2)),
        (vec![scope()], (403, "InsufficientScope", 1), (403, "InsufficientScope", 1)),
        (vec![CannedResponse::status(403)], (403, "", 1), (403, "", 1)),
        (vec![CannedResponse::status(429)], (429, "", 1), (429, "", 1)),
        (vec![CannedResponse::status(419)], (419, "Body", 1), (200, "", 2)),
        (vec![CannedResponse::status(500)], (500, "", 1), (500, "", 1)),
    ];
    for (responses, once, again) in rows {
        let shown = format!("{responses:?}");
        for (is_again, (status, why, calls)) in [(false, once), (true, again)] {
            let world = World::new();
            world.api.respond_next(responses.clone());
            let named = world.calls().also_refused_at([http::StatusCode::from_u16(419).unwrap()]);
            let layer = CallLayer::new(named);
            let client = world.client();
            let response = block_on(async {
                match is_again {
                    false => layer.layer(client).oneshot(get("/me")).await,
                    true => layer.send_again().layer(client).oneshot(get("/me")).await,
                }
            });
            let found = (told(&response.unwrap()), world.api.report().calls);
            assert_eq!(found, ((status, why.to_owned()), calls), "{shown} again: {is_again}");
        }
    }
}

#[test]
fn a_refused_token_is_not_sent_again() {
    let world = World::new();
    let mut client = CallLayer::new(world.calls()).layer(world.client());
    world.api.respond_next([CannedResponse::unauthorized([])]);
    for status in [401, 200, 200] {
        let response = send(&mut client, get("/me"));
        assert_eq!(response.unwrap().status(), status);
    }
    assert_eq!(world.seen(), [Some(0), Some(1), Some(1)]);
    assert_eq!(world.refreshes(), 1);
}

#[test]
fn a_token_goes_where_it_was_named_for() {
    for (url, goes) in [
        ("https://api.example.com/me", true),
        ("https://API.example.com:443/", true),
        ("http://api.example.com/me", false),
        ("https://api.example.com:8443/me", false),
        ("https://example.com/me", false),
        ("https://api.example.com.evil.example/me", false),
        ("/me", false),
    ] {
        let world = World::new();
        let layer = CallLayer::new(world.calls());
        let request = || Request::get(url).body(()).unwrap();
        let response = block_on(layer.clone().layer(world.client()).oneshot(request())).unwrap();
        assert_eq!(told(&response), (if goes { 200 } else { 401 }, String::new()), "{url}");
        let again = layer.send_again().layer(world.client());
        let response = block_on(again.oneshot(request())).unwrap();
        assert_eq!(told(&response), (if goes { 200 } else { 401 }, String::new()), "{url}");
        assert_eq!(world.api.report().with_token, if goes { 2 } else { 0 }, "{url}");
        assert_eq!(world.refreshes(), 0, "{url}");
    }
}

#[test]
fn a_path_goes_where_the_base_says() {
    let world = World::new();
    let layer = || CallLayer::new(world.calls());
    let (named, other) = (Uri::from_static(API), Uri::from_static("https://example.com"));
    let _: UnnamedOrigin = layer().base(&other).unwrap_err();
    let layer = layer().base(&named).unwrap();
    let path = || Request::get("/me").body(()).unwrap();
    let elsewhere = || Request::get("https://example.com/me").body(()).unwrap();
    for (request, status) in [(path(), 200), (elsewhere(), 401)] {
        let response = block_on(layer.clone().layer(world.client()).oneshot(request)).unwrap();
        assert_eq!(response.status(), status);
    }
    for (request, status) in [(path(), 200), (elsewhere(), 401)] {
        let again = layer.clone().send_again().layer(world.client());
        assert_eq!(block_on(again.oneshot(request)).unwrap().status(), status);
    }
    assert_eq!(world.api.calls()[0].path(), "/me");
}

#[test]
fn without_an_origin_there_is_no_layer() {
    let world = World::new();
    let none = Calls::new(world.account.clone(), [""; 0]);
    assert_eq!(none.unwrap_err(), OriginError::None);
}

#[test]
fn an_authorization_of_the_requests_own_stays() {
    let world = World::new();
    let mut request = get("/me");
    request.headers_mut().insert(AUTHORIZATION, "Basic eDp5".parse().unwrap());
    let layer = CallLayer::new(world.calls()).send_again();
    let response = block_on(layer.layer(world.client()).oneshot(request)).unwrap();
    assert_eq!(told(&response), (401, String::new()));
    assert_eq!((world.api.report().calls, world.refreshes()), (1, 0));
}

#[test]
fn a_request_may_name_its_account() {
    let world = World::new();
    let bob = world.accounts.account("bob");
    block_on(bob.store_login(world.server.log_in("bob"))).unwrap();
    let of_bob = || {
        let mut request = get("/me");
        request.extensions_mut().insert(bob.clone());
        request
    };
    let body = |response: Response<Vec<u8>>| String::from_utf8(response.into_body()).unwrap();

    let client = CallLayer::new(world.calls()).layer(world.client());
    assert!(body(block_on(client.clone().oneshot(get("/me"))).unwrap()).contains("ada"));
    assert!(body(block_on(client.oneshot(of_bob())).unwrap()).contains("bob"));

    let calls = Calls::<Account>::per_request([API]).unwrap();
    let client = CallLayer::new(calls.clone()).layer(world.client());
    let again = CallLayer::new(calls).send_again().layer(world.client());
    assert!(body(block_on(client.clone().oneshot(of_bob())).unwrap()).contains("bob"));
    assert!(body(block_on(again.clone().oneshot(of_bob())).unwrap()).contains("bob"));
    let calls = world.api.report().calls;
    for error in [
        block_on(client.oneshot(get("/me"))).unwrap_err(),
        block_on(again.oneshot(get("/me"))).unwrap_err(),
    ] {
        assert!(matches!(error, CallError::Unnamed), "{error:?}");
    }
    assert_eq!(world.api.report().calls, calls);
}

#[test]
fn a_token_that_is_not_ready_is_obtained() {
    let world = World::new();
    world.server.clock().advance(Duration::from_secs(3600));
    let client = CallLayer::new(world.calls()).layer(world.client());
    let response = block_on(client.oneshot(get("/me"))).unwrap();
    assert_eq!((response.status().as_u16(), world.refreshes()), (200, 1));
}

#[test]
fn without_a_token_nothing_is_sent() {
    let world = World::of(auth_testkit::FakeAuthServer::new());
    let layer = CallLayer::new(world.calls());
    let error = block_on(layer.layer(world.client()).oneshot(get("/me"))).unwrap_err();
    let CallError::NoToken(error) = error else { panic!("{error:?}") };
    assert!(matches!(error.reason(), Reason::NotLoggedIn));
    assert_eq!(world.api.report().calls, 0);
}

#[test]
fn a_body_that_cannot_be_copied_is_sent_once() {
    let world = World::new();
    let copy = |body: &Option<u8>| body.map(Some);
    let layer = CallLayer::new(world.calls()).send_again_with(copy);
    for (body, outcome) in [(Some(1), (200, "")), (None, (401, "Body"))] {
        world.api.respond_next([CannedResponse::unauthorized([])]);
        let request = Request::get(API).body(body).unwrap();
        let response = block_on(layer.layer(world.client()).oneshot(request)).unwrap();
        assert_eq!(told(&response), (outcome.0, outcome.1.to_owned()), "{body:?}");
    }
}

#[test]
fn the_second_request_is_a_copy_with_another_token() {
    let world = World::new();
    world.api.respond_next([CannedResponse::unauthorized([])]);
    let request = Request::put(format!("{API}/notes?draft=1"))
        .version(http::Version::HTTP_2)
        .header("x-note", "7")
        .body(())
        .unwrap();
    let layer = CallLayer::new(world.calls()).send_again();
    block_on(layer.layer(world.client()).oneshot(request)).unwrap();
    let calls = world.api.calls();
    for call in &calls {
        assert_eq!((call.request().method().as_str(), call.path()), ("PUT", "/notes"));
        assert_eq!(call.request().header("x-note"), Some("7"));
    }
    assert_eq!(world.seen(), [Some(0), Some(1)]);
}

#[test]
fn what_is_ready_is_called() {
    let world = World::new();
    let client = world.client();
    let log = client.log.clone();

    // With a token that is ready nothing is cloned.
    let mut once = CallLayer::new(world.calls()).layer(client.clone());
    log.take();
    send(&mut once, get("/")).unwrap();
    assert_eq!(log.take(), "ready call");

    // One is obtained: what is ready is called, and a clone is left.
    world.server.clock().advance(Duration::from_secs(3600));
    send(&mut once, get("/")).unwrap();
    let told = log.take();
    assert!(told.starts_with("ready clone") && told.ends_with("call"), "{told}");
    send(&mut once, get("/")).unwrap();
    assert_eq!(log.take(), "ready call");

    // What is sent again waits until its client is ready.
    world.api.respond_next([CannedResponse::unauthorized([])]);
    let mut again = CallLayer::new(world.calls()).send_again().layer(client);
    log.take();
    assert_eq!(send(&mut again, get("/")).unwrap().status(), 200);
    assert_eq!(without_clones(&log), "ready call ready call");
}

#[test]
fn the_second_sending_waits_and_fails_as_its_client_does() {
    let world = World::new();
    let client = world.client();
    let log = client.log.clone();
    let mut again = CallLayer::new(world.calls()).send_again().layer(client.clone());

    world.api.respond_next([CannedResponse::unauthorized([])]);
    client.plan([Some(Ok(())), None, None]);
    let response = send(&mut again, get("/")).unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(without_clones(&log), "ready call pending pending ready call");

    world.api.respond_next([CannedResponse::unauthorized([])]);
    client.plan([Some(Ok(())), Some(Err(io::ErrorKind::BrokenPipe.into()))]);
    let error = send(&mut again, get("/")).unwrap_err();
    assert!(matches!(error, CallError::Client(error) if error.kind() == io::ErrorKind::BrokenPipe));
}

#[test]
fn a_client_that_is_not_ready_is_not_called() {
    let world = World::new();
    let client = world.client();
    let fails = || Some(Err(io::ErrorKind::TimedOut.into()));
    client.plan([fails(), fails(), fails(), None]);
    let layer = CallLayer::new(world.calls());
    let mut once = layer.clone().layer(client.clone());
    let mut again = layer.clone().send_again().layer(client.clone());
    let is_timed_out = |error: &io::Error| error.kind() == io::ErrorKind::TimedOut;
    let error = until_ready(&mut once).err().unwrap();
    assert!(matches!(&error, CallError::Client(error) if is_timed_out(error)), "{error:?}");
    let error = until_ready(&mut again).err().unwrap();
    assert!(matches!(&error, CallError::Client(error) if is_timed_out(error)), "{error:?}");
    let mut boxed = layer.box_errors().layer(client);
    let error = until_ready(&mut boxed).err().unwrap();
    assert!(error.downcast_ref().is_some_and(is_timed_out), "{error:?}");
    until_ready(&mut once).unwrap();
}

#[test]
fn boxed_errors_are_the_clients_own_or_without_one() {
    // A client whose errors are boxed already.
    let world = World::of(auth_testkit::FakeAuthServer::new());
    let client = ServiceBuilder::new()
        .layer(CallLayer::new(world.calls()).send_again().box_errors())
        .map_err(BoxError::from)
        .service(world.client());
    let error: BoxError = block_on(client.oneshot(get("/me"))).unwrap_err();
    let error = error.downcast_ref::<CallError>().unwrap();
    assert!(matches!(error, CallError::NoToken(_)));

    let world = World::new();
    let failing = tower::service_fn(|_: Request<()>| async {
        Err::<Response<()>, BoxError>(io::Error::from(io::ErrorKind::NotFound).into())
    });
    let client = CallLayer::new(world.calls()).box_errors().layer(failing);
    let error = block_on(client.oneshot(get("/me"))).unwrap_err();
    assert_eq!(error.downcast_ref::<io::Error>().unwrap().kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_refusal_from_elsewhere_is_not_about_the_token() {
    for (came_from, outcome, calls) in [
        ("https://api.example.com/moved", (200, ""), 2),
        ("https://elsewhere.example.com/me", (401, "Elsewhere"), 1),
    ] {
        let world = World::new();
        world.api.respond_next([CannedResponse::unauthorized([])]);
        let client = ServiceBuilder::new()
            .layer(CallLayer::new(world.calls()).send_again())
            .map_response(move |mut response: Response<Vec<u8>>| {
                response.extensions_mut().insert(CameFrom(Uri::from_static(came_from)));
                response
            })
            .service(world.client());
        let response = block_on(client.oneshot(get("/me"))).unwrap();
        assert_eq!(told(&response), (outcome.0, outcome.1.to_owned()), "{came_from}");
        assert_eq!((world.api.report().calls, world.refreshes()), (calls, calls - 1));
    }
}
