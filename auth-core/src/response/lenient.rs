//! Reading an object of which an unneeded part is malformed.
//!
//! A lone surrogate in a user's name, a byte of Latin-1 in an explanation, or a
//! number out of range must neither cost a rotated token nor hide a rejection.
//! Malformed members are left out one by one. An object that ends early stays
//! an error: half a response is no response.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Value, value::RawValue};
use zeroize::Zeroizing;

use super::text::is_broken;
use crate::json::{BoundedSeed, Limits, Wiped, read_to_end};

/// How deep objects are looked into member by member. Each level reads its text
/// once more, and no provider nests a token deeper.
const DEPTH: u8 = 2;

/// An object with the members that can be read and for which there is limits, or
/// the error that even this way remains.
pub(super) fn read(body: &[u8], limits: &mut Limits) -> Result<Wiped, serde_json::Error> {
    match std::str::from_utf8(body) {
        Ok(text) => members(text, limits, DEPTH),
        Err(_) => members(&text(body), limits, DEPTH),
    }
}

/// The body with what is no text replaced.
fn text(body: &[u8]) -> Zeroizing<String> {
    const REPLACED: &str = "\u{fffd}";
    // It does not grow, lest it leave copies of itself behind.
    let size = body.utf8_chunks().map(|chunk| chunk.valid().len() + REPLACED.len()).sum();
    let mut text = Zeroizing::new(String::with_capacity(size));
    for chunk in body.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push_str(REPLACED);
        }
    }
    text
}

fn members(text: &str, limits: &mut Limits, depth: u8) -> Result<Wiped, serde_json::Error> {
    read_to_end(serde_json::Deserializer::from_str(text), Members { limits, depth })
}

fn value(text: &str, limits: &mut Limits) -> Result<Option<Wiped>, serde_json::Error> {
    let read = read_to_end(serde_json::Deserializer::from_str(text), BoundedSeed::new(limits));
    match read {
        // A number that is too large for one. It may say that a token lives for
        // ever.
        Err(_) if text.starts_with(|first: char| first.is_ascii_digit() || first == '-') => {
            Ok(Some(Wiped(Value::String(text.to_owned()))))
        }
        read => read,
    }
}

struct Members<'a> {
    limits: &'a mut Limits,
    depth: u8,
}

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = Wiped;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Wiped, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Wiped;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Wiped, A::Error> {
        let Self { limits, depth } = self;
        let mut found = Wiped::object();
        while let Some((name, raw)) = map.next_entry::<String, &'de RawValue>()? {
            let value = value(raw.get(), limits).or_else(|error| {
                let deeper = depth.checked_sub(1).ok_or(error)?;
                members(raw.get(), limits, deeper).map(Some)
            });
            // Half of the response may be missing, but no half of a token.
            let broken = match &value {
                Ok(value) => value.as_ref().is_some_and(|value| is_broken_text(&value.0)),
                Err(_) => true,
            };
            if broken && TOKENS.contains(&&*name) {
                return Err(A::Error::custom("a token cannot be read"));
            }
            // Nor is a response within this one that has half of a token.
            if let Ok(Some(value)) = value
                && !TOKENS.iter().any(|token| value.0.get(token).is_some_and(is_broken_text))
            {
                found.insert(name, value);
            }
        }
        Ok(found)
    }
}

const TOKENS: [&str; 4] = ["access_token", "refresh_token", "accessToken", "refreshToken"];

fn is_broken_text(value: &Value) -> bool {
    value.as_str().is_some_and(is_broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_broken_bytes_is_written_once() {
        let read = text(b"{\"a\":\"\xff\xff b\"}");
        assert_eq!(*read, "{\"a\":\"\u{fffd}\u{fffd} b\"}");
        // There was room for it at once, and not for much more.
        let spare = read.capacity() - read.len();
        assert!(spare <= "\u{fffd}".len(), "{spare}");
    }
}
