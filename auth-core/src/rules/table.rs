//! The table.
use super::Rule;
pub(super) static TABLE: &[Rule] = &[];
