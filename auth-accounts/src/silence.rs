//! How long a store that does not answer is waited for.
//!
//! A file system can hang, and so can a connection. Whoever asks waits as long as
//! for a lease, [`Settings::lease_wait`]. If that was in vain, the next ones wait
//! briefly, until something is answered or as much time has passed once more:
//! they would wait one after another for the same.
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

/// Until when nobody waits for the store longer than briefly, in real time, as for
/// a lease. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Silence(Arc<Mutex<Option<Instant>>>);

impl Silence {
    /// Asks a store, and waits no longer than `patience`, after `wait` in which it
    /// is to wait for others itself.
    pub(crate) async fn ask<T>(
        &self,
        what: &str,
        wait: Duration,
        patience: Duration,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let patience = patience.max(BRIEFLY);
        let is_silent = self.lock().is_some_and(|until| Instant::now() < until);
        let limit = wait.saturating_add(if is_silent { BRIEFLY } else { patience });
        match within(limit, call).await {
            Some(answer) => {
                *self.lock() = None;
                answer
            }
            None => {
                if !is_silent {
                    *self.lock() = Instant::now().checked_add(patience);
                }
                let waited = format!("waited for {} s", limit.as_secs_f64());
                Err(StoreError::new(StoreErrorKind::Unanswered, what).with_source(waited))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        lock(&self.0)
    }
}

/// What a store is being asked about one account.
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
        let late = late.get_or_insert_with(|| Delay::new(patience.min(LONGEST)));
        pin!(late).poll(context).map(|()| None)
    })
    .await
}

/// A year: timers do not take much more.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic runs while it is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
