//! Files and directories as this crate needs them: checked before they are
//! trusted, read to a bound, replaced whole or not at all.
//!
//! There are two implementations of [`Dir`] with the same methods. On Unix,
//! everything goes through the descriptor of a directory that was checked, so
//! that nobody can slip another one in between. Elsewhere paths have to do,
//! and there are no modes to check.

#[cfg(any(not(unix), test))]
#[cfg_attr(unix, allow(unreachable_pub))]
mod portable;
#[cfg(test)]
mod tests;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub use portable::Dir;
#[cfg(unix)]
pub use unix::Dir;

use std::{
    fs::File,
    io::{self, Read},
};

use zeroize::Zeroizing;

/// How a directory is to be.
///
/// Only Unix has modes to check; see the crate's documentation for the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privacy {
    /// Ours: nobody else may so much as look into it, and it is no link.
    Secret,
    /// Another program's: others may look into it but not change it. A link to
    /// it is followed, since people do link `~/.claude` and the like, and what
    /// is at its end is judged all the same.
    Unwritable,
}

/// Reads `file` to its end, or to one byte more than `limit`, in which case
/// the response is `None`.
fn read_bounded(file: &File, limit: usize) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    if size > limit {
        return Ok(None);
    }
    // Room for all of it, and for the read that finds the end: growing would
    // leave copies of secrets behind.
    let mut content = Zeroizing::new(Vec::with_capacity(size + 32));
    file.take(limit as u64 + 1).read_to_end(&mut content)?;
    Ok((content.len() <= limit).then_some(content))
}
