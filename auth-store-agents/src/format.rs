//! What differs from agent to agent.

use std::{path::Path, time::SystemTime};

use auth_accounts::store::Record;
use auth_core::{TokenEndpoint, TokenSet};
use auth_store::internal::{FileError, Problem};

use crate::{document::Document, our_lock::OurLock};

/// How an agent keeps its tokens, and which locks it takes.
pub(crate) trait Format: Send + Sync + 'static {
    /// What errors call the file.
    const EXPECTED: &'static str;

    /// The constructor of the store that ignores modes.
    const IGNORES_MODES: &'static str;

    /// Members of a token response that the agent's file has a place for.
    const KEPT_EXTRA: &'static [&'static str];

    /// Where the agent refreshes, as the client that it is. Its tokens belong
    /// there.
    fn endpoint() -> TokenEndpoint;

    /// Whether the agent writes its file in place, so that the file stays the same
    /// file, and a link in its place stays a link. Else it replaces it.
    const WRITES_IN_PLACE: bool;

    /// The tokens in the file; `None` if nobody is logged in. What the file
    /// does not say is left out, and so is what cannot be read and is no token.
    fn read(document: &Document) -> Result<Option<Found>, Unread>;

    /// Puts the record's tokens in the file, and changes nothing else. What says
    /// already what the record says stays as it is, whatever its form. Returns the time
    /// that was [filled in](Fill) where the record has none. `old` is the record in
    /// whose place it comes.
    fn write(
        document: &mut Document,
        record: &Record,
        old: Option<&Record>,
    ) -> Result<Option<SystemTime>, &'static str>;

    /// Takes the login out of the file, and changes nothing else. Then `read`
    /// finds nobody.
    fn remove(document: &mut Document);

    /// The agent's locks, held beside our own lock.
    type Lock: Send + Sync + 'static;

    /// Keeps the agent from refreshing; `None` if it is refreshing. `ours` is
    /// held meanwhile and may carry a note for its next holder.
    fn try_lock_refresh(file: &Path, ours: &OurLock) -> Result<Option<Self::Lock>, FileError>;

    /// Keeps the agent from changing the file; `None` if it is changing it.
    fn try_lock_write(file: &Path, ours: &OurLock) -> Result<Option<Self::Lock>, FileError>;

    /// Whether the agent has left us its locks so far.
    fn is_held(lock: &Self::Lock) -> bool;
}

/// What an agent's file says.
pub(crate) struct Found {
    pub(crate) tokens: TokenSet,
    pub(crate) obtained_at: Option<SystemTime>,
    /// What the agent cannot do without.
    pub(crate) fill: Fill,
}

/// A time that an agent needs in its file, though a record may have none. It is filled
/// in with a guess, and left out again when the file is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fill {
    ExpiresAt,
    ObtainedAt,
}

impl Found {
    /// Leaves out the time that was filled in, unless somebody has changed it.
    pub(crate) fn unfill(&mut self, filled: Option<SystemTime>) {
        let time = match self.fill {
            Fill::ExpiresAt => &mut self.tokens.expires_at,
            Fill::ObtainedAt => &mut self.obtained_at,
        };
        if *time == filled {
            *time = None;
        }
    }
}

/// Why there are no tokens in a file that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// They are there, but not as tokens are.
    Damaged(&'static str),
    /// The agent is logged in in another way: how, after "logged in".
    OtherLogin(&'static str),
}

impl Unread {
    pub(crate) fn problem(self, expected: &'static str) -> Problem {
        match self {
            Self::Damaged(reason) => Problem::Damaged { expected, reason, line: 0, column: 0 },
            Self::OtherLogin(how) => Problem::OtherLogin { how },
        }
    }
}

impl From<&'static str> for Unread {
    fn from(reason: &'static str) -> Self {
        Self::Damaged(reason)
    }
}
