#![doc = include_str!("../docs/crate.md")]

// The layers of this crate, lowest first. A module uses modules of its own line and of lines above it.
// layer: bare document place times
// layer: our_lock
// layer: claude_locks
// layer: format
// layer: notes
// layer: ours
// layer: agent_file
// layer: claude codex
mod agent_file;
mod bare;
mod claude;
mod claude_locks;
mod codex;
mod document;
mod format;
mod notes;
mod our_lock;
mod ours;
mod place;
mod times;

pub use auth_accounts;

pub use crate::{claude::ClaudeCredentials, codex::CodexAuth};
