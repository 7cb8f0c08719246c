//! Tokens that are in memory only are saved, though nobody asks for them.
//!
//! One task, or one thread where all of it blocks, sees to all accounts of a set of
//! [`Accounts`](crate::Accounts) while there are such, and ends when there are none.
//! [`late_saves`](crate::late_saves) says when each is tried. A try is what
//! [`close`](crate::Accounts::close) makes, and callers join it as any other work.
//!
//! It keeps no account alive. A setback that is not on record is not saved so: whoever
//! tries next puts down its own.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Weak},
    task::Poll,
    thread,
    time::{Duration, Instant},
};

use auth_core::{Clock, Now};
use futures_timer::Delay;
use futures_util::{
    FutureExt as _,
    stream::{FuturesUnordered, StreamExt as _},
};

use super::{Account, inner::Inner};
use crate::{
    id::AccountId,
    late_saves::{LONGEST, LONGEST_IF_UNFIT, Next, SharedLateSaves},
    store_error::{StoreError, StoreErrorKind},
};

type Saves = SharedLateSaves<Weak<Inner>>;

impl Inner {
    /// What memory holds is saved by itself from now on, where something can carry
    /// that on, which is what is returned. `now` is `None` if the clock must not be
    /// asked.
    pub(super) fn save_late(self: &Arc<Self>, now: Option<Now>) -> bool {
        if self.shared.spawner.is_none() && !self.shared.of_threads {
            return false;
        }
        let random = self.shared.settings.random((&self.id, 0_u32));
        // By any clock: the account's may be what panics.
        let now = now.map_or_else(Instant::now, |now| now.monotonic);
        let is_unseen = self.late_saves.lock().put(&self.id, Arc::downgrade(self), now, random);
        self.late_saves.tell();
        if is_unseen {
            let seen = SeenTo { saves: Arc::clone(&self.late_saves), over: false };
            let work = see_to(seen, Arc::clone(&self.shared.clock), self.shared.of_threads);
            // This may be the last that is done while a panic passes.
            let _ = catch_unwind(AssertUnwindSafe(|| self.carry_on(work)));
        }
        true
    }

    fn carry_on(&self, work: impl Future<Output = ()> + Send + 'static) {
        match &self.shared.spawner {
            Some(spawner) => spawner(Box::pin(work)),
            None => {
                let thread = thread::Builder::new().name("auth-save".into());
                // If there is none, the next save that fails begins one.
                let _ = thread.spawn(move || pollster::block_on(work));
            }
        }
    }

    /// What is not used is deleted by cleaners, or its time is over. Whether the lease is
    /// lost does not matter here: a save compares and swaps.
    async fn keep_up_the_lease(&self) {
        let held = || self.memory().unsaved.as_ref()?.tokens.as_ref()?.lease();
        if let Some(lease) = held() {
            let _ = self.keep_up(&lease).await;
        }
    }

    /// When the lease goes that is kept with what memory holds. If that time has come
    /// by the account's clock, it goes now.
    fn lease_ends(&self, now: Instant) -> Option<Instant> {
        let held = self.memory().unsaved.as_ref()?.tokens.as_ref()?.held_lease().cloned()?;
        let ends = held.ends()?;
        if ends <= now {
            held.free();
        }
        Some(ends)
    }
}

/// Sees to them until there are none.
async fn see_to(mut seen: SeenTo, clock: Arc<dyn Clock>, of_threads: bool) {
    let saves = Arc::clone(&seen.saves);
    let mut under_way = FuturesUnordered::new();
    loop {
        let now = clock.now().monotonic;
        let next = saves.lock().next(now, under_way.len());
        let at = match next {
            Next::Try(id, account) => {
                under_way.push(try_to_save(&saves, &*clock, id, account));
                continue;
            }
            Next::Wait(at) => at,
            Next::Over => {
                seen.over = true;
                return;
            }
        };
        let mut sleep = at.map(|at| sleep(&*clock, at.saturating_duration_since(now), of_threads));
        poll_fn(|context| {
            if saves.lock().is_news(context.waker()) {
                return Poll::Ready(());
            }
            if let Poll::Ready(Some(())) = under_way.poll_next_unpin(context) {
                return Poll::Ready(());
            }
            match &mut sleep {
                Some(sleep) => sleep.as_mut().poll(context),
                None => Poll::Pending,
            }
        })
        .await;
    }
}

/// Real time on a thread, where a sleep by the clock could not be cut short. It looks
/// at the clock again and again, for that may be another time.
fn sleep(
    clock: &dyn Clock,
    time: Duration,
    of_threads: bool,
) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
    if of_threads {
        Box::pin(Delay::new(time.clamp(LOOK_UP.0, LOOK_UP.1)))
    } else {
        clock.sleep(time)
    }
}

/// How often a thread looks at the clock.
const LOOK_UP: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Tries to save what this account has in memory only.
async fn try_to_save(saves: &Saves, clock: &dyn Clock, id: AccountId, account: Weak<Inner>) {
    let mut saved = false;
    if let Some(inner) = account.upgrade()
        && inner.save_error().is_some()
    {
        inner.keep_up_the_lease().await;
        let account = Account(inner);
        // Somebody may have saved it meanwhile.
        if account.0.save_error().is_some()
            && let Some(work) = account.0.flight.join(|give_way| account.save_work(give_way))
        {
            // A store that panics for one account must not keep the others from being
            // saved.
            let _ = AssertUnwindSafe(work).catch_unwind().await;
        }
        saved = account.0.save_error().is_none();
    }
    let now = clock.now().monotonic;
    // Dropped when the lock is free.
    let account = account.upgrade();
    let open = account.as_ref().filter(|inner| !inner.flight.is_closed());
    let ends = open.and_then(|inner| inner.lease_ends(now));
    let mut saves = saves.lock();
    // Under the lock: whoever fails to save from here on puts it in after this.
    match open.filter(|inner| inner.save_error().is_some()) {
        Some(inner) => {
            let random = inner.shared.settings.random((&id, saves.tries(&id) + 1));
            let is_unfit = |error: &StoreError| error.kind() == StoreErrorKind::Unfit;
            let unfit = inner.save_error().as_ref().is_some_and(is_unfit);
            let longest = if unfit { LONGEST_IF_UNFIT } else { LONGEST };
            saves.failed(&id, now, longest, ends, random);
        }
        None => saves.forget(&id, saved),
    }
}

/// Somebody sees to them. If it ends before it is over, with its runtime for example,
/// somebody else may.
struct SeenTo {
    saves: Arc<Saves>,
    over: bool,
}

impl Drop for SeenTo {
    fn drop(&mut self) {
        if !self.over {
            self.saves.lock().abandon();
        }
    }
}
