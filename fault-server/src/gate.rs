//! A gate at which a response waits until a test opens it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A gate at which a response waits; see [`Behaviour::hold`].
///
/// Clones are the same gate. It is closed until a test [opens](Self::open) it, and
/// stays open then.
///
/// [`Behaviour::hold`]: super::Behaviour::hold
#[derive(Clone, Debug, Default)]
pub struct ResponseGate(Arc<(Mutex<bool>, Condvar)>);

impl ResponseGate {
    /// A gate that is closed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets everything pass from now on.
    pub fn open(&self) {
        let (open, changed) = &*self.0;
        *open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }

    /// Whether it is open, after at most this long.
    pub(super) fn is_open_within(&self, limit: Duration) -> bool {
        let (open, changed) = &*self.0;
        let open = open.lock().unwrap_or_else(PoisonError::into_inner);
        *changed
            .wait_timeout_while(open, limit, |open| !*open)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }
}
