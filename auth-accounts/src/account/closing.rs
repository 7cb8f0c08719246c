//! The end of a program, in order.

use std::{
    future::{Future, poll_fn},
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{Arc, Weak},
    task::Poll,
    time::{Duration, Instant},
};

use futures_timer::Delay;
use futures_util::{
    FutureExt as _,
    stream::{FuturesUnordered, StreamExt as _},
};

use super::{Account, Registry, inner::Inner};
use crate::{
    closed::{Closed, Unfinished, WhyUnfinished},
    events,
    outcome::Ending,
    shared::Shared,
    single_flight::Participant,
};

/// Accounts that begin nothing more.
pub(crate) struct Closing {
    accounts: Vec<Account>,
    /// What was under way, by account.
    under_way: Vec<(Account, UnderWay)>,
}

/// What has to be awaited, in this order. It keeps nothing alive but the work.
type UnderWay = Vec<Participant<Weak<Inner>, Ending>>;

impl Closing {
    /// Lets nothing begin from now on.
    pub(crate) fn begin(registry: &Registry) -> Self {
        let accounts: Vec<_> = registry.close().into_iter().map(Account).collect();
        registry.late_saves.end();
        let close = |account: &Account| {
            let before = account.0.flight.close(Arc::downgrade(&account.0));
            (account.clone(), before)
        };
        let under_way = accounts.iter().map(close).collect();
        Self { accounts, under_way }
    }

    /// Whether there is anything to be waited for.
    pub(crate) fn is_idle(&self) -> bool {
        let idle = |(account, before): &(Account, UnderWay)| {
            before.is_empty() && account.0.save_error().is_none()
        };
        self.under_way.iter().all(idle)
    }

    /// The accounts, and what there is to be done for them, for as long as `deadline`.
    pub(crate) fn into_parts(
        self,
        deadline: Duration,
    ) -> (Vec<Account>, impl Future<Output = ()> + Send) {
        let Self { accounts, under_way } = self;
        // A store that panics for one account must not keep the others from being
        // saved.
        let each = under_way.into_iter().map(|(account, before)| {
            let end = account.now().checked_add(deadline);
            AssertUnwindSafe(account.finish(before, end, deadline)).catch_unwind()
        });
        let mut each: FuturesUnordered<_> = each.collect();
        (accounts, async move { while each.next().await.is_some() {} })
    }

    /// The same, for as long as `deadline` by the clock.
    pub(crate) async fn finish(self, shared: &Shared, deadline: Duration) -> Closed {
        let (accounts, all) = self.into_parts(deadline);
        let (mut all, mut late) = (pin!(all), pin!(shared.clock.sleep(deadline)));
        poll_fn(|context| match all.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => late.as_mut().poll(context),
        })
        .await;
        Closed::of(&accounts)
    }
}

impl Closed {
    /// What is unfinished of these accounts.
    pub(crate) fn of(accounts: &[Account]) -> Self {
        let unfinished = accounts.iter().filter_map(Account::unfinished).collect();
        Self { unfinished }
    }
}

/// The first pause between two tries to save. Each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest one.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// How long before the end the last try begins at the latest.
const FOR_THE_LAST: Duration = Duration::from_millis(250);

impl Account {
    /// Waits for what is under way, and saves what is unsaved: again and again, until
    /// that is done or the end is near.
    ///
    /// A try has no time of its own: what the store was asked may have come in, and
    /// asking again would not tell.
    async fn finish(self, before: UnderWay, end: Option<Instant>, deadline: Duration) {
        for other in before {
            let _ = AssertUnwindSafe(other).catch_unwind().await;
        }
        let (mut pause, mut paused) = (FIRST_PAUSE, Duration::ZERO);
        while self.0.save_error().is_some() {
            let work = self.0.flight.join_last(|give_way| self.save_work(give_way));
            let _ = AssertUnwindSafe(work).catch_unwind().await;
            if self.0.save_error().is_none() {
                return;
            }
            let left = end.map(|end| end.saturating_duration_since(self.now()));
            // The clock may stand still, and its sleeps take no time.
            let left = left.unwrap_or(Duration::MAX).min(deadline.saturating_sub(paused));
            let left = left.saturating_sub(FOR_THE_LAST);
            if left.is_zero() {
                return;
            }
            let now = pause.min(left);
            self.pause(now).await;
            paused = paused.saturating_add(now);
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    /// The time by which the deadline is counted: that of the clock, and real time for
    /// threads, whose clock blocks whoever sleeps by it.
    fn now(&self) -> Instant {
        if self.0.shared.of_threads { Instant::now() } else { self.0.shared.clock.now().monotonic }
    }

    async fn pause(&self, time: Duration) {
        if self.0.shared.of_threads {
            Delay::new(time).await;
        } else {
            self.0.shared.clock.sleep(time).await;
        }
    }

    fn unfinished(&self) -> Option<Unfinished> {
        // What is unsaved may just be being saved.
        let why = match self.0.save_error() {
            Some(error) => WhyUnfinished::Unsaved(error),
            None if self.0.flight.is_under_way() => WhyUnfinished::UnderWay,
            None => return None,
        };
        let unfinished = Unfinished { account: self.id().clone(), why };
        events::unfinished(&unfinished);
        Some(unfinished)
    }
}
