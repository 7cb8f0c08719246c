#![doc = include_str!("../docs/crate.md")]

mod agent_file;
mod claude;
mod claude_locks;
mod codex;
mod document;
mod side;

pub use crate::{claude::ClaudeCredentials, codex::CodexAuth};
