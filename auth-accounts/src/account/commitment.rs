//! Whether the work under way may be broken off.

use std::sync::atomic::{AtomicBool, Ordering};

use super::inner::Inner;

/// Whether the work under way has done what must not be left half done. At most one
/// work of an account is polled at a time.
#[derive(Default)]
pub(super) struct Committed(AtomicBool);

/// The work under way.
pub(super) struct UnderWay<'a>(&'a Committed);

impl Committed {
    pub(super) fn begin(&self) -> UnderWay<'_> {
        UnderWay(self)
    }
}

impl UnderWay<'_> {
    /// From here on somebody has to see to its end: something is about to be sent,
    /// or counts already.
    pub(super) fn commit(&self) {
        self.0.0.store(true, Ordering::Release);
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Release);
    }
}

impl Inner {
    /// Whether nothing is lost if the work under way is broken off: it has sent
    /// nothing, and the store knows all that memory knows.
    pub(super) fn may_be_broken_off(&self) -> bool {
        !self.committed.0.load(Ordering::Acquire) && self.memory().unsaved.is_none()
    }
}
