//! JSON from untrusted writers, read within limits.
//!
//! `serde_json` limits the depth of a text, but not its size in memory: a
//! megabyte of `[{"":0},…` becomes a hundred megabytes of `Value`s. And if any
//! crate of the program turns on its feature `raw_value`, a `Value` follows texts
//! within texts, each with a depth of its own, until the stack overflows. So all
//! values are read here: no name has a special meaning, and the depth and the
//! number of values are limited.

mod bounded;
mod limits;
mod wiped;
mod write;

use serde::de::{DeserializeSeed, Deserializer, Error};
use serde_json::{Map, Value, error::Category};
use zeroize::Zeroizing;

pub(crate) use self::{
    bounded::{BoundedSeed, NUMBER},
    limits::{Limits, OnExcess},
    wiped::Wiped,
};
pub use self::{
    wiped::wipe,
    write::{to_json, write_json},
};

/// A text without a byte-order mark, which RFC 8259 section 8.1 lets a reader
/// ignore, and without surrounding white space.
pub(crate) fn trimmed(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text).trim_ascii()
}

/// What is wrong with a stored text that holds secrets. The error's own message
/// may quote it.
pub fn problem(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        Category::Eof => "it ends too early",
        Category::Syntax => "not JSON",
        _ if is_newer(error) => "it needs a newer version of this program",
        _ => "a member is missing, redacted or of the wrong type",
    }
}

/// How an error begins about what only a newer version can read.
pub(crate) const NEWER: &str = "of a newer version";

fn is_newer(error: &serde_json::Error) -> bool {
    let text = Zeroizing::new(error.to_string());
    // A form that ignores no member says so itself.
    [NEWER, "unknown field"].iter().any(|newer| text.starts_with(newer))
}

/// Reads a text to its end.
pub(crate) fn read_to_end<'de, S: DeserializeSeed<'de>>(
    mut text: serde_json::Deserializer<impl serde_json::de::Read<'de>>,
    seed: S,
) -> serde_json::Result<S::Value> {
    let value = seed.deserialize(&mut text)?;
    text.end()?;
    Ok(value)
}

/// Reads an object that contains secrets or comes from an untrusted writer. For
/// `#[serde(deserialize_with = "auth_core::internal::object")]`.
///
/// If any crate of the program turns on the feature `raw_value` of `serde_json`,
/// deserializing into a [`Map`] of [`Value`]s uses as much stack as the text wants.
/// This function does not.
///
/// # Errors
///
/// Those of the deserializer; if the value is not an object; if it nests deeper
/// than 100 levels.
pub fn object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    let mut limits = Limits::new(usize::MAX, 101, OnExcess::Fail);
    match BoundedSeed::new(&mut limits).deserialize(deserializer)?.map(Wiped::into_value) {
        Some(Value::Object(members)) => Ok(members),
        _ => Err(D::Error::custom("not an object")),
    }
}

#[cfg(test)]
mod tests {
    use serde::de::{IntoDeserializer, Visitor};

    use super::*;

    fn read(json: &str, limits: &mut Limits) -> serde_json::Result<Option<Value>> {
        let read = read_to_end(serde_json::Deserializer::from_str(json), BoundedSeed::new(limits))?;
        Ok(read.map(Wiped::into_value))
    }

    #[test]
    fn what_is_within_the_limits_is_read_as_it_is() {
        let json = r#"{"a":[1,-2,3.5,"b",null,true,{"":{}}],"c":"\u00e9"}"#;
        for excess in [OnExcess::DropWhole, OnExcess::DropPart, OnExcess::Fail] {
            // Eleven values, four deep.
            let mut limits = Limits::new(11, 4, excess);
            let value = read(json, &mut limits).unwrap().unwrap();
            assert_eq!(value, serde_json::from_str::<Value>(json).unwrap());
            assert!(!limits.take_one());
        }
    }

    #[test]
    fn what_is_beyond_the_limits_is_left_out() {
        for (json, values, depth, part) in [
            ("[1,2,3]", 3, 1, Some("[1,2]")),
            ("[1,[2],3]", 9, 1, Some("[1,3]")),
            (r#"{"a":1,"b":{"c":2},"d":3}"#, 9, 1, Some(r#"{"a":1,"d":3}"#)),
            (r#"{"a":1,"b":{"c":2},"d":3}"#, 3, 9, Some(r#"{"a":1,"b":{}}"#)),
            ("[]", 9, 0, None),
            ("1", 0, 9, None),
        ] {
            let part = part.map(|json| serde_json::from_str::<Value>(json).unwrap());
            let read = |excess| read(json, &mut Limits::new(values, depth, excess));
            assert_eq!(read(OnExcess::DropPart).unwrap(), part, "{json}");
            assert_eq!(read(OnExcess::DropWhole).unwrap(), None, "{json}");
            assert!(read(OnExcess::Fail).is_err(), "{json}");
        }
        for json in ["[1", "[1,2,3,4", r#"{"a":[[["#, "[[[[[]]]]"] {
            assert!(read(json, &mut Limits::new(3, 2, OnExcess::DropPart)).unwrap_err().is_eof());
        }
    }

    /// `serde_json` has private names, with which it talks to itself.
    #[test]
    fn no_name_is_more_than_a_name() {
        let raw = r#"{"$serde_json::private::RawValue":"[1]"}"#;
        let value = read(raw, &mut Limits::new(9, 9, OnExcess::Fail)).unwrap().unwrap();
        assert_eq!(value["$serde_json::private::RawValue"], "[1]");
        for (json, expected) in [
            (r#"{"$serde_json::private::Number":"3600"}"#, Value::from(3600)),
            (r#"{"$serde_json::private::Number":"1.5","a":2}"#, Value::from(1.5)),
            (r#"{"$serde_json::private::Number":"x"}"#, Value::from("x")),
        ] {
            let value = read(json, &mut Limits::new(9, 9, OnExcess::Fail)).unwrap().unwrap();
            assert_eq!(value, expected);
        }
    }

    /// JSON has one null; other formats know what there is and what there is
    /// not.
    #[test]
    fn what_may_be_there_is_read_from_other_formats() {
        struct Optional(Option<u64>);

        impl<'de> Deserializer<'de> for Optional {
            type Error = serde::de::value::Error;

            fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
                match self.0 {
                    Some(value) => visitor.visit_some(value.into_deserializer()),
                    None => visitor.visit_none(),
                }
            }

            serde::forward_to_deserialize_any! {
                bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option
                unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
                ignored_any
            }
        }

        for (value, expected) in [(None, Value::Null), (Some(7), Value::from(7))] {
            let mut limits = Limits::new(9, 9, OnExcess::Fail);
            let read = BoundedSeed::new(&mut limits).deserialize(Optional(value)).unwrap();
            assert_eq!(read.map(Wiped::into_value), Some(expected));
        }
    }
}
