mod wire;

use super::*;
use crate::{Grant, RefreshToken};

fn endpoint() -> TokenEndpoint {
    TokenEndpoint::new("https://auth.example.com/token", "cl ient:1").unwrap()
}

fn sent(endpoint: &TokenEndpoint) -> (HeaderMap, String) {
    let request = endpoint.request(&RefreshToken::new("rt+/=&\"\\").into()).unwrap();
    let (head, body) = request.into_parts();
    (head.into_parts().0.headers, String::from_utf8(body.to_vec()).unwrap())
}

#[test]
fn a_form_for_each_way_of_authenticating() {
    let grant = "grant_type=refresh_token&refresh_token=rt%2B%2F%3D%26%22%5C";
    let (headers, body) = sent(&endpoint());
    assert_eq!(headers[header::CONTENT_TYPE], "application/x-www-form-urlencoded");
    assert_eq!(headers[header::ACCEPT], "application/json");
    assert_eq!(headers.get(header::AUTHORIZATION), None);
    assert_eq!(body, format!("{grant}&client_id=cl+ient%3A1"));

    let (headers, body) = sent(&endpoint().client_auth(ClientAuth::post("s&c")).scope("a b"));
    assert_eq!(headers.get(header::AUTHORIZATION), None);
    assert_eq!(body, format!("{grant}&client_id=cl+ient%3A1&client_secret=s%26c&scope=a+b"));

    let (headers, body) = sent(&endpoint().client_auth(ClientAuth::basic("p%:\u{e4}/")));
    // RFC 6749 section 2.3.1: both halves form-encoded before the colon
    // joins them, so "cl%20ient%3A1:p%25%3A%C3%A4%2F".
    assert_eq!(headers[header::AUTHORIZATION], "Basic Y2wlMjBpZW50JTNBMTpwJTI1JTNBJUMzJUE0JTJG");
    assert!(headers[header::AUTHORIZATION].is_sensitive());
    assert_eq!(body, grant);
}

#[test]
fn json() {
    let endpoint = endpoint()
        .body_format(BodyFormat::Json)
        .client_auth(ClientAuth::post("s\u{1}"))
        .parameter("audience", "api")
        .unwrap();
    let (headers, body) = sent(&endpoint);
    assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(
        body,
        r#"{"grant_type":"refresh_token","refresh_token":"rt+/=&\"\\","client_id":"cl ient:1","client_secret":"s\u0001","audience":"api"}"#
    );
}

#[test]
fn json_in_camel_case() {
    let camel = || endpoint().body_format(BodyFormat::JsonCamelCase);
    for (endpoint, expected) in [
        (
            camel(),
            r#"{"grantType":"refresh_token","refreshToken":"rt+/=&\"\\","clientId":"cl ient:1"}"#,
        ),
        (
            camel().client_auth(ClientAuth::post("s")).scope("a b"),
            r#"{"grantType":"refresh_token","refreshToken":"rt+/=&\"\\","clientId":"cl ient:1","clientSecret":"s","scope":"a b"}"#,
        ),
        (
            camel().client_auth(ClientAuth::basic("s")),
            r#"{"grantType":"refresh_token","refreshToken":"rt+/=&\"\\"}"#,
        ),
        // What was added is as it was written, but does not stand there twice.
        (
            camel()
                .client_auth(ClientAuth::basic("s"))
                .parameter("token_type_hint", "x")
                .and_then(|endpoint| endpoint.parameter("clientId", "other"))
                .and_then(|endpoint| endpoint.parameter("refreshToken", "other"))
                .unwrap(),
            r#"{"grantType":"refresh_token","refreshToken":"rt+/=&\"\\","token_type_hint":"x","clientId":"other"}"#,
        ),
    ] {
        let (headers, body) = sent(&endpoint);
        assert_eq!(headers[header::CONTENT_TYPE], "application/json");
        assert_eq!(headers[header::ACCEPT], "application/json");
        assert_eq!(body, expected);
        // The order in which it was set up does not count.
        assert_eq!(sent(&endpoint.body_format(BodyFormat::JsonCamelCase)).1, expected);
    }
    let request = camel().request(&Grant::ClientCredentials).unwrap();
    assert_eq!(request.body(), br#"{"grantType":"client_credentials","clientId":"cl ient:1"}"#);
}

#[test]
fn client_credentials() {
    let request = endpoint().scope("x").request(&Grant::ClientCredentials).unwrap();
    assert_eq!(request.body(), b"grant_type=client_credentials&client_id=cl+ient%3A1&scope=x");
}

#[test]
fn headers_and_parameters_that_cannot_be_set() {
    for name in [
        "Authorization",
        "content-type",
        "CONTENT-LENGTH",
        "host",
        "transfer-encoding",
        "accept-encoding",
    ] {
        assert!(matches!(endpoint().header(name, "x"), Err(EndpointError::ReservedHeader { .. })));
    }
    for (name, value) in
        [("a b", "x"), ("", "x"), ("x", "a\r\nb: c"), ("x", "\u{0}"), ("x", "\u{e9}")]
    {
        assert!(matches!(endpoint().header(name, value), Err(EndpointError::InvalidHeader { .. })));
    }
    for name in RESERVED {
        assert!(matches!(
            endpoint().parameter(name, "x"),
            Err(EndpointError::ReservedParameter { .. })
        ));
    }
    let endpoint = endpoint()
        .header("accept", "application/vnd.x+json")
        .unwrap()
        .header("User-Agent", "mine/1")
        .unwrap();
    let (headers, _) = sent(&endpoint);
    assert_eq!(headers[header::ACCEPT], "application/vnd.x+json");
    assert_eq!(headers[header::USER_AGENT], "mine/1");
}

#[test]
fn no_secret_is_shown() {
    let url = "https://auth.example.com/token?key=hidden-key&hidden-name&kind=short";
    let endpoint = TokenEndpoint::new(url, "c")
        .unwrap()
        .client_auth(ClientAuth::basic("hidden"))
        .parameter("assertion", "hidden-assertion")
        .unwrap()
        .parameter("code", "1234567")
        .unwrap()
        .parameter("audience", "api")
        .unwrap()
        .header("x-api-key", "hidden-header")
        .unwrap()
        .header("x-kind", "short")
        .unwrap();
    let request = endpoint.request(&RefreshToken::new("hidden").into()).unwrap();
    let shown = format!("{endpoint:?} {request:?} {:?}", request.headers());
    let grant = RefreshToken::new("rt").into();
    assert_eq!(
        endpoint.secrets(Purpose::Tokens(&grant, &Extras::default()), &Shown::default()),
        [
            "rt",
            "hidden-assertion",
            "1234567",
            "hidden-header",
            "hidden-key",
            "hidden-name",
            "hidden",
            "YzpoaWRkZW4="
        ]
    );
    assert!(!shown.contains("hidden") && !shown.contains("Basic aG"), "{shown}");
}
