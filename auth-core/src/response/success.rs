//! The body of a 2xx response.

use std::{
    borrow::Cow,
    fmt,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, header};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::{
    DEEPEST, LONGEST, MOST_VALUES, lenient, may_be_form,
    text::{Text, is_broken},
};
use crate::{
    AccessToken, Extra, RefreshToken, TokenSet, Unreadable,
    json::{BoundedSeed, Limits, OnExcess, Wiped, read_to_end, trimmed},
};

/// Reads a token set, or says why there is none.
pub(super) fn read(
    headers: &HeaderMap,
    body: &[u8],
    issued: SystemTime,
) -> Result<TokenSet, Unreadable> {
    let encoded = headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
    let body = trimmed(body);
    let response = match body.first() {
        // Some say that they encoded what they did not.
        Some(b'{') if encoded => Body::from_json(body).map_err(|_| Unreadable::Encoded)?,
        _ if encoded => return Err(Unreadable::Encoded),
        None => return Err(Unreadable::Empty),
        Some(b'<') => return Err(Unreadable::Html),
        _ if may_be_form(headers, body) => Body::from_form(body),
        _ => Body::from_json(body)
            .map_err(|error| Unreadable::Syntax { line: error.line(), column: error.column() })?,
    };
    response.unwrap_nested().into_tokens(issued).ok_or(Unreadable::NoToken)
}

/// The members of a successful response. The last of duplicate members counts,
/// as in most JSON parsers; but an empty one is none.
#[derive(Default)]
struct Body<'a> {
    access_token: Text<'a>,
    token_type: Text<'a>,
    refresh_token: Text<'a>,
    expires_in: Option<Duration>,
    expires_in_sec: Option<Duration>,
    scope: Option<String>,
    extra: Extra,
}

impl<'a> Body<'a> {
    fn from_json(body: &'a [u8]) -> Result<Self, serde_json::Error> {
        let text = serde_json::Deserializer::from_slice(body);
        read_to_end(text, ResponseSeed(limits())).or_else(|error| {
            // Cut short: nothing is broken but the end.
            if error.is_eof() {
                return Err(error);
            }
            let members = lenient::read(body, &mut limits())?;
            ResponseSeed(limits()).deserialize(members.into_value())
        })
    }

    fn from_form(body: &'a [u8]) -> Self {
        let mut response = Self::default();
        let mut limits = limits();
        for (name, value) in form_urlencoded::parse(body) {
            match &*name {
                "access_token" => response.access_token.replace(Text::new(value)),
                "token_type" => response.token_type.replace(Text::new(value)),
                "refresh_token" => response.refresh_token.replace(Text::new(value)),
                "expires_in" => response.expires_in = lifetime_from_text(&value),
                "scope" => response.scope = Some(value.into_owned()),
                _ if limits.take_one() => {
                    response.extra.insert(name, Value::String(value.into_owned()));
                }
                _ => drop(Text::new(value)),
            }
        }
        let tokens = [&response.access_token, &response.refresh_token];
        if tokens.into_iter().filter_map(Text::as_str).any(is_broken) {
            response.access_token = Text::default();
        }
        response
    }

    /// Some providers wrap the response in another object: Withings in `body`
    /// (<https://developer.withings.com/api-reference>), Slack the user's token
    /// in `authed_user` (<https://docs.slack.dev/reference/methods/oauth.v2.access>),
    /// others in `data`. Not to look there would lose a rotated token.
    fn unwrap_nested(mut self) -> Self {
        // Beside an error it is not the response, whatever it is.
        let failed = self.extra.get("ok") == Some(&Value::Bool(false))
            || self.extra.get("error").and_then(Value::as_str).is_some_and(|code| !code.is_empty());
        if self.has_token() || failed {
            return self;
        }
        for wrapper in ["body", "authed_user", "data"] {
            let Some(wrapped) = self.extra.remove(wrapper).map(Wiped) else { continue };
            let inner = ResponseSeed(limits()).deserialize(&wrapped.0).map(Body::into_owned);
            let Some(inner) = inner.ok().filter(Body::has_token) else {
                self.extra.insert(wrapper, wrapped.into_value());
                continue;
            };
            // What stands inside counts, what stands outside stays.
            self.access_token = inner.access_token;
            self.refresh_token.replace(inner.refresh_token);
            self.token_type.replace(inner.token_type);
            self.expires_in = inner.expires_in.or(self.expires_in);
            self.expires_in_sec = inner.expires_in_sec.or(self.expires_in_sec);
            self.scope = inner.scope.or(self.scope);
            inner.extra.move_to(&mut self.extra);
            return self;
        }
        self
    }

    fn into_owned(self) -> Body<'static> {
        let Self { expires_in, expires_in_sec, scope, extra, .. } = self;
        Body {
            access_token: self.access_token.into_owned(),
            token_type: self.token_type.into_owned(),
            refresh_token: self.refresh_token.into_owned(),
            expires_in,
            expires_in_sec,
            scope,
            extra,
        }
    }

    fn has_token(&self) -> bool {
        self.access_token.as_str().is_some_and(|token| !token.is_empty())
    }

    fn into_tokens(mut self, issued: SystemTime) -> Option<TokenSet> {
        let expires_in = self.expires_in_sec.or(self.expires_in);
        Some(TokenSet {
            access_token: AccessToken::from(self.access_token.take()?),
            token_type: self.token_type.take().map(Cow::into_owned),
            refresh_token: self.refresh_token.take().map(RefreshToken::from),
            expires_at: expires_in.and_then(|life| issued.checked_add(life)),
            scope: self.scope,
            extra: self.extra,
        })
    }
}

/// The limits on a response's other members. Each is kept whole or not at all.
fn limits() -> Limits {
    Limits::new(MOST_VALUES, DEEPEST, OnExcess::DropWhole)
}

struct ResponseSeed(Limits);

impl<'de> DeserializeSeed<'de> for ResponseSeed {
    type Value = Body<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Body<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ResponseSeed {
    type Value = Body<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body<'de>, A::Error> {
        let Self(mut limits) = self;
        let mut response = Body::default();
        while let Some(name) = map.next_key::<Text<'de>>()? {
            match name.as_str().unwrap_or_default() {
                // The last of duplicate members counts, unless it is none.
                "access_token" => response.access_token.replace(map.next_value()?),
                "token_type" => response.token_type.replace(map.next_value()?),
                "refresh_token" => response.refresh_token.replace(map.next_value()?),
                "expires_in" => {
                    response.expires_in =
                        lifetime(map.next_value_seed(BoundedSeed::new(&mut limits))?);
                }
                // Zoho, where `expires_in` may be milliseconds
                // (https://www.zoho.com/writer/help/api/v1/oauth-step4.html).
                "expires_in_sec" => {
                    response.expires_in_sec =
                        lifetime(map.next_value_seed(BoundedSeed::new(&mut limits))?);
                }
                "scope" => {
                    response.scope = scope(map.next_value_seed(BoundedSeed::new(&mut limits))?);
                }
                name => {
                    let name = name.to_owned();
                    if let Some(value) = map.next_value_seed(BoundedSeed::new(&mut limits))? {
                        response.extra.insert(name, value.into_value());
                    }
                }
            }
        }
        Ok(response)
    }
}

/// `expires_in` as servers send it: a number, a float, either as a string.
/// `None` for null and for what is none of these. A negative one means
/// "expired already".
fn lifetime(value: Option<Wiped>) -> Option<Duration> {
    match &value?.0 {
        Value::Number(seconds) => match seconds.as_u64() {
            Some(seconds) => Some(Duration::from_secs(seconds).min(LONGEST)),
            None => lifetime_from_float(seconds.as_f64()?),
        },
        Value::String(text) => lifetime_from_text(text),
        _ => None,
    }
}

/// The scope: a string, or a list of strings, as some servers send it.
fn scope(value: Option<Wiped>) -> Option<String> {
    match &value?.0 {
        Value::String(scope) => Some(scope.clone()),
        Value::Array(items) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            Some(items.join(" "))
        }
        _ => None,
    }
}

fn lifetime_from_text(text: &str) -> Option<Duration> {
    lifetime_from_float(text.trim().parse().ok()?)
}

fn lifetime_from_float(seconds: f64) -> Option<Duration> {
    if seconds.is_nan() {
        return None;
    }
    // Out of range is "very long" after `max(0.0)`.
    Some(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(LONGEST).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_now;

    fn read_as(content_type: Option<&str>, body: &[u8]) -> Result<TokenSet, Unreadable> {
        let mut headers = HeaderMap::new();
        if let Some(content_type) = content_type {
            headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        }
        read(&headers, body, test_now().wall)
    }

    fn read_json(body: &str) -> Result<TokenSet, Unreadable> {
        read_as(Some("application/json"), body.as_bytes())
    }

    #[test]
    fn a_lifetime_in_every_spelling() {
        let s = |seconds| Some(Duration::from_secs(seconds));
        for (expires_in, expected) in [
            ("3600", s(3600)),
            ("\"3600\"", s(3600)),
            ("\" 3600 \"", s(3600)),
            ("3599.5", Some(Duration::from_millis(3_599_500))),
            ("\"3599.5\"", Some(Duration::from_millis(3_599_500))),
            ("3.6e3", s(3600)),
            ("0", s(0)),
            ("-1", s(0)),
            ("-1.5", s(0)),
            ("\"-1\"", s(0)),
            ("null", None),
            ("\"\"", None),
            ("\"soon\"", None),
            ("\"NaN\"", None),
            ("true", None),
            ("[3600]", None),
            ("{\"seconds\":3600}", None),
            ("3162240000", s(3_162_240_000)),
            ("3162240001", s(3_162_240_000)),
            ("18446744073709551615", Some(LONGEST)),
            ("-9223372036854775808", s(0)),
            ("99999999999999999999999", Some(LONGEST)),
            ("1e300", Some(LONGEST)),
            ("\"inf\"", Some(LONGEST)),
        ] {
            let body = format!(r#"{{"access_token":"at","expires_in":{expires_in}}}"#);
            let life = read_json(&body)
                .unwrap()
                .expires_at
                .map(|at| at.duration_since(test_now().wall).unwrap());
            assert_eq!(life, expected, "{expires_in}");
        }
        assert_eq!(read_json(r#"{"access_token":"at"}"#).unwrap().expires_at, None);
        let zoho = r#"{"access_token":"at","expires_in_sec":3600,"expires_in":3600000}"#;
        let expected = Some(test_now().wall + Duration::from_secs(3600));
        assert_eq!(read_json(zoho).unwrap().expires_at, expected);
    }

    #[test]
    fn tokens_in_every_dress() {
        let json = Some("application/json");
        let form = Some("application/x-www-form-urlencoded; charset=utf-8");
        for (content_type, body, access, refresh) in [
            (json, r#"{"access_token":"at","refresh_token":"rt"}"#, "at", Some("rt")),
            (json, r#"{"access_token":"at","refresh_token":null}"#, "at", None),
            (json, r#"{"access_token":"at","refresh_token":""}"#, "at", None),
            (json, r#"{"access_token":"at","refresh_token":7}"#, "at", Some("7")),
            (
                json,
                r#"{"access_token":"at","refresh_token":"rt","refresh_token":null}"#,
                "at",
                Some("rt"),
            ),
            (
                json,
                r#"{"refresh_token":"rt","access_token":"at","refresh_token":""}"#,
                "at",
                Some("rt"),
            ),
            (json, r#"{"access_token":"a\/t\u002b","refresh_token":"r\\t"}"#, "a/t+", Some("r\\t")),
            // The last of duplicate members counts.
            (json, r#"{"access_token":"old","access_token":"at"}"#, "at", None),
            // A token is a token, whatever else is said.
            (json, r#"{"access_token":"at","error":null}"#, "at", None),
            (json, r#"{"ok":true,"access_token":"at","error":""}"#, "at", None),
            (json, "\u{feff}  {\"access_token\":\"at\"}\r\n", "at", None),
            // Wrapped.
            (
                json,
                r#"{"status":0,"body":{"access_token":"at","refresh_token":"rt"}}"#,
                "at",
                Some("rt"),
            ),
            (json, r#"{"ok":true,"authed_user":{"id":"U","access_token":"at"}}"#, "at", None),
            (json, r#"{"data":{"access_token":"no"},"access_token":"at"}"#, "at", None),
            (json, r#"{"refresh_token":"rt","data":{"access_token":"at"}}"#, "at", Some("rt")),
            (
                json,
                r#"{"refresh_token":"rt","data":{"access_token":"at","refresh_token":""}}"#,
                "at",
                Some("rt"),
            ),
            (json, r#"{"access_token":"","data":{"access_token":"at"}}"#, "at", None),
            (json, r#"{"access_token":"at","refresh_token":["a","b"]}"#, "at", None),
            // Broken where it does not matter.
            (json, r#"{"access_token":"at","x":1e999,"refresh_token":"rt"}"#, "at", Some("rt")),
            (json, r#"{"access_token":"at","x":"\ud83d","refresh_token":"rt"}"#, "at", Some("rt")),
            (json, r#"{"access_token":"at","scope":"\ud83d","expires_in":1e999}"#, "at", None),
            (json, r#"{"body":{"access_token":"at","x":"\ud83d"}}"#, "at", None),
            (json, r#"{"body":{"x":1},"data":{"access_token":"at"}}"#, "at", None),
            // The content type is wrong or missing more often than the body.
            (None, r#"{"access_token":"at"}"#, "at", None),
            (Some("text/html"), r#"{"access_token":"at"}"#, "at", None),
            (form, r#"{"access_token":"at"}"#, "at", None),
            (form, "access_token=a%2Bt+&refresh_token=rt", "a+t ", Some("rt")),
            (form, "refresh_token=rt&access_token=at&refresh_token=", "at", Some("rt")),
            (form, "token_type=bearer&access_token=at", "at", None),
            (Some("text/plain"), "access_token=at&scope=", "at", None),
            (None, "access_token=at", "at", None),
            (Some("text/html"), "token_type=bearer&access_token=at", "at", None),
        ] {
            let tokens = read_as(content_type, body.as_bytes()).expect(body);
            assert_eq!(tokens.access_token.expose(), access, "{body}");
            assert_eq!(tokens.refresh_token.as_ref().map(RefreshToken::expose), refresh, "{body}");
        }
    }

    #[test]
    fn the_other_members() {
        for (members, token_type, scope) in [
            (r#""token_type":"Bearer""#, Some("Bearer"), None),
            (r#""token_type":"bearer","scope":"a b""#, Some("bearer"), Some("a b")),
            (r#""token_type":null,"scope":null"#, None, None),
            (r#""scope":["a","b"]"#, None, Some("a b")),
            (r#""scope":["a",7,{"x":[]},"b"]"#, None, Some("a b")),
            (r#""scope":"""#, None, Some("")),
        ] {
            let tokens = read_json(&format!(r#"{{"access_token":"at",{members}}}"#)).unwrap();
            assert_eq!(tokens.token_type.as_deref(), token_type, "{members}");
            assert_eq!(tokens.scope.as_deref(), scope, "{members}");
            assert!(tokens.extra.is_empty(), "{members}");
        }
        let tokens =
            read_json(r#"{"id_token":"x","access_token":"at","team":{"id":1},"id_token":"y"}"#)
                .unwrap();
        assert_eq!(tokens.extra.get("id_token"), Some(&Value::from("y")));
        assert_eq!(tokens.extra.get("team"), Some(&serde_json::json!({"id": 1})));
        assert_eq!(tokens.extra.iter().count(), 2);

        let tokens =
            read_as(None, b"access_token=at&expires_in=60&scope=a+b&x=1&token_type=bearer")
                .unwrap();
        assert_eq!(tokens.token_type.as_deref(), Some("bearer"));
        assert_eq!(tokens.extra.iter().count(), 1);
        assert_eq!(tokens.expires_at, Some(test_now().wall + Duration::from_secs(60)));
        assert_eq!(tokens.scope.as_deref(), Some("a b"));
        assert_eq!(tokens.extra.get("x"), Some(&Value::from("1")));
    }

    #[test]
    fn what_is_no_token() {
        let syntax = |column| Unreadable::Syntax { line: 1, column };
        for (body, expected) in [
            ("", Unreadable::Empty),
            (" \r\n", Unreadable::Empty),
            ("<!DOCTYPE html><p>Welcome to the airport", Unreadable::Html),
            ("\u{feff}<html>", Unreadable::Html),
            ("{}", Unreadable::NoToken),
            (r#"{"data":{"refresh_token":"rt"},"body":"x"}"#, Unreadable::NoToken),
            (r#"{"access_token":""}"#, Unreadable::NoToken),
            (r#"{"access_token":null}"#, Unreadable::NoToken),
            (r#"{"access_token":true}"#, Unreadable::NoToken),
            (r#"{"ok":false,"error":"x","data":{"access_token":"stale"}}"#, Unreadable::NoToken),
            (r#"{"error":"x","body":{"access_token":"stale"}}"#, Unreadable::NoToken),
            ("access_token=at&refresh_token=%ff", Unreadable::NoToken),
            (r#"{"error":"x"}"#, Unreadable::NoToken),
            ("error=x", Unreadable::NoToken),
            ("access_token=", Unreadable::NoToken),
            // Cut short: half a token must not pass for one.
            (r#"{"access_token":"at","refresh_to"#, syntax(32)),
            (r#"{"access_token":"at"} trailing"#, syntax(23)),
            ("OK", syntax(1)),
        ] {
            assert_eq!(read_json(body), Err(expected), "{body:?}");
        }
        assert!(matches!(read_as(None, b"[1]"), Err(Unreadable::Syntax { .. })));
        assert!(matches!(read_as(None, b"\xff\xfe{"), Err(Unreadable::Syntax { .. })));

        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
        let body = br#"{"access_token":"at"}"#;
        assert_eq!(read(&headers, b"\x1f\x8b{", test_now().wall), Err(Unreadable::Encoded));
        assert_eq!(read(&headers, b"{\x1f\x8b", test_now().wall), Err(Unreadable::Encoded));
        headers.insert(header::CONTENT_ENCODING, "Identity".parse().unwrap());
        assert!(read(&headers, body, test_now().wall).is_ok());
        headers.insert(header::CONTENT_ENCODING, "utf-8".parse().unwrap());
        assert!(read(&headers, body, test_now().wall).is_ok());
    }

    #[test]
    fn a_broken_token_is_no_token() {
        for body in [
            &b"{\"access_token\":\"at\",\"refresh_token\":\"rt\xe9x\"}"[..],
            br#"{"access_token":"at","refresh_token":"\ud83d"}"#,
            br#"{"access_token":"\ud83d","refresh_token":"rt"}"#,
        ] {
            assert!(matches!(read_as(None, body), Err(Unreadable::Syntax { .. })));
        }
        // Nor within another object.
        for body in [
            &b"{\"body\":{\"access_token\":\"at\",\"refresh_token\":\"rt\xe9x\"}}"[..],
            br#"{"body":{"access_token":"at","refresh_token":"\ud83d"}}"#,
            b"{\"body\":{\"access_token\":\"at\xe9\",\"refresh_token\":\"rt\"}}",
        ] {
            assert_eq!(read_as(None, body), Err(Unreadable::NoToken));
        }
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let body = b"{\"access_token\":\"at\",\"name\":\"Ren\xe9\",\"refresh_token\":\"rt\"}";
        let tokens = read_as(None, body).unwrap();
        assert_eq!(tokens.refresh_token, Some(RefreshToken::new("rt")));
        assert_eq!(tokens.extra.get("name"), Some(&Value::from("Ren\u{fffd}")));
        for (open, close) in [("[", "]"), (r#"{"x":"#, "}")] {
            let deep = format!("{}1{}", open.repeat(99_999), close.repeat(99_999));
            let tokens = read_json(&format!(r#"{{"access_token":"at","x":{deep}}}"#)).unwrap();
            assert_eq!(tokens.access_token.expose(), "at");
            assert!(matches!(
                read_json(&deep),
                Err(Unreadable::Syntax { .. } | Unreadable::NoToken)
            ));
        }
    }
}
