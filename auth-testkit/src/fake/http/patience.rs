//! How long a socket waits at a gate.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fault_server::Client;

use crate::Gate;

/// How often somebody who waits at a gate looks whether it is still worth it.
const TURN: Duration = Duration::from_millis(5);

/// Whether the socket is still there; clones share it. Its threads must not wait for a
/// gate that a test that failed no longer opens.
#[derive(Debug, Clone, Default)]
pub(super) struct Patience(Arc<AtomicBool>);

impl Patience {
    /// The socket ends.
    pub(super) fn end(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Waits until the gate is open; false if the client has left or the socket ended
    /// before.
    pub(super) fn pass(&self, gate: &Gate, client: &Client) -> bool {
        gate.block_to_pass_while(TURN, || !self.0.load(Ordering::SeqCst) && is_waiting(client))
    }
}

#[cfg(unix)]
fn is_waiting(client: &Client) -> bool {
    client.is_waiting()
}

/// Nobody knows before something is sent.
#[cfg(not(unix))]
fn is_waiting(_: &Client) -> bool {
    true
}
