//! How a token is revoked.

use std::time::Duration;

use super::*;
use crate::{
    BodyFormat, ClientAuth, Delivery, Dpop, FailureKind, SigningAlgorithm, TransportErrorKind,
    signing::testing::{Fake, parts},
    test_now,
};

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

#[test]
fn a_proof_is_judged_as_that_of_a_refresh_is() {
    let dpop = Dpop::new(Fake::new(SigningAlgorithm::Es256)).unwrap();
    let elsewhere = endpoint().revocation_url("https://revoke.example.com/revoke").unwrap();
    let elsewhere = elsewhere.dpop(dpop.clone());
    let mut headers = http::HeaderMap::new();
    headers.insert("dpop-nonce", "of-the-token-endpoint".parse().unwrap());
    dpop.learn(elsewhere.uri(), &headers);
    let proved = |step: RevocationStep| {
        let RevocationStep::Prove(demand, proving) = step else { panic!("{step:?}") };
        let proof = demand.meet_blocking();
        let claims = parts(proof.as_ref().unwrap().expose()).1;
        assert_eq!(claims["htu"], "https://revoke.example.com/revoke");
        let step = proving.resolve(proof, test_now());
        let RevocationStep::Send(_, pending) = step else { panic!("{step:?}") };
        (pending, claims.get("nonce").cloned())
    };
    let revocation = || TokenRevocation::new(elsewhere.clone(), token()).unwrap();
    let answer = |body: &str, nonce: &str| {
        let date = httpdate::fmt_http_date(test_now().wall + Duration::from_secs(3600));
        http::Response::builder()
            .status(400)
            .header("date", date)
            .header("dpop-nonce", nonce)
            .body(body.as_bytes().to_vec())
    };
    // What another origin asked for is not shown here.
    let (pending, nonce) = proved(revocation().start(test_now()));
    assert_eq!(nonce, None);
    let asks = r#"{"error":"use_dpop_nonce","error_description":"use n0nce-2"}"#;
    let step = pending.resolve(Ok(answer(asks, "n0nce-1").unwrap()), test_now());
    let (pending, nonce) = proved(step);
    assert_eq!(nonce, Some("n0nce-1".into()));
    // Asked again, it is a failure, and does not show the nonce that came with it.
    let step = pending.resolve(Ok(answer(asks, "n0nce-2").unwrap()), test_now());
    let RevocationStep::Done(Err(failure)) = step else { panic!("{step:?}") };
    assert_eq!(failure.description(), Some("use [redacted]"));

    let (pending, _) = proved(revocation().start(test_now()));
    let refused = r#"{"error":"invalid_dpop_proof","error_description":"no"}"#;
    let step = pending.resolve(Ok(answer(refused, "n0nce-3").unwrap()), test_now());
    let RevocationStep::Done(Err(failure)) = step else { panic!("{step:?}") };
    assert!(failure.is_stale_assertion());
    let said = failure.to_string();
    assert!(said.ends_with("this machine's clock is 3600 s behind the server's"), "{said}");
}
