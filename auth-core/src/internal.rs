//! What the sibling crates share with this one. It is no part of the interface
//! and changes with any version.

pub use crate::json::{object, to_json, wipe, write_json};
