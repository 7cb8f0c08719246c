//! Does what the machines say. An account waits nowhere else.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use auth_core::{Credential, CredentialError, CredentialErrorKind};

use super::{commitment::UnderWay, inner::Inner};
use crate::{
    counters::Effort,
    error::AccountError,
    events,
    known::Draft,
    login,
    outcome::{Ended, Ending, Outcome},
    refresh::Step,
    shared::Shared,
    silence::{Question, within},
    single_flight::GiveWay,
    store::Version,
    store_error::StoreError,
};

impl Inner {
    /// Refreshes. Ends early if it is asked to give way and only waits for somebody
    /// else.
    pub(super) async fn refresh(self: &Arc<Self>, mut step: Step, give_way: &GiveWay) -> Ending {
        let Shared { clock, transport, .. } = &*self.shared;
        let ending = events::within(&self.id, false, async {
            let mut unfinished = Unfinished::new(self);
            let began = clock.now();
            let mut effort = Effort::default();
            let mut gave_way = false;
            loop {
                step = match step {
                    Step::Load(state) => {
                        let loaded = self.load(state.patience()).await;
                        state.on_loaded(loaded, clock.now())
                    }
                    Step::Lease(wait, state) => {
                        events::leasing(&self.id, wait);
                        let asked = clock.now();
                        let give_way = (!effort.sent).then_some(give_way);
                        let lease = unless_asked(give_way, self.lease(wait)).await;
                        let now = clock.now();
                        effort.lease_wait = Some(now.since(asked));
                        match lease {
                            Some(leased) => state.on_lease(leased, now),
                            None => return unfinished.gives_way(),
                        }
                    }
                    Step::StandBy(delay, state) => {
                        events::standing_by(&self.id, delay);
                        let give_way = (!effort.sent).then_some(give_way);
                        match unless_asked(give_way, clock.sleep(delay)).await {
                            Some(()) => state.on_wake(),
                            None => return unfinished.gives_way(),
                        }
                    }
                    Step::Save(state) => {
                        let patience = state.patience(self.patience());
                        let saved = self.save(state.draft(), patience).await;
                        state.on_saved(saved, clock.now())
                    }
                    Step::Extend(state) => {
                        let extended = self.extend(state.lease(), state.patience()).await;
                        state.on_extended(extended, clock.now())
                    }
                    Step::Identify(source, state) => {
                        let give_way = (!effort.sent).then_some(give_way);
                        let read = self.in_time(source.read());
                        match unless_asked(give_way, read).await {
                            Some(read) => state.on_read(&read, clock.now()),
                            None => return unfinished.gives_way(),
                        }
                    }
                    Step::Prove(demand, state) => {
                        let give_way = (!effort.sent).then_some(give_way);
                        let met = self.in_time(demand.meet());
                        match unless_asked(give_way, met).await {
                            Some(met) => state.on_met(met, clock.now()),
                            None => {
                                gave_way = true;
                                state.on_give_way(clock.now())
                            }
                        }
                    }
                    Step::Send(request, state) => {
                        unfinished.sent = true;
                        unfinished.under_way.commit();
                        effort.sent = true;
                        let response = transport.send(request).await;
                        state.on_response(response, clock.now())
                    }
                    Step::Sleep(delay, state) => {
                        // This does not give way: a retry that is due may be all
                        // that saves the session.
                        clock.sleep(delay).await;
                        state.on_wake(clock.now())
                    }
                    Step::Done(_) if gave_way => return unfinished.gives_way(),
                    Step::Done(outcome) => {
                        unfinished.ended = true;
                        effort.took = clock.now().since(began);
                        return Ending::Ended(self.publish(outcome, &effort));
                    }
                };
            }
        });
        ending.await
    }

    /// What a source or a signer comes to, unless it takes too long: the lease is held
    /// meanwhile.
    pub(super) async fn in_time(
        &self,
        proof: impl Future<Output = Result<Credential, CredentialError>>,
    ) -> Result<Credential, CredentialError> {
        let patience = self.shared.settings.credential_wait;
        within(patience, proof).await.unwrap_or_else(|| {
            let waited = format!("waited for {} s", patience.as_secs_f64());
            Err(CredentialError::new(CredentialErrorKind::Unavailable).with_detail(waited))
        })
    }

    /// Logs in. `counts` is set when the login can no longer be undone. The refresh
    /// token that was replaced is revoked, if that is asked for.
    pub(super) async fn log_in(
        self: &Arc<Self>,
        mut step: login::Step,
        counts: &AtomicBool,
        revoke_replaced: bool,
    ) -> Ending {
        let Shared { clock, .. } = &*self.shared;
        let ended = events::within(&self.id, true, async {
            let mut unfinished = Unfinished::new(self);
            loop {
                step = match step {
                    login::Step::Load(state) => {
                        let loaded = self.load(self.patience()).await;
                        state.on_loaded(loaded, clock.now())
                    }
                    login::Step::Save(state) => {
                        unfinished.under_way.commit();
                        self.count_login(state.draft(), counts);
                        let saved = self.save(state.draft(), self.patience()).await;
                        state.on_saved(saved, clock.now())
                    }
                    login::Step::Saved(outcome, replaced) => {
                        unfinished.ended = true;
                        let ended = self.publish(outcome, &Effort::default());
                        if let Some(replaced) = replaced.filter(|_| revoke_replaced) {
                            self.revoke_replaced(&replaced).await;
                        }
                        return ended;
                    }
                    login::Step::Done(outcome) => {
                        unfinished.ended = true;
                        return self.publish(outcome, &Effort::default());
                    }
                };
            }
        });
        Ending::Ended(ended.await)
    }

    /// Saves a record. Before the first await after new tokens arrived they are
    /// in memory: from there on a dropped caller loses nothing.
    async fn save(&self, draft: &Draft, patience: Duration) -> Result<Version, StoreError> {
        let Draft { record, known } = draft;
        let mut question = Question::new("saving the record", patience);
        if known.unsaved.tokens.as_ref().is_some_and(|tokens| tokens.error.is_none()) {
            // Nobody has tried yet, and nobody else can.
            question = question.in_full();
        }
        if known.unsaved.tokens.is_some() {
            let mut memory = self.memory();
            memory.past = known.past.clone();
            let remembered = memory.replace(known.unsaved.clone().boxed());
            drop(memory);
            // This may free a lease.
            drop(remembered);
        }
        let save = self.shared.store.save(&self.id, record, known.version.as_ref());
        let saved = self.ask(question, save).await;
        if saved.is_ok() {
            if known.unsaved.tokens.as_ref().is_some_and(|tokens| tokens.is_put_back) {
                events::put_back(&self.id);
            }
            let remembered = self.memory().unsaved.take();
            drop(remembered);
            self.say_saved(&record.tokens.access_token);
        }
        saved
    }

    /// A login that is about to be saved counts from here on.
    fn count_login(&self, draft: &Draft, counts: &AtomicBool) {
        let mut memory = self.memory();
        let remembered = memory.replace(draft.known.unsaved.clone().boxed());
        (memory.refused, memory.is_gone) = (None, false);
        memory.further.clear();
        self.cached.store(None);
        counts.store(true, Ordering::Release);
        drop(memory);
        drop(remembered);
    }

    /// Puts an outcome in place, then frees the lease.
    fn publish(self: &Arc<Self>, outcome: Outcome, effort: &Effort) -> Ended {
        let Outcome { ended, unsaved, sights, past, login, mut found, lease } = outcome;
        // Not only the token that this was about.
        found.was_in_use |= self.cached.load().is_some();
        let mut memory = self.memory();
        (memory.sights, memory.past) = (sights, past);
        if memory.is_replaced_by(login) || ended.is_of_another() {
            memory.further.clear();
            self.cached.store(None);
        }
        let token = ended.result.as_ref().ok().or(ended.fallback.as_ref());
        // A refresh that began before a token was refused may have found it.
        let again = token.is_some_and(|token| token.0.is_refused_again());
        let token =
            token.filter(|token| ended.is_new || again || !memory.refuses_of(&ended.which, token));
        let is_gone = ended.result.as_ref().is_err_and(AccountError::is_not_logged_in);
        memory.is_gone = is_gone;
        let is_good = token.is_some() && !again;
        match ended.which.asked() {
            Some(asked) => memory.further.put(asked.fingerprint, token, is_good),
            None => {
                if is_good {
                    memory.refused = None;
                }
                self.cached.store(token.map(|token| token.0.clone()));
            }
        }
        if is_gone {
            memory.refused = None;
            memory.further.clear();
            self.cached.store(None);
        }
        let known = memory.replace(unsaved);
        drop(memory);
        if ended.which.asked().is_some() {
            self.say_unsaved();
        }
        drop((known, lease));
        self.settle();
        let Shared { clock, repeats, .. } = &*self.shared;
        events::ended(&self.id, &ended, repeats, clock.now().monotonic);
        if self.shared.watch.ended(&self.id, &ended.result, &found, effort) {
            events::ran_out(&self.id, &ended);
        }
        ended
    }
}

/// Waits, unless it is asked to give way. Once something was sent nobody asks: a
/// retry that is due may be all that saves the session.
async fn unless_asked<T>(give_way: Option<&GiveWay>, wait: impl Future<Output = T>) -> Option<T> {
    let is_asked = || give_way.is_some_and(GiveWay::is_asked);
    let mut wait = pin!(wait);
    poll_fn(|context| {
        if is_asked() {
            return Poll::Ready(None);
        }
        // What blocks does not look up meanwhile.
        wait.as_mut().poll(context).map(|done| (!is_asked()).then_some(done))
    })
    .await
}

/// What happens when a refresh or a login ends, or is dropped: tokens that are
/// not saved by then may never be.
struct Unfinished<'a> {
    inner: &'a Arc<Inner>,
    under_way: UnderWay<'a>,
    ended: bool,
    /// Whether a request was about to be sent, or was.
    sent: bool,
}

impl<'a> Unfinished<'a> {
    fn new(inner: &'a Arc<Inner>) -> Self {
        Self { inner, under_way: inner.committed.begin(), ended: false, sent: false }
    }

    /// A refresh that only waits for somebody else ends, for a login or a logout.
    fn gives_way(&mut self) -> Ending {
        events::gave_way(&self.inner.id);
        self.ended = true;
        Ending::GaveWay
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        let Shared { clock, settings, .. } = &*self.inner.shared;
        if !self.ended {
            self.inner.settle();
        }
        let unsaved = self.inner.memory().unsaved.clone();
        let is_unsaved = unsaved.as_ref().is_some_and(|unsaved| unsaved.tokens.is_some());
        // If the clock is what panics, it must not do so again.
        let is_panic = std::thread::panicking();
        let now = || (!is_panic).then(|| clock.now());
        if !self.ended && (self.sent || is_unsaved) {
            let now = now().map(|now| now.monotonic);
            let repeats = &self.inner.shared.repeats;
            events::broken_off(&self.inner.id, self.sent, is_unsaved, repeats, now);
        }
        let Some(tokens) = unsaved.and_then(|unsaved| unsaved.tokens) else { return };
        if !self.ended {
            // Whoever asks next is to save them, whatever it has until then.
            self.inner.cached.store(None);
        }
        let now = now();
        // If it was dropped, there is nobody who carries work on.
        let seen_to = (self.ended || is_panic) && self.inner.save_late(now);
        tokens.free_in_time(now, settings, seen_to);
    }
}
