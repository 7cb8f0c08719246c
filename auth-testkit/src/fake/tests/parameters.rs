//! Parameters that are repeated.

use super::*;

#[test]
fn a_resource_and_an_audience_may_be_repeated_and_nothing_else() {
    const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
    const JWT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    let resources = [("resource", "https://a.example"), ("resource", "https://b.example")];
    let audiences = [("audience", "a"), ("audience", "b")];
    let scopes = [("scope", "a"), ("scope", "a")];
    for (grant, repeated, accepted) in [
        (EXCHANGE, resources, true),
        (EXCHANGE, audiences, true),
        (EXCHANGE, scopes, false),
        (EXCHANGE, [("subject_token", "t"), ("scope", "a")], false),
        (JWT, resources, true),
        (JWT, audiences, true),
        (JWT, scopes, false),
        (JWT, [("assertion", "a"), ("scope", "a")], false),
        ("client_credentials", resources, true),
        ("client_credentials", audiences, true),
        ("client_credentials", scopes, false),
        ("refresh_token", resources, true),
        ("refresh_token", audiences, true),
        ("refresh_token", [("client_id", "my-client"), ("scope", "a")], false),
    ] {
        let server = FakeAuthServer::builder().scope("a").build();
        let token = refresh_token(server.log_in("ada"));
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs([("grant_type", grant), ("client_id", "my-client")]);
        match grant {
            EXCHANGE => form.extend_pairs([("subject_token", "t"), ("subject_token_type", "u")]),
            JWT => form.append_pair("assertion", "a.b.c"),
            _ => form.append_pair("refresh_token", token.expose()),
        };
        let body = form.extend_pairs(repeated).finish();
        let request = ::http::Request::post("/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.into_bytes())
            .unwrap();
        let request = RecordedRequest::new(request);
        for name in ["resource", "audience"] {
            let sent: Vec<_> =
                repeated.iter().filter(|(key, _)| *key == name).map(|(_, value)| *value).collect();
            assert_eq!(request.param_values(name), sent);
        }
        let handled = server.lock().handle(request, s(0), std::time::SystemTime::UNIX_EPOCH);
        let status = handled.response.build().status();
        assert_eq!(status == 200, accepted, "{grant}: {repeated:?}");
    }
}

#[test]
fn an_array_of_a_json_object_is_a_parameter_that_is_repeated() {
    let request = ::http::Request::post("/token")
        .header("content-type", "application/json")
        .body(br#"{"grantType":"x","resource":["a","b"],"subjectToken":"t","n":[1]}"#.to_vec())
        .unwrap();
    let request = RecordedRequest::new(request);
    assert_eq!(request.param_values("resource"), ["a", "b"]);
    assert_eq!(request.param_values("n"), ["1"]);
    assert_eq!(request.param_values("subject_token"), ["t"], "in camelCase");
    assert!(request.param_values("audience").is_empty());
}
