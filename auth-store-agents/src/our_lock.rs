//! Our locks: lock files of ours, or, where none can be made, the agent's own.

use std::io;

use auth_store::internal::FileLock;

use crate::bare::{BareLease, BareWrite};

/// A lock of ours. Freed on drop.
pub(crate) enum OurLock {
    File(FileLock),
    /// On the agent's file itself. Nothing is written in it.
    Bare(BareLease),
    BareWrite(#[allow(dead_code, reason = "it is freed on drop")] BareWrite),
}

impl OurLock {
    /// What the last holder left for the next one.
    pub(crate) fn note(&self) -> io::Result<String> {
        match self {
            Self::File(lock) => lock.note(),
            Self::Bare(_) | Self::BareWrite(_) => Ok(String::new()),
        }
    }

    /// Leaves a note for the next holder, where there is a place for it.
    pub(crate) fn set_note(&self, note: &str) -> io::Result<()> {
        match self {
            Self::File(lock) => lock.set_note(note),
            Self::Bare(_) | Self::BareWrite(_) => Ok(()),
        }
    }

    /// Whether nothing can be made beside the agent's file.
    pub(crate) fn is_bare(&self) -> bool {
        matches!(self, Self::Bare(_) | Self::BareWrite(_))
    }
}
