//! Whether the work under way may be broken off.

use std::sync::atomic::{AtomicBool, Ordering};

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

    pub(super) fn is_made(&self) -> bool {
        self.0.load(Ordering::Acquire)
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
