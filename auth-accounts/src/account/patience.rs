//! Threads that wait no longer than they want to.

use std::{
    future::{Future as _, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Poll, ready},
    thread,
    time::Duration,
};

use futures_timer::Delay;

use super::{Account, Failed};
use crate::{
    error::{AccountError, Reason},
    further::Which,
    lifetime::{Lifetime, Ttl},
    outcome::Ending,
    refresh::Want,
    silence::{BRIEFLY, within},
    single_flight::{Caller, Lost},
    store_error::{StoreError, StoreErrorKind},
    token::{Cached, Token},
};

/// Who polls a refresh that a caller waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Driver {
    /// Whoever waits for it.
    Caller,
    /// A thread of the account's own, so that nobody is held up by what blocks.
    Thread,
}

/// How soon a caller looks again whether the store has answered.
const SHORTEST_LOOK: Duration = Duration::from_millis(50);

impl Account {
    /// As [`token`](Self::token), for a thread that waits no longer than
    /// `patience` of real time.
    pub(crate) fn token_within(&self, patience: Duration) -> Result<Token, AccountError> {
        if let Some(token) = self.cached() {
            return Ok(token);
        }
        let want = Want::Lasting(Ttl::Usual);
        let waits = within(patience, self.obtain_or_keep(&Which::Main, want, Driver::Thread));
        pollster::block_on(waits).unwrap_or_else(|| {
            let error = AccountError::new(self.id(), Reason::UnderWay, None, self.wall());
            self.despite(&Which::Main, &error).ok_or(error)
        })
    }

    /// Waits for the work that this caller takes part in. If the store does not
    /// answer, a caller who has use for the old token leaves with that. The work goes
    /// on; where nothing carries it on, it is left only if nothing is lost with it.
    pub(super) async fn wait(
        &self,
        caller: Caller<'_, Ending>,
        driver: Driver,
        which: &Which,
        want: &Want,
    ) -> Result<Result<Ending, Lost>, Failed> {
        // If whoever sees to it is lost, somebody else is found.
        while driver == Driver::Thread && self.is_seen_to(&caller) {
            if let Some(ended) = caller.watch().await {
                return Ok(ended);
            }
        }
        if !want.is_in_a_hurry() {
            return Ok(caller.await);
        }
        let mut caller = caller;
        let mut look_up = None;
        let mut left = None;
        let ended = poll_fn(|context| {
            // First, so that what has come in counts.
            if let Poll::Ready(ended) = Pin::new(&mut caller).poll(context) {
                return Poll::Ready(Some(ended));
            }
            loop {
                let unheard = self.0.unheard.time();
                if unheard >= BRIEFLY
                    && let Some(failed) = self.without_store(which, unheard)
                {
                    if self.0.shared.of_threads {
                        self.is_seen_to(&caller);
                    }
                    if caller.leave_if(|| self.0.may_be_broken_off()) {
                        left = Some(failed);
                        return Poll::Ready(None);
                    }
                }
                // Whoever had to stay will have to.
                let later = match BRIEFLY.checked_sub(unheard) {
                    Some(left) if !left.is_zero() => left.max(SHORTEST_LOOK),
                    _ => BRIEFLY,
                };
                let look_up = look_up.get_or_insert_with(|| Delay::new(later));
                ready!(Pin::new(&mut *look_up).poll(context));
                look_up.reset(later);
            }
        })
        .await;
        match (ended, left) {
            (None, Some(failed)) => Err(failed),
            (Some(ended), _) => Ok(ended),
            (None, None) => Ok(caller.await),
        }
    }

    /// The old token, if it may be handed out while the store owes an answer.
    fn without_store(&self, which: &Which, unheard: Duration) -> Option<Failed> {
        let waited = format!("it has owed an answer for {:.1} s", unheard.as_secs_f64());
        let error = StoreError::new(StoreErrorKind::Unanswered, "the record").with_source(waited);
        let error = self.failed(Reason::Store(error));
        // Who leaves does not hear how a first save ends.
        let old = self.kept(which, &error, self.0.save_error())?;
        Some(Failed { error, fallback: Some(old) })
    }

    /// Whether a thread of the account's own polls the work: one that is there
    /// already, or a new one.
    fn is_seen_to(&self, caller: &Caller<'_, Ending>) -> bool {
        let Some(work) = caller.claim(Arc::downgrade(&self.0)) else { return true };
        let thread = thread::Builder::new().name("auth-refresh".into());
        let started = thread.spawn(move || {
            let _ = pollster::block_on(work);
        });
        started.is_ok()
    }

    /// The token in memory, if it may still be handed out after this error.
    pub(super) fn despite(&self, which: &Which, error: &AccountError) -> Option<Token> {
        self.kept(which, error, self.0.save_failure())
    }

    fn kept(
        &self,
        which: &Which,
        error: &AccountError,
        unsaved: Option<StoreError>,
    ) -> Option<Token> {
        let current = self.0.current_of(which)?;
        let (tokens, dates) = current.0.dated();
        let now = self.0.shared.clock.now();
        if !Lifetime::new(&dates, now).is_valid() || self.0.memory().refuses_of(which, &current) {
            return None;
        }
        let cached = Cached::new(&self.0.id, tokens, dates, now, &self.0.shared.settings);
        let cached = cached.proved_by(current.0.prover()).kept_despite(error.clone());
        // What memory keeps no more may never have been saved.
        let unsaved = unsaved.or_else(|| current.unsaved().cloned());
        let cached = match unsaved {
            Some(unsaved) => cached.unsaved(unsaved),
            None => cached,
        };
        Some(Token(cached.into()))
    }
}
