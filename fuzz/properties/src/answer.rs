use std::time::Duration;

use auth_core::{
    ClientAuth, Delivery, Failure, FailureKind, Grant, Never, Now, Refresh, RefreshToken, Step,
    TokenEndpoint, TokenSet,
};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::now;

/// What the request of every case holds; the corpus has answers that echo it.
const REFRESH_TOKEN: &str = "rt-5e0b9a2f7c41d8e6";
const CLIENT_SECRET: &str = "cs-93aa10b7fe25c46d";

/// Reads an answer in the form
///
/// ```text
/// 400
/// content-type: application/json
///
/// {"error":"invalid_grant"}
/// ```
///
/// as the machine does, and checks the verdict.
pub fn answer(input: &[u8]) {
    let response = parse(input);
    let status = response.status();
    let body = response.body().clone();
    let Ok(endpoint) = TokenEndpoint::new("https://auth.example.com/token", "client") else {
        unreachable!("the URL is good");
    };
    let endpoint = endpoint.client_auth(ClientAuth::basic(CLIENT_SECRET));
    let grant = Grant::from(RefreshToken::new(REFRESH_TOKEN));
    let now = now();
    let Step::Send(_, pending) = Refresh::new(endpoint, grant).policy(Never).start(now) else {
        unreachable!("the first step sends");
    };
    match pending.resolve(Ok(response), now) {
        Step::Done(Ok(tokens)) => check_success(status, &tokens, now),
        Step::Done(Err(error)) => {
            check_failure(status, &body, error.failure());
            check_text(&format!("{error}"));
            check_text(&format!("{error:?}"));
        }
        step => panic!("a policy that never retries led to {step:?}"),
    }
}

fn check_success(status: StatusCode, tokens: &TokenSet, now: Now) {
    assert!(status.is_success(), "tokens out of a {status}");
    assert!(!tokens.access_token.expose().is_empty());
    let refresh_token = tokens.refresh_token.as_ref().map(RefreshToken::expose);
    assert!(refresh_token.is_some_and(|token| !token.is_empty()), "the refresh token was lost");
    if let Some(expires_at) = tokens.expires_at {
        let life = expires_at.duration_since(now.wall).expect("expires before it was sent");
        assert!(life <= Duration::from_secs(101 * 366 * 24 * 3600), "lives for {life:?}");
    }
    let stored = tokens.to_json_exposed();
    let read = TokenSet::from_json(&stored).expect("its own form cannot be read");
    assert_eq!(read.access_token, tokens.access_token);
    assert_eq!(read.refresh_token, tokens.refresh_token);
    assert_eq!(*read.to_json_exposed(), *stored);
}

fn check_failure(status: StatusCode, body: &[u8], failure: &Failure) {
    assert_eq!(failure.status(), Some(status));
    let no_verdict =
        matches!(status.as_u16(), ..200 | 300..400 | 407 | 408 | 421 | 425 | 429 | 500..);
    match failure.kind() {
        FailureKind::Rejected => {
            assert_eq!(failure.delivery(), Delivery::Answered);
            assert!(!body.is_empty(), "rejected without a word");
            assert!(
                !no_verdict || failure.provider().is_some(),
                "{status} is no verdict on the token"
            );
        }
        FailureKind::Unreachable => panic!("an answer came, and so the request left"),
        FailureKind::Interrupted => {
            assert!(status.is_success());
            assert_eq!(failure.delivery(), Delivery::Unknown);
        }
        _ => assert_ne!(failure.delivery(), Delivery::NotSent),
    }
    assert!(
        !(failure.is_retried_by_default() && status.is_client_error()),
        "a 4xx is retried by default"
    );
    if let Some(code) = failure.code() {
        assert!((1..=64).contains(&code.as_str().len()));
    }
    if let Some(description) = failure.description() {
        assert!((1..=256).contains(&description.len()));
        assert!(description.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
    }
}

/// Nothing that is printed holds what was sent, nor breaks a log's line.
fn check_text(text: &str) {
    assert!(!text.contains(REFRESH_TOKEN), "shows the refresh token");
    assert!(!text.contains(CLIENT_SECRET), "shows the client's secret");
    assert!(!text.contains(char::is_control), "holds a control character");
}

/// Whatever the input, it is some answer: what cannot be read is left out.
fn parse(input: &[u8]) -> auth_core::Response {
    let mut rest = input;
    let mut status = StatusCode::OK;
    if let Some(line) = take_line(&mut rest) {
        let code = std::str::from_utf8(line).ok().and_then(|line| line.trim().parse().ok());
        status = code.and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(status);
    }
    let mut headers = http::HeaderMap::new();
    while let Some(line) = take_line(&mut rest).filter(|line| !line.is_empty()) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(line[..colon].trim_ascii());
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    let mut response = http::Response::new(rest.to_vec());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn take_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let line = &rest[..end];
    *rest = &rest[end + 1..];
    Some(line)
}
