//! The content to write to a file of ours: within a limit, and readable again.
//! A file that cannot be read is never overwritten, so a save of unreadable
//! content would be the last one.

use std::io::Write;

use auth_accounts::store::Record;
use auth_core::Extra;
use zeroize::Zeroizing;

use crate::{error::Problem, json};

/// The maximum size of a record's file, in bytes. The response of a token
/// endpoint has at most 1 MiB unless the program allows more, and is stored
/// once.
pub const MAX_SIZE: usize = 4 << 20;

/// The content of a file.
pub struct Content {
    pub bytes: Zeroizing<Vec<u8>>,
    /// Why `extra` was left out; `None` if it was not.
    pub left_out: Option<&'static str>,
}

impl Content {
    /// What `put` writes of a record, provided that `read` can read it.
    ///
    /// If that fails because of what is in `extra`, the record is written
    /// without it: a rotated refresh token must be stored, and `extra` is
    /// dispensable. `put` then records the reason in the file.
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
