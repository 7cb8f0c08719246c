//! What the threads of one server share.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::fault_server::FaultServer;
use super::record::Log;
use super::script::Source;
use super::tls::Certificate;

#[derive(Debug)]
pub(super) struct Context {
    pub(super) source: Source,
    pub(super) log: Arc<Log>,
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
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    pub(super) fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits so long; true, and at once, if the server ends.
    pub(super) fn pause(&self, pause: Duration) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        *self
            .changed
            .wait_timeout_while(stopped, pause, |stopped| !*stopped)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stop")
    }
}
