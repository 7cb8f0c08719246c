//! The body of a 2xx answer.

use std::{borrow::Cow, fmt, time::Duration};

use http::{HeaderMap, header};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::{may_be_form, trimmed};
use crate::{AccessToken, Extra, Now, RefreshToken, TokenSet, Unreadable};

/// No token lives longer than this; a larger `expires_in` is a mistake, and
/// would overflow the clocks of some platforms.
const LONGEST_LIFE: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

/// Reads a token set, or says why there is none.
pub(super) fn read(headers: &HeaderMap, body: &[u8], now: Now) -> Result<TokenSet, Unreadable> {
    let encoded = headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
    if encoded {
        return Err(Unreadable::Encoded);
    }
    let body = trimmed(body);
    let answer = match body.first() {
        None => return Err(Unreadable::Empty),
        Some(b'<') => return Err(Unreadable::Html),
        _ if may_be_form(headers, body) => Answer::from_form(body),
        _ => serde_json::from_slice(body)
            .map_err(|error| Unreadable::Syntax { line: error.line(), column: error.column() })?,
    };
    answer.unwrap_nested().into_tokens(now).ok_or(Unreadable::NoToken)
}

/// The members of a successful answer. The last of duplicate members counts,
/// as in most JSON parsers.
#[derive(Default)]
struct Answer<'a> {
    access_token: Option<Cow<'a, str>>,
    token_type: Option<Cow<'a, str>>,
    refresh_token: Option<Cow<'a, str>>,
    expires_in: Option<Duration>,
    expires_in_sec: Option<Duration>,
    scope: Option<Cow<'a, str>>,
    extra: Map<String, Value>,
}

impl<'a> Answer<'a> {
    fn from_form(body: &'a [u8]) -> Self {
        let mut answer = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            match &*name {
                "access_token" => answer.access_token = Some(value),
                "token_type" => answer.token_type = Some(value),
                "refresh_token" => answer.refresh_token = Some(value),
                "expires_in" => answer.expires_in = lifetime_from_text(&value),
                "scope" => answer.scope = Some(value),
                _ => {
                    answer.extra.insert(name.into_owned(), Value::String(value.into_owned()));
                }
            }
        }
        answer
    }

    /// Some providers wrap the answer in another object: Withings in `body`
    /// (<https://developer.withings.com/api-reference>), Slack the user's token
    /// in `authed_user` (<https://docs.slack.dev/reference/methods/oauth.v2.access>),
    /// others in `data`. Not to look there would lose a rotated token.
    fn unwrap_nested(mut self) -> Self {
        if self.access_token.is_some() {
            return self;
        }
        for wrapper in ["body", "authed_user", "data"] {
            let Some(nested @ Value::Object(_)) = self.extra.get(wrapper) else { continue };
            match Self::deserialize(nested.clone()) {
                Ok(nested) if nested.access_token.is_some() => {
                    self.extra.remove(wrapper);
                    // What stands outside stays, what stands inside counts.
                    let mut extra = std::mem::take(&mut self.extra);
                    extra.extend(nested.extra);
                    return Answer { extra, ..nested };
                }
                _ => {}
            }
        }
        self
    }

    fn into_tokens(self, now: Now) -> Option<TokenSet> {
        // Wiped if this returns early.
        let extra = Extra(self.extra);
        let access_token = self.access_token.filter(|token| !token.is_empty())?;
        Some(TokenSet {
            access_token: AccessToken::new(access_token),
            token_type: self.token_type.filter(|kind| !kind.is_empty()).map(Cow::into_owned),
            refresh_token: self
                .refresh_token
                .filter(|token| !token.is_empty())
                .map(RefreshToken::new),
            expires_at: self
                .expires_in_sec
                .or(self.expires_in)
                .and_then(|life| now.wall.checked_add(life)),
            scope: self.scope.map(Cow::into_owned),
            extra,
        })
    }
}

impl<'de> Deserialize<'de> for Answer<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnswerVisitor;

        impl<'de> Visitor<'de> for AnswerVisitor {
            type Value = Answer<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Answer<'de>, A::Error> {
                let mut answer = Answer::default();
                while let Some(name) = map.next_key::<Text<'de>>()? {
                    match name.0.as_deref().unwrap_or_default() {
                        "access_token" => answer.access_token = map.next_value::<Text<'_>>()?.0,
                        "token_type" => answer.token_type = map.next_value::<Text<'_>>()?.0,
                        "refresh_token" => answer.refresh_token = map.next_value::<Text<'_>>()?.0,
                        "expires_in" => answer.expires_in = map.next_value::<Lifetime>()?.0,
                        // Zoho, where `expires_in` may be milliseconds
                        // (https://www.zoho.com/writer/help/api/v1/oauth-step4.html).
                        "expires_in_sec" => {
                            answer.expires_in_sec = map.next_value::<Lifetime>()?.0;
                        }
                        "scope" => answer.scope = map.next_value::<Text<'_>>()?.0,
                        name => {
                            let name = name.to_owned();
                            answer.extra.insert(name, map.next_value()?);
                        }
                    }
                }
                Ok(answer)
            }
        }

        deserializer.deserialize_map(AnswerVisitor)
    }
}

/// A string, borrowed where it has no escapes; a list of strings joined by
/// spaces, as some servers send the scope; `None` for anything else.
struct Text<'a>(Option<Cow<'a, str>>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Borrowed(text))))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(text.to_owned()))))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut items: A,
            ) -> Result<Text<'de>, A::Error> {
                let mut joined = String::new();
                while let Some(Text(item)) = items.next_element()? {
                    if let Some(item) = item {
                        if !joined.is_empty() {
                            joined.push(' ');
                        }
                        joined.push_str(&item);
                    }
                }
                Ok(Text(Some(Cow::Owned(joined))))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }

            fn visit_unit<E>(self) -> Result<Text<'de>, E> {
                Ok(Text(None))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Text<'de>, E> {
                Ok(Text(None))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Text<'de>, E> {
                Ok(Text(None))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Text<'de>, E> {
                Ok(Text(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Text<'de>, E> {
                Ok(Text(None))
            }
        }

        deserializer.deserialize_any(TextVisitor)
    }
}

/// `expires_in` as servers send it: a number, a float, either as a string.
/// `None` for null and for what is none of these. A negative one means
/// "expired already".
struct Lifetime(Option<Duration>);

impl<'de> Deserialize<'de> for Lifetime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LifetimeVisitor;

        impl<'de> Visitor<'de> for LifetimeVisitor {
            type Value = Lifetime;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_u64<E>(self, seconds: u64) -> Result<Lifetime, E> {
                Ok(Lifetime(Some(Duration::from_secs(seconds).min(LONGEST_LIFE))))
            }

            fn visit_i64<E>(self, seconds: i64) -> Result<Lifetime, E> {
                let seconds = u64::try_from(seconds).unwrap_or(0);
                Ok(Lifetime(Some(Duration::from_secs(seconds).min(LONGEST_LIFE))))
            }

            fn visit_f64<E>(self, seconds: f64) -> Result<Lifetime, E> {
                Ok(Lifetime(lifetime_from_float(seconds)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Lifetime, E> {
                Ok(Lifetime(lifetime_from_text(text)))
            }

            fn visit_unit<E>(self) -> Result<Lifetime, E> {
                Ok(Lifetime(None))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Lifetime, E> {
                Ok(Lifetime(None))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut items: A,
            ) -> Result<Lifetime, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Lifetime(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Lifetime, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Lifetime(None))
            }
        }

        deserializer.deserialize_any(LifetimeVisitor)
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
    Some(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(LONGEST_LIFE).min(LONGEST_LIFE))
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
        read(&headers, body, test_now())
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
            ("18446744073709551615", Some(LONGEST_LIFE)),
            ("-9223372036854775808", s(0)),
            ("99999999999999999999999", Some(LONGEST_LIFE)),
            ("1e300", Some(LONGEST_LIFE)),
            ("\"inf\"", Some(LONGEST_LIFE)),
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
            (json, r#"{"access_token":"at","refresh_token":7}"#, "at", None),
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
            // The content type is wrong or missing more often than the body.
            (None, r#"{"access_token":"at"}"#, "at", None),
            (Some("text/html"), r#"{"access_token":"at"}"#, "at", None),
            (form, r#"{"access_token":"at"}"#, "at", None),
            (form, "access_token=a%2Bt+&refresh_token=rt", "a+t ", Some("rt")),
            (form, "token_type=bearer&access_token=at", "at", None),
            (Some("text/plain"), "access_token=at&scope=", "at", None),
            (None, "access_token=at", "at", None),
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

        let tokens = read_as(None, b"access_token=at&expires_in=60&scope=a+b&x=1").unwrap();
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
            (r#"{"access_token":7}"#, Unreadable::NoToken),
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
        assert_eq!(read(&headers, body, test_now()), Err(Unreadable::Encoded));
        headers.insert(header::CONTENT_ENCODING, "Identity".parse().unwrap());
        assert!(read(&headers, body, test_now()).is_ok());
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_overflow() {
        let body =
            format!(r#"{{"access_token":"at","x":{}1{}}}"#, "[".repeat(9999), "]".repeat(9999));
        assert!(matches!(read_json(&body), Err(Unreadable::Syntax { .. })));
    }
}
