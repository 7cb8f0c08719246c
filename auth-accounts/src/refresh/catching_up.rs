//! Tokens that an earlier save failed to write are being saved.

use super::run::{Access, Reading, Run};
use crate::{
    known::Draft,
    store::Version,
    store_error::{StoreError, StoreErrorKind},
};

/// Tokens that an earlier save failed to write are being saved.
pub(crate) struct CatchingUp {
    pub(super) run: Box<Run>,
    pub(super) draft: Draft,
    pub(super) access: Access,
}

pub(super) enum CaughtUp {
    Decide(Reading),
    ReadAgain(Reading),
}

impl CatchingUp {
    pub(super) fn resolve(self, saved: Result<Version, StoreError>) -> CaughtUp {
        let Self { mut run, draft, access } = self;
        match saved {
            Ok(version) => CaughtUp::Decide(Reading { run, known: draft.saved(version), access }),
            Err(error) if error.kind() == StoreErrorKind::Conflict && run.another_round() => {
                // They may still be newer. Without another try they would be
                // handed out unsaved, and nothing would say so.
                run.caught_up = false;
                CaughtUp::ReadAgain(Reading { run, known: draft.known, access })
            }
            Err(error) => {
                let mut known = draft.known;
                known.not_saved(error);
                CaughtUp::Decide(Reading { run, known, access })
            }
        }
    }
}
