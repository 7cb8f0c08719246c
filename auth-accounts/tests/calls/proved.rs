//! Tokens that are bound to a key, and APIs that want nonces.

use auth_accounts::{
    calls::{Call, Calls, Target},
    http::{HeaderMap, Request, Response},
};
use auth_core::Dpop;
use auth_testkit::{CannedResponse, Script};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use pollster::block_on;
use serde_json::Value;

use crate::{
    Api, ORIGIN, Stream, URL, answer, from, get,
    support::{
        ADA, World,
        keys::{dpop, slow_dpop},
        record,
    },
    told,
};

/// Where these tokens are sent.
fn world(dpop: Dpop, sent: &str) -> World {
    let renewed = CannedResponse::tokens("at-2").refresh_token("rt-2").member("token_type", "DPoP");
    let mut world = World::new(match sent.contains("at-2") {
        true => Script::new().then(renewed),
        false => Script::new(),
    });
    world.endpoint = world.endpoint.dpop(dpop);
    let mut record = record("at-1", "rt-1", world.now(), 3600);
    record.tokens.token_type = Some("DPoP".into());
    world.store.inner.put(ADA, record);
    world
}

/// The claims of the proof of a request.
fn claims(headers: &HeaderMap) -> Value {
    let proof = headers["dpop"].to_str().unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(proof.split('.').nth(1).unwrap()).unwrap())
        .unwrap()
}

fn nonces(api: &Api) -> String {
    let nonce = |headers: &HeaderMap| claims(headers)["nonce"].as_str().unwrap_or("-").to_owned();
    api.seen().iter().map(nonce).collect::<Vec<_>>().join(" ")
}

fn wants(nonce: &str) -> Response<()> {
    let challenge = r#"DPoP error="use_dpop_nonce", error_description="a nonce is wanted""#;
    answer(401, &[("www-authenticate", challenge), ("dpop-nonce", nonce)])
}

fn refused() -> Response<()> {
    answer(401, &[("www-authenticate", r#"DPoP error="invalid_token""#)])
}

#[test]
fn a_nonce_is_given_once_for_each_token() {
    let ok = || answer(200, &[]);
    let with_nonce = |status, nonce| answer(status, &[("dpop-nonce", nonce)]);
    let twice = "401 the request was sent again, and refused, too";
    for (answers, expected, tokens, sent) in [
        (vec![ok()], "200", "at-1", "-"),
        (vec![wants("n-1"), ok()], "200", "at-1 at-1", "- n-1"),
        (vec![refused(), ok()], "200", "at-1 at-2", "- -"),
        (vec![wants("n-1"), refused(), ok()], "200", "at-1 at-1 at-2", "- n-1 n-1"),
        (
            vec![wants("n-1"), refused(), wants("n-2"), ok()],
            "200",
            "at-1 at-1 at-2 at-2",
            "- n-1 n-1 n-2",
        ),
        // Each of them may replace the nonce.
        (vec![with_nonce(401, "n-1"), ok()], "200", "at-1 at-2", "- n-1"),
        (vec![wants("n-1"), wants("n-2")], twice, "at-1 at-1", "- n-1"),
        (vec![refused(), refused()], twice, "at-1 at-2", "- -"),
        (vec![refused(), wants("n-1"), refused()], twice, "at-1 at-2 at-2", "- - n-1"),
        (
            vec![wants("n-1"), refused(), wants("n-2"), wants("n-3")],
            twice,
            "at-1 at-1 at-2 at-2",
            "- n-1 n-1 n-2",
        ),
        (
            vec![wants("n-1"), refused(), wants("n-2"), refused()],
            twice,
            "at-1 at-1 at-2 at-2",
            "- n-1 n-1 n-2",
        ),
        // What is no wish for another proof.
        (
            vec![answer(401, &[("www-authenticate", r#"DPoP error="use_dpop_nonce""#)])],
            "401 the API finds fault with the request, not with the token",
            "at-1",
            "-",
        ),
        (
            vec![answer(
                200,
                &[("www-authenticate", r#"DPoP error="use_dpop_nonce""#), ("dpop-nonce", "n-1")],
            )],
            "200",
            "at-1",
            "-",
        ),
        (
            vec![from("https://other.example.com/", wants("n-1"))],
            "401 a redirect led to where the token does not go",
            "at-1",
            "-",
        ),
    ] {
        for key in [dpop("key-1"), slow_dpop("key-1")] {
            let world = world(key, tokens);
            let api = Api::new(answers.clone());
            let calls = Calls::new(world.account(), [ORIGIN]).unwrap();
            let client = async |request: Request<()>| api.send(request.headers());
            let result = block_on(calls.send(Request::post(URL).body(()).unwrap(), client));
            assert_eq!(told(&result), expected, "{answers:?}");
            assert_eq!(
                (api.tokens().as_str(), nonces(&api).as_str()),
                (tokens, sent),
                "{answers:?}"
            );
            api.finish();
            for headers in api.seen() {
                let claims = claims(&headers);
                assert_eq!((&claims["htm"], &claims["htu"]), (&"POST".into(), &URL.into()));
                assert!(headers["dpop"].is_sensitive() && headers["authorization"].is_sensitive());
            }
        }
    }
}

#[test]
fn a_nonce_that_came_with_any_response_is_used() {
    let world = world(dpop("key-1"), "at-1");
    let threads = world.blocking().account(ADA);
    let calls = Calls::new(threads, [ORIGIN]).unwrap();
    let with_nonce = |nonce| answer(200, &[("dpop-nonce", nonce)]);
    // What cannot be sent again has the nonce for the next.
    let api = Api::new([with_nonce("n-1"), with_nonce("n-2"), wants("n-3"), answer(200, &[])]);
    let mut lines = Vec::new();
    for _ in 0..4 {
        let stream = Stream(get(URL));
        lines.push(told(&calls.send_blocking(stream, |stream| api.send(stream.0.headers()))));
    }
    assert_eq!(nonces(&api), "- n-1 n-2 n-3");
    assert_eq!(api.tokens(), "at-1 at-1 at-1 at-1");
    assert!(lines[2].starts_with("401 the API did not take the token or its proof"), "{lines:?}");
    assert_eq!(lines[3], "200");
}

#[test]
fn a_key_that_signs_later_needs_the_other_attach() {
    let world = world(slow_dpop("key-1"), "at-1");
    let calls = Calls::new(world.account(), [ORIGIN]).unwrap();
    let request = get(URL);
    let target = Target::Uri(request.uri());
    let mut call = calls.begin(&target, request.headers(), None).unwrap().unwrap();
    block_on(call.obtain()).unwrap();
    assert!(call.is_proved() && !call.is_last());
    let mut headers = HeaderMap::new();
    let error = call.attach(request.method(), &target, &mut headers).unwrap_err();
    assert!(error.to_string().contains("there is no proof"), "{error}");
    block_on(call.attach_async(request.method(), &target, &mut headers)).unwrap();
    assert_eq!(claims(&headers)["htu"], URL);
}

#[test]
fn a_call_shows_neither_its_token_nor_its_url() {
    let world = world(dpop("key-1"), "at-1");
    let request = get("https://api.example.com/me?code=secret");
    let target = Target::Uri(request.uri());
    let calls = Calls::new(world.account(), [ORIGIN]).unwrap();
    let named = calls.begin(&target, request.headers(), None).unwrap().unwrap();
    let own = Call::to_its_origin(world.account(), &target).unwrap();
    for mut call in [named, own] {
        block_on(call.obtain()).unwrap();
        call.attach(request.method(), &target, &mut HeaderMap::new()).unwrap();
        let shown = format!("{call:?} {calls:?} {:?}", call.held());
        assert!(!shown.contains("secret") && !shown.contains("at-1"), "{shown}");
    }
}
