//! A lease that is kept while nobody may be there to free it.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use futures_timer::Delay;

use crate::{silence::A_YEAR, store::Lease};

/// A lease that outlives the refresh that took it, but not for ever. The account
/// may never be asked for a token again.
pub(crate) struct HeldLease {
    lease: Mutex<Option<Arc<Lease>>>,
    timer: Mutex<Option<Delay>>,
    /// When it is freed, by the account's clock.
    ends: OnceLock<Instant>,
}

impl HeldLease {
    pub(crate) fn new(lease: Arc<Lease>) -> Arc<Self> {
        let lease = Mutex::new(Some(lease));
        Arc::new(Self { lease, timer: Mutex::default(), ends: OnceLock::new() })
    }

    /// The lease, unless it was freed.
    pub(crate) fn lease(&self) -> Option<Arc<Lease>> {
        lock(&self.lease).clone()
    }

    /// Frees the lease after this much real time, on the timer's thread. Only
    /// the first call counts. A clone of the lease that was taken before then
    /// keeps it. `now` is by the account's clock, if that can be asked.
    pub(crate) fn free_after(self: &Arc<Self>, time: Duration, now: Option<Instant>) {
        if let Some(ends) = now.and_then(|now| now.checked_add(time)) {
            let _ = self.ends.set(ends);
        }
        let mut timer = lock(&self.timer);
        if timer.is_some() {
            return;
        }
        let waker = Waker::from(Arc::new(Free(Arc::downgrade(self))));
        let delay = timer.insert(Delay::new(time.min(A_YEAR)));
        if let Poll::Ready(()) = Pin::new(delay).poll(&mut Context::from_waker(&waker)) {
            waker.wake();
        }
    }

    /// When the lease is freed, by the account's clock.
    pub(crate) fn ends(&self) -> Option<Instant> {
        self.ends.get().copied()
    }

    /// Frees the lease.
    pub(crate) fn free(&self) {
        let lease = lock(&self.lease).take();
        // The timer's thread belongs to the whole process, and who saves late sees to
        // many accounts. A guard that panics must not end either.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(lease)));
    }
}

/// What the timer wakes. It keeps nothing alive.
struct Free(Weak<HeldLease>);

impl Wake for Free {
    fn wake(self: Arc<Self>) {
        if let Some(held) = self.0.upgrade() {
            held.free();
        }
    }
}

impl fmt::Debug for HeldLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldLease").field("lease", &self.lease()).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic runs while it is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
