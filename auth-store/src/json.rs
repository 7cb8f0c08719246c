//! JSON that holds secrets: read without being quoted in errors, written within
//! a limit, identified by digests.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use auth_core::internal::{problem, write_json};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{
    error::Category,
    ser::{Formatter, Serializer},
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::Problem;

/// What follows the byte-order mark that editors and shells of Windows put before
/// UTF-8.
pub fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text)
}

/// Whether there is nothing in it but white space, NUL, and a byte-order mark: then there
/// is nothing to keep.
pub fn is_blank(content: &[u8]) -> bool {
    without_mark(content).iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0)
}

/// Reads `json`. Errors call it `expected`.
pub fn parse<T: DeserializeOwned>(json: &[u8], expected: &'static str) -> Result<T, Problem> {
    // serde_json's own message may quote the input.
    serde_json::from_slice(json).map_err(|error| Problem::Damaged {
        expected,
        reason: match error.classify() {
            _ if json.is_empty() => "it is empty",
            Category::Eof => "it ends too early",
            Category::Syntax => "it is not JSON",
            Category::Io | Category::Data => problem(&error),
        },
        line: error.line(),
        column: error.column(),
    })
}

/// Reads `json`, whose member `schema` holds the version of its form. A version
/// newer than `known` may differ in everything else.
pub fn parse_versioned<T: DeserializeOwned>(
    json: &[u8],
    expected: &'static str,
    known: u64,
) -> Result<T, Problem> {
    #[derive(Deserialize)]
    struct Header {
        schema: u64,
    }
    match parse::<Header>(json, expected)?.schema {
        0 => Err(Problem::Damaged { expected, reason: "schema is 0", line: 0, column: 0 }),
        found if found > known => Err(Problem::NewerSchema { found, known }),
        _ => parse(json, expected),
    }
}

/// What `put` writes, provided that it has at most `limit` bytes.
pub fn bounded(
    limit: usize,
    put: impl Fn(&mut dyn Write) -> serde_json::Result<()>,
) -> Result<Zeroizing<Vec<u8>>, Problem> {
    // Writing strings, numbers, and maps with string keys cannot fail
    // otherwise.
    write_json(limit, put).map_err(|_| Problem::RecordTooLarge { limit })
}

/// Writes a record's form for people to read: one member a line, down to the
/// members of `extra`. Their values may nest and stay on their line: indented,
/// they could take a hundred times the space.
pub fn put_in_lines(form: &impl Serialize, output: &mut dyn Write) -> serde_json::Result<()> {
    let layout = Lines { depth: 0, is_empty: true };
    form.serialize(&mut Serializer::with_formatter(&mut *output, layout))?;
    output.write_all(b"\n").map_err(serde_json::Error::io)
}

/// `extra` in `tokens` in `record` in the whole.
const LAST_IN_LINES: usize = 4;

struct Lines {
    /// How many objects are open.
    depth: usize,
    /// Whether nothing is in the innermost one yet.
    is_empty: bool,
}

impl Lines {
    fn new_line<W: Write + ?Sized>(&self, output: &mut W) -> io::Result<()> {
        if self.depth > LAST_IN_LINES {
            return Ok(());
        }
        output.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| output.write_all(b"  "))
    }
}

impl Formatter for Lines {
    fn begin_object<W: Write + ?Sized>(&mut self, output: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.is_empty = true;
        output.write_all(b"{")
    }

    fn begin_object_key<W: Write + ?Sized>(
        &mut self,
        output: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if !first {
            output.write_all(b",")?;
        }
        self.new_line(output)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, output: &mut W) -> io::Result<()> {
        output.write_all(if self.depth > LAST_IN_LINES { b":" } else { b": " })
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, _output: &mut W) -> io::Result<()> {
        self.is_empty = false;
        Ok(())
    }

    fn end_object<W: Write + ?Sized>(&mut self, output: &mut W) -> io::Result<()> {
        let in_lines = self.depth <= LAST_IN_LINES && !self.is_empty;
        self.depth -= 1;
        if in_lines {
            self.new_line(output)?;
        }
        self.is_empty = false;
        output.write_all(b"}")
    }
}

/// The first 128 bits of a SHA-256 over the parts, each with its length.
pub fn digest(parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let mut head = [0; 16];
    head.copy_from_slice(&hasher.finalize()[..16]);
    head
}

/// Hexadecimal digits, in lower case.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A random value that makes each saved record unique.
pub fn revision() -> String {
    format!("{:032x}", fastrand::u128(..))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn in_lines(value: &serde_json::Value) -> String {
        let json = bounded(usize::MAX, |output| put_in_lines(value, output)).unwrap();
        String::from_utf8(json.to_vec()).unwrap()
    }

    #[test]
    fn lines_end_where_extra_begins_to_nest() {
        let form = json!({"a": {"b": {"c": {"d": {"e": [1, {"f": {}}], "g": 2}, "h": [{"i": 3}]}, "j": {}}}, "k": "\n"});
        let expected = r#"{
  "a": {
    "b": {
      "c": {
        "d": {"e":[1,{"f":{}}],"g":2},
        "h": [{"i":3}]
      },
      "j": {}
    }
  },
  "k": "\n"
}
"#;
        assert_eq!(in_lines(&form), expected);
        assert_eq!(serde_json::from_str::<serde_json::Value>(expected).unwrap(), form);
        assert_eq!(in_lines(&json!({})), "{}\n");
    }

    #[test]
    fn nothing_is_written_beyond_the_bound() {
        let value = json!([1, "two"]);
        let write = |limit| bounded(limit, |output| serde_json::to_writer(output, &value));
        let json = write(9).unwrap();
        assert_eq!((&json[..], json.capacity()), (&br#"[1,"two"]"#[..], 9));
        assert!(matches!(write(8), Err(Problem::RecordTooLarge { limit: 8 })));
    }
}
