//! What differs from agent to agent.

use std::{path::Path, time::SystemTime};

use auth_accounts::store::Record;
use auth_core::{TokenEndpoint, TokenSet};
use auth_store::internal::{FileError, FileLock};

use crate::document::Document;

/// How an agent keeps its tokens, and which locks it takes.
pub(crate) trait Format: Send + Sync + 'static {
    /// What errors call the file.
    const EXPECTED: &'static str;

    /// Members of a token response that the agent's file has a place for.
    const KEPT_EXTRA: &'static [&'static str];

    /// Where the agent refreshes, as the client that it is. Its tokens belong
    /// there.
    fn endpoint() -> TokenEndpoint;

    /// The tokens in the file; `None` if nobody is logged in. What the file
    /// does not say is left out.
    fn read(document: &Document) -> Result<Option<Found>, &'static str>;

    /// Puts the record's tokens in the file, and changes nothing else.
    fn write(document: &mut Document, record: &Record) -> Result<(), &'static str>;

    /// Takes the login out of the file, and changes nothing else. Then `read`
    /// finds nobody.
    fn remove(document: &mut Document);

    /// The agent's locks, held beside our own lock.
    type Lock: Send + Sync + 'static;

    /// Keeps the agent from refreshing; `None` if it is refreshing. `ours` is
    /// held meanwhile and may carry a note for its next holder.
    fn try_lock_refresh(file: &Path, ours: &FileLock) -> Result<Option<Self::Lock>, FileError>;

    /// Keeps the agent from changing the file; `None` if it is changing it.
    fn try_lock_write(file: &Path, ours: &FileLock) -> Result<Option<Self::Lock>, FileError>;

    /// Whether the agent has left us its locks so far.
    fn is_held(lock: &Self::Lock) -> bool;
}

/// What an agent's file says.
pub(crate) struct Found {
    pub(crate) tokens: TokenSet,
    pub(crate) obtained_at: Option<SystemTime>,
}
