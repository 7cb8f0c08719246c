//! A lease that is kept while nobody may be there to free it.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use futures_timer::Delay;

use crate::Lease;

/// A lease that outlives the refresh that took it, but not for ever: whoever
/// took it may never be asked for a token again.
pub(crate) struct Held {
    lease: Mutex<Option<Arc<Lease>>>,
    alarm: Mutex<Option<Delay>>,
}

impl Held {
    pub(super) fn new(lease: Arc<Lease>) -> Arc<Self> {
        Arc::new(Self { lease: Mutex::new(Some(lease)), alarm: Mutex::default() })
    }

    /// The lease, if it is still kept.
    pub(super) fn lease(&self) -> Option<Arc<Lease>> {
        lock(&self.lease).clone()
    }

    /// Frees it when this much real time has passed, on the thread of the
    /// timer, unless that was said before. Whoever has cloned the lease by
    /// then keeps it.
    pub(crate) fn free_after(self: &Arc<Self>, time: Duration) {
        let mut alarm = lock(&self.alarm);
        if alarm.is_some() {
            return;
        }
        let waker = Waker::from(Arc::new(Alarm(Arc::downgrade(self))));
        let delay = alarm.insert(Delay::new(time));
        if let Poll::Ready(()) = Pin::new(delay).poll(&mut Context::from_waker(&waker)) {
            waker.wake();
        }
    }
}

/// What the timer wakes. It keeps nothing alive.
struct Alarm(Weak<Held>);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        if let Some(held) = self.0.upgrade() {
            let lease = lock(&held.lease).take();
            // A guard that panics would take the thread of the timer along,
            // which belongs to the whole process.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(lease)));
        }
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("lease", &self.lease()).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic runs while it is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
