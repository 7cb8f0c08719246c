//! A record that is being saved.

use crate::{known::Known, record::Record, store::Version};

/// A record that is being saved, and what was known when it was drawn up.
pub(super) struct Draft {
    pub(super) record: Record,
    pub(super) known: Box<Known>,
}

impl Draft {
    /// It was saved.
    pub(super) fn saved(self, version: Version) -> Box<Known> {
        let Self { record, mut known } = self;
        known.saved(record, version);
        known
    }
}
