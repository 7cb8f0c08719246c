//! Each provider's words, and what the library makes of them.

use auth_core::{
    BlockingTransport, BodyFormat, ClientAuth, Failure, FailureKind, RefreshError, RefreshToken,
    TokenSet, read_response,
};

use super::{refresh_at, refresh_once, refresh_token, s};
use crate::{FakeAuthServer, RecordedRequest, Wording};

#[test]
fn every_dressing_is_understood() {
    for wording in Wording::ALL {
        let server = FakeAuthServer::builder()
            .wording(wording)
            .client_secret_post("s3cret")
            .refresh_idle_limit(s(1000))
            .rate_limit(6, s(60))
            .build();
        let session = server.log_in("ada");
        let first = refresh_token(session);
        let second = refresh_once(&server, &first).unwrap();
        assert!(server.is_live(second.refresh_token.as_ref().unwrap()), "{wording:?}");

        // Tokens that are unknown, used before, revoked, expired.
        assert_dead(wording, &refresh_once(&server, &RefreshToken::new("never-issued")));
        assert_dead(wording, &refresh_once(&server, &first));
        assert_dead(wording, &refresh_once(&server, &refresh_token(second)));
        let old = refresh_token(server.log_in("ada"));
        server.clock().advance(s(1000));
        assert_dead(wording, &refresh_once(&server, &old));

        // The set-up.
        let token = refresh_token(server.log_in("ada"));
        let wrong = server.endpoint().client_auth(ClientAuth::post("wrong"));
        let wrong_client = refresh_at(&server, wrong, &token).unwrap_err();
        let expected = match wording {
            // `access_denied` means three things there, and is no decision.
            Wording::Auth0 => FailureKind::Unavailable,
            _ => FailureKind::Misconfigured,
        };
        assert_eq!(wrong_client.kind(), expected, "{wording:?}: {wrong_client}");

        // Whoever reads no JSON, as GitHub sends it then.
        let form = server.endpoint().header("accept", "text/plain").unwrap();
        let token = refresh_token(refresh_at(&server, form, &token).unwrap());

        // And too many at last, which is never the token's fault.
        for _ in 0..3 {
            assert_dead(wording, &refresh_once(&server, &RefreshToken::new("x")));
        }
        let throttled = refresh_once(&server, &token).unwrap_err();
        let expected = match wording {
            // A page for people.
            Wording::Google => FailureKind::Unavailable,
            _ => FailureKind::Throttled,
        };
        assert_eq!(throttled.kind(), expected, "{wording:?}: {throttled}");
        assert_eq!(server.report().throttled, 1, "{wording:?}");
    }
}

#[track_caller]
fn assert_dead(wording: Wording, result: &Result<TokenSet, RefreshError>) {
    let error = result.as_ref().unwrap_err();
    assert_eq!(error.kind(), FailureKind::Rejected, "{wording:?}: {error}");
}

#[test]
fn github_sends_a_form_unless_asked_for_json() {
    let server = FakeAuthServer::builder().wording(Wording::GitHub).build();
    let request = |accept: &str| {
        let endpoint = server.endpoint().header("accept", accept).unwrap();
        let request = endpoint.request(&RefreshToken::new("x").into()).unwrap();
        BlockingTransport::send_blocking(&server, request).unwrap()
    };
    let form = request("*/*");
    assert!(form.body().starts_with(b"error=bad_refresh_token&"));
    assert_eq!(form.status(), 200);
    let failures = [form, request("application/json")]
        .map(|response| read_response(&response, &[], server.clock().now()).unwrap_err());
    assert_eq!(failures.each_ref().map(Failure::kind), [FailureKind::Rejected; 2]);
}

/// As AWS IAM Identity Center answers.
#[test]
fn a_request_in_camel_case_has_tokens_in_camel_case() {
    let server = FakeAuthServer::builder().body_format(BodyFormat::JsonCamelCase).build();
    let token = refresh_token(server.log_in("ada"));
    let body = format!(
        r#"{{"clientId":"my-client","grantType":"refresh_token","refreshToken":"{}"}}"#,
        token.expose()
    );
    let request = ::http::Request::post("/token")
        .header("content-type", "application/json")
        .body(body.into_bytes())
        .unwrap();
    let handled = server.lock().handle(
        RecordedRequest::new(request),
        s(0),
        std::time::SystemTime::UNIX_EPOCH,
    );
    let text = String::from_utf8(handled.response.build().into_body()).unwrap();
    for name in ["accessToken", "refreshToken", "expiresIn", "tokenType"] {
        assert!(text.contains(&format!("\"{name}\":")), "{text}");
    }
}
