//! The text of a member that should be a string.

use std::{borrow::Cow, fmt};

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroize;

use crate::json::NUMBER;

/// What nothing becomes where a program makes a text of it.
const NO_TOKEN: [&str; 8] = ["null", "undefined", "none", "nil", "false", "0", "(null)", "<null>"];

/// A string, borrowed where it has no escapes; an integer's digits; `None` for
/// anything else. A copy is wiped on drop.
#[derive(Default)]
pub(super) struct Text<'a>(Option<Cow<'a, str>>);

impl<'a> Text<'a> {
    pub(super) fn new(text: Cow<'a, str>) -> Self {
        Self(Some(text))
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.as_str().is_none_or(str::is_empty)
    }

    /// The text as a token: without white space and line ends around it, which are
    /// no part of one, and without a text that stands for none.
    pub(super) fn into_token(mut self) -> Self {
        let text = self.as_str().unwrap_or_default();
        let token = text.trim_ascii();
        if NO_TOKEN.iter().any(|word| token.eq_ignore_ascii_case(word)) {
            return Self::default();
        }
        let start = text.len() - text.trim_ascii_start().len();
        let end = start + token.len();
        match &mut self.0 {
            Some(Cow::Borrowed(text)) => *text = &text[start..end],
            // In its place: no copy is left behind.
            Some(Cow::Owned(text)) => {
                text.truncate(end);
                text.drain(..start);
            }
            None => {}
        }
        self
    }

    /// The text, if it is not empty.
    pub(super) fn take(&mut self) -> Option<Cow<'a, str>> {
        self.0.take_if(|text| !text.is_empty())
    }

    /// Takes over what `other` holds, if it is anything but empty.
    pub(super) fn replace(&mut self, other: Self) {
        if !other.is_empty() {
            *self = other;
        }
    }

    pub(super) fn into_owned(mut self) -> Text<'static> {
        Text(self.0.take().map(|text| Cow::Owned(text.into_owned())))
    }
}

impl Drop for Text<'_> {
    fn drop(&mut self) {
        if let Some(Cow::Owned(text)) = &mut self.0 {
            text.zeroize();
        }
    }
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

/// Whether a part of it was not valid text. Such a token cannot be used.
pub(super) fn is_broken(text: &str) -> bool {
    text.contains(char::REPLACEMENT_CHARACTER)
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text::new(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text::new(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Text<'de>, E> {
        Ok(Text::new(Cow::Owned(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Text<'de>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Text<'de>, A::Error> {
        let mut read = Text::default();
        if let Some(name) = members.next_key::<Text<'_>>()? {
            if name.as_str() == Some(NUMBER) {
                read = members.next_value()?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        let is_integer = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !read.as_str().is_some_and(is_integer) {
            read = Text::default();
        }
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(read)
    }

    fn visit_unit<E>(self) -> Result<Text<'de>, E> {
        Ok(Text::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Text<'de>, E> {
        Ok(Text::default())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Text<'de>, E> {
        Ok(Text::new(Cow::Owned(number.to_string())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Text<'de>, E> {
        Ok(Text::new(Cow::Owned(number.to_string())))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Text<'de>, E> {
        Ok(Text::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_integers_are_text() {
        for (json, text) in [
            (r#""a""#, Some("a")),
            (r#""\u0061""#, Some("a")),
            ("7", Some("7")),
            ("-7", Some("-7")),
            ("7.5", None),
            ("null", None),
            ("true", None),
            (r#"["a",[7]]"#, None),
            (r#"{"a":"7"}"#, None),
            (r#"{"a":"7","$serde_json::private::Number":"7"}"#, None),
            // A number, where `serde_json` has `arbitrary_precision`.
            (r#"{"$serde_json::private::Number":"7"}"#, Some("7")),
            (r#"{"$serde_json::private::Number":"7","a":[7]}"#, Some("7")),
            (r#"{"$serde_json::private::Number":"7.5"}"#, None),
        ] {
            assert_eq!(serde_json::from_str::<Text<'_>>(json).unwrap().as_str(), text, "{json}");
        }
    }
}
