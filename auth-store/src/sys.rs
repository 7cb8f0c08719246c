//! Files and directories: checked before they are trusted, read within a limit,
//! replaced as a whole or not at all.
//!
//! There are two implementations of [`Dir`] with the same methods. On Unix,
//! every operation goes through the descriptor of a directory that was checked,
//! so that nobody can put another one in its place. On other systems operations
//! use paths, and there are no modes to check.

#[cfg(unix)]
mod above;
#[cfg(unix)]
mod access;
#[cfg(target_os = "linux")]
mod members;
#[cfg(unix)]
mod modes;
#[cfg(any(target_os = "linux", test))]
mod own_group;
#[cfg(any(not(unix), test))]
#[cfg_attr(unix, allow(unreachable_pub))]
mod portable;
#[cfg(test)]
mod tests;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub use portable::{BareLock, Dir};
#[cfg(unix)]
pub use unix::{BareLock, Dir, this_user};

use std::{
    fs::File,
    io::{self, Read},
};

use zeroize::Zeroizing;

/// How private a directory must be.
///
/// Only Unix has modes to check. The crate's documentation covers the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privacy {
    /// Our own: nobody else may read it, and it is not a link.
    Secret,
    /// Another program's: others may read it but not write to it. A link to it is
    /// followed, since people link `~/.claude` and the like. Its target is
    /// checked like any other directory.
    Unwritable,
}

/// How far a program lets modes count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modes {
    /// They say who has access, and what is open to others is refused.
    Enforced,
    /// They say nothing: the file system does not keep them, or whoever can reach it is
    /// trusted. Owners and links are checked all the same.
    Ignored,
}

/// Reads `file` to its end; `None` if it has more than `limit` bytes.
fn read_bounded(file: &File, limit: usize) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    if size > limit {
        return Ok(None);
    }
    // Large enough for the content and for the read that finds the end. Growing
    // would leave copies of secrets in memory.
    let mut content = Zeroizing::new(Vec::with_capacity(size + 32));
    file.take(limit as u64 + 1).read_to_end(&mut content)?;
    Ok((content.len() <= limit).then_some(content))
}
