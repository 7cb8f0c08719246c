//! JSON values out of foreign hands, within bounds.
//!
//! `serde_json` bounds how deep it follows a text, but not what becomes of it: a
//! megabyte of `[{"":0},…` is a hundred of `Value`s, and where a crate of the
//! same program has turned on its feature `raw_value`, a `Value` follows texts
//! within texts, each with a depth of its own, until the stack is used up. So
//! none is read but through here, where a name is a name, and depth and number
//! of values are bounded.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Number, Value};

use crate::serde_exposed::wipe;

/// What happens to that for which there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Excess {
    /// All that it is part of is left out.
    Whole,
    /// It is left out of what it is part of.
    Part,
    /// It is an error.
    Refused,
}

/// How much is still read, and how.
#[derive(Debug)]
pub(crate) struct Room {
    /// How many values.
    values: usize,
    /// How deep arrays and objects may be nested in each other.
    depth: u8,
    excess: Excess,
}

impl Room {
    pub(crate) fn new(values: usize, depth: u8, excess: Excess) -> Self {
        Self { values, depth, excess }
    }

    /// Takes the room of one value, if there is any left.
    pub(crate) fn take(&mut self) -> bool {
        let left = self.values > 0;
        self.values = self.values.saturating_sub(1);
        left
    }

    /// Reads one value; `None` if there is no room for it.
    pub(crate) fn value(&mut self) -> Bounded<'_> {
        let depth = self.depth;
        Bounded { room: self, depth }
    }
}

/// A value that is wiped on drop.
pub(crate) struct Wiped(pub(crate) Value);

impl Wiped {
    pub(crate) fn into_value(mut self) -> Value {
        std::mem::take(&mut self.0)
    }

    pub(crate) fn object() -> Self {
        Self(Value::Object(Map::new()))
    }

    pub(crate) fn insert(&mut self, name: String, value: Self) {
        if let Value::Object(members) = &mut self.0 {
            // The last of duplicate members counts.
            drop(members.insert(name, value.into_value()).map(Self));
        }
    }

    fn push(&mut self, value: Self) {
        if let Value::Array(items) = &mut self.0 {
            items.push(value.into_value());
        }
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Reads one value.
pub(crate) struct Bounded<'a> {
    room: &'a mut Room,
    /// How deep this one may nest.
    depth: u8,
}

impl Bounded<'_> {
    fn deeper(&mut self) -> Option<Bounded<'_>> {
        Some(Bounded { depth: self.depth.checked_sub(1)?, room: self.room })
    }

    /// What becomes of one for which there is no room.
    fn left_out<E: Error>(&self) -> Result<Option<Wiped>, E> {
        match self.room.excess {
            Excess::Whole | Excess::Part => Ok(None),
            Excess::Refused => Err(E::custom("it has too many values, or nests too deeply")),
        }
    }

    fn goes_on_without(&self) -> bool {
        self.room.excess == Excess::Part
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Option<Wiped>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Wiped>, D::Error> {
        if self.room.take() {
            return deserializer.deserialize_any(self);
        }
        IgnoredAny::deserialize(deserializer)?;
        self.left_out()
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Option<Wiped>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut read = Wiped(Value::Array(Vec::new()));
        while let Some(deeper) = self.deeper() {
            match items.next_element_seed(deeper)? {
                None => return Ok(Some(read)),
                Some(Some(item)) => read.push(item),
                Some(None) if self.goes_on_without() => {}
                Some(None) => break,
            }
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        self.left_out()
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut read = Wiped::object();
        let mut is_first = true;
        while let Some(deeper) = self.deeper() {
            let Some(name) = members.next_key::<String>()? else { return Ok(Some(read)) };
            if std::mem::take(&mut is_first) && name == NUMBER {
                return number(members);
            }
            match members.next_value_seed(deeper)? {
                Some(value) => read.insert(name, value),
                None if self.goes_on_without() => {}
                None => break,
            }
        }
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.left_out()
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        scalar(text)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        scalar(value)
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        scalar(value)
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        scalar(value)
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        scalar(value)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        scalar(())
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        scalar(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

fn scalar<E>(value: impl Into<Value>) -> Result<Option<Wiped>, E> {
    Ok(Some(Wiped(value.into())))
}

/// Reads a text to its end.
pub(crate) fn whole<'de, S: DeserializeSeed<'de>>(
    mut text: serde_json::Deserializer<impl serde_json::de::Read<'de>>,
    seed: S,
) -> serde_json::Result<S::Value> {
    let value = seed.deserialize(&mut text)?;
    text.end()?;
    Ok(value)
}

/// Reads an object that holds secrets, or that somebody else may have written:
/// for `#[serde(deserialize_with = "auth_core::serde_exposed::object")]`.
///
/// Deserializing into a [`Map`] of [`Value`]s by itself lets a text decide how
/// much stack it takes to read it, wherever a crate of the same program has
/// turned on the feature `raw_value` of `serde_json`.
///
/// # Errors
///
/// Those of the deserializer; if it is no object; if it nests deeper than 100
/// levels.
pub fn object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    let mut room = Room::new(usize::MAX, 101, Excess::Refused);
    match room.value().deserialize(deserializer)?.map(Wiped::into_value) {
        Some(Value::Object(members)) => Ok(members),
        _ => Err(D::Error::custom("no object")),
    }
}

/// How `serde_json` hands over a number where a crate of the same program has
/// turned on its feature `arbitrary_precision`: as an object with this member,
/// a string.
pub(crate) const NUMBER: &str = "$serde_json::private::Number";

fn number<'de, A: MapAccess<'de>>(mut members: A) -> Result<Option<Wiped>, A::Error> {
    let text = members.next_value::<String>()?;
    while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(Some(Wiped(text.parse::<Number>().map_or(Value::String(text), Value::Number))))
}

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer;

    use super::*;

    fn read(json: &str, room: &mut Room) -> serde_json::Result<Option<Value>> {
        let read = whole(serde_json::Deserializer::from_str(json), room.value())?;
        Ok(read.map(Wiped::into_value))
    }

    #[test]
    fn what_there_is_room_for_is_read_as_it_is() {
        let json = r#"{"a":[1,-2,3.5,"b",null,true,{"":{}}],"c":"\u00e9"}"#;
        for excess in [Excess::Whole, Excess::Part, Excess::Refused] {
            // Eleven values, four deep.
            let mut room = Room::new(11, 4, excess);
            let value = read(json, &mut room).unwrap().unwrap();
            assert_eq!(value, serde_json::from_str::<Value>(json).unwrap());
            assert!(!room.take());
        }
    }

    #[test]
    fn what_there_is_no_room_for_is_left_out() {
        for (json, values, depth, part) in [
            ("[1,2,3]", 3, 1, Some("[1,2]")),
            ("[1,[2],3]", 9, 1, Some("[1,3]")),
            (r#"{"a":1,"b":{"c":2},"d":3}"#, 9, 1, Some(r#"{"a":1,"d":3}"#)),
            (r#"{"a":1,"b":{"c":2},"d":3}"#, 3, 9, Some(r#"{"a":1,"b":{}}"#)),
            ("[]", 9, 0, None),
            ("1", 0, 9, None),
        ] {
            let part = part.map(|json| serde_json::from_str::<Value>(json).unwrap());
            let read = |excess| read(json, &mut Room::new(values, depth, excess));
            assert_eq!(read(Excess::Part).unwrap(), part, "{json}");
            assert_eq!(read(Excess::Whole).unwrap(), None, "{json}");
            assert!(read(Excess::Refused).is_err(), "{json}");
        }
        for json in ["[1", "[1,2,3,4", r#"{"a":[[["#, "[[[[[]]]]"] {
            assert!(read(json, &mut Room::new(3, 2, Excess::Part)).unwrap_err().is_eof());
        }
    }

    /// `serde_json` has private names, with which it talks to itself.
    #[test]
    fn no_name_is_more_than_a_name() {
        let raw = r#"{"$serde_json::private::RawValue":"[1]"}"#;
        let value = read(raw, &mut Room::new(9, 9, Excess::Refused)).unwrap().unwrap();
        assert_eq!(value["$serde_json::private::RawValue"], "[1]");
        for (json, expected) in [
            (r#"{"$serde_json::private::Number":"3600"}"#, Value::from(3600)),
            (r#"{"$serde_json::private::Number":"1.5","a":2}"#, Value::from(1.5)),
            (r#"{"$serde_json::private::Number":"x"}"#, Value::from("x")),
        ] {
            let value = read(json, &mut Room::new(9, 9, Excess::Refused)).unwrap().unwrap();
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
            let mut room = Room::new(9, 9, Excess::Refused);
            let read = room.value().deserialize(Optional(value)).unwrap();
            assert_eq!(read.map(Wiped::into_value), Some(expected));
        }
    }
}
