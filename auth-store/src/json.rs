//! JSON that holds secrets: read without quoting it in errors, told apart by
//! digests.

use std::fmt::Write as _;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::error::Category;
use sha2::{Digest, Sha256};

use crate::error::Problem;

/// Reads `json`, which should be `expected`.
pub(crate) fn parse<T: DeserializeOwned>(
    json: &[u8],
    expected: &'static str,
) -> Result<T, Problem> {
    // serde_json's own message may quote the input.
    serde_json::from_slice(json).map_err(|error| Problem::Damaged {
        expected,
        reason: match error.classify() {
            _ if json.is_empty() => "it is empty",
            Category::Eof => "it ends too early",
            Category::Syntax => "it is not JSON",
            Category::Io | Category::Data => "a member is missing, redacted or of the wrong type",
        },
        line: error.line(),
        column: error.column(),
    })
}

/// Reads `json`, which says in its member `schema` which version of the form
/// it has. A newer one than `known` may differ in everything else.
pub(crate) fn parse_versioned<T: DeserializeOwned>(
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

/// The first 128 bits of a SHA-256 over the parts, each with its length.
pub(crate) fn digest(parts: &[&[u8]]) -> [u8; 16] {
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
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What makes a record unlike every other one, whatever else it holds.
pub(crate) fn revision() -> String {
    format!("{:032x}", fastrand::u128(..))
}
