//! What the clones of an account share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;

use super::memory::Memory;
use crate::{
    context::Context,
    id::AccountId,
    outcome::Ending,
    shared::Shared,
    single_flight::SingleFlight,
    token::{Cached, Token},
    unsaved::Unsaved,
};

pub(super) struct Inner {
    pub(super) shared: Arc<Shared>,
    pub(super) id: AccountId,
    pub(super) cached: ArcSwapOption<Cached>,
    pub(super) flight: SingleFlight<Ending>,
    memory: Mutex<Memory>,
}

impl Inner {
    pub(super) fn new(shared: Arc<Shared>, id: AccountId) -> Self {
        Self {
            shared,
            id,
            cached: ArcSwapOption::empty(),
            flight: SingleFlight::new(),
            memory: Mutex::new(Memory::default()),
        }
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        // No panic can happen while it is held.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token in memory, whatever its state.
    pub(super) fn current(&self) -> Option<Token> {
        self.cached.load_full().map(Token)
    }

    /// What a refresh or a login starts from.
    pub(super) fn begin(&self) -> (Context, Unsaved) {
        let memory = self.memory();
        let context = Context {
            shared: Arc::clone(&self.shared),
            account: self.id.clone(),
            cached: self.current(),
            refused: memory.refused.clone(),
        };
        (context, memory.unsaved.as_deref().cloned().unwrap_or_default())
    }
}
