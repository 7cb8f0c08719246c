//! Members in camelCase, as AWS
//! (<https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html>),
//! DingTalk (<https://open.dingtalk.com/document/orgapp/obtain-user-token>) and
//! Kiro (<https://github.com/jwadow/kiro-gateway>) send them.

use std::borrow::Cow;

use serde_json::Value;

use super::{super::text::Text, Body};
use crate::{Extra, json::Wiped};

const ACCESS_TOKEN: &str = "accessToken";
const REFRESH_TOKEN: &str = "refreshToken";
const TOKEN_TYPE: &str = "tokenType";

/// Whether a member is one of those that [`adopt`] looks at. The limits on other
/// members do not count for them.
pub(super) fn is_known(name: &str) -> bool {
    [ACCESS_TOKEN, REFRESH_TOKEN, TOKEN_TYPE].contains(&name)
}

/// Adds a member. The last of duplicates counts, unless it is none.
pub(super) fn insert(extra: &mut Extra, name: String, value: Value) {
    let value = Wiped(value);
    if extra.get(&name).is_none()
        || read(&value.0).is_some_and(|text| !text.into_token().is_empty())
    {
        extra.insert(name, value.into_value());
    }
}

/// Takes the members in camelCase for those of the standard that are missing.
/// Where both are there, that of the standard counts, and the other one stays in
/// the rest.
pub(super) fn adopt(response: &mut Body<'_>) {
    let Body { access_token, refresh_token, token_type, extra, .. } = response;
    for (member, name) in [(access_token, ACCESS_TOKEN), (refresh_token, REFRESH_TOKEN)] {
        if member.is_empty() {
            *member = take(extra, name).into_token();
        }
    }
    if token_type.is_empty() {
        *token_type = take(extra, TOKEN_TYPE);
    }
}

/// Empty if it is not there, or no text.
fn take(extra: &mut Extra, name: &str) -> Text<'static> {
    if extra.get(name).and_then(read).is_none() {
        return Text::default();
    }
    match extra.remove(name) {
        // Not copied: nothing is left behind.
        Some(Value::String(text)) => Text::new(Cow::Owned(text)),
        Some(Value::Number(number)) => Text::new(Cow::Owned(number.to_string())),
        _ => Text::default(),
    }
}

/// What should be a string, as [`Text`] is read; `None` for what is none at all.
fn read(value: &Value) -> Option<Text<'_>> {
    match value {
        Value::Null => Some(Text::default()),
        Value::String(text) => Some(Text::new(Cow::Borrowed(text))),
        Value::Number(number) if number.is_i64() || number.is_u64() => {
            Some(Text::new(Cow::Owned(number.to_string())))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use http::HeaderMap;
    use serde_json::json;

    use super::{super::read, *};
    use crate::{RefreshToken, TokenSet, test_now};

    fn tokens(body: &str) -> Option<TokenSet> {
        read(&HeaderMap::new(), body.as_bytes(), test_now().wall).ok()
    }

    fn after(seconds: u64) -> SystemTime {
        test_now().wall + Duration::from_secs(seconds)
    }

    /// As each of them is documented.
    #[test]
    fn what_providers_send() {
        let aws = r#"{"accessToken":"at","expiresIn":28800,"idToken":"it","refreshToken":"rt",
            "tokenType":"Bearer"}"#;
        let kiro = r#"{"accessToken":"at","expiresIn":3600,"profileArn":"arn:aws:x",
            "refreshToken":"rt"}"#;
        let dingtalk = r#"{"accessToken":"at","refreshToken":"rt","expireIn":7200,"corpId":"c"}"#;
        for (body, life, token_type, rest) in [
            (aws, 28800, Some("Bearer"), json!({"expiresIn": 28800, "idToken": "it"})),
            (kiro, 3600, None, json!({"expiresIn": 3600, "profileArn": "arn:aws:x"})),
            (dingtalk, 7200, None, json!({"expireIn": 7200, "corpId": "c"})),
        ] {
            for body in [body.to_owned(), format!("{{\"code\":0,\"result\":{body}}}")] {
                let mut tokens = tokens(&body).expect(&body);
                assert_eq!(tokens.access_token.expose(), "at");
                assert_eq!(tokens.refresh_token, Some(RefreshToken::new("rt")));
                assert_eq!(tokens.token_type.as_deref(), token_type);
                assert_eq!(tokens.expires_at, Some(after(life)), "{body}");
                tokens.extra.remove("code");
                assert_eq!(Value::Object(tokens.extra.0.clone()), rest);
                // What is kept can be stored and read again, and shows nothing.
                let stored = tokens.to_json_exposed();
                assert_eq!(TokenSet::from_json(&stored), Ok(tokens.clone()));
                let shown = format!("{tokens:?} {}", serde_json::to_string(&tokens).unwrap());
                assert!(!shown.contains("\"rt\"") && !shown.contains("\"it\""), "{shown}");
            }
        }
        let all = r#"{"accessToken":"at","scope":["a","b"],"expiresAt":"2027-01-15T09:00:00Z",
            "refreshTokenExpiresIn":60}"#;
        let tokens = tokens(all).unwrap();
        assert_eq!(tokens.scope.as_deref(), Some("a b"));
        assert_eq!(tokens.expires_at, Some(after(3600)));
        assert_eq!(tokens.refresh_expires_at, Some(after(60)));
        assert_eq!(tokens.refresh_token, None);
    }

    #[test]
    fn the_standard_counts_where_both_are_there() {
        for body in [
            r#"{"access_token":"at","accessToken":"x","refresh_token":"rt","refreshToken":"y"}"#,
            r#"{"accessToken":"x","refreshToken":"y","access_token":"at","refresh_token":"rt"}"#,
        ] {
            let tokens = tokens(body).unwrap();
            assert_eq!(tokens.access_token.expose(), "at");
            assert_eq!(tokens.refresh_token, Some(RefreshToken::new("rt")));
            assert_eq!(tokens.extra.get("accessToken"), Some(&json!("x")));
            assert_eq!(tokens.extra.get("refreshToken"), Some(&json!("y")));
        }
        // One by one, and only what is there.
        for (body, access, refresh) in [
            (r#"{"access_token":"at","refreshToken":"rt"}"#, "at", Some("rt")),
            (r#"{"accessToken":"at","refresh_token":"rt"}"#, "at", Some("rt")),
            (r#"{"access_token":"","accessToken":"at","refresh_token":null}"#, "at", None),
            (r#"{"access_token":null,"accessToken":"at"}"#, "at", None),
            (r#"{"access_token":"at","accessToken":{"x":1}}"#, "at", None),
            (r#"{"refresh_token":"rt","data":{"accessToken":"at"}}"#, "at", Some("rt")),
            (r#"{"refreshToken":"rt","data":{"access_token":"at"}}"#, "at", Some("rt")),
            (r#"{"data":{"accessToken":"no"},"accessToken":"at"}"#, "at", None),
            (r#"{"accessToken":" at\n","refreshToken":" rt "}"#, "at", Some("rt")),
            (r#"{"accessToken":"at","x":"\ud83d","refreshToken":"rt"}"#, "at", Some("rt")),
            ("accessToken=at&refreshToken=rt&tokenType=bearer&expiresIn=60", "at", Some("rt")),
        ] {
            let headers = [("content-type", "application/x-www-form-urlencoded")];
            let headers = headers.map(|(name, value)| {
                (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
            });
            let headers = HeaderMap::from_iter(headers);
            let tokens = read(&headers, body.as_bytes(), test_now().wall).expect(body);
            assert_eq!(tokens.access_token.expose(), access, "{body}");
            let read = tokens.refresh_token.as_ref().map(RefreshToken::expose);
            assert_eq!(read, refresh, "{body}");
        }
    }

    #[test]
    fn none_is_none() {
        for none in ["null", "\"\"", "\" \"", "\"null\"", "\"false\"", "0", "false", "{}", "[]"] {
            for body in [
                format!(r#"{{"accessToken":"at","refreshToken":{none}}}"#),
                format!(r#"{{"access_token":"at","refreshToken":{none}}}"#),
            ] {
                assert_eq!(tokens(&body).unwrap().refresh_token, None, "{body}");
            }
            let body = format!(r#"{{"accessToken":{none},"refreshToken":"rt"}}"#);
            assert_eq!(tokens(&body), None, "{body}");
            // Nor does it take the place of one.
            let body = format!(
                r#"{{"accessToken":"at","refreshToken":"rt","refreshToken":{none},"accessToken":{none}}}"#
            );
            let tokens = tokens(&body).unwrap();
            assert_eq!(tokens.access_token.expose(), "at", "{body}");
            assert_eq!(tokens.refresh_token, Some(RefreshToken::new("rt")), "{body}");
        }
        let twice = r#"{"accessToken":"old","accessToken":"at","refreshToken":7}"#;
        let tokens = tokens(twice).unwrap();
        assert_eq!(tokens.access_token.expose(), "at");
        assert_eq!(tokens.refresh_token, Some(RefreshToken::new("7")));
    }

    /// Whatever stands before them.
    #[test]
    fn the_limits_on_the_rest_cost_no_token() {
        let many = vec!["0"; 100_000].join(",");
        let members: String = (0..10_000).map(|at| format!("\"{at}\":0,")).collect();
        for rest in [format!("\"x\":[{many}],"), members] {
            let body = format!("{{{rest}\"accessToken\":\"at\",\"refreshToken\":\"rt\"}}");
            let read = tokens(&body).unwrap();
            assert_eq!(read.access_token.expose(), "at");
            assert_eq!(read.refresh_token, Some(RefreshToken::new("rt")));
            let deep = format!("{{{rest}\"access_token\":\"at\",\"accessToken\":[{many}]}}");
            assert_eq!(tokens(&deep).unwrap().extra.get("accessToken"), None);
        }
    }

    #[test]
    fn a_broken_token_is_no_token() {
        for body in [
            r#"{"accessToken":"at","refreshToken":"\ud83d"}"#,
            r#"{"accessToken":"\ud83d","refreshToken":"rt"}"#,
            r#"{"data":{"accessToken":"at","refreshToken":"\ud83d"}}"#,
        ] {
            assert_eq!(tokens(body), None, "{body}");
        }
        let latin = b"{\"accessToken\":\"at\",\"refreshToken\":\"rt\xe9x\"}";
        assert!(read(&HeaderMap::new(), latin, test_now().wall).is_err());
    }
}
