//! Tells the threads of a server that it ends.

use std::fmt;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// Set once, when the server ends.
#[derive(Default)]
pub(super) struct Stop {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    stopped: bool,
    /// Connections to other servers, which end with this one.
    others: Vec<Weak<TcpStream>>,
}

impl Stop {
    pub(super) fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        for tcp in state.others.drain(..).filter_map(|tcp| tcp.upgrade()) {
            let _ = tcp.shutdown(Shutdown::Both);
        }
        self.changed.notify_all();
    }

    /// Shuts this connection down when the server ends.
    pub(super) fn end_with(&self, tcp: &Arc<TcpStream>) {
        let mut state = self.lock();
        if state.stopped {
            let _ = tcp.shutdown(Shutdown::Both);
        } else {
            state.others.push(Arc::downgrade(tcp));
        }
    }

    /// Waits for this long. Returns true, and at once, if the server ends.
    pub(super) fn pause(&self, pause: Duration) -> bool {
        self.changed
            .wait_timeout_while(self.lock(), pause, |state| !state.stopped)
            .unwrap_or_else(PoisonError::into_inner)
            .0
            .stopped
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stop")
    }
}
