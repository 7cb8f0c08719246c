//! The API behind the tokens.

use super::*;

pub(super) fn field(value: &str) -> ::http::HeaderValue {
    ::http::HeaderValue::from_str(value).unwrap()
}

#[test]
fn each_kind_of_authorization_gets_its_answer_and_is_counted() {
    let server = FakeAuthServer::new();
    let live = server.log_in("ada").access_token;
    let revoked = server.log_in("ada").access_token;
    server.revoke_access(&revoked);
    let (live, revoked) = (live.expose(), revoked.expose());
    let invalid = Some(r#"Bearer realm="fake", error="invalid_token""#);
    let none = Some(r#"Bearer realm="fake""#);
    for (value, status, challenge, counts) in [
        (Some(format!("Bearer {live}")), 200, None, (1, 0, 0)),
        (Some(format!("bearer  {live}")), 200, None, (1, 0, 0)),
        (Some(format!("Bearer {revoked}")), 401, invalid, (0, 1, 0)),
        (Some("Bearer never-issued".into()), 401, invalid, (0, 1, 0)),
        (Some("Bearer ".into()), 401, none, (0, 0, 1)),
        (Some(format!("Basic {live}")), 401, none, (0, 0, 1)),
        (Some(live.into()), 401, none, (0, 0, 1)),
        (None, 401, none, (0, 0, 1)),
    ] {
        let api = server.api();
        let response = api.call(value.as_deref().map(field).as_ref());
        let said = response.headers().get("www-authenticate").map(|value| value.to_str().unwrap());
        let report = api.report();
        let counted = (report.served, report.refused, report.without_token);
        assert_eq!((response.status().as_u16(), said), (status, challenge), "{value:?}");
        assert_eq!(counted, counts, "{value:?}");
    }
}

#[test]
fn an_access_token_dies_alone() {
    let server = FakeAuthServer::new();
    let session = server.log_in("ada");
    let other = server.log_in("ada");
    server.revoke_access(&session.access_token);
    assert_eq!(server.subject_of(&session.access_token), None);
    assert!(server.subject_of(&other.access_token).is_some());
    assert!(server.is_live(&session.refresh_token.unwrap()));
    assert!(server.report().revocations.is_empty());
}

#[test]
fn it_judges_by_the_servers_clock_and_revocations() {
    let server = FakeAuthServer::new();
    let api = server.api();
    let session = server.log_in("ada");
    let request = ::http::Request::get("https://api.example.com/me")
        .header("authorization", session.access_token.authorization().unwrap())
        .body(())
        .unwrap();
    assert_eq!(api.respond(&request).body(), br#"{"subject":"ada"}"#);
    server.clock().advance(Duration::from_secs(3600));
    assert_eq!(api.respond(&request).status(), 401);

    let session = server.log_in("ada");
    let header = session.access_token.authorization().unwrap();
    assert_eq!(api.call(Some(&header)).status(), 200);
    server.revoke("ada");
    assert_eq!(api.clone().call(Some(&header)).status(), 401);
    assert_eq!((api.report().served, api.report().refused), (2, 2));
}

#[test]
fn claims_are_demanded_once_and_of_a_live_token() {
    const CLAIMS: &str = r#"{"access_token":{"acrs":{"value":"c1"}}}"#;
    let server = FakeAuthServer::new();
    let api = server.api();
    let header = server.log_in("ada").access_token.authorization().unwrap();
    api.clone().demand_claims(CLAIMS);
    assert_eq!(api.call(None).status(), 401);
    assert_eq!(api.call(Some(&field("Bearer never-issued"))).status(), 401);
    assert_eq!(api.report().claims_demanded, 0);

    let response = api.call(Some(&header));
    assert_eq!(response.status(), 401);
    let Ok(Some(auth_core::StepUp::Claims(claims))) = auth_core::StepUp::of(response.headers())
    else {
        panic!("no claims are demanded: {response:?}")
    };
    assert_eq!(claims.expose(), CLAIMS);
    assert_eq!(api.call(Some(&header)).status(), 200);
    let report = api.report();
    assert_eq!((report.served, report.refused, report.claims_demanded), (1, 1, 1));
}
