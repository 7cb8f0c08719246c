//! An API that was told what to respond, and what it saw.

use std::{
    future::Future as _,
    pin::pin,
    task::{Context, Poll, Waker},
    thread,
};

use super::{api::field, *};
use crate::{ApiResponse, Gate};

fn request(
    token: Option<&auth_core::AccessToken>,
    body: &'static [u8],
) -> ::http::Request<&'static [u8]> {
    let request = ::http::Request::post("https://api.example.com/notes?draft=1");
    let request = match token {
        Some(token) => request.header("authorization", token.authorization().unwrap()),
        None => request,
    };
    request.body(body).unwrap()
}

#[test]
fn what_apis_say_of_tokens() {
    let one = |response: CannedResponse| {
        let response = response.build();
        let challenges = response.headers().get_all("www-authenticate");
        let challenges: Vec<_> =
            challenges.iter().map(|v| v.to_str().unwrap().to_owned()).collect();
        let location = response.headers().get("location").map(|v| v.to_str().unwrap().to_owned());
        (response.status().as_u16(), challenges, location)
    };
    let scope = r#"Bearer realm="fake", error="insufficient_scope", scope="a b""#;
    for (response, status, challenges, location) in [
        (CannedResponse::unauthorized([]), 401, vec![], None),
        (CannedResponse::unauthorized(["Bearer, Basic"]), 401, vec!["Bearer, Basic"], None),
        (CannedResponse::unauthorized(["Basic", "Bearer"]), 401, vec!["Basic", "Bearer"], None),
        (
            CannedResponse::invalid_token(),
            401,
            vec![r#"Bearer realm="fake", error="invalid_token""#],
            None,
        ),
        (CannedResponse::insufficient_scope("a b"), 403, vec![scope], None),
        (CannedResponse::insufficient_scope("a b").with_status(401), 401, vec![scope], None),
        (
            CannedResponse::step_up("c1"),
            401,
            vec![r#"Bearer error="insufficient_user_authentication", acr_values="c1""#],
            None,
        ),
        (CannedResponse::redirect(307, "http://b/"), 307, vec![], Some("http://b/")),
        (CannedResponse::status(419), 419, vec![], None),
    ] {
        let challenges = challenges.into_iter().map(ToOwned::to_owned).collect();
        assert_eq!(one(response), (status, challenges, location.map(ToOwned::to_owned)));
    }
}

#[test]
fn each_response_is_for_the_calls_that_it_names_and_in_order() {
    let server = FakeAuthServer::new();
    let [ada, bob] = ["ada", "bob"].map(|name| server.log_in(name).access_token);
    let dead = server.log_in("ada").access_token;
    server.revoke_access(&dead);
    let told = |status| ApiResponse::from(CannedResponse::status(status));
    let callers = [Some(&ada), Some(&dead), None, Some(&bob), Some(&ada)];
    let own = [200, 401, 401, 200, 200];
    for (responses, statuses, left) in [
        (vec![], own, 0),
        (vec![told(500), told(501)], [500, 501, 401, 200, 200], 0),
        (vec![told(500).times(3)], [500, 500, 500, 200, 200], 0),
        (vec![told(500).times(7)], [500; 5], 2),
        (vec![told(500).times(usize::MAX)], [500; 5], 0),
        (vec![told(500).times(0)], own, 0),
        (vec![told(429).to_subject("bob")], [200, 401, 401, 429, 200], 0),
        // A dead token is nobody's.
        (vec![told(429).to_subject("ada").times(2)], [429, 401, 401, 200, 429], 0),
        (vec![told(403).to_token(&dead)], [200, 403, 401, 200, 200], 0),
        (vec![told(403).to_token(&dead).times(2)], [200, 403, 401, 200, 200], 1),
        (vec![told(429).to_subject("bob"), told(500)], [500, 401, 401, 429, 200], 0),
        (vec![told(500).before_body()], [500, 401, 401, 200, 200], 0),
    ] {
        let shown = format!("{responses:?}");
        let api = server.api();
        api.respond_next(responses);
        let got =
            callers.map(|token| api.respond_with_body(&request(token, b"")).status().as_u16());
        assert_eq!((got, api.responses_left()), (statuses, left), "{shown}");
        let report = api.report();
        let different = (0..5).filter(|at| got[*at] != own[*at]).count();
        assert_eq!((report.calls, report.with_token, report.told), (5, 4, different), "{shown}");
        assert_eq!(api.calls().iter().map(|call| call.status().unwrap()).collect::<Vec<_>>(), got);
        assert!(!shown.contains(dead.expose()), "{shown}");
    }
}

#[test]
fn the_log_has_what_came_and_shows_no_secret() {
    let server = FakeAuthServer::new();
    let api = server.api();
    let session = server.log_in("ada");
    let proof = "eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiIxIn0.c2ln";
    let mut with_proof = request(None, b"");
    let by = session.access_token.authorization_by("DPoP").unwrap();
    with_proof.headers_mut().insert("authorization", by);
    with_proof.headers_mut().insert("dpop", field(proof));
    api.respond_with_body(&with_proof);
    server.clock().advance(s(5));
    api.respond_with_body(&request(Some(&session.access_token), b"12345"));
    api.respond(&request(None, b"not read"));
    api.respond_next([ApiResponse::from(CannedResponse::status(401)).before_body()]);
    api.respond_with_body(&request(None, b"not read"));

    let calls = api.calls();
    let [bound, bearer, bare, early] = &calls[..] else { panic!("{calls:?}") };
    assert_eq!((bound.scheme(), bound.subject()), (Some("DPoP"), Some("ada")));
    assert_eq!(bound.request().dpop_proof().unwrap().text("jti"), Some("1"));
    assert_eq!(bearer.token(), Some(&session.access_token));
    assert_eq!((bearer.path(), bearer.request().uri().query()), ("/notes", Some("draft=1")));
    assert_eq!(bearer.request().method(), "POST");
    assert_eq!((bearer.request().at(), bearer.body_len()), (s(5), Some(5)));
    assert_eq!(
        (bare.token(), bare.scheme(), bare.subject(), bare.body()),
        (None, None, None, None)
    );
    assert_eq!((early.body(), early.body_len(), early.status()), (None, None, Some(401)));
    let shown = format!("{calls:?} {api:?}");
    for secret in [session.access_token.expose(), proof, "draft", "12345"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_token_is_seen_wherever_it_stands() {
    let server = FakeAuthServer::new();
    let session = server.log_in("ada");
    let access = session.access_token.expose().to_owned();
    let refresh = session.refresh_token.as_ref().unwrap().expose().to_owned();
    let plain = || ::http::Request::get("https://b.example/?a=1");
    let whole =
        |request: ::http::request::Builder, body: &str| request.body(body.to_owned()).unwrap();
    for (request, sees) in [
        (whole(plain(), "fake"), false),
        (whole(plain().header("x-api-key", "k"), ""), false),
        (whole(plain().header("authorization", "Bearer other"), ""), true),
        (whole(plain().header("authorization", "junk"), ""), true),
        (whole(plain().header("dpop", "a.b.c"), ""), true),
        (whole(plain().header("cookie", "a=b"), ""), true),
        (whole(plain().header("proxy-authorization", "Basic a"), ""), true),
        (whole(plain().header("x-token", format!("v1 {access}")), ""), true),
        (whole(plain().header("referer", format!("https://a/?t={refresh}")), ""), true),
        (whole(::http::Request::get(format!("https://b/?access_token={access}")), ""), true),
        (whole(plain(), &format!("access_token={access}")), true),
    ] {
        let api = server.api();
        api.respond_with_body(&request);
        let seen = catch_unwind(AssertUnwindSafe(|| api.assert_saw_no_token()));
        assert_eq!(seen.is_err(), sees, "{request:?}");
        assert_eq!((api.report().with_token, api.calls()[0].carries_token()), (sees.into(), sees));
        if let Err(panic) = seen {
            let message = panic.downcast::<String>().unwrap();
            assert!(!message.contains(&access) && !message.contains(&refresh), "{message}");
        }
    }
}

#[test]
fn the_log_has_bounds_and_what_is_forgotten_counts() {
    let server = FakeAuthServer::new();
    let api = server.api();
    let token = server.log_in("ada").access_token;
    api.call(Some(&token.authorization().unwrap()));
    (0..4096).for_each(|_| drop(api.call(None)));
    assert_eq!(api.calls().len(), 4096);
    assert!(api.calls().iter().all(|call| !call.carries_token()));
    let report = api.report();
    assert_eq!((report.calls, report.with_token), (4097, 1));
    assert!(catch_unwind(AssertUnwindSafe(|| api.assert_saw_no_token())).is_err());

    let api = server.api();
    let large = vec![7; (1 << 20) + 1];
    let large = ::http::Request::post("/").body(large).unwrap();
    (0..17).for_each(|_| drop(api.respond_with_body(&large)));
    let calls = api.calls();
    assert_eq!((calls.len(), api.report().calls), (16, 17));
    assert_eq!(
        (calls[0].body().unwrap().len(), calls[0].body_len()),
        (1 << 20, Some((1 << 20) + 1))
    );
}

#[test]
fn a_response_waits_for_the_test_and_who_leaves_has_none() {
    let server = FakeAuthServer::new();
    let api = server.api();
    let gate = Gate::new();
    let held = ApiResponse::from(CannedResponse::status(200)).once_open(&gate);
    api.respond_next([held.clone().times(3)]);
    let (first, second) = (request(None, b"1"), request(None, b"2"));
    let mut context = Context::from_waker(Waker::noop());
    {
        let mut leaves = pin!(api.respond_async(&first));
        assert!(leaves.as_mut().poll(&mut context).is_pending());
        assert_eq!(gate.waiting(), 1);
    }
    assert_eq!(gate.waiting(), 0);
    let mut stays = pin!(api.respond_async(&second));
    assert!(stays.as_mut().poll(&mut context).is_pending());
    thread::scope(|scope| {
        let blocked = scope.spawn(|| api.respond(&request(None, b"")));
        gate.block_until_waiting(2);
        assert_eq!(api.calls().iter().filter(|call| call.status().is_some()).count(), 0);
        gate.open();
        assert_eq!(blocked.join().unwrap().status(), 200);
    });
    assert!(matches!(stays.as_mut().poll(&mut context), Poll::Ready(r) if r.status() == 200));
    assert_eq!(
        api.calls().iter().map(ApiCall::status).collect::<Vec<_>>(),
        [None, Some(200), Some(200)]
    );
    // A second poll of nothing: an open gate holds nobody.
    api.respond_next([held]);
    assert_eq!(api.respond(&first).status(), 200);
}

#[test]
fn a_refresh_that_is_held_is_processed_and_who_leaves_has_lost_it() {
    let server =
        FakeAuthServer::builder().rotation(Rotation::WithGrace(Duration::from_secs(60))).build();
    let gate = Gate::new();
    server.hold_next(&gate);
    let token = refresh_token(server.log_in("ada"));
    let planned = || Refresh::new(server.endpoint(), token.clone()).policy(Backoff::never());
    let mut context = Context::from_waker(Waker::noop());
    {
        let mut leaves = pin!(refresh(planned(), &server, server.clock()));
        assert!(leaves.as_mut().poll(&mut context).is_pending());
        assert_eq!((gate.waiting(), server.report().issued), (1, 1));
    }
    assert_eq!((gate.waiting(), server.report().lost_responses), (0, 1));
    // The next one is not held.
    refresh_blocking(planned(), &server, server.clock()).unwrap();
    assert_eq!(server.report().repeats, 1);
    server.assert_never_replayed();

    // What a fault does to it, it does after the gate.
    server.hold_next(&gate);
    server.fail_next([Fault::LostBefore]);
    gate.open();
    let failure = refresh_blocking(planned(), &server, server.clock()).unwrap_err();
    assert_eq!((failure.kind(), server.report().faults_before), (FailureKind::Interrupted, 1));
}
