//! The token goes along within its origin, and never to another, whatever the agent's
//! settings are.

use auth_testkit::CannedResponse;
use auth_ureq::{
    CallMiddleware,
    auth_accounts::calls::{CallError, NotAgain},
    http::{Request, Response},
    send_with, send_with_calls,
    ureq::{Agent, Body, Error, config::RedirectAuthHeaders},
};

use crate::support::{World, agent, seen, showing, url, why};

/// A client with this setting of the agent, which shows responses.
type Client = fn(&World, RedirectAuthHeaders, Request<()>) -> Response<Body>;

fn with(setting: RedirectAuthHeaders) -> Agent {
    agent(|settings| settings.http_status_as_error(false).redirect_auth_headers(setting))
}

const SEND_WITH: Client =
    |world, setting, request| send_with(&with(setting), &world.account, request).unwrap();

const SEND_WITH_CALLS: Client =
    |world, setting, request| send_with_calls(&with(setting), &world.calls(), request).unwrap();

const MIDDLEWARE: Client = |world, setting, request| {
    let agent = agent(|settings| {
        let settings = settings.http_status_as_error(false).redirect_auth_headers(setting);
        settings.middleware(CallMiddleware::new(world.calls()))
    });
    agent.run(request).unwrap()
};

/// Says more of itself than the agent does.
const MIDDLEWARE_BY_REQUEST: Client = |world, setting, request| {
    let agent = agent(|settings| settings.middleware(CallMiddleware::new(world.calls())));
    let request = agent.configure_request(request).http_status_as_error(false);
    agent.run(request.redirect_auth_headers(setting).build()).unwrap()
};

const CLIENTS: [(&str, Client); 4] = [
    ("send_with", SEND_WITH),
    ("send_with_calls", SEND_WITH_CALLS),
    ("middleware", MIDDLEWARE),
    ("middleware, by request", MIDDLEWARE_BY_REQUEST),
];

const SETTINGS: [RedirectAuthHeaders; 2] =
    [RedirectAuthHeaders::Never, RedirectAuthHeaders::SameHost];

fn get(world: &World) -> Request<()> {
    Request::get(world.url("/me")).body(()).unwrap()
}

#[test]
fn another_origin_sees_no_token() {
    for (name, client) in CLIENTS {
        for setting in SETTINGS {
            for status in [301, 302, 303, 307, 308] {
                for dpop in [false, true] {
                    let world = if dpop { World::with_dpop() } else { World::new() };
                    let name = format!("{name}, {setting:?}, {status}, {dpop}");
                    // Another port of the same host.
                    let there = url(&world.elsewhere, "/there");
                    let redirect = CannedResponse::redirect(status, &there);
                    world.api.api().respond_next([redirect]);
                    let response = client(&world, setting, get(&world));
                    world.elsewhere.api().assert_saw_no_token();
                    assert_eq!(world.refreshes(), 0, "{name}");
                    if dpop && name.starts_with("middleware") {
                        assert_eq!(response.status(), status, "{name}");
                        assert_eq!(seen(&world.elsewhere), [], "{name}");
                    } else {
                        assert_eq!(response.status(), 401, "{name}");
                        assert!(matches!(why(&response), NotAgain::Elsewhere), "{name}");
                        assert_eq!(seen(&world.elsewhere), [("/there".into(), 401)], "{name}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_name_is_another_origin_than_its_address() {
    for (name, client) in CLIENTS {
        let world = World::new();
        let port = world.api.socket().address().port();
        let there = format!("http://localhost:{port}/there");
        world.api.api().respond_next([CannedResponse::redirect(302, &there)]);
        let response = client(&world, RedirectAuthHeaders::SameHost, get(&world));
        assert_eq!(response.status(), 401, "{name}");
        assert!(matches!(why(&response), NotAgain::Elsewhere), "{name}");
        let api = world.api.api();
        assert_eq!((api.report().with_token, api.report().without_token), (1, 1), "{name}");
        assert_eq!(world.refreshes(), 0, "{name}");
    }
}

/// What comes back from elsewhere comes without a token.
#[test]
fn the_way_back_is_without_a_token() {
    for (name, client) in CLIENTS {
        for setting in SETTINGS {
            let world = World::new();
            let there = url(&world.elsewhere, "/there");
            world.api.api().respond_next([CannedResponse::redirect(302, &there)]);
            let back = CannedResponse::redirect(302, &world.url("/back"));
            world.elsewhere.api().respond_next([back]);
            let response = client(&world, setting, get(&world));
            assert!(matches!(why(&response), NotAgain::Elsewhere), "{name}");
            world.elsewhere.api().assert_saw_no_token();
            assert_eq!(world.api.api().report().without_token, 1, "{name}");
            assert_eq!(world.refreshes(), 0, "{name}");
        }
    }
}

#[test]
fn within_the_origin_the_token_goes_along() {
    for (name, client) in &CLIENTS[..2] {
        for setting in SETTINGS {
            for dpop in [false, true] {
                let world = if dpop { World::with_dpop() } else { World::new() };
                if dpop {
                    // So that the API's nonce is known.
                    client(&world, setting, get(&world));
                }
                let before = world.seen().len();
                world.api.api().respond_next([
                    CannedResponse::redirect(301, "/v2/me"),
                    CannedResponse::redirect(308, &world.url("/v3/me")),
                    CannedResponse::redirect(302, "you"),
                ]);
                assert_eq!(client(&world, setting, get(&world)).status(), 200, "{name} {dpop}");
                let expected = [("/me", 301), ("/v2/me", 308), ("/v3/me", 302), ("/v3/you", 200)];
                let paths = &world.seen()[before..];
                let paths: Vec<_> = paths.iter().map(|(path, status)| (&**path, *status)).collect();
                assert_eq!(paths, expected, "{name} {dpop}");
                assert_eq!(world.refreshes(), 0);
            }
        }
    }
}

/// ureq follows by itself then, and never takes the token along.
#[test]
fn the_middleware_does_not_know_what_was_redirected() {
    for setting in SETTINGS {
        let world = World::new();
        world.api.api().respond_next([CannedResponse::redirect(301, "/v2/me")]);
        let response = MIDDLEWARE(&world, setting, get(&world));
        assert_eq!(response.status(), 401);
        assert!(matches!(why(&response), NotAgain::Elsewhere));
        assert_eq!(world.account.token().unwrap().refresh_error().map(drop), None);
        assert_eq!(world.refreshes(), 0);
    }
}

/// However often it was redirected before, or had to be proved anew.
#[test]
fn a_redirect_after_which_the_token_is_refused() {
    for (redirects, dpop) in [(1, false), (2, false), (5, false), (1, true), (2, true)] {
        let world = if dpop { World::with_dpop() } else { World::new() };
        let api = world.api.api();
        let mut responses = vec![CannedResponse::redirect(302, "/on"); redirects];
        if dpop {
            let nonce = CannedResponse::unauthorized([r#"DPoP error="use_dpop_nonce""#]);
            responses.insert(0, nonce.dpop_nonce("a-nonce"));
        }
        responses.push(CannedResponse::invalid_token());
        let sent = responses.len();
        api.respond_next(responses);
        let response = send_with(&showing(), &world.account, get(&world)).unwrap();
        let row = format!("{redirects} {dpop}: {:?}", world.seen());
        assert_eq!(response.status(), 200, "{row}");
        assert_eq!(world.refreshes(), 1, "{row}");
        // The nonce was none of the API's.
        assert_eq!(world.seen().len(), sent + 1 + usize::from(dpop), "{row}");
    }
}

/// Once more in all, not for each URL.
#[test]
fn a_token_is_renewed_once() {
    for redirects in [1, 3] {
        let world = World::new();
        let mut responses = vec![CannedResponse::invalid_token()];
        responses.extend(vec![CannedResponse::redirect(302, "/on"); redirects]);
        responses.push(CannedResponse::invalid_token());
        world.api.api().respond_next(responses);
        let response = send_with(&showing(), &world.account, get(&world)).unwrap();
        assert_eq!(response.status(), 401);
        assert!(matches!(why(&response), NotAgain::Twice), "{:?}", why(&response));
        assert_eq!((world.seen().len(), world.refreshes()), (redirects + 2, 1));
        // The next one has another token.
        assert_eq!(send_with(&showing(), &world.account, get(&world)).unwrap().status(), 200);
    }
}

#[test]
fn a_body_is_not_sent_to_where_a_redirect_leads() {
    let request = |world: &World| {
        let request = Request::post(world.url("/jobs")).header("content-type", "text/plain");
        request.body("a job").unwrap()
    };
    let world = World::new();
    world.api.api().respond_next([CannedResponse::redirect(303, "/jobs/1")]);
    let response = send_with(&showing(), &world.account, request(&world)).unwrap();
    assert_eq!(response.status(), 200);
    let calls = world.api.api().calls();
    assert_eq!(calls[0].body(), Some(&b"a job"[..]));
    assert_eq!(calls[1].request().method(), "GET");
    assert_eq!((calls[1].path(), calls[1].body_len()), ("/jobs/1", Some(0)));
    assert_eq!(calls[1].request().header("content-type"), None);

    for status in [307, 308] {
        let world = World::new();
        world.api.api().respond_next([CannedResponse::redirect(status, "/jobs/1")]);
        let error = send_with(&showing(), &world.account, request(&world)).unwrap_err();
        assert!(matches!(error, CallError::Client(Error::RedirectFailed)), "{error:?}");
        assert_eq!(world.seen().len(), 1);
    }
}

/// As without a token.
#[test]
fn the_agent_says_how_many_are_followed() {
    enum Ends {
        Redirect,
        Error,
        Served,
    }
    // Redirects that there are, of which the last may lead elsewhere; what the agent says.
    for (there_are, elsewhere, most, too_many_is_error, ends) in [
        (1, false, 0, true, Ends::Redirect),
        (1, true, 0, true, Ends::Redirect),
        (1, false, 1, true, Ends::Served),
        (2, false, 1, true, Ends::Error),
        (2, false, 1, false, Ends::Redirect),
        (2, true, 2, true, Ends::Served),
        (3, true, 2, true, Ends::Error),
        (3, true, 2, false, Ends::Redirect),
        (4, true, 3, true, Ends::Error),
        (10, false, 10, true, Ends::Served),
        (11, false, 10, true, Ends::Error),
    ] {
        let world = World::new();
        let agent = agent(|settings| {
            let settings = settings.max_redirects(most).http_status_as_error(false);
            settings.max_redirects_will_error(too_many_is_error)
        });
        let row = format!("{there_are} {elsewhere} {most} {too_many_is_error}");
        // With `elsewhere`, the last two are there, or the last one.
        let here = if elsewhere { there_are.min(2) - 1 } else { there_are };
        let mut responses = vec![CannedResponse::redirect(302, "/on"); here];
        if elsewhere {
            let there = url(&world.elsewhere, "/there");
            responses.push(CannedResponse::redirect(302, &there));
            let left = there_are - here - 1;
            let on = CannedResponse::redirect(302, "/on");
            world.elsewhere.api().respond_next(vec![on; left]);
            world.elsewhere.api().respond_next([CannedResponse::status(200)]);
        }
        world.api.api().respond_next(responses);
        match (send_with(&agent, &world.account, get(&world)), ends) {
            (Ok(response), Ends::Redirect) => assert_eq!(response.status(), 302, "{row}"),
            (Ok(response), Ends::Served) => assert_eq!(response.status(), 200, "{row}"),
            (Err(CallError::Client(Error::TooManyRedirects)), Ends::Error) => {}
            (result, _) => panic!("{row}: {result:?}"),
        }
        world.elsewhere.api().assert_saw_no_token();
    }
}

/// An error elsewhere is one if errors of the API are.
#[test]
fn elsewhere_the_settings_hold() {
    let world = World::new();
    let there = url(&world.elsewhere, "/there");
    world.api.api().respond_next([CannedResponse::redirect(302, &there)]);
    let error = send_with(&agent(|settings| settings), &world.account, get(&world)).unwrap_err();
    assert!(matches!(error, CallError::Client(Error::StatusCode(401))), "{error:?}");
    assert_eq!(world.refreshes(), 0);
}

#[test]
fn a_redirect_to_nowhere_fails() {
    for response in [CannedResponse::status(302), CannedResponse::redirect(302, "https://")] {
        let world = World::new();
        world.api.api().respond_next([response]);
        let error = send_with(&showing(), &world.account, get(&world)).unwrap_err();
        assert!(matches!(error, CallError::Client(Error::RedirectFailed)), "{error:?}");
    }
}

/// A redirect's body is read, so that its connection serves what follows.
#[test]
fn a_redirect_costs_no_connection() {
    let world = World::new();
    let redirect = CannedResponse::redirect(302, "/v2/me").body("moved");
    world.api.api().respond_next([redirect]);
    send_with(&showing(), &world.account, get(&world)).unwrap();
    assert_eq!((world.seen().len(), world.api.socket().connections().len()), (2, 1));
}
