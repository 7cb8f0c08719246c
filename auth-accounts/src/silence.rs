//! How long a store that does not answer is waited for.
//!
//! A file system can hang, and so can a connection. Whoever asks waits as long as
//! for a lease, [`Settings::lease_wait`]. If that was in vain, those who ask about the
//! same wait briefly from then on, until something is answered about it or as much time
//! has passed once more: they would wait one after another for the same.
//!
//! If it was in vain about two things, such as the records of two accounts, and nothing
//! was answered since the first, all wait briefly. One record that hangs is no reason
//! to: a store may be slow, and answer all others. Nor is the same one again.
//!
//! [`Settings::lease_wait`]: crate::Settings::lease_wait

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::{Duration, Instant},
};

use futures_timer::Delay;

use crate::store_error::{StoreError, StoreErrorKind};

/// How long to wait for others while the old token is valid: longer than most
/// refreshes, and most stores, take.
pub(crate) const BRIEFLY: Duration = Duration::from_secs(1);

/// How many things a store has to be silent about before it is taken to hang.
const MANY: usize = 2;

/// Whether a store is silent, in real time, as for a lease. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Silence(Arc<Everything>);

#[derive(Default)]
struct Everything {
    store: Mutex<StoreSilence>,
    list: Topic,
}

#[derive(Default)]
struct StoreSilence {
    /// About how many things it was waited for in vain since it answered last.
    in_vain: usize,
    /// Until when nobody waits longer than briefly.
    until: Option<Instant>,
}

/// What a store is asked about: an account, or the list of them. It says until when
/// that is waited for only briefly, if the last wait was in vain.
#[derive(Default)]
pub(crate) struct Topic(Mutex<Option<Instant>>);

/// What a store is asked, and how long it is waited for.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    what: &'a str,
    /// How long the store is to wait for others itself, before it answers.
    pub(crate) wait: Duration,
    patience: Duration,
    is_in_full: bool,
}

impl<'a> Question<'a> {
    /// It is waited for no longer than `patience`.
    pub(crate) fn new(what: &'a str, patience: Duration) -> Self {
        let patience = patience.max(BRIEFLY);
        Self { what, wait: Duration::ZERO, patience, is_in_full: false }
    }

    /// The same, after `wait` in which the store is to wait for others itself.
    pub(crate) fn after(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// It is waited for as long as ever, silence or not.
    pub(crate) fn in_full(mut self) -> Self {
        self.is_in_full = true;
        self
    }

    fn limit(&self, silence: &Silence, topic: &Topic) -> Duration {
        let is_brief = !self.is_in_full && silence.is_silent(topic);
        if is_brief { BRIEFLY } else { self.patience }
    }
}

impl Silence {
    /// The list of accounts.
    pub(crate) fn list(&self) -> &Topic {
        &self.0.list
    }

    /// Asks a store about `topic`.
    pub(crate) async fn ask<T>(
        &self,
        topic: &Topic,
        question: Question<'_>,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let Question { what, wait, patience, .. } = question;
        let time = question.limit(self, topic);
        let is_brief = time < patience;
        let limit = wait.saturating_add(time);
        match within(limit, call).await {
            Some(answer) => {
                *lock(&topic.0) = None;
                *lock(&self.0.store) = StoreSilence::default();
                answer
            }
            None => {
                if !is_brief {
                    self.was_in_vain(topic, Instant::now().checked_add(patience));
                }
                let waited = format!("waited for {} s", limit.as_secs_f64());
                Err(StoreError::new(StoreErrorKind::Unanswered, what).with_source(waited))
            }
        }
    }

    fn is_silent(&self, topic: &Topic) -> bool {
        let until = [*lock(&topic.0), lock(&self.0.store).until];
        let now = Instant::now();
        until.into_iter().flatten().any(|until| now < until)
    }

    /// Nothing was answered about `topic`, which is waited for only briefly until then.
    fn was_in_vain(&self, topic: &Topic, until: Option<Instant>) {
        let before = std::mem::replace(&mut *lock(&topic.0), until);
        if before.is_some() {
            // It may have waited behind the same call as the last one did.
            return;
        }
        let mut store = lock(&self.0.store);
        store.in_vain += 1;
        if store.in_vain >= MANY {
            store.until = until;
        }
    }
}

/// What a store is being asked by the work under way.
#[derive(Default)]
pub(crate) struct Unheard(Mutex<Pending>);

#[derive(Default)]
struct Pending {
    /// Each question by its number, and since when its answer is due.
    questions: Vec<(u64, Instant)>,
    last: u64,
}

impl Unheard {
    /// The store is asked, until this is dropped. It may take its time for `wait`.
    pub(crate) fn begin(&self, wait: Duration) -> Asking<'_> {
        let now = Instant::now();
        let mut pending = lock(&self.0);
        pending.last += 1;
        let number = pending.last;
        pending.questions.push((number, now.checked_add(wait).unwrap_or(now)));
        Asking { unheard: self, number }
    }

    /// For how long it has owed an answer.
    pub(crate) fn time(&self) -> Duration {
        let now = Instant::now();
        let since = lock(&self.0).questions.iter().map(|(_, since)| *since).min();
        since.map(|since| now.saturating_duration_since(since)).unwrap_or_default()
    }
}

/// A store is being asked.
pub(crate) struct Asking<'a> {
    unheard: &'a Unheard,
    number: u64,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        lock(&self.unheard.0).questions.retain(|(number, _)| *number != self.number);
    }
}

/// What the future comes to, unless that takes longer than `patience` of real
/// time.
pub(crate) async fn within<T>(patience: Duration, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    // Only somebody who has to wait needs one.
    let mut late = None;
    poll_fn(|context| {
        if let Poll::Ready(result) = future.as_mut().poll(context) {
            return Poll::Ready(Some(result));
        }
        let late = late.get_or_insert_with(|| Delay::new(patience.min(A_YEAR)));
        pin!(late).poll(context).map(|()| None)
    })
    .await
}

/// Timers do not take much more, and later instants need not exist.
pub(crate) const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic runs while it is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        task::{Context, Waker},
    };

    use super::*;

    fn vain(silence: &Silence, topic: &Topic) {
        silence.was_in_vain(topic, Instant::now().checked_add(A_YEAR));
    }

    fn answer(silence: &Silence, topic: &Topic) {
        let call = async { Ok(()) };
        let question = Question::new("it", A_YEAR);
        pollster::block_on(silence.ask(topic, question, call)).unwrap();
    }

    #[test]
    fn one_thing_that_hangs_is_not_the_store() {
        let (silence, [ada, bob, eve]) = (Silence::default(), [(); 3].map(|()| Topic::default()));
        // Time and again.
        for _ in 0..3 {
            vain(&silence, &ada);
        }
        assert!(silence.is_silent(&ada));
        assert!(!silence.is_silent(&bob) && !silence.is_silent(silence.list()));
        answer(&silence, &bob);
        vain(&silence, &ada);
        vain(&silence, &bob);
        assert!(!silence.is_silent(&eve), "something was answered since the first");
        vain(&silence, &eve);
        assert!(silence.is_silent(silence.list()), "two, and nothing was answered");
        answer(&silence, silence.list());
        assert!(!silence.is_silent(silence.list()));
        assert!(silence.is_silent(&ada));
    }

    #[test]
    fn what_must_be_saved_is_waited_for_in_full() {
        let (silence, ada) = (Silence::default(), Topic::default());
        vain(&silence, &ada);
        let question = Question::new("it", A_YEAR);
        assert!(question.in_full().limit(&silence, &ada) == A_YEAR);
        assert!(question.limit(&silence, &ada) == BRIEFLY);
        let mut asks = pin!(silence.ask(&ada, question, pending::<Result<(), _>>()));
        assert!(asks.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
}
