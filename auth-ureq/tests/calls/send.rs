//! `send_with`: what is sent again, and what the caller gets.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
};

use auth_testkit::CannedResponse;
use auth_ureq::{
    CallBody, CallMiddleware,
    auth_accounts::{
        BlockingAccount,
        calls::{CallError, Calls, NotAgain, OriginError},
    },
    http::{Request, StatusCode},
    send_with, send_with_calls,
    ureq::{self, AsSendBody, Error, SendBody},
};

use crate::support::{World, agent, showing, why};

#[test]
fn what_is_in_memory_is_sent_again() {
    fn sent<B: CallBody>(body: B) -> Vec<(Vec<u8>, Option<String>)> {
        let world = World::new();
        world.revoke();
        let request = Request::put(world.url("/notes")).body(body).unwrap();
        let response = send_with(&agent(|settings| settings), &world.account, request).unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(world.refreshes(), 1);
        let calls = world.api.api().calls();
        let body = |call: &auth_testkit::ApiCall| {
            let length = call.request().header("content-length").map(str::to_owned);
            (call.body().unwrap_or_default().to_vec(), length)
        };
        calls.iter().map(body).collect()
    }
    let (text, bytes) = ("a note".to_owned(), b"a note".to_vec());
    let twice = vec![(bytes.clone(), Some("6".to_owned())); 2];
    assert_eq!(sent("a note"), twice);
    assert_eq!(sent(text.clone()), twice);
    assert_eq!(sent(&text), twice);
    assert_eq!(sent(bytes.clone()), twice);
    assert_eq!(sent(&bytes), twice);
    assert_eq!(sent(&bytes[..]), twice);
    assert_eq!(sent(b"a note"), twice);
    assert_eq!(sent(()), vec![(Vec::new(), None); 2]);
}

/// It may be named, or come from the environment.
#[test]
fn a_token_in_clear_stays_on_the_machine() {
    for by_middleware in [false, true] {
        let world = World::new();
        let proxy = ureq::Proxy::new(world.elsewhere.url().trim_end_matches('/')).unwrap();
        let agent = |set| {
            agent(|settings| {
                let settings = settings.proxy(Some(proxy.clone()));
                match set {
                    true => settings.middleware(CallMiddleware::new(world.calls())),
                    false => settings.http_status_as_error(false).max_redirects(0),
                }
            })
        };
        let response = match by_middleware {
            true => agent(true).get(world.url("/")).call().unwrap(),
            false => {
                let request = Request::get(world.url("/")).body(()).unwrap();
                send_with(&agent(false), &world.account, request).unwrap()
            }
        };
        assert_eq!(response.status(), 200);
        assert!(world.elsewhere.socket().connections().is_empty());
    }
}

#[test]
fn what_is_read_while_it_is_sent_is_sent_once() {
    fn once<B: CallBody>(body: B) {
        let world = World::new();
        world.revoke();
        let request = Request::put(world.url("/notes")).body(body).unwrap();
        let response = send_with(&showing(), &world.account, request).unwrap();
        assert_eq!(response.status(), 401);
        assert!(matches!(why(&response), NotAgain::Body), "{:?}", why(&response));
        assert_eq!((world.seen().len(), world.refreshes()), (1, 0));
        assert_eq!(world.api.api().calls()[0].body(), Some(&b"a note"[..]));

        // The next one has another token.
        let request = Request::get(world.url("/me")).body(()).unwrap();
        assert_eq!(send_with(&showing(), &world.account, request).unwrap().status(), 200);
        assert_eq!((world.seen().len(), world.refreshes()), (2, 1));
    }
    let file = || -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"a note").unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file
    };
    once(file());
    // It can be copied, and is at its end by then.
    once::<&File>(&file());
    once(SendBody::from_reader(&mut &b"a note"[..]));
    once(SendBody::from_owned_reader(file()));
    once("a note".to_owned().as_body());
}

/// By agent and by request: what comes of a 401 that stays, of a 404, and of a 200.
#[test]
fn the_settings_say_what_is_an_error() {
    for (of_agent, of_request, is_error) in [
        (true, None, true),
        (false, None, false),
        (true, Some(false), false),
        (false, Some(true), true),
        (true, Some(true), true),
        (false, Some(false), false),
    ] {
        let world = World::new();
        let agent = agent(|settings| settings.http_status_as_error(of_agent));
        let send = || {
            let request = Request::get(world.url("/me")).body(()).unwrap();
            let request = match of_request {
                None => request,
                Some(setting) => {
                    agent.configure_request(request).http_status_as_error(setting).build()
                }
            };
            send_with(&agent, &world.account, request)
        };
        let of = |status: u16| {
            let response = send();
            match response {
                Err(CallError::Client(Error::StatusCode(code))) => {
                    assert!(is_error);
                    assert_eq!(code, status);
                    None
                }
                response => {
                    let response = response.unwrap();
                    assert_eq!(response.status(), status);
                    assert!(!is_error || status == 200, "{status}");
                    Some(response)
                }
            }
        };
        assert!(of(200).is_some());
        world.api.api().respond_next([CannedResponse::status(404)]);
        of(404);
        // Whatever they say, the head of the first is seen.
        world.api.api().respond_next([CannedResponse::step_up("gold")]);
        if let Some(response) = of(401) {
            assert!(matches!(why(&response), NotAgain::StepUp(_)), "{:?}", why(&response));
        }
        assert_eq!(world.refreshes(), 0);
        world.api.api().respond_next(vec![CannedResponse::invalid_token(); 2]);
        if let Some(response) = of(401) {
            assert!(matches!(why(&response), NotAgain::Twice), "{:?}", why(&response));
        }
        assert_eq!(world.refreshes(), 1);
    }
}

#[test]
fn a_session_that_has_ended_is_told() {
    let world = World::new();
    world.revoke();
    world.auth.server().revoke("ada");
    let request = || Request::get(world.url("/me")).body(()).unwrap();
    let error = send_with(&agent(|settings| settings), &world.account, request()).unwrap_err();
    let CallError::NoToken(error) = error else { panic!("{error:?}") };
    assert_eq!(error.exit_code(), 3, "{error}");
    assert_eq!(world.seen().len(), 1);
}

#[test]
fn an_authorization_of_the_request_is_left_alone() {
    let world = World::new();
    for status_as_error in [true, false] {
        let agent = agent(|settings| settings.http_status_as_error(status_as_error));
        let request = || {
            let request = Request::get(world.url("/me")).header("authorization", "Basic YTpi");
            request.body(()).unwrap()
        };
        for response in [
            send_with(&agent, &world.account, request()),
            send_with_calls(&agent, &world.calls(), request()),
        ] {
            match response {
                Err(CallError::Client(Error::StatusCode(401))) => assert!(status_as_error),
                response => assert_eq!(response.unwrap().status(), 401),
            }
        }
    }
    let api = world.api.api();
    assert!(api.calls().iter().all(|call| call.scheme() == Some("Basic")));
    assert_eq!((api.calls().len(), world.refreshes()), (4, 0));
}

#[test]
fn a_request_to_another_origin_goes_as_it_is() {
    let world = World::new();
    let request = || Request::get(crate::support::url(&world.elsewhere, "/x")).body(()).unwrap();
    world.elsewhere.api().respond_next([CannedResponse::redirect(302, "/y")]);
    let response = send_with_calls(&showing(), &world.calls(), request()).unwrap();
    assert_eq!(response.status(), 401);
    assert!(response.extensions().get::<NotAgain>().is_none());
    let error = send_with_calls(&agent(|settings| settings), &world.calls(), request());
    assert!(matches!(error, Err(CallError::Client(Error::StatusCode(401)))));
    world.elsewhere.api().assert_saw_no_token();
    assert_eq!(crate::support::seen(&world.elsewhere).len(), 3);
    assert_eq!(world.refreshes(), 0);
}

#[test]
fn no_token_goes_in_clear() {
    let world = World::new();
    let request = Request::get("http://api.example.com/me").body(()).unwrap();
    let error = send_with(&showing(), &world.account, request).unwrap_err();
    assert!(matches!(error, CallError::Origin(OriginError::Insecure { .. })), "{error:?}");
}

#[test]
fn each_request_may_name_its_account() {
    let world = World::new();
    let calls: Calls<BlockingAccount> = Calls::per_request([world.api.url()]).unwrap();
    let mut request = Request::get(world.url("/me")).body(()).unwrap();
    let error = send_with_calls(&showing(), &calls, request.clone()).unwrap_err();
    assert!(matches!(error, CallError::Unnamed), "{error:?}");
    request.extensions_mut().insert(world.account.clone());
    let mut response = send_with_calls(&showing(), &calls, request).unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let mut text = String::new();
    response.body_mut().as_reader().read_to_string(&mut text).unwrap();
    assert_eq!(text, r#"{"subject":"ada"}"#);
}

/// The API says so before the body is sent, and hangs up.
#[test]
fn a_refusal_before_the_body_is_one() {
    let world = World::new();
    world.revoke();
    let request = Request::post(world.url("/notes")).header("expect", "100-continue");
    let refused = auth_testkit::ApiResponse::from(CannedResponse::invalid_token()).before_body();
    world.api.api().respond_next([refused]);
    let request = request.body("a note").unwrap();
    assert_eq!(send_with(&showing(), &world.account, request).unwrap().status(), 200);
    let bodies: Vec<_> =
        world.api.api().calls().iter().map(|call| call.body().map(<[u8]>::to_vec)).collect();
    assert_eq!(bodies, [None, Some(b"a note".to_vec())]);
}

#[test]
fn proofs_are_made_anew() {
    let world = World::with_dpop();
    let request = || Request::get(world.url("/me")).body(()).unwrap();
    assert_eq!(send_with(&showing(), &world.account, request()).unwrap().status(), 200);
    assert_eq!(world.seen().len(), 2);
    world.revoke();
    let agent = agent(|settings| settings);
    assert_eq!(send_with(&agent, &world.account, request()).unwrap().status(), 200);
    assert_eq!(world.refreshes(), 1);
    let proofs: std::collections::BTreeSet<_> = (world.api.api().calls().iter())
        .map(|call| call.request().header("dpop").unwrap().to_owned())
        .collect();
    assert_eq!(proofs.len(), world.seen().len());
}
