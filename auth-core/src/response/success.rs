//! The body of a 2xx response.

mod camel_case;
#[cfg(test)]
mod surrounded_tests;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt, time::SystemTime};

use http::HeaderMap;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    DEEPEST, MOST_VALUES, lenient, may_be_form,
    surrounded::objects,
    text::{Text, is_broken},
};
use crate::{
    AccessToken, Extra, RefreshToken, TokenSet, Unreadable,
    json::{BoundedSeed, Limits, OnExcess, Wiped, read_to_end, trimmed},
    lifetime::{self, Told, jwt_expiry},
    transport::is_encoded,
};

/// Reads a token set, or says why there is none.
pub(super) fn read(
    headers: &HeaderMap,
    body: &[u8],
    issued: SystemTime,
) -> Result<TokenSet, Unreadable> {
    let encoded = is_encoded(headers, body);
    let body = trimmed(body);
    let whole = match body.first() {
        None if !encoded => return Err(Unreadable::Empty),
        // Some say that they encoded what they did not.
        Some(b'{') if encoded => Body::from_json(body).map_err(|_| Unreadable::Encoded),
        _ if encoded && may_be_form(headers, body) => {
            Some(Body::from_form(body)).filter(Body::has_token).ok_or(Unreadable::Encoded)
        }
        _ if encoded => Err(Unreadable::Encoded),
        Some(b'<') => Err(Unreadable::Html),
        _ if may_be_form(headers, body) => {
            Some(Body::from_form(body)).filter(Body::has_token).ok_or(Unreadable::NoToken)
        }
        _ => Body::from_json(body)
            .or_else(|error| Body::from_text(body).ok_or(error))
            .map_err(|error| Unreadable::Syntax { line: error.line(), column: error.column() }),
    };
    let response = match whole {
        Ok(response) => response.unwrap_nested(),
        Err(unreadable) => Body::within(body).ok_or(unreadable)?,
    };
    response.into_tokens(issued).ok_or(Unreadable::NoToken)
}

/// The members of a successful response. The last of duplicate members counts,
/// as in most JSON parsers; but an empty one is none.
#[derive(Default)]
struct Body<'a> {
    access_token: Text<'a>,
    token_type: Text<'a>,
    refresh_token: Text<'a>,
    expires_in: Option<Told>,
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

    /// An object that was written as JSON twice, so that it is the text of a string.
    fn from_text(body: &[u8]) -> Option<Body<'static>> {
        let text = Zeroizing::new(serde_json::from_slice::<String>(body).ok()?);
        Some(Body::from_json(trimmed(text.as_bytes())).ok()?.into_owned())
    }

    /// The one object with an access token that a text holds. There may be others
    /// with the same tokens. Which of several counts, nobody knows: a wrong guess
    /// would put a session's tokens in the place of another's.
    fn within(text: &'a [u8]) -> Option<Self> {
        let mut found: Option<Self> = None;
        for object in objects(text) {
            let response = Self::from_json(object).map(Self::unwrap_nested);
            let Some(response) = response.ok().filter(Self::has_token) else { continue };
            match &found {
                None => found = Some(response),
                Some(first) if first.has_tokens_of(&response) => {}
                // The same session, of which the one says less.
                Some(first) if first.access_token.as_str() == response.access_token.as_str() => {
                    match (first.refresh_token.is_empty(), response.refresh_token.is_empty()) {
                        (true, _) => found = Some(response),
                        (_, true) => {}
                        _ => return None,
                    }
                }
                Some(_) => return None,
            }
        }
        found
    }

    fn from_form(body: &'a [u8]) -> Self {
        let mut response = Self::default();
        let mut limits = limits();
        for (name, value) in form_urlencoded::parse(body) {
            match &*name {
                "access_token" => response.access_token.replace(Text::new(value).into_token()),
                "token_type" => response.token_type.replace(Text::new(value)),
                "refresh_token" => response.refresh_token.replace(Text::new(value).into_token()),
                "expires_in" => response.expires_in = Told::read_text(&value),
                "scope" => response.scope = Some(value.into_owned()),
                _ if camel_case::is_known(&name) => {
                    let value = Value::String(value.into_owned());
                    camel_case::insert(&mut response.extra, name.into_owned(), value);
                }
                _ if limits.take_one() => {
                    response.extra.insert(name, Value::String(value.into_owned()));
                }
                _ => drop(Text::new(value)),
            }
        }
        camel_case::adopt(&mut response);
        let tokens = [&response.access_token, &response.refresh_token];
        if tokens.into_iter().filter_map(Text::as_str).any(is_broken) {
            response.access_token = Text::default();
        }
        response
    }

    /// The response within a [wrapper](WRAPPERS), if there is one. Not to look there
    /// would lose a rotated token.
    fn unwrap_nested(self) -> Self {
        self.unwrap_to(DEEPEST_WRAPPER)
    }

    fn unwrap_to(mut self, depth: u8) -> Self {
        // Beside an error it is not the response, whatever it is.
        let is_error = |code| !Text::new(Cow::Borrowed(code)).into_token().is_empty();
        let failed = self.extra.get("ok") == Some(&Value::Bool(false))
            || self.extra.get("error").and_then(Value::as_str).is_some_and(is_error);
        if self.has_token() || failed || depth == 0 {
            return self;
        }
        for wrapper in WRAPPERS {
            let Some(wrapped) = self.extra.remove(wrapper).map(Wiped) else { continue };
            let inner = ResponseSeed(limits()).deserialize(&wrapped.0).map(Body::into_owned);
            let inner = inner.map(|inner| inner.unwrap_to(depth - 1));
            let Some(inner) = inner.ok().filter(Body::has_token) else {
                self.extra.insert(wrapper, wrapped.into_value());
                continue;
            };
            // What stands inside counts, what stands outside stays.
            self.access_token = inner.access_token;
            self.refresh_token.replace(inner.refresh_token);
            self.token_type.replace(inner.token_type);
            self.expires_in = inner.expires_in.or(self.expires_in);
            self.scope = inner.scope.or(self.scope);
            inner.extra.move_to(&mut self.extra);
            return self;
        }
        self
    }

    fn into_owned(self) -> Body<'static> {
        let Self { expires_in, scope, extra, .. } = self;
        Body {
            access_token: self.access_token.into_owned(),
            token_type: self.token_type.into_owned(),
            refresh_token: self.refresh_token.into_owned(),
            expires_in,
            scope,
            extra,
        }
    }

    fn has_token(&self) -> bool {
        !self.access_token.is_empty()
    }

    fn has_tokens_of(&self, other: &Self) -> bool {
        self.access_token.as_str() == other.access_token.as_str()
            && self.refresh_token.as_str() == other.refresh_token.as_str()
    }

    fn into_tokens(mut self, issued: SystemTime) -> Option<TokenSet> {
        let access_token = self.access_token.take()?;
        let told = |name: &str| match name {
            "expires_in" => self.expires_in,
            name => self.extra.get(name).and_then(Told::read),
        };
        let expires_at = lifetime::end(&lifetime::ACCESS_TOKEN, told, issued)
            .or_else(|| Told::Date(jwt_expiry(&access_token)?).date(issued));
        let refresh_expires_at = lifetime::end(&lifetime::REFRESH_TOKEN, told, issued);
        Some(TokenSet {
            access_token: AccessToken::from(access_token),
            token_type: self.token_type.take().map(Cow::into_owned),
            refresh_token: self.refresh_token.take().map(RefreshToken::from),
            expires_at,
            refresh_expires_at,
            scope: self.scope,
            extra: self.extra,
        })
    }
}

/// Members that hold the response at some providers: Withings in `body`
/// (<https://developer.withings.com/api-reference>), Slack the user's token in
/// `authed_user` (<https://docs.slack.dev/reference/methods/oauth.v2.access>),
/// TikTok Shop in `data`
/// (<https://example-code.com/tcl/tiktok_shop_refresh_access_token.asp>),
/// others in the rest.
const WRAPPERS: [&str; 7] =
    ["body", "authed_user", "data", "result", "response", "tokens", "token"];

/// How many of them may stand within each other.
const DEEPEST_WRAPPER: u8 = 3;

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
                "access_token" => {
                    response.access_token.replace(map.next_value::<Text<'_>>()?.into_token());
                }
                "token_type" => response.token_type.replace(map.next_value()?),
                "refresh_token" => {
                    response.refresh_token.replace(map.next_value::<Text<'_>>()?.into_token());
                }
                "expires_in" => {
                    let value = map.next_value_seed(BoundedSeed::new(&mut limits))?;
                    response.expires_in = value.and_then(|value| Told::read(&value.0));
                }
                "scope" => {
                    response.scope = scope(map.next_value_seed(BoundedSeed::new(&mut limits))?);
                }
                name if camel_case::is_known(name) => {
                    let name = name.to_owned();
                    let mut one = Limits::new(1, 0, OnExcess::DropWhole);
                    let limits = if limits.is_used_up() { &mut one } else { &mut limits };
                    if let Some(value) = map.next_value_seed(BoundedSeed::new(limits))? {
                        camel_case::insert(&mut response.extra, name, value.into_value());
                    }
                }
                name => {
                    let name = name.to_owned();
                    if let Some(value) = map.next_value_seed(BoundedSeed::new(&mut limits))? {
                        response.extra.insert(name, value.into_value());
                    }
                }
            }
        }
        camel_case::adopt(&mut response);
        Ok(response)
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
