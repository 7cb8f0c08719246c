//! Reading one value within limits.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Number, Value};

use super::{
    limits::{Limits, OnExcess},
    wiped::Wiped,
};

/// Reads one value; `None` if it is beyond the limits.
pub(crate) struct BoundedSeed<'a> {
    limits: &'a mut Limits,
    /// How deep this one may nest.
    depth: u8,
}

impl<'a> BoundedSeed<'a> {
    /// Within `limits`, which go on counting: one text, several values.
    pub(crate) fn new(limits: &'a mut Limits) -> Self {
        Self { depth: limits.depth, limits }
    }
}

impl BoundedSeed<'_> {
    fn deeper(&mut self) -> Option<BoundedSeed<'_>> {
        Some(BoundedSeed { depth: self.depth.checked_sub(1)?, limits: self.limits })
    }

    /// What becomes of a value beyond the limits.
    fn left_out<E: Error>(&self) -> Result<Option<Wiped>, E> {
        match self.limits.on_excess {
            OnExcess::DropWhole | OnExcess::DropPart => Ok(None),
            OnExcess::Fail => Err(E::custom("too many values, or nested too deeply")),
        }
    }

    fn goes_on_without(&self) -> bool {
        self.limits.on_excess == OnExcess::DropPart
    }
}

impl<'de> DeserializeSeed<'de> for BoundedSeed<'_> {
    type Value = Option<Wiped>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Wiped>, D::Error> {
        if self.limits.take_one() {
            return deserializer.deserialize_any(self);
        }
        IgnoredAny::deserialize(deserializer)?;
        self.left_out()
    }
}

impl<'de> Visitor<'de> for BoundedSeed<'_> {
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

/// How `serde_json` hands over a number where a crate of the same program has
/// turned on its feature `arbitrary_precision`: as an object with this member,
/// a string.
pub(crate) const NUMBER: &str = "$serde_json::private::Number";

fn number<'de, A: MapAccess<'de>>(mut members: A) -> Result<Option<Wiped>, A::Error> {
    let text = members.next_value::<String>()?;
    while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(Some(Wiped(text.parse::<Number>().map_or(Value::String(text), Value::Number))))
}
