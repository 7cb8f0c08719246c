#![doc = include_str!("../docs/crate.md")]

// The layers of this crate, lowest first. A module uses modules of its own line and of lines above it.
// layer: document claude_locks
// layer: format
// layer: notes
// layer: agent_file
// layer: claude codex
mod agent_file;
mod claude;
mod claude_locks;
mod codex;
mod document;
mod format;
mod notes;

pub use auth_accounts;

pub use crate::{claude::ClaudeCredentials, codex::CodexAuth};
