//! `CallMiddleware`: what it attaches, what it marks, and beside others.

use std::sync::{Arc, Mutex};

use auth_testkit::CannedResponse;
use auth_ureq::{
    CallMiddleware,
    auth_accounts::{
        AccountError, BlockingAccount,
        calls::{CallError, Calls, NotAgain},
    },
    http::{HeaderMap, HeaderValue, Request, Response, StatusCode},
    send_with,
    ureq::{
        self, Agent, Body, Error, SendBody,
        middleware::{Middleware, MiddlewareNext},
    },
};

use crate::support::{World, agent, showing, url, why};

fn with(world: &World) -> Agent {
    agent(|settings| settings.middleware(CallMiddleware::new(world.calls())))
}

/// One that shows responses.
fn showing_with(world: &World) -> Agent {
    agent(|settings| {
        settings.http_status_as_error(false).middleware(CallMiddleware::new(world.calls()))
    })
}

#[test]
fn a_refused_token_is_not_used_again() {
    for shows in [true, false] {
        let world = World::new();
        world.revoke();
        let agent = if shows { showing_with(&world) } else { with(&world) };
        match agent.get(world.url("/me")).call() {
            Err(Error::StatusCode(401)) => assert!(!shows),
            response => assert!(matches!(why(&response.unwrap()), NotAgain::Body)),
        }
        assert_eq!(world.refreshes(), 0);
        // Any other client of the account has the next one, too.
        assert_eq!(agent.get(world.url("/me")).call().unwrap().status(), 200);
        let request = Request::get(world.url("/me")).body(()).unwrap();
        send_with(&showing(), &world.account, request).unwrap();
        assert_eq!((world.refreshes(), world.seen().len()), (1, 3));
    }
}

#[test]
fn every_body_is_sent_once() {
    let world = World::new();
    world.revoke();
    let agent = showing_with(&world);
    assert_eq!(agent.post(world.url("/notes")).send("a note").unwrap().status(), 401);
    let reader = SendBody::from_owned_reader(&b"a note"[..]);
    assert_eq!(agent.post(world.url("/notes")).send(reader).unwrap().status(), 200);
    for call in world.api.api().calls() {
        assert_eq!(call.body(), Some(&b"a note"[..]));
    }
    assert_eq!((world.refreshes(), world.seen().len()), (1, 2));
}

#[test]
fn only_the_origins_that_are_named_see_the_token() {
    let world = World::new();
    let agent = showing_with(&world);
    let response = agent.get(url(&world.elsewhere, "/me")).call().unwrap();
    assert_eq!(response.status(), 401);
    assert!(response.extensions().get::<NotAgain>().is_none());
    world.elsewhere.api().assert_saw_no_token();
    let theirs = agent.get(world.url("/me")).header("authorization", "Basic YTpi");
    assert_eq!(theirs.call().unwrap().status(), 401);
    assert_eq!(world.refreshes(), 0);
}

/// With its head, a 401 says more than that it is one.
#[test]
fn what_the_api_says_is_read_if_ureq_shows_it() {
    let world = World::new();
    let responses = || [CannedResponse::step_up("gold")];
    world.api.api().respond_next(responses());
    let response = showing_with(&world).get(world.url("/me")).call().unwrap();
    assert!(matches!(why(&response), NotAgain::StepUp(_)));
    assert_eq!(showing_with(&world).get(world.url("/me")).call().unwrap().status(), 200);
    assert_eq!(world.refreshes(), 0);

    // Without, the token is taken to be refused.
    world.api.api().respond_next(responses());
    let error = with(&world).get(world.url("/me")).call().unwrap_err();
    assert!(matches!(error, Error::StatusCode(401)), "{error:?}");
    assert_eq!(with(&world).get(world.url("/me")).call().unwrap().status(), 200);
    assert_eq!(world.refreshes(), 1);
}

#[test]
fn other_errors_are_left_alone() {
    let world = World::new();
    world.api.api().respond_next([CannedResponse::status(404), CannedResponse::status(503)]);
    for status in [404, 503] {
        let error = with(&world).get(world.url("/me")).call().unwrap_err();
        assert!(matches!(error, Error::StatusCode(code) if code == status), "{error:?}");
    }
    assert_eq!(with(&world).get(world.url("/me")).call().unwrap().status(), 200);
    assert_eq!(world.refreshes(), 0);
}

#[test]
fn a_nonce_is_learned_for_the_next_request() {
    let world = World::with_dpop();
    let agent = showing_with(&world);
    let response = agent.get(world.url("/me")).call().unwrap();
    assert_eq!(response.status(), 401);
    assert!(matches!(why(&response), NotAgain::Body));
    assert_eq!(agent.get(world.url("/me")).call().unwrap().status(), 200);
    assert_eq!(world.refreshes(), 0);
}

#[test]
fn without_a_token_nothing_is_sent() {
    let world = World::new();
    world.revoke();
    world.auth.server().revoke("ada");
    let agent = with(&world);
    assert!(agent.get(world.url("/me")).call().is_err());
    let error = agent.get(world.url("/me")).call().unwrap_err();
    let Error::Other(error) = error else { panic!("{error:?}") };
    match *error.downcast().unwrap() {
        CallError::<AccountError>::NoToken(error) => assert_eq!(error.exit_code(), 3),
        error => panic!("{error:?}"),
    }
    assert_eq!(world.seen().len(), 1);
}

#[test]
fn each_request_may_name_its_account() {
    let world = World::new();
    let calls: Calls<BlockingAccount> = Calls::per_request([world.api.url()]).unwrap();
    let agent = agent(|settings| settings.middleware(CallMiddleware::new(calls)));
    let Err(Error::Other(error)) = agent.get(world.url("/me")).call() else { panic!("sent") };
    assert!(matches!(*error.downcast().unwrap(), CallError::<AccountError>::Unnamed));
    let request = agent.get(world.url("/me")).extension(world.account.clone());
    assert_eq!(request.call().unwrap().status(), 200);
    assert_eq!(world.seen().len(), 1);
}

/// Keeps what passes by.
#[derive(Clone, Default)]
struct Sees(Arc<Mutex<Vec<HeaderMap>>>);

impl Middleware for Sees {
    fn handle(
        &self,
        request: Request<SendBody<'_>>,
        next: MiddlewareNext<'_>,
    ) -> Result<Response<Body>, Error> {
        self.0.lock().unwrap().push(request.headers().clone());
        next.handle(request)
    }
}

#[test]
fn who_comes_later_sees_the_token_marked_as_a_secret() {
    let world = World::new();
    let (before, after) = (Sees::default(), Sees::default());
    let agent = agent(|settings| {
        let settings = settings.middleware(before.clone());
        settings.middleware(CallMiddleware::new(world.calls())).middleware(after.clone())
    });
    assert_eq!(agent.get(world.url("/me")).call().unwrap().status(), 200);
    let seen = |sees: Sees| sees.0.lock().unwrap()[0].get("authorization").cloned();
    assert_eq!(seen(before), None);
    assert!(seen(after).unwrap().is_sensitive());
}

/// Puts another `Authorization` in.
fn signs(
    mut request: Request<SendBody<'_>>,
    next: MiddlewareNext<'_>,
) -> Result<Response<Body>, Error> {
    request.headers_mut().insert("authorization", HeaderValue::from_static("Basic YTpi"));
    next.handle(request)
}

#[test]
fn an_authorization_of_others_stands_in_either_order() {
    for is_first in [true, false] {
        let world = World::new();
        let agent = agent(|settings| {
            let settings = settings.http_status_as_error(false);
            let ours = CallMiddleware::new(world.calls());
            match is_first {
                true => settings.middleware(ours).middleware(signs),
                false => settings.middleware(signs).middleware(ours),
            }
        });
        assert_eq!(agent.get(world.url("/me")).call().unwrap().status(), 401);
        assert_eq!(world.api.api().calls()[0].scheme(), Some("Basic"));
        assert_eq!(world.refreshes(), 0);
    }
}

/// Responds by itself, as a cache would.
fn responds(_: Request<SendBody<'_>>, _: MiddlewareNext<'_>) -> Result<Response<Body>, Error> {
    let mut response = Response::new(Body::builder().data("a page"));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response.extensions_mut().insert("theirs");
    Ok(response)
}

#[test]
fn a_response_that_another_one_made_is_judged_as_well() {
    let world = World::new();
    let agent = agent(|settings| {
        settings.middleware(CallMiddleware::new(world.calls())).middleware(responds)
    });
    let response = agent.get(world.url("/me")).call().unwrap();
    assert!(matches!(why(&response), NotAgain::Body));
    assert_eq!(response.extensions().get(), Some(&"theirs"));
}

/// Makes the request anew, and forgets half of it.
fn forgets(
    request: Request<SendBody<'_>>,
    next: MiddlewareNext<'_>,
) -> Result<Response<Body>, Error> {
    let (parts, body) = request.into_parts();
    let mut request = Request::new(body);
    (*request.method_mut(), *request.uri_mut()) = (parts.method, parts.uri);
    next.handle(request)
}

#[test]
fn a_token_that_a_redirect_could_take_along_does_not_go() {
    for is_first in [true, false] {
        let world = World::new();
        let there = url(&world.elsewhere, "/there");
        world.api.api().respond_next([CannedResponse::redirect(302, &there)]);
        let agent = agent(|settings| {
            let settings = settings
                .http_status_as_error(false)
                .redirect_auth_headers(ureq::config::RedirectAuthHeaders::SameHost);
            let ours = CallMiddleware::new(world.calls());
            match is_first {
                true => settings.middleware(forgets).middleware(ours),
                false => settings.middleware(ours).middleware(forgets),
            }
        });
        let response = agent.get(world.url("/me")).call();
        if is_first {
            let error = response.unwrap_err();
            assert!(error.to_string().contains("another middleware"), "{error}");
            assert_eq!(world.seen(), []);
        }
        world.elsewhere.api().assert_saw_no_token();
    }
}

/// An agent with a middleware is one for `send_with` as well.
#[test]
fn send_with_sends_again_by_an_agent_that_has_it() {
    let world = World::new();
    world.revoke();
    let request = Request::get(world.url("/me")).body(()).unwrap();
    assert_eq!(send_with(&with(&world), &world.account, request).unwrap().status(), 200);
    assert_eq!((world.refreshes(), world.seen().len()), (1, 2));
}
