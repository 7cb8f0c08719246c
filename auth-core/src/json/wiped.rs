//! JSON values whose memory is wiped.

use serde_json::{Map, Value};
use zeroize::Zeroize;

/// Wipes every string in `value`.
pub fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
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

    pub(super) fn push(&mut self, value: Self) {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_string_is_wiped_and_nothing_else() {
        let mut value = json!({"a": "s3cret", "b": ["s3cret", {"c": "s3cret"}, 7, null, true]});
        wipe(&mut value);
        assert_eq!(value, json!({"a": "", "b": ["", {"c": ""}, 7, null, true]}));
    }
}
