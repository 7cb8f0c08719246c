//! What the threads of one server share.

use std::fmt;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use super::fault_server::FaultServer;
use super::record::Log;
use super::script::Source;
use super::tls::Certificate;

#[derive(Debug)]
pub(super) struct Context {
    pub(super) source: Source,
    pub(super) log: Log,
    pub(super) tls: Option<Certificate>,
    pub(super) path: String,
    pub(super) stop: Stop,
    pub(super) elsewhere: OnceLock<FaultServer>,
}

impl Context {
    /// The server of another origin, started when it is first asked for.
    pub(super) fn elsewhere(&self) -> &FaultServer {
        self.elsewhere.get_or_init(|| {
            FaultServer::builder()
                .path(&self.path)
                .another_host()
                .certified(self.tls)
                .start()
                .unwrap_or_else(|error| panic!("no second server on loopback: {error}"))
        })
    }
}

/// Tells the threads that the server ends.
#[derive(Default)]
pub(super) struct Stop {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    stopped: bool,
    /// Connections to others, to be broken off with the server's own.
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

    /// Breaks off this connection when the server ends.
    pub(super) fn end_with(&self, tcp: &Arc<TcpStream>) {
        let mut state = self.lock();
        if state.stopped {
            let _ = tcp.shutdown(Shutdown::Both);
        } else {
            state.others.push(Arc::downgrade(tcp));
        }
    }

    /// Waits so long; true, and at once, if the server ends.
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
