//! Grants beside refresh tokens: client credentials, and the code of a login.

use auth_core::{Dpop, SigningKey};
use auth_sign::NewKey;

use super::*;

#[test]
fn client_credentials_give_an_access_token_only() {
    let server = FakeAuthServer::builder().client_secret_post("s3cret").build();
    let refresh = Refresh::new(server.endpoint(), Grant::ClientCredentials);
    let tokens = refresh_blocking(refresh, &server, server.clock()).unwrap();
    assert_eq!(tokens.refresh_token, None);
    assert_eq!(server.subject_of(&tokens.access_token).as_deref(), Some("my-client"));
}

/// The pair of RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

const BACK: &str = "http://127.0.0.1:8080/cb";

/// A browser is sent to the authorization endpoint with these parameters.
fn browse(server: &FakeAuthServer, params: &[(&str, &str)]) -> Response {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    server.authorize(&format!("https://auth.example.com/authorize?{query}"))
}

/// The parameters of a whole request, with these in the place of its own; an empty one
/// is left out.
fn asked<'a>(changed: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut params = vec![
        ("response_type", "code"),
        ("client_id", "my-client"),
        ("redirect_uri", BACK),
        ("state", "a b&c"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    params.retain(|(name, _)| changed.iter().all(|(other, _)| other != name));
    params.extend(changed.iter().filter(|(_, value)| !value.is_empty()));
    params
}

/// Where the browser is sent to.
fn location(response: &Response) -> &str {
    assert_eq!(response.status(), 302);
    response.headers()["location"].to_str().unwrap()
}

/// The code with which it is sent there.
fn code(response: &Response) -> String {
    let (_, query) = location(response).split_once('?').unwrap();
    let mut params = form_urlencoded::parse(query.as_bytes());
    params.find(|(name, _)| name == "code").unwrap().1.into_owned()
}

/// What the token endpoint says to this form, as status and `error`.
fn trade(server: &FakeAuthServer, params: &[(&str, &str)]) -> (u16, Option<String>) {
    let (status, body) = traded(server, params);
    (status, body.get("error").and_then(|code| Some(code.as_str()?.to_owned())))
}

fn traded(server: &FakeAuthServer, params: &[(&str, &str)]) -> (u16, serde_json::Value) {
    traded_with(server, params, None)
}

fn traded_with(
    server: &FakeAuthServer,
    params: &[(&str, &str)],
    proof: Option<&str>,
) -> (u16, serde_json::Value) {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    let request = ::http::Request::post("https://auth.example.com/token")
        .header("content-type", "application/x-www-form-urlencoded");
    let request = match proof {
        Some(proof) => request.header("dpop", proof),
        None => request,
    };
    let request = request.body(body.into_bytes()).unwrap();
    let (now, wall) = (server.elapsed(), server.clock().now().wall);
    let handled = server.lock().handle(RecordedRequest::new(request), now, wall);
    let response = handled.response.build();
    (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
}

fn whole<'a>(code: &'a str, changed: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut params = vec![
        ("grant_type", "authorization_code"),
        ("client_id", "my-client"),
        ("code", code),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
    ];
    params.retain(|(name, _)| changed.iter().all(|(other, _)| other != name));
    params.extend(changed.iter().filter(|(_, value)| !value.is_empty()));
    params
}

#[test]
fn a_browser_is_sent_back_or_told_why_not() {
    let builder = FakeAuthServer::builder().scope("a b").authorizes("ada");
    let public = builder.clone().redirect_uri(BACK).redirect_uri("app:/cb?x=1").build();
    let any = builder.clone().build();
    let one = builder.clone().redirect_uri(BACK).build();
    let secret = builder.clone().client_secret_post("s3cret").build();
    let back = |error: &str| Some(format!("{BACK}?error={error}&state=a+b%26c"));
    let code = || Some(format!("{BACK}?code="));
    for (server, changed, to) in [
        (&public, &[][..], code()),
        (&public, &[("scope", "b")], code()),
        (&public, &[("login_hint", "ada")], code()),
        (&public, &[("redirect_uri", "app:/cb?x=1")], Some("app:/cb?x=1&code=".into())),
        (
            &public,
            &[("redirect_uri", "http://127.0.0.1:9/cb")],
            Some("http://127.0.0.1:9/cb?code=".into()),
        ),
        (&one, &[("redirect_uri", "")], code()),
        (&any, &[("redirect_uri", "https://b.example/")], Some("https://b.example/?code=".into())),
        (&secret, &[("code_challenge", ""), ("code_challenge_method", "")], code()),
        // To nobody.
        (&public, &[("client_id", "")], None),
        (&public, &[("client_id", "other")], None),
        (&public, &[("redirect_uri", "")], None),
        (&any, &[("redirect_uri", "")], None),
        (&public, &[("redirect_uri", "http://127.0.0.1:8080/cb/")], None),
        (&public, &[("redirect_uri", "http://127.0.0.1:8080/cb?a=1")], None),
        (&public, &[("redirect_uri", "https://127.0.0.1:8080/cb")], None),
        (&public, &[("redirect_uri", "http://me@127.0.0.1:8080/cb")], None),
        (&public, &[("redirect_uri", "http://127.0.0.1.example/cb")], None),
        (&public, &[("redirect_uri", "http://localhost:8080/cb")], None),
        (&public, &[("redirect_uri", "app:/cb?x=2")], None),
        (&any, &[("redirect_uri", "/cb")], None),
        (&any, &[("redirect_uri", "http://a/#b")], None),
        (&any, &[("redirect_uri", "http://a/\r\nb: c")], None),
        (&any, &[("client_id", "my-client"), ("client_id", "my-client")], None),
        (&any, &[("redirect_uri", BACK), ("redirect_uri", BACK)], None),
        // With an error.
        (&public, &[("response_type", "")], back("unsupported_response_type")),
        (&public, &[("response_type", "token")], back("unsupported_response_type")),
        (&public, &[("scope", "a c")], back("invalid_scope")),
        (&public, &[("code_challenge", "")], back("invalid_request")),
        (&public, &[("code_challenge_method", "")], back("invalid_request")),
        (&public, &[("code_challenge_method", "plain")], back("invalid_request")),
        (&public, &[("code_challenge", "short")], back("invalid_request")),
        (
            &public,
            &[("code_challenge", ""), ("code_challenge_method", "")],
            back("invalid_request"),
        ),
        (&public, &[("scope", "a"), ("scope", "b")], back("invalid_request")),
    ] {
        let response = browse(server, &asked(changed));
        match to {
            Some(to) => {
                assert!(location(&response).starts_with(&to), "{changed:?}: {response:?}");
                assert!(location(&response).ends_with("&state=a+b%26c"), "{response:?}");
            }
            None => assert_eq!(response.status(), 400, "{changed:?}"),
        }
    }
    assert_eq!((any.report().authorized, one.report().authorized), (1, 1));
    assert_eq!(any.report().requests, 0);
    assert_eq!(location(&browse(&any, &asked(&[("state", "")]))).split('&').count(), 1);
    assert_eq!(browse(&FakeAuthServer::new(), &asked(&[])).status(), 404);
    assert_eq!(any.authorize("not a URL\n").status(), 400);
}

#[test]
fn a_code_is_traded_for_a_session() {
    let server = FakeAuthServer::builder().scope("a b").authorizes("ada").build();
    let first = code(&browse(&server, &asked(&[("scope", "a")])));
    let second = code(&browse(&server, &asked(&[])));
    assert_ne!(first, second);
    let (status, tokens) = traded(&server, &whole(&first, &[]));
    assert_eq!((status, tokens["scope"].as_str()), (200, Some("a")));
    assert_eq!(traded(&server, &whole(&second, &[])).1["scope"], "a b");
    let access = auth_core::AccessToken::new(tokens["access_token"].as_str().unwrap());
    let refresh = RefreshToken::new(tokens["refresh_token"].as_str().unwrap());
    assert_eq!(server.subject_of(&access).as_deref(), Some("ada"));
    refresh_once(&server, &refresh).unwrap();
    let report = server.report();
    assert_eq!((report.authorized, report.issued, report.refused), (2, 3, 0));
}

#[test]
fn a_code_that_is_used_again_ends_its_session() {
    let server = FakeAuthServer::builder().authorizes("ada").build();
    let code = code(&browse(&server, &asked(&[])));
    let (_, tokens) = traded(&server, &whole(&code, &[]));
    assert_eq!(trade(&server, &whole(&code, &[])), (400, Some("invalid_grant".into())));
    assert_rejected(refresh_once(
        &server,
        &RefreshToken::new(tokens["refresh_token"].as_str().unwrap()),
    ));
    let report = server.report();
    assert_eq!(report.revocations[0].because, RevokedBecause::CodeReuse);
    assert_eq!((report.refused, report.rejected, report.replays.len()), (1, 1, 0));
}

#[test]
fn a_code_is_traded_only_by_whom_it_was_given_to() {
    let invalid_grant = (400, Some("invalid_grant".to_owned()));
    let invalid_request = (400, Some("invalid_request".to_owned()));
    let good = (200, None);
    let other = VERIFIER.replace('d', "e");
    let (long, longest) = ("a".repeat(129), "a".repeat(128));
    // Without cryptography, the form counts.
    let misfit = if cfg!(feature = "verify") { &invalid_grant } else { &good };
    let not_named: &[_] = &[("redirect_uri", "")];
    let without_pkce: &[_] = &[("code_challenge", ""), ("code_challenge_method", "")];
    for (asks, shows, late, outcome) in [
        (&[][..], vec![], 0, &good),
        (&[], vec![], 59, &good),
        (&[], vec![], 60, &invalid_grant),
        (&[], vec![("code", "fake-code-1")], 0, &invalid_grant),
        (&[], vec![("code", "")], 0, &invalid_request),
        (&[], vec![("redirect_uri", "")], 0, &invalid_grant),
        (&[], vec![("redirect_uri", "http://127.0.0.1:9/cb")], 0, &invalid_grant),
        (not_named, vec![], 0, &good),
        (not_named, vec![("redirect_uri", "")], 0, &good),
        (not_named, vec![("redirect_uri", "http://127.0.0.1:9/cb")], 0, &invalid_grant),
        (&[], vec![("code_verifier", "")], 0, &invalid_grant),
        (&[], vec![("code_verifier", CHALLENGE)], 0, misfit),
        (&[], vec![("code_verifier", &other)], 0, misfit),
        (&[], vec![("code_verifier", &longest)], 0, misfit),
        (&[], vec![("code_verifier", &long)], 0, &invalid_grant),
        (&[], vec![("code_verifier", &VERIFIER[1..])], 0, &invalid_grant),
        (&[], vec![("code_verifier", &VERIFIER.replace('d', "+"))], 0, &invalid_grant),
        (without_pkce, vec![], 0, &invalid_grant),
        (without_pkce, vec![("code_verifier", "")], 0, &good),
    ] {
        let builder = FakeAuthServer::builder().authorizes("ada").redirect_uri(BACK);
        // Only such a client may leave PKCE out.
        let is_public = asks != without_pkce;
        let server = if is_public { builder } else { builder.client_secret_post("s") }.build();
        let code = code(&browse(&server, &asked(asks)));
        server.clock().advance(s(late));
        let mut shown = whole(&code, &shows);
        if !is_public {
            shown.push(("client_secret", "s"));
        }
        assert_eq!(&trade(&server, &shown), outcome, "{asks:?} {shows:?}");
    }
    let without = FakeAuthServer::new();
    let refused = (400, Some("unsupported_grant_type".to_owned()));
    assert_eq!(trade(&without, &whole("fake-code-1", &[])), refused);
}

#[test]
fn a_session_is_bound_to_the_key_with_which_its_code_was_traded() {
    let keys = [(); 2].map(|()| SigningKey::from(NewKey::es256().unwrap().into_key()));
    let builder = FakeAuthServer::builder().authorizes("ada").dpop(FakeDpop::new());
    let server = builder.build();
    let by = |key: &SigningKey| server.endpoint().dpop(Dpop::new(key.clone()).unwrap());
    let code = code(&browse(&server, &asked(&[])));
    assert_eq!(trade(&server, &whole(&code, &[])), (400, Some("invalid_dpop_proof".into())));

    // A proof of a request that comes to nothing, at a server that has not seen it.
    let other = FakeAuthServer::builder().dpop(FakeDpop::new()).clock(server.clock()).build();
    let _ = refresh_at(&other, by(&keys[0]), &RefreshToken::new("rt"));
    let proof = other.requests()[0].header("dpop").unwrap().to_owned();
    let (status, tokens) = traded_with(&server, &whole(&code, &[]), Some(&proof));
    assert_eq!((status, tokens["token_type"].as_str()), (200, Some("DPoP")));

    let token = RefreshToken::new(tokens["refresh_token"].as_str().unwrap());
    assert_rejected(refresh_at(&server, by(&keys[1]), &token));
    refresh_at(&server, by(&keys[0]), &token).unwrap();
}
