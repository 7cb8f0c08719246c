//! Reading an object in which something is broken that nobody needs.
//!
//! A lone surrogate in a user's name, a byte of Latin-1 in an explanation, a
//! number too large: none of them may cost a rotated token or hide that one is
//! dead. What is broken is left out, member by member. An object that ends too
//! early stays an error: half an answer is none.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value, value::RawValue};

/// How deep objects are looked into member by member. Each level reads its text
/// once more, and nobody hides a token deeper.
const DEPTH: u8 = 2;

/// The members that can be read, or the error that even this way remains.
pub(super) fn read(body: &[u8]) -> Result<Map<String, Value>, serde_json::Error> {
    members(&String::from_utf8_lossy(body), DEPTH)
}

fn members(text: &str, depth: u8) -> Result<Map<String, Value>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let members = Members { depth }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(members)
}

struct Members {
    depth: u8,
}

impl<'de> DeserializeSeed<'de> for Members {
    type Value = Map<String, Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = Map::new();
        while let Some((name, raw)) = map.next_entry::<String, &'de RawValue>()? {
            let value = serde_json::from_str(raw.get()).or_else(|error| {
                let deeper = self.depth.checked_sub(1).ok_or(error)?;
                members(raw.get(), deeper).map(Value::Object)
            });
            // Half of the answer may be missing, but no half of a token.
            let broken = match &value {
                Ok(Value::String(text)) => text.contains(char::REPLACEMENT_CHARACTER),
                Ok(_) => false,
                Err(_) => true,
            };
            if broken && ["access_token", "refresh_token"].contains(&&*name) {
                return Err(A::Error::custom("a token cannot be read"));
            }
            if let Ok(value) = value {
                found.insert(name, value);
            }
        }
        Ok(found)
    }
}
