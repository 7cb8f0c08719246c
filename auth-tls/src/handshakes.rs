//! What an attempt sees of its TLS handshakes.
//!
//! rustls asks the parts of a configuration, and does not say for which connection. A
//! handshake runs on the thread that waits for it, though: within a call, or within a
//! poll. So what is asked then is the attempt's that makes this call or poll.

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rustls::KeyLog;

/// The handshakes of one attempt. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Handshakes(Arc<Seen>);

#[derive(Debug, Default)]
struct Seen {
    asked: AtomicBool,
    tls13: AtomicBool,
}

thread_local! {
    static CURRENT: RefCell<Option<Handshakes>> = const { RefCell::new(None) };
}

impl Handshakes {
    /// Runs a step of the attempt. The handshakes in it are the attempt's.
    pub fn during<T>(&self, step: impl FnOnce() -> T) -> T {
        let _before = Before(CURRENT.replace(Some(self.clone())));
        step()
    }

    /// Whether a server has asked for a client certificate.
    pub fn asked(&self) -> bool {
        self.0.asked.load(Ordering::Relaxed)
    }

    /// Whether one of them was that of TLS 1.3.
    pub fn tls13(&self) -> bool {
        self.0.tls13.load(Ordering::Relaxed)
    }
}

/// What is put back, also after a panic.
struct Before(Option<Handshakes>);

impl Drop for Before {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// A server asks for a client certificate.
pub(crate) fn is_asked() {
    note(|seen| &seen.asked);
}

fn note(what: impl FnOnce(&Seen) -> &AtomicBool) {
    CURRENT.with_borrow(|current| {
        if let Some(Handshakes(seen)) = current {
            what(seen).store(true, Ordering::Relaxed);
        }
    });
}

/// Hears of which version a handshake is: rustls asks whether a secret is wanted before
/// it shows it to a log, and only TLS 1.3 has this one (RFC 8446 section 7.1). None is
/// wanted, so that no secret ever comes here.
#[derive(Debug)]
pub(crate) struct Version;

impl KeyLog for Version {
    fn will_log(&self, label: &str) -> bool {
        if label == "CLIENT_HANDSHAKE_TRAFFIC_SECRET" {
            note(|seen| &seen.tls13);
        }
        false
    }

    fn log(&self, _: &str, _: &[u8], _: &[u8]) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_is_the_attempts_that_waits() {
        let (one, other) = (Handshakes::default(), Handshakes::default());
        // Of nobody.
        is_asked();
        one.during(|| {
            assert!(!Version.will_log("SERVER_HANDSHAKE_TRAFFIC_SECRET"));
            other.during(is_asked);
            assert!(!Version.will_log("CLIENT_HANDSHAKE_TRAFFIC_SECRET"));
        });
        is_asked();
        assert_eq!((one.asked(), one.tls13()), (false, true));
        assert_eq!((other.asked(), other.tls13()), (true, false));
        // Not of one that has ended in a panic.
        let third = Handshakes::default();
        let panics = std::panic::AssertUnwindSafe(|| third.during(|| panic!("on purpose")));
        std::panic::catch_unwind(panics).unwrap_err();
        is_asked();
        assert!(!third.asked());
    }
}
