//! What is to stand in a file of ours: within a bound, and such that it can be
//! read again. What cannot be read is never overwritten, so a save of such a
//! thing would be the last one.

use std::io::Write;

use auth_accounts::Record;
use auth_core::Extra;
use zeroize::Zeroizing;

use crate::{error::Problem, json};

/// The most that a record's file may have. A response of a token endpoint has
/// at most 1 MiB unless its user allowed more, and is stored once.
pub const MAX_SIZE: usize = 4 << 20;

/// The content of a file.
pub struct Content {
    pub bytes: Zeroizing<Vec<u8>>,
    /// Why `extra` is not in it.
    pub left_out: Option<&'static str>,
}

impl Content {
    /// What `put` writes of a record, if `read` can read it.
    ///
    /// Where that fails for what is in `extra`, the rest is written without it:
    /// a refresh token that was rotated must be stored, and `extra` is what can
    /// be done without. `put` then says so in the file.
    pub fn of(
        record: &Record,
        put: impl Fn(&Record, Option<&'static str>, &mut dyn Write) -> serde_json::Result<()>,
        read: impl Fn(&[u8]) -> Result<(), Problem>,
    ) -> Result<Self, Problem> {
        let content = |record: &Record, left_out| {
            let bytes = json::bounded(MAX_SIZE, |output| put(record, left_out, output))?;
            match read(&bytes) {
                Ok(()) => Ok(Self { bytes, left_out }),
                Err(Problem::Damaged { reason, .. }) => Err(Problem::Unreadable { reason }),
                Err(problem) => Err(problem),
            }
        };
        match content(record, None) {
            Err(problem) if !record.tokens.extra.is_empty() => {
                let mut bare = record.clone();
                bare.tokens.extra = Extra::default();
                content(&bare, Some(reason(&problem)))
            }
            result => result,
        }
    }
}

fn reason(problem: &Problem) -> &'static str {
    match problem {
        Problem::RecordTooLarge { .. } => "too large",
        _ => "nested too deeply",
    }
}
