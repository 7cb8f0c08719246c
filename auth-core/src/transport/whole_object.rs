//! Whether a body is one whole JSON object, by which it is complete however its
//! transfer ended.

use serde::{Deserialize, de::IgnoredAny};

use crate::json::trimmed;

/// Whether the text is one whole JSON object, to its closing brace, and nothing
/// but white space behind it. Warnings and guards may stand before it, but no
/// form: half of one is as valid as a whole one.
pub(super) fn ends_with_an_object(text: &[u8]) -> bool {
    let text = trimmed(text);
    // Half of an object, or of a list, may end with a whole one.
    let start = match text.first() {
        Some(b'{') => Some(0),
        Some(b'[') => None,
        _ => text.iter().enumerate().position(|(at, byte)| {
            *byte == b'{' && text[at + 1..].trim_ascii_start().starts_with(b"\"")
        }),
    };
    start.is_some_and(|start| {
        let (before, object) = text.split_at(start);
        let in_a_form = !before.starts_with(b"<") && before.contains(&b'=');
        !in_a_form && text.ends_with(b"}") && is_whole(object)
    })
}

fn is_whole(object: &[u8]) -> bool {
    let mut text = serde_json::Deserializer::from_slice(object);
    IgnoredAny::deserialize(&mut text).is_ok() && text.end().is_ok()
}

/// Follows a body as it comes, to the brace that closes its first object.
#[derive(Debug, Default)]
pub(super) struct Braces {
    depth: usize,
    in_text: bool,
    escaped: bool,
    state: State,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    /// Nothing but white space has come since.
    Closed,
    Other,
}

impl Braces {
    pub(super) fn push(&mut self, chunk: &[u8]) {
        for byte in chunk {
            match (self.state, byte) {
                (State::Other, _) => return,
                (State::Closed, byte) if byte.is_ascii_whitespace() => {}
                (State::Closed, _) => self.state = State::Other,
                (State::Open, byte) => self.within(*byte),
            }
        }
    }

    fn within(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.in_text => self.escaped = true,
            b'"' if self.depth > 0 => self.in_text = !self.in_text,
            _ if self.in_text => {}
            b'{' => self.depth += 1,
            b'}' if self.depth > 0 => {
                self.depth -= 1;
                if self.depth == 0 {
                    self.state = State::Closed;
                }
            }
            _ => {}
        }
    }

    pub(super) fn are_closed(&self) -> bool {
        self.state == State::Closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: [(&str, bool); 27] = [
        (r#"{"access_token":"at"}"#, true),
        ("\u{feff} {\"a\":1}\r\n ", true),
        ("{}", true),
        (r#"{"a":"}","b":"\"}","c":{"d":[{}]}}"#, true),
        (r#"{"a":"\\"}"#, true),
        // With a guard, or with warnings, before it.
        (")]}',\n{\"a\":1}", true),
        ("while(1);{\"a\":1}", true),
        ("<b>Warning</b>: x in <b>/a.php</b><br size=\"1\" />\n{\"a\":1}", true),
        ("Warning: array{} in /a.php\n{\"a\":1}", true),
        // Cut.
        ("", false),
        ("{", false),
        (r#"{"a":"b""#, false),
        (r#"{"a":{"b":1}"#, false),
        (r#"{"a":"}"#, false),
        (r#"{"a":"\"}"#, false),
        // Not an object.
        ("[1]", false),
        (r#"[{"a":1}"#, false),
        (r#""a""#, false),
        ("1", false),
        ("}", false),
        // Not an object alone.
        (r#"{"a":1}{"b":"#, false),
        (r#"{"a":1}{"b":2}"#, false),
        (r#"{"a":1} x"#, false),
        // Half of a form.
        ("access_token=at", false),
        (r#"access_token=at&x={"a":1}"#, false),
        ("access_token=at&x={}", false),
        ("<html><script>x={}", false),
    ];

    #[test]
    fn an_object_is_whole_with_its_closing_brace() {
        for (text, whole) in TABLE {
            assert_eq!(ends_with_an_object(text.as_bytes()), whole, "{text}");
        }
        // It need not be valid text, which is read leniently.
        assert!(ends_with_an_object(b"{\"a\":\"\xff\"}"));
        // Deeper than any stack.
        let deep = [r#"{"a":"#, &"[".repeat(200_000), &"]".repeat(200_000), "}"].concat();
        assert!(ends_with_an_object(deep.as_bytes()));
    }

    #[test]
    fn braces_are_followed_however_the_body_is_cut_into_chunks() {
        for (text, whole) in TABLE {
            for size in [1, 2, 3, text.len().max(1)] {
                let mut braces = Braces::default();
                for chunk in text.as_bytes().chunks(size) {
                    braces.push(chunk);
                }
                // They are only a hint.
                if whole && text.trim_start_matches('\u{feff}').trim().starts_with('{') {
                    assert!(braces.are_closed(), "{text}");
                }
                if text.starts_with('{') && !whole {
                    assert!(!braces.are_closed(), "{text}");
                }
            }
        }
    }
}
