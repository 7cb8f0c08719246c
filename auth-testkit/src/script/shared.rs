//! What the handles of one script share.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
};

use super::state::State;
use crate::{Gate, VirtualClock};

pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    pub(super) clock: VirtualClock,
    /// Holds back the outcomes that never come, until the test is over.
    pub(super) ended: Gate,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The test has failed already, and a second panic would abort it.
        if thread::panicking() {
            return;
        }
        let problem = self.lock().drop_check();
        if let Some(message) = problem {
            panic!("{message}");
        }
    }
}
