//! No secret in anything that can be printed: a full set of scenarios in both
//! worlds, every event at `TRACE`, and `Debug`, `Display` and the sources of
//! everything that a user can get hold of. (The idea is str0m's `tests/pii.rs`.)

// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used)]

mod printed;
mod proofs;

use std::{fmt::Write as _, io, time::Duration};

use auth_core::{
    AccessToken, Backoff, BodyFormat, ClientAuth, Grant, Refresh, RefreshToken, Step,
    TokenEndpoint, TransportError, TransportErrorKind, read_response,
};
use auth_testkit::{CallOutcome, CannedResponse, FakeAuthServer, Fault, RecordedRequest, Script};
use auth_tests::{OutcomeKind, World};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use self::printed::{Events, Printed, leak, piece};

/// What must never be seen, and what each is.
const SECRETS: [(&str, &str); 10] = [
    ("the refresh token", "rt-5e8a1c0f/q+7d2b94hT=="),
    ("the rotated refresh token", "rt-93bd77e2a1f04c5c8f6600d1Zz"),
    ("the new access token", "at.8c1d9e2b7a6f4d3c0b5a9e8f7d6c5b4a"),
    ("an id token", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2ln"),
    ("the client's secret", "client/5ecret:&=%with signs 77"),
    ("an extra parameter", "param-5ecret-4f5a6b7c8d9e0f1a"),
    ("an extra header", "header-5ecret-0a1b2c3d4e5f6a7b"),
    ("a key in the URL", "query-5ecret-9f8e7d6c5b4a3b2c"),
    ("a cookie", "cookie-5ecret-1122334455667788"),
    ("a nonce", "nonce-5ecret-99aabbccddeeff00"),
];
const REFRESH: &str = SECRETS[0].1;
const ROTATED: &str = SECRETS[1].1;
const ACCESS: &str = SECRETS[2].1;
const ID_TOKEN: &str = SECRETS[3].1;
const CLIENT: &str = SECRETS[4].1;
const PARAM: &str = SECRETS[5].1;
const HEADER: &str = SECRETS[6].1;
const QUERY: &str = SECRETS[7].1;
const COOKIE: &str = SECRETS[8].1;
const NONCE: &str = SECRETS[9].1;

#[test]
fn no_secret_is_printed() {
    let mut printed = Printed::default();
    let events = Events::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(events.clone())
        .with_ansi(false)
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        for (at, endpoint) in endpoints().into_iter().enumerate() {
            printed.debug("endpoint", &endpoint);
            let redacted = serde_json::to_string(&endpoint).unwrap();
            printed.0.push(("an endpoint's serde form".to_owned(), redacted));
            // The first three have no secret that a server could echo.
            let client = if at < 3 { "a public client" } else { CLIENT };
            for (name, response) in responses(client) {
                for world in World::BOTH {
                    run(&mut printed, world, &endpoint, name, response.clone());
                }
            }
        }
        values(&mut printed);
        proofs::print(&mut printed);
        fake_server(&mut printed);
    });

    let events = events.text();
    for event in ["sending", "will retry", "refreshed", "failed"] {
        assert!(events.contains(event), "no event says {event:?}");
    }
    printed.0.push(("events".to_owned(), events));
    assert!(printed.0.len() > 500, "only {} texts", printed.0.len());
    for (what, text) in &printed.0 {
        if let Some(leak) = leak(text) {
            panic!("{what} shows {leak}:\n{text}");
        }
        // The testkit's own know only what was whole.
        let is_testkit = ["a script", "a transcript", "a recorded request", "a fake server"]
            .iter()
            .any(|name| what.starts_with(name));
        if let Some(piece) = piece(text).filter(|_| !is_testkit) {
            panic!("{what} shows {piece}, a piece of a secret:\n{text}");
        }
    }
}

/// The search finds a secret in every form in which it could be printed.
#[test]
fn a_printed_secret_is_found() {
    assert_eq!(leak("nothing to see: AccessToken([redacted])"), None);
    for (name, secret) in SECRETS {
        let url: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let mut forms = vec![
            secret.to_owned(),
            url.clone(),
            format!("{secret:?}"),
            json!({ "x": secret }).to_string(),
            // A `Vec<u8>` by `Debug`, and in hexadecimal.
            format!("{:?}", secret.as_bytes()),
            secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
            format!("\n{:#?}\n", secret.as_bytes()),
        ];
        for before in ["", "i", "id"] {
            forms.push(STANDARD.encode(format!("{before}{secret}")));
        }
        for form in forms {
            assert_eq!(leak(&format!("x {form} y")), Some(name), "{form}");
        }
    }
    assert_eq!(piece("nothing to see: AccessToken([redacted])"), None);
    assert_eq!(piece("x_RT-5E8A1xxxx"), Some("rt-5e8a1".to_owned()));
    assert_eq!(piece("x_rt-5e8axxxx"), None);
    // And a value that prints one is found out by it.
    #[derive(Debug)]
    #[allow(dead_code)]
    struct Careless {
        token: String,
    }
    let mut printed = Printed::default();
    printed.debug("careless", &Careless { token: REFRESH.to_owned() });
    assert!(printed.0.iter().all(|(_, text)| leak(text).is_some()));
}

// -------------------------------------------------------------- scenarios

fn endpoints() -> Vec<TokenEndpoint> {
    let url = format!("https://auth.example.com/token?key={QUERY}");
    let mut endpoints = Vec::new();
    for auth in [ClientAuth::none(), ClientAuth::basic(CLIENT), ClientAuth::post(CLIENT)] {
        for format in [BodyFormat::Form, BodyFormat::Json, BodyFormat::JsonCamelCase] {
            endpoints.push(
                TokenEndpoint::new(&url, "my-client")
                    .and_then(|endpoint| endpoint.parameter("assertion", PARAM))
                    .and_then(|endpoint| endpoint.header("x-api-key", HEADER))
                    .unwrap()
                    .client_auth(auth.clone())
                    .body_format(format),
            );
        }
    }
    endpoints
}

/// What a server or the network may come with, hostile and careless ones
/// included.
fn responses(client: &str) -> Vec<(&'static str, CallOutcome)> {
    let tokens = || {
        CannedResponse::tokens(ACCESS)
            .refresh_token(ROTATED)
            .expires_in(3600)
            .member("id_token", ID_TOKEN)
            .header("set-cookie", COOKIE)
    };
    let echo = format!("unknown token {REFRESH} of {client}, {PARAM}, {HEADER}, {QUERY}");
    let both = format!("{REFRESH} {ROTATED} {ACCESS} {ID_TOKEN}");
    let whole = tokens().build().into_body();
    let cut = whole[..whole.len() - 9].to_vec();
    let mut responses: Vec<(&'static str, CallOutcome)> = vec![
        ("tokens", tokens().into()),
        ("tokens, as a form", tokens().form_encoded().into()),
        ("tokens, cut", tokens().body(cut).into()),
        ("tokens, compressed", tokens().header("content-encoding", "gzip").into()),
        (
            "tokens under other names",
            json_response(200, &json!({ "token_of_access": ACCESS, "t": ROTATED })),
        ),
        (
            "tokens in camelCase",
            json_response(
                200,
                &json!({ "accessToken": ACCESS, "refreshToken": ROTATED, "idToken": ID_TOKEN }),
            ),
        ),
        (
            "an echo of the request in camelCase",
            json_response(
                400,
                &json!({
                    "error": "invalid_request",
                    "message": format!(r#"no {{"refreshToken":"{REFRESH}","clientSecret":"{client}"}}"#),
                }),
            ),
        ),
        (
            "tokens behind a warning",
            tokens().body([b"Warning: x in /t.php\n", &whole[..]].concat()).into(),
        ),
        (
            "tokens twice",
            tokens().body([&whole[..], br#"{"access_token":"other"}"#].concat()).into(),
        ),
        ("tokens in a list", json_response(200, &json!([ACCESS, { "refresh_token": ROTATED }]))),
        ("tokens as text", CannedResponse::status(200).body(both.clone()).into()),
        ("tokens with a 502", tokens().with_status(502).into()),
        ("tokens with a 403", tokens().with_status(403).into()),
        ("tokens and an error", tokens().member("error", "invalid_grant").into()),
        (
            "an echo in the description",
            CannedResponse::oauth_error("invalid_grant").description(&echo).into(),
        ),
        ("tokens in the description", CannedResponse::oauth_error("x").description(&both).into()),
        ("a long text before the echo", {
            let text = format!("{}{echo}", "word ".repeat(46));
            CannedResponse::oauth_error("invalid_grant").description(text).into()
        }),
        ("an echo as the code", CannedResponse::oauth_error(REFRESH).into()),
        ("a token as the code", CannedResponse::oauth_error(ROTATED).into()),
        ("part of a token as the code", CannedResponse::oauth_error(&REFRESH[..16]).into()),
        (
            "part of a token within a code",
            CannedResponse::oauth_error(format!("x_{}", &REFRESH[..12].replace('/', "_"))).into(),
        ),
        ("parts of tokens in the description", {
            let text = format!(
                "no id{}, {}****, ****{}, {}",
                &REFRESH[3..14],
                &REFRESH[..8],
                &PARAM[PARAM.len() - 8..],
                HEADER[5..20].to_ascii_uppercase()
            );
            CannedResponse::oauth_error("invalid_grant").description(text).into()
        }),
        ("tokens repeated beside them", {
            let words = json!({
                "access_token": ACCESS,
                "refresh_token": ROTATED,
                "token_type": ROTATED,
                "scope": format!("read {ACCESS} x_{} write", &ROTATED[..10]),
                ROTATED: 1,
                ACCESS: { ROTATED: ACCESS },
            });
            json_response(200, &words)
        }),
        ("the token repeated that stays", {
            let words = json!({
                "access_token": ACCESS,
                "token_type": REFRESH,
                "scope": REFRESH,
                REFRESH: 1,
            });
            json_response(200, &words)
        }),
        ("an echo in a nested error", {
            json_response(
                401,
                &json!({ "error": { "type": REFRESH, "code": ACCESS, "message": echo } }),
            )
        }),
        ("an echo, percent-encoded", {
            let text: String = form_urlencoded::byte_serialize(echo.as_bytes()).collect();
            CannedResponse::oauth_error("invalid_request").description(text).into()
        }),
        ("an echo with a 500", CannedResponse::status(500).body(echo.clone()).into()),
        (
            "an echo in HTML",
            CannedResponse::status(403).body(format!("<html>{echo}</html>")).into(),
        ),
        ("a cookie", CannedResponse::status(429).header("set-cookie", COOKIE).into()),
        ("a redirect with a token", {
            CannedResponse::status(302)
                .header("location", &format!("https://x.test/?t={ROTATED}"))
                .into()
        }),
        (
            "Retry-After is a token",
            CannedResponse::status(503).header("retry-after", ROTATED).into(),
        ),
        ("a cause of the network", {
            TransportError::unknown(TransportErrorKind::Reset)
                .with_source(io::Error::new(io::ErrorKind::ConnectionReset, "reset by peer"))
                .into()
        }),
    ];
    responses.extend(OutcomeKind::ALL.map(|kind| ("one of the usual", kind.response(1))));
    responses
}

fn json_response(status: u16, body: &serde_json::Value) -> CallOutcome {
    CannedResponse::status(status)
        .header("content-type", "application/json")
        .body(body.to_string())
        .into()
}

/// One refresh that meets the outcome at every attempt.
fn run(
    printed: &mut Printed,
    world: World,
    endpoint: &TokenEndpoint,
    name: &str,
    response: CallOutcome,
) {
    let script = Script::new().always(auth_testkit::Expect::that("any", |_| true), response);
    let refresh = Refresh::new(endpoint.clone(), RefreshToken::new(REFRESH))
        .policy(Backoff::new().max_retries(1).retry_throttled(Duration::from_secs(60)));
    printed.debug("a refresh", &refresh);
    let result = world.run(refresh, &script, script.clock());
    match &result {
        Ok(tokens) => {
            printed.debug(&format!("tokens, {name}"), tokens);
            let json = serde_json::to_string(tokens).unwrap();
            printed.0.push((format!("tokens as JSON, {name}"), json));
        }
        Err(error) => {
            let what = format!("an error, {name}");
            printed.error(&what, error);
            printed.error(&what, error.failure());
            if let Some(code) = error.failure().code() {
                printed.debug(&what, code);
            }
            if let Some(description) = error.failure().description() {
                printed.0.push((what, description.to_owned()));
            }
        }
    }
    printed.debug("a result", &result);
    // What the testkit itself prints.
    printed.debug("a script", &script);
    printed.0.push((format!("a transcript, {name}"), script.transcript()));
    for request in script.requests() {
        printed.debug("a recorded request", &request);
    }
    script.finish();
}

/// Everything else that a user can get hold of.
fn values(printed: &mut Printed) {
    let now = auth_testkit::VirtualClock::new().now();
    printed.debug("an access token", &AccessToken::new(ACCESS));
    printed.debug("its header", &AccessToken::new(ACCESS).authorization().unwrap());
    printed.debug("a refresh token", &RefreshToken::new(REFRESH));
    printed.debug("a grant", &Grant::from(RefreshToken::new(REFRESH)));
    printed.debug("a client", &ClientAuth::basic(CLIENT));
    for endpoint in endpoints() {
        let grant = RefreshToken::new(REFRESH).into();
        printed.debug("a request", &endpoint.request(&grant).unwrap());
        printed
            .debug("a recorded request", &RecordedRequest::from(endpoint.request(&grant).unwrap()));
        let step = Refresh::new(endpoint, RefreshToken::new(REFRESH)).start(now);
        printed.debug("a step", &step);
        let Step::Send(request, pending) = step else { panic!("the first step sends") };
        // Only the part that is safe to print: the rest is the caller's.
        let (head, body) = request.into_parts();
        printed.debug("a method", head.method());
        drop(body);
        let response = CannedResponse::status(502).body(REFRESH).build();
        let step = pending.resolve(Ok(response), now);
        printed.debug("a step", &step);
        let Step::Wait(_, waiting) = step else { panic!("a 502 is retried") };
        printed.debug("what was waited for", waiting.failure());
        let error = waiting.stop(now);
        printed.error("an error", &error);
    }
    for url in [
        format!("http://auth.example.com/{QUERY}"),
        format!("https://user:{QUERY}@auth.example.com/"),
        format!("https://auth.example.com/#{QUERY}"),
        format!("{QUERY} is no URL"),
        format!("ftp://auth.example.com/{QUERY}"),
    ] {
        printed.error("a refused URL", &TokenEndpoint::new(&url, "c").unwrap_err());
    }
    let endpoint = endpoints().remove(0);
    printed.error("a refused header", &endpoint.clone().header("x-key", "\n").unwrap_err());
    printed.error("a refused parameter", &endpoint.parameter("client_secret", PARAM).unwrap_err());
    let stored =
        json!({ "access_token": 1, "refresh_token": REFRESH, "scope": ACCESS }).to_string();
    let error = auth_core::TokenSet::from_json(stored.as_bytes()).unwrap_err();
    printed.error("a damaged store", &error);
    // Without the knowledge of what was sent, by its looks.
    let body = json!({ "error": "x", "message": format!("the token {ROTATED} is unknown") });
    let response = CannedResponse::status(400).body(body.to_string()).build();
    printed.error("a response from a log", &read_response(&response, &[], now).unwrap_err());
}

/// The fake server issues tokens of its own; none of them is printed.
fn fake_server(printed: &mut Printed) {
    let server = FakeAuthServer::builder().client_secret_basic(CLIENT).build();
    let session = server.log_in("ada");
    server.fail_next([Fault::LostAfter, Fault::Status(502)]);
    let token = session.refresh_token.clone().unwrap();
    let refresh = Refresh::new(server.endpoint(), token.clone());
    let _ = World::Blocking.run(refresh, &server, server.clock());
    let mut text = format!("{server:?} {:?} {session:?}", server.report());
    let _ = write!(text, "{} {:?}", server.transcript(), server.requests());
    assert!(!text.contains(token.expose()) && !text.contains(session.access_token.expose()));
    printed.0.push(("a fake server".to_owned(), text));
}

// -------------------------------------------------------------- what was printed
