//! How a token is revoked.

use std::time::Duration;

use super::*;
use crate::{BodyFormat, ClientAuth, Delivery, FailureKind, TransportErrorKind, test_now};

fn request(endpoint: &TokenEndpoint) -> Request {
    let revocation = TokenRevocation::new(endpoint.clone(), token()).unwrap();
    let RevocationStep::Send(request, _) = revocation.start(test_now()) else {
        panic!("nothing has to be had first")
    };
    request
}

fn result(
    endpoint: TokenEndpoint,
    response: Result<Response, TransportError>,
) -> Result<(), Failure> {
    let revocation = TokenRevocation::new(endpoint, token()).unwrap();
    let RevocationStep::Send(_, pending) = revocation.start(test_now()) else {
        panic!("nothing has to be had first")
    };
    match pending.resolve(response, test_now()) {
        RevocationStep::Done(result) => result,
        step => panic!("{step:?}"),
    }
}

fn endpoint() -> TokenEndpoint {
    TokenEndpoint::new("https://auth.example.com/token", "c")
        .unwrap()
        .revocation_url("https://auth.example.com/revoke?key=k3y")
        .unwrap()
}

fn token() -> RefreshToken {
    RefreshToken::new("rt-0123456789abcdef")
}

#[test]
fn the_request_is_made_as_that_for_tokens_is() {
    let body = |endpoint: TokenEndpoint| {
        let request = request(&endpoint);
        assert_eq!(request.uri(), "https://auth.example.com/revoke?key=k3y");
        assert_eq!(request.headers()["accept"], "application/json");
        String::from_utf8(request.body().to_vec()).unwrap()
    };
    let start = "token=rt-0123456789abcdef&token_type_hint=refresh_token";
    assert_eq!(body(endpoint()), format!("{start}&client_id=c"));
    let extended = endpoint().scope("a").parameter("audience", "api-of-ours").unwrap();
    assert_eq!(body(extended), format!("{start}&client_id=c"));
    let post = endpoint().client_auth(ClientAuth::post("s3cret"));
    assert_eq!(body(post), format!("{start}&client_id=c&client_secret=s3cret"));
    assert_eq!(body(endpoint().client_auth(ClientAuth::basic("s3cret"))), start);
    let json = body(endpoint().body_format(BodyFormat::Json));
    assert_eq!(
        json,
        r#"{"token":"rt-0123456789abcdef","token_type_hint":"refresh_token","client_id":"c"}"#
    );

    let camel = endpoint().client_auth(ClientAuth::post("s3cret"));
    assert_eq!(
        body(camel.body_format(BodyFormat::JsonCamelCase)),
        r#"{"token":"rt-0123456789abcdef","tokenTypeHint":"refresh_token","#.to_owned()
            + r#""clientId":"c","clientSecret":"s3cret"}"#
    );

    let basic = endpoint().client_auth(ClientAuth::basic("s3cret"));
    let basic = basic.header("x-key", "h3ader").unwrap();
    let request = request(&basic);
    assert_eq!(request.headers()["authorization"], "Basic YzpzM2NyZXQ=");
    assert_eq!(request.headers()["x-key"], "h3ader");
    assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
    let bare = TokenEndpoint::new("https://auth.example.com/token", "c").unwrap();
    assert!(TokenRevocation::new(bare, token()).is_none());
}

#[test]
fn what_came_of_it() {
    use FailureKind::{Interrupted, Misconfigured, Throttled, Unavailable};
    let rows: [(u16, &str, Option<FailureKind>); 25] = [
        (200, "", None),
        (200, "{}", None),
        (200, r#"{"ok":true}"#, None),
        (204, "", None),
        (202, "revoked", None),
        // The token is dead, which is all that is wanted.
        (400, r#"{"error":"invalid_token"}"#, None),
        (400, r#"{"error":"invalid_grant"}"#, None),
        (401, r#"{"error":"invalid_token"}"#, None),
        (200, r#"{"error":"invalid_token"}"#, None),
        (200, r#"{"ok":false,"error":"invalid_client"}"#, Some(Misconfigured)),
        (200, r#"{"success":true,"message":"t u"}"#, None),
        (200, r#"{"success":false,"message":"t u"}"#, Some(Unavailable)),
        (200, r#"{"error":true,"message":"t u"}"#, Some(Unavailable)),
        (200, r#"{"status":"failed"}"#, Some(Interrupted)),
        (200, "<html><title>Log in to the Wi-Fi</title></html>", Some(Interrupted)),
        (206, "", Some(Interrupted)),
        (400, r#"{"error":"unsupported_token_type"}"#, Some(Misconfigured)),
        (503, r#"{"error":"unsupported_token_type"}"#, Some(Unavailable)),
        (401, r#"{"error":"invalid_client"}"#, Some(Misconfigured)),
        (400, r#"{"error":"invalid_request"}"#, Some(Misconfigured)),
        (404, "", Some(Misconfigured)),
        (302, "", Some(Misconfigured)),
        (403, "<html></html>", Some(Unavailable)),
        (429, "", Some(Throttled)),
        (500, "", Some(Unavailable)),
    ];
    for (status, body, wanted) in rows {
        let response = http::Response::builder().status(status).body(body.into()).unwrap();
        let result = result(endpoint(), Ok(response));
        let kind = result.as_ref().err().map(Failure::kind);
        assert_eq!(kind, wanted, "{status} {body}: {result:?}");
    }
    let response = http::Response::builder().status(503).header("retry-after", "7");
    let response = response.body(Vec::new()).unwrap();
    let failure = result(endpoint(), Ok(response)).unwrap_err();
    assert_eq!(failure.retry_after(), Some(Duration::from_secs(7)));
    let lost = TransportError::unknown(TransportErrorKind::Reset);
    let failure = result(endpoint(), Err(lost)).unwrap_err();
    assert_eq!(failure.delivery(), Delivery::Unknown);
}

#[test]
fn what_a_server_echoes_is_not_shown() {
    let keyed = endpoint().revocation_url("https://auth.example.com/revoke?key=k3y-9876543210");
    let keyed = keyed.unwrap();
    for echo in ["rt-0123456789abcdef", "k3y-9876543210"] {
        let body = format!(r#"{{"error":"invalid_request","error_description":"no {echo}"}}"#);
        let response = http::Response::builder().status(400).body(body.into()).unwrap();
        let failure = result(keyed.clone(), Ok(response)).unwrap_err();
        let shown = format!("{failure} {failure:?}");
        assert!(!shown.contains(echo), "{shown}");
    }
}
