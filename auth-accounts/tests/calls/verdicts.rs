//! What is done about each response: for tasks and for threads.

use auth_accounts::{
    Account,
    calls::{Calls, send, send_blocking},
    http::{HeaderValue, Request, Response, StatusCode, header},
};
use auth_testkit::Script;
use pollster::block_on;

use crate::{
    Api, ORIGIN, Stream, URL, answer, challenge, from, get,
    support::{ADA, World},
    told,
};

const TWICE: &str = "401 the request was sent again, and refused, too";
const SCOPE: &str = "the token does not allow this; the API names the scope \"a b\"";
const LOG_IN: &str = "401 the API wants the user to log in again";
const REQUEST: &str = "401 the API finds fault with the request, not with the token";
const ELSEWHERE: &str = "401 a redirect led to where the token does not go";
const BODY: &str = "401 the API did not take the token or its proof, and the request cannot be sent again; the next one has another";
const STEP_UP: &str = r#"Bearer error="insufficient_user_authentication", acr_values="a""#;
const OTHER: &str = "https://other.example.com/me";

/// What the token endpoint is asked for where these are sent.
fn tokens(sent: &str) -> Script {
    match sent.contains("at-2") {
        true => Script::new().tokens("at-2", "rt-2"),
        false => Script::new(),
    }
}

/// What is told, and the tokens that were sent: by `Calls` and by the bare function, for
/// tasks and for threads.
fn each(
    script: impl Fn() -> Script,
    answers: &[Response<()>],
    request: impl Fn() -> Request<()>,
    also: &[u16],
) -> (String, String) {
    let mut all = Vec::new();
    for way in 0..4 {
        // The bare function is for the origin of its request.
        if way % 2 == 1 && (!also.is_empty() || request().uri().host() != Some("api.example.com")) {
            continue;
        }
        let world = World::new(script()).with_record(3600);
        let api = Api::new(answers.iter().cloned());
        let also = || also.iter().map(|status| StatusCode::from_u16(*status).unwrap());
        let (account, threads) = (world.account(), world.blocking().account(ADA));
        let result = match way {
            0 => {
                let calls = Calls::new(account, [ORIGIN]).unwrap().also_refused_at(also());
                block_on(calls.send(request(), async |request| api.send(request.headers())))
            }
            1 => block_on(send(&account, request(), async |request| api.send(request.headers()))),
            2 => {
                let calls = Calls::new(threads, [ORIGIN]).unwrap().also_refused_at(also());
                calls.send_blocking(request(), |request| api.send(request.headers()))
            }
            _ => send_blocking(&threads, request(), |request| api.send(request.headers())),
        };
        api.finish();
        all.push((told(&result), api.tokens()));
    }
    all.dedup();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn each_response_has_its_verdict() {
    let refused = || answer(401, &[]);
    let ok = || answer(200, &[]);
    let scope = |status| challenge(status, r#"Bearer error="insufficient_scope", scope="a b""#);
    for (answers, expected, sent) in [
        (vec![ok()], "200", "at-1"),
        (vec![refused(), ok()], "200", "at-1 at-2"),
        (vec![refused(), answer(500, &[])], "500", "at-1 at-2"),
        (vec![refused(), refused()], TWICE, "at-1 at-2"),
        (vec![challenge(401, r#"Bearer error="invalid_token""#), ok()], "200", "at-1 at-2"),
        (vec![challenge(401, r#"Bearer error="of_its_own""#), ok()], "200", "at-1 at-2"),
        (vec![challenge(401, "Negotiate"), ok()], "200", "at-1 at-2"),
        (vec![scope(401)], &format!("401 {SCOPE}"), "at-1"),
        (vec![scope(403)], &format!("403 {SCOPE}"), "at-1"),
        (vec![refused(), scope(401)], &format!("401 {SCOPE}"), "at-1 at-2"),
        (vec![challenge(401, STEP_UP)], LOG_IN, "at-1"),
        (vec![challenge(401, r#"Bearer error="invalid_request""#)], REQUEST, "at-1"),
        (
            vec![challenge(401, r#"Bearer claims="%%%""#)],
            "401 the claims of the challenge are not base64",
            "at-1",
        ),
        (vec![challenge(401, r#"Bearer claims="e30=""#), ok()], "200", "at-1 at-2"),
        // Of a token without a key no proof is wanted.
        (
            vec![answer(
                401,
                &[("www-authenticate", r#"DPoP error="use_dpop_nonce""#), ("dpop-nonce", "n")],
            )],
            REQUEST,
            "at-1",
        ),
        // They are about something else, whatever they say.
        (vec![answer(403, &[])], "403", "at-1"),
        (vec![challenge(403, r#"Bearer error="invalid_token""#)], "403", "at-1"),
        (vec![challenge(403, r#"Bearer error="invalid_request""#)], "403", "at-1"),
        (vec![challenge(200, r#"Bearer error="invalid_token""#)], "200", "at-1"),
        (vec![challenge(400, r#"Bearer error="invalid_token""#)], "400", "at-1"),
        (vec![answer(407, &[])], "407", "at-1"),
        (vec![answer(419, &[])], "419", "at-1"),
        (vec![answer(429, &[("retry-after", "1")])], "429", "at-1"),
        (vec![answer(503, &[])], "503", "at-1"),
        // By a redirect.
        (vec![from(OTHER, refused())], ELSEWHERE, "at-1"),
        (vec![from(OTHER, scope(403))], "403", "at-1"),
        (vec![from(OTHER, ok())], "200", "at-1"),
        (vec![from("http://api.example.com/me", refused())], ELSEWHERE, "at-1"),
        (vec![from("https://api.example.com:8443/me", refused())], ELSEWHERE, "at-1"),
        (vec![from("https://api.example.com.evil.example/me", refused())], ELSEWHERE, "at-1"),
        (vec![from("https://api.example.com@evil.example/me", refused())], ELSEWHERE, "at-1"),
        (vec![from("/me", refused())], ELSEWHERE, "at-1"),
        (vec![from("https://API.example.com:443/other", refused()), ok()], "200", "at-1 at-2"),
        (vec![refused(), from(OTHER, refused())], ELSEWHERE, "at-1 at-2"),
    ] {
        let told = each(|| tokens(sent), &answers, || get(URL), &[]);
        assert_eq!(told, (expected.to_owned(), sent.to_owned()), "{answers:?}");
    }
}

#[test]
fn an_api_may_have_statuses_of_its_own() {
    for (answers, expected, sent) in [
        (vec![answer(419, &[]), answer(200, &[])], "200", "at-1 at-2"),
        (vec![answer(401, &[]), answer(200, &[])], "200", "at-1 at-2"),
        (
            vec![answer(419, &[]), answer(419, &[])],
            "419 the request was sent again, and refused, too",
            "at-1 at-2",
        ),
        (
            vec![challenge(419, r#"Bearer error="insufficient_scope""#)],
            "419 the token does not allow this",
            "at-1",
        ),
        (
            vec![from(OTHER, answer(419, &[]))],
            "419 a redirect led to where the token does not go",
            "at-1",
        ),
        (vec![answer(498, &[])], "498", "at-1"),
        (vec![challenge(403, "Bearer"), answer(200, &[])], "200", "at-1 at-2"),
    ] {
        let told = each(|| tokens(sent), &answers, || get(URL), &[419, 403]);
        assert_eq!(told, (expected.to_owned(), sent.to_owned()), "{answers:?}");
    }
}

#[test]
fn only_requests_to_these_origins_carry_a_token() {
    let own = || {
        let mut request = get(URL);
        request.headers_mut().insert(header::AUTHORIZATION, HeaderValue::from_static("Basic x"));
        request
    };
    assert_eq!(each(Script::new, &[answer(401, &[])], own, &[]), ("401".into(), "x".into()));
    for url in [
        OTHER,
        "http://api.example.com/me",
        "https://api.example.com:8443/me",
        "https://api.example.com.evil.example/me",
        "https://evil.example/https://api.example.com/me",
        "https://user@api.example.com/me",
        "/me",
    ] {
        let told = each(Script::new, &[answer(401, &[])], || get(url), &[419]);
        assert_eq!(told, ("401".into(), "-".into()), "{url}");
    }
    assert_eq!(
        each(Script::new, &[answer(200, &[])], || get("https://API.EXAMPLE.com:443/me"), &[419]).1,
        "at-1"
    );
}

#[test]
fn the_bare_function_sends_no_token_in_clear() {
    for (url, expected) in [
        (
            "http://api.example.com/me",
            "a token would go to api.example.com in clear; use https, or Origin::insecure_plain_http if that is meant",
        ),
        ("https://user:secret@api.example.com/me", "the URL holds a user name or a password"),
        (
            "/me",
            "it is not an absolute URL with scheme https or http, such as https://api.example.com",
        ),
        (
            "ftp://api.example.com/",
            "it is not an absolute URL with scheme https or http, such as https://api.example.com",
        ),
        ("http://127.0.0.1:8080/me", "200"),
        ("http://[::1]/me", "200"),
        ("http://localhost/me", "200"),
    ] {
        let world = World::new(Script::new()).with_record(3600);
        let api = Api::new([answer(200, &[])]);
        let result =
            block_on(send(&world.account(), get(url), async |request| api.send(request.headers())));
        assert_eq!(told(&result), expected, "{url}");
        assert_eq!(api.tokens(), if expected == "200" { "at-1" } else { "" }, "{url}");
    }
}

#[test]
fn what_cannot_be_sent_again_is_not_and_the_next_request_has_another_token() {
    let world = World::new(tokens("at-2")).with_record(3600);
    let calls = Calls::new(world.account(), [ORIGIN]).unwrap();
    let api = Api::new([answer(401, &[]), answer(200, &[])]);
    let mut lines = Vec::new();
    for _ in 0..2 {
        let client = async |request: Stream<()>| api.send(request.0.headers());
        lines.push(told(&block_on(calls.send(Stream(get(URL)), client))));
    }
    assert_eq!(lines, [BODY, "200"]);
    assert_eq!(api.tokens(), "at-1 at-2");
    world.script.finish();
}

#[test]
fn a_request_may_name_its_account() {
    let world = World::new(Script::new()).with_record(3600);
    world.store.inner.put("bob", crate::support::record("bob-1", "rt-b", world.now(), 3600));
    let accounts = world.accounts();
    let named = |account: &Account| {
        let mut request = get(URL);
        request.extensions_mut().insert(account.clone());
        request
    };
    let (ada, bob) = (accounts.account(ADA), accounts.account("bob"));
    let calls = Calls::<Account>::per_request([ORIGIN]).unwrap();
    for (calls, request, expected, sent) in [
        (&calls, named(&ada), "200", "at-1"),
        (&calls, named(&bob), "200", "bob-1"),
        (&calls, get(URL), "the request's extensions name no account", ""),
        (&calls, get(OTHER), "200", "-"),
        (&calls.with(ada.clone()), get(URL), "200", "at-1"),
        (&calls.with(ada.clone()), named(&bob), "200", "bob-1"),
    ] {
        let api = Api::new([answer(200, &[])]);
        let result = block_on(calls.send(request, async |request| api.send(request.headers())));
        assert_eq!((told(&result).as_str(), api.tokens().as_str()), (expected, sent));
    }
}
