use std::collections::BTreeSet;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Value, value::RawValue};

/// The tokens that a response's body holds, by a reading of its own.
#[derive(Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) access_token: String,
    pub(crate) refresh_token: Option<String>,
}

impl Told {
    /// Of a JSON object; `None` if it holds no tokens, or if it is broken in a
    /// way that leaves open what it holds.
    pub(crate) fn in_json(body: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(trimmed(body));
        if text.contains("$serde_json::private") {
            return None;
        }
        let Members(members) = serde_json::from_str(&text).ok()?;
        // What is broken may be left out, member by member, but no token.
        let broken = members.iter().any(|(_, value)| value.is_none())
            || text.contains(char::REPLACEMENT_CHARACTER);
        if broken {
            let names: BTreeSet<_> = members.iter().map(|(name, _)| name).collect();
            let a_token_is = ["access_token", "refresh_token", "accessToken", "refreshToken"]
                .iter()
                .chain(&WRAPPERS)
                .any(|name| members.iter().any(|(n, value)| n == name && is_broken(value)));
            if names.len() < members.len() || a_token_is {
                return None;
            }
        }
        // The last of duplicates counts, unless it is none.
        let last_first = |wanted: &'static str| {
            let of_that_name = members.iter().rev().filter(move |(name, _)| name == wanted);
            of_that_name.filter_map(|(_, value)| value.as_ref())
        };
        let one_of = |standard, camel| {
            last_first(standard).find_map(token).or_else(|| last_first(camel).find_map(token))
        };
        let access_token = one_of("access_token", "accessToken");
        let refresh_token = one_of("refresh_token", "refreshToken");
        if let Some(access_token) = access_token {
            return Some(Self { access_token, refresh_token });
        }
        let failed = last_first("ok").next() == Some(&Value::Bool(false))
            || last_first("error")
                .next()
                .and_then(Value::as_str)
                .is_some_and(|code| !code.is_empty());
        if failed {
            return None;
        }
        WRAPPERS.into_iter().find_map(|wrapper| {
            let inner = last_first(wrapper).next()?;
            let one_of = |standard, camel| {
                let of = |name: &str| inner.get(name).and_then(token);
                of(standard).or_else(|| of(camel))
            };
            Some(Self {
                access_token: one_of("access_token", "accessToken")?,
                refresh_token: one_of("refresh_token", "refreshToken").or(refresh_token.clone()),
            })
        })
    }

    /// Of a form, likewise.
    pub(crate) fn in_form(body: &[u8]) -> Option<Self> {
        let last = |wanted| {
            form_urlencoded::parse(trimmed(body))
                .filter(|(name, _)| name == wanted)
                .filter_map(|(_, value)| meant(&value))
                .last()
        };
        Some(Self {
            access_token: last("access_token").or_else(|| last("accessToken"))?,
            refresh_token: last("refresh_token").or_else(|| last("refreshToken")),
        })
    }
}

/// Members that may hold the response.
const WRAPPERS: [&str; 7] =
    ["body", "authed_user", "data", "result", "response", "tokens", "token"];

/// The body without a byte-order mark and surrounding white space.
pub(crate) fn trimmed(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii()
}

fn is_broken(value: &Option<Value>) -> bool {
    fn has_broken_text(value: &Value) -> bool {
        match value {
            Value::String(text) => text.contains(char::REPLACEMENT_CHARACTER),
            Value::Object(members) => members.values().any(has_broken_text),
            Value::Array(items) => items.iter().any(has_broken_text),
            _ => false,
        }
    }
    value.as_ref().is_none_or(has_broken_text)
}

/// A token is what stands between white space, unless it is a word for nothing.
fn meant(text: &str) -> Option<String> {
    let text = text.trim_matches([' ', '\t', '\n', '\x0C', '\r']);
    let nothing = ["", "null", "undefined", "none", "nil", "false", "0", "(null)", "<null>"];
    (!nothing.contains(&&*text.to_ascii_lowercase())).then(|| text.to_owned())
}

/// A string with something in it, or an integer's digits.
fn token(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => meant(text),
        Value::Number(number) => (!number.is_f64()).then(|| meant(&number.to_string()))?,
        _ => None,
    }
}

/// The members of an object in their order, duplicates and broken ones
/// included.
struct Members(Vec<(String, Option<Value>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some((name, raw)) = map.next_entry::<String, &'de RawValue>()? {
                    members.push((name, serde_json::from_str(raw.get()).ok()));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}
