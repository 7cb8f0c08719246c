//! What the clones of an account share.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use auth_core::AccessToken;

use super::{
    commitment::Committed,
    memory::Memory,
    registry::{Registered, Registry},
};
use crate::{
    context::Context,
    further::Which,
    id::AccountId,
    known::Loaded,
    late_saves::SharedLateSaves,
    outcome::Ending,
    shared::Shared,
    silence::{Question, Topic, Unheard},
    single_flight::SingleFlight,
    store::Lease,
    store_error::StoreError,
    token::{Cached, Token},
    unsaved::Unsaved,
};

pub(crate) struct Inner {
    pub(super) shared: Arc<Shared>,
    pub(super) id: AccountId,
    pub(super) cached: ArcSwapOption<Cached>,
    pub(super) flight: SingleFlight<Ending>,
    /// Whether the store answers the work under way.
    pub(super) unheard: Unheard,
    /// Whether the work under way may be broken off.
    pub(super) committed: Committed,
    /// What the store is asked about.
    topic: Topic,
    /// Gone where the account outlives the [`Accounts`](crate::Accounts).
    registry: Weak<Registry<Self>>,
    pub(super) late_saves: Arc<SharedLateSaves<Weak<Self>>>,
    memory: Mutex<Memory>,
}

impl Inner {
    pub(super) fn new(shared: Arc<Shared>, registry: &Arc<Registry<Self>>, id: AccountId) -> Self {
        Self {
            shared,
            id,
            cached: ArcSwapOption::empty(),
            flight: SingleFlight::new(),
            unheard: Unheard::default(),
            committed: Committed::default(),
            topic: Topic::default(),
            registry: Arc::downgrade(registry),
            late_saves: Arc::clone(&registry.late_saves),
            memory: Mutex::new(Memory::default()),
        }
    }

    /// Sees to it that the account outlives its owners while it knows something
    /// that must not be lost, and only then. To be called when that may have
    /// changed.
    pub(super) fn settle(self: &Arc<Self>) {
        if let Some(registry) = self.registry.upgrade() {
            registry.settle(self);
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

    /// The same for any of its tokens.
    pub(super) fn current_of(&self, which: &Which) -> Option<Token> {
        match which.asked() {
            None => self.current(),
            Some(asked) => self.memory().further.token_of(asked.fingerprint),
        }
    }

    /// Hands out this token no more without a second thought.
    pub(super) fn withhold(&self, token: &AccessToken) {
        self.cached.rcu(|cached| {
            cached.as_ref().map(|cached| match cached.is(token) {
                true => Arc::new(cached.withheld()),
                false => Arc::clone(cached),
            })
        });
    }

    /// These tokens are on record, whatever comes of who saved them.
    pub(super) fn say_saved(&self, token: &AccessToken) {
        self.cached.rcu(|cached| {
            cached.as_ref().map(|cached| match cached.is(token) {
                true => Arc::new(cached.saved()),
                false => Arc::clone(cached),
            })
        });
    }

    /// What is in memory only came with a further token: the account's own says so, too.
    pub(super) fn say_unsaved(&self) {
        let Some(error) = self.save_error() else { return };
        self.cached.rcu(|cached| {
            let cached = cached.as_ref()?;
            Some(match cached.is_unsaved() {
                true => Arc::clone(cached),
                false => Arc::new(Cached::clone(cached).unsaved(error.clone())),
            })
        });
    }

    /// Why there are tokens in memory only, if there are.
    pub(super) fn save_error(&self) -> Option<StoreError> {
        let memory = self.memory();
        Some(memory.unsaved.as_ref()?.tokens.as_ref()?.why(&self.id))
    }

    /// The same, but for tokens that are just being saved for the first time.
    pub(super) fn save_failure(&self) -> Option<StoreError> {
        let is_first = {
            let memory = self.memory();
            memory.unsaved.as_ref()?.tokens.as_ref()?.error.is_none()
        };
        if is_first && self.flight.is_under_way() { None } else { self.save_error() }
    }

    /// Asks the store about the account, for the work under way.
    pub(super) async fn ask<T>(
        &self,
        question: Question<'_>,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let _asking = self.unheard.begin(question.wait);
        self.ask_beside(question, call).await
    }

    /// The same beside the work, which does not wait for the answer.
    async fn ask_beside<T>(
        &self,
        question: Question<'_>,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.shared.silence.ask(&self.topic, question, call).await
    }

    /// Whether nothing is lost if the work under way is broken off: it has sent
    /// nothing, and the store knows all that memory knows.
    pub(super) fn may_be_broken_off(&self) -> bool {
        !self.committed.is_made() && self.memory().unsaved.is_none()
    }

    /// Loads the record.
    pub(super) async fn load(&self, patience: Duration) -> Loaded {
        let call = self.shared.store.load(&self.id);
        let loaded = self.ask(Question::new("loading the record", patience), call).await;
        self.with_keys(loaded)
    }

    /// Loads the record for somebody who only looks.
    pub(super) async fn look(&self) -> Loaded {
        let call = self.shared.store.load(&self.id);
        let question = Question::new("loading the record", self.patience());
        let loaded = self.ask_beside(question, call).await;
        self.with_keys(loaded)
    }

    /// A store keeps the names of keys only.
    fn with_keys(&self, loaded: Loaded) -> Loaded {
        let found = loaded?;
        Ok(found.map(|(record, version)| (self.shared.with_keys(record), version)))
    }

    /// Takes the lease.
    pub(super) async fn lease(&self, wait: Duration) -> Result<Lease, StoreError> {
        let call = self.shared.store.lease(&self.id, wait);
        self.ask(Question::new("taking the lease", self.patience()).after(wait), call).await
    }

    /// Confirms the lease.
    pub(super) async fn extend(&self, lease: &Lease, patience: Duration) -> Result<(), StoreError> {
        let call = self.shared.store.extend(&self.id, lease);
        self.ask(Question::new("confirming the lease", patience), call).await
    }

    /// Confirms the lease that is kept for unsaved tokens, while nothing is under way.
    pub(super) async fn keep_up(&self, lease: &Lease) -> Result<(), StoreError> {
        let call = self.shared.store.extend(&self.id, lease);
        self.ask_beside(Question::new("confirming the lease", self.patience()), call).await
    }

    /// How long a store that does not answer is waited for.
    pub(super) fn patience(&self) -> Duration {
        self.shared.settings.lease_wait
    }

    /// What a refresh or a login starts from.
    pub(super) fn begin(&self, which: &Which) -> (Context, Unsaved) {
        let memory = self.memory();
        let (cached, refused) = match which.asked() {
            None => (self.current(), memory.refused.clone()),
            Some(asked) => memory.further.of(asked.fingerprint),
        };
        let context = Context {
            shared: Arc::clone(&self.shared),
            account: self.id.clone(),
            which: which.clone(),
            cached,
            refused,
            sights: memory.sights,
            past: memory.past.clone(),
        };
        (context, memory.unsaved.as_deref().cloned().unwrap_or_default())
    }
}

impl Registered for Inner {
    fn id(&self) -> &AccountId {
        &self.id
    }

    fn is_to_be_kept(&self) -> bool {
        self.memory().is_to_be_kept()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(registry) = self.registry.upgrade() {
            registry.forget(self);
        }
    }
}
