//! What the states have in common in which the record is being read.

use auth_core::Now;

use super::{
    Load,
    run::{Reading, Run},
};
use crate::{error::Reason, outcome::Outcome, record::Record};

impl Load {
    pub(super) fn run(&self) -> &Run {
        match self {
            Self::Record(state) => &state.run,
            Self::Retry(state) => state.run(),
            Self::Rejection(state) => state.run(),
            Self::Tokens(state) => state.run(),
            Self::Setback(state) => state.run(),
        }
    }

    pub(super) fn run_mut(&mut self) -> &mut Run {
        match self {
            Self::Record(state) => &mut state.run,
            Self::Retry(state) => state.run_mut(),
            Self::Rejection(state) => state.run_mut(),
            Self::Tokens(state) => state.run_mut(),
            Self::Setback(state) => state.run_mut(),
        }
    }

    /// The record is somebody else's: it is neither used nor changed.
    pub(super) fn refuse(self, found: &Record, reason: Reason, now: Now) -> Outcome {
        match self {
            Self::Record(Reading { run, mut known, access }) => {
                known.unsaved.give_way(found);
                run.refuse(known, access.lease(), reason, now)
            }
            Self::Retry(state) => state.refuse(reason, now),
            Self::Rejection(state) => state.refuse(reason, now),
            // Ours are good, if not on record.
            Self::Tokens(state) => state.keep(now),
            Self::Setback(state) => state.refuse(reason, now),
        }
    }
}
