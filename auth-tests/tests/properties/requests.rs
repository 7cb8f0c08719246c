//! What the library writes: requests, stored tokens, codes.

use std::time::{Duration, SystemTime};

use auth_core::{
    AccessToken, BasicAuth, BodyFormat, ClientAuth, ErrorCode, RefreshToken, TokenEndpoint,
    TokenSet, serde_exposed,
};
use auth_testkit::RecordedRequest;
use proptest::{collection::vec, option, prelude::*};
use serde_json::json;

use crate::strategies::body;

proptest! {
    /// What the library writes is what a server reads, in both formats and for
    /// any text.
    #[test]
    fn requests_arrive_as_they_were_meant(
        token in any::<String>(),
        id in any::<String>(),
        secret in any::<String>(),
        scope in option::of(any::<String>()),
        extra in any::<String>(),
        json in any::<bool>(),
        basic in any::<bool>(),
    ) {
        let auth = if basic { ClientAuth::basic(secret.clone()) } else { ClientAuth::post(secret.clone()) };
        let format = if json { BodyFormat::Json } else { BodyFormat::Form };
        let mut endpoint = TokenEndpoint::new("https://auth.example.com/token", id.clone()).unwrap()
            .client_auth(auth)
            .body_format(format)
            .parameter("audience", extra.clone()).unwrap();
        if let Some(scope) = &scope {
            endpoint = endpoint.scope(scope.clone());
        }
        let request = RecordedRequest::from(endpoint.request(&RefreshToken::new(token.clone()).into()).unwrap());

        prop_assert_eq!(request.format(), Some(format));
        prop_assert_eq!(request.param("grant_type"), Some("refresh_token"));
        prop_assert_eq!(request.param("refresh_token"), Some(&*token));
        prop_assert_eq!(request.param("audience"), Some(&*extra));
        prop_assert_eq!(request.param("scope"), scope.as_deref());
        if basic {
            prop_assert_eq!(request.basic_auth(), Some((id, secret)));
            prop_assert_eq!(request.param("client_id"), None);
            prop_assert_eq!(request.param("client_secret"), None);
        } else {
            prop_assert_eq!(request.basic_auth(), None);
            prop_assert_eq!(request.param("client_id"), Some(&*id));
            prop_assert_eq!(request.param("client_secret"), Some(&*secret));
        }
    }

    /// No URL makes the endpoint panic, and none that is accepted shows a token
    /// to the way.
    #[test]
    fn any_url_is_judged(url in prop_oneof![any::<String>(), "(http|https|ftp)://[ -~]{0,40}"]) {
        if let Ok(endpoint) = TokenEndpoint::new(&url, "c") {
            let uri = endpoint.uri();
            let host = uri.host().unwrap().trim_matches(['[', ']']);
            let loopback = host.eq_ignore_ascii_case("localhost")
                || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
            prop_assert!(uri.scheme_str() == Some("https") || loopback, "{}", url);
            prop_assert!(!uri.authority().unwrap().as_str().contains('@'));
        }
    }

    /// The stored form of an endpoint makes the same request, and the redacted one
    /// holds no secret.
    #[test]
    fn endpoints_round_trip(
        path in "[a-z/]{0,12}", query in option::of("[a-z0-9=&]{1,12}"), id in any::<String>(),
        auth in 0..7_u8, secret in "[ -~]{1,30}", scope in option::of(any::<String>()),
        as_json in any::<bool>(), values in vec(any::<String>(), 0..4),
        header in option::of("[ -~]{1,20}"),
    ) {
        let query = query.map(|query| format!("?qs{query}")).unwrap_or_default();
        let secret = format!("cs!{secret}");
        let url = format!("https://auth.example.com/{path}{query}");
        let mut endpoint = TokenEndpoint::new(&url, id).unwrap().client_auth(match auth {
            0 => ClientAuth::none(),
            1 => ClientAuth::basic(secret),
            2 => BasicAuth::new(secret).raw().into(),
            3 => BasicAuth::new(secret).client_id_in_body().into(),
            4 => BasicAuth::new(secret).raw().client_id_in_body().into(),
            5 => ClientAuth::mutual_tls(),
            _ => ClientAuth::post(secret),
        });
        endpoint = endpoint.body_format(if as_json { BodyFormat::Json } else { BodyFormat::Form });
        if let Some(scope) = scope {
            endpoint = endpoint.scope(scope);
        }
        for value in &values {
            endpoint = endpoint.parameter("resource", format!("pm!{value}")).unwrap();
        }
        if let Some(value) = header {
            endpoint = endpoint.header("x-key", &format!("hd!{value}")).unwrap();
        }
        // What was redacted cannot be told from this.
        prop_assume!(!values.iter().any(|value| value.contains("[redacted]")));
        let stored = endpoint.to_json_exposed().unwrap();
        let read = TokenEndpoint::from_json(&stored).unwrap();
        prop_assert_eq!(&read.to_json_exposed().unwrap(), &stored);
        let sent = |endpoint: &TokenEndpoint| {
            let request = endpoint.request(&RefreshToken::new("rt").into()).unwrap();
            (request.headers().clone(), request.body().to_vec(), request.uri().clone())
        };
        prop_assert_eq!(sent(&read), sent(&endpoint));

        let redacted = serde_json::to_string(&endpoint).unwrap();
        for secret in ["?qs", "cs!", "pm!", "hd!"] {
            prop_assert!(!format!("{redacted} {endpoint:?}").contains(secret), "{redacted}");
        }
    }

    /// Any bytes are refused or read as a stored endpoint, and never as one that
    /// sends in clear.
    #[test]
    fn any_stored_endpoint_is_read(
        bytes in body(), url in prop_oneof![any::<String>(), "(http|https)://[ -~]{0,40}"],
    ) {
        let _ = TokenEndpoint::from_json(&bytes);
        let stored = json!({
            "url": url, "client_id": "c", "client_auth": {"method": "none"}, "body_format": "form",
        });
        if let Ok(endpoint) = TokenEndpoint::from_json(stored.to_string().as_bytes()) {
            prop_assert!(!endpoint.is_insecure(), "{url}");
            prop_assert!(TokenEndpoint::new(&url, "c").is_ok());
        }
    }

    /// The stored form of a token set gives it back, and the redacted one holds
    /// none of it and is refused.
    #[test]
    fn token_sets_round_trip(
        access in "[ -~]{1,60}",
        kind in option::of("[a-zA-Z]{1,10}"),
        refresh in option::of("[ -~]{1,60}"),
        expires in option::of(0_u64..10_000_000_000),
        refresh_expires in option::of(0_u64..10_000_000_000),
        scope in option::of(any::<String>()),
        extra in option::of("[a-z]{10,40}"),
    ) {
        let mut tokens = TokenSet::new(AccessToken::new(format!("at!{access}")));
        tokens.token_type = kind;
        tokens.refresh_token = refresh.as_ref().map(|token| RefreshToken::new(format!("rt!{token}")));
        tokens.expires_at = expires.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        tokens.refresh_expires_at = refresh_expires.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        tokens.scope = scope;
        if let Some(value) = &extra {
            tokens.extra.insert("id_token", value.clone().into());
        }
        let json = tokens.to_json_exposed();
        prop_assert_eq!(&TokenSet::from_json(&json).unwrap(), &tokens);
        let mut again = Vec::new();
        serde_exposed::serialize(&tokens, &mut serde_json::Serializer::new(&mut again)).unwrap();
        prop_assert_eq!(&*json, &again);

        let redacted = serde_json::to_string(&tokens).unwrap();
        prop_assert!(!redacted.contains("at!") && !redacted.contains("rt!"), "{redacted}");
        prop_assert!(extra.is_none_or(|value| !redacted.contains(&value)), "{redacted}");
        prop_assert!(TokenSet::from_json(redacted.as_bytes()).is_err());
    }

    /// Any bytes are refused or read as a stored token set, and the error
    /// quotes none of them.
    #[test]
    fn any_stored_form_is_read(bytes in body(), secret in "[a-z]{12,20}") {
        let _ = TokenSet::from_json(&bytes);
        let damaged = format!(r#"{{"access_token":"{secret}","expires_at":"{secret}"}}"#);
        let error = TokenSet::from_json(damaged.as_bytes()).unwrap_err();
        let printed = format!("{error} {error:?}");
        prop_assert!(!printed.contains(&secret));
    }

    /// Tokens of any text: never in `Debug`, and a header only if it can be one.
    #[test]
    fn tokens_are_not_printed(token in "[!-~]{8,200}", any_token in any::<String>()) {
        prop_assume!(!"AccessToken([redacted])RefreshToken([redacted])".contains(&token));
        let (access, refresh) = (AccessToken::new(token.clone()), RefreshToken::new(token.clone()));
        let printed = format!("{access:?}{refresh:?}{access:#?}{refresh:#?}");
        prop_assert!(!printed.contains(&token));
        prop_assert_eq!(access.expose(), &token);
        let header = access.authorization().unwrap();
        prop_assert_eq!(header.to_str().unwrap(), format!("Bearer {token}"));
        prop_assert!(header.is_sensitive());

        let odd = AccessToken::new(any_token.clone());
        prop_assert_eq!(odd.expose(), &any_token);
        if let Ok(header) = odd.authorization() {
            let expected = format!("Bearer {any_token}");
            prop_assert_eq!(header.as_bytes(), expected.as_bytes());
        }
    }

    #[test]
    fn error_codes_are_bounded(text in prop_oneof![any::<String>(), "[ -~]{0,80}"]) {
        if let Some(code) = ErrorCode::new(&text) {
            prop_assert_eq!(code.as_str(), &text);
            prop_assert!((1..=64).contains(&text.len()));
            prop_assert!(text.bytes().all(|b| (0x20..0x7F).contains(&b) && b != b'"' && b != b'\\'));
        } else {
            let allowed = |b: u8| matches!(b, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
            prop_assert!(text.is_empty() || text.len() > 64 || !text.bytes().all(allowed));
        }
    }
}
