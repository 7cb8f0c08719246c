//! The record of a server, filled by the threads of its connections.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::header;

use super::behaviour::Behaviour;
use super::received::{Handshake, ReceivedConnection, ReceivedRequest};
use super::script::Next;

/// Everything that arrived, filled by the threads of the connections.
#[derive(Debug)]
pub(super) struct Log {
    started: Instant,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    connections: Vec<ReceivedConnection>,
    /// All requests in order of arrival, as connection and index there.
    order: Vec<(usize, usize)>,
}

impl Log {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), state: Mutex::default(), changed: Condvar::new() }
    }

    /// A connection was accepted; returns the behaviour that it takes. Nothing
    /// else arrives between the two.
    pub(super) fn connection(
        &self,
        tls: bool,
        take: impl FnOnce() -> Option<Behaviour>,
    ) -> Option<Behaviour> {
        let arrived = self.started.elapsed();
        let mut state = self.lock();
        let behaviour = take();
        state.connections.push(ReceivedConnection {
            arrived,
            handshake: if tls { Handshake::Unfinished } else { Handshake::Plain },
            client_certificate: None,
            bytes: Vec::new(),
            requests: Vec::new(),
            behaviour: behaviour.as_ref().map(Behaviour::to_string).unwrap_or_default(),
            problem: None,
        });
        self.changed.notify_all();
        behaviour
    }

    /// A request's header section is complete; returns what is to be done about
    /// it. Nothing else arrives between the two, so that behaviours are taken in
    /// the order of the record.
    pub(super) fn request(
        &self,
        mut request: ReceivedRequest,
        take: impl FnOnce() -> Option<Next>,
    ) -> Option<Next> {
        request.arrived = self.started.elapsed();
        for name in [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE] {
            if let header::Entry::Occupied(mut entry) = request.headers.entry(name) {
                entry.iter_mut().for_each(|value| value.set_sensitive(true));
            }
        }
        let mut state = self.lock();
        let next = take();
        match &next {
            Some(Next::Play(behaviour)) => request.behaviour = behaviour.to_string(),
            Some(Next::Nothing) => request.unexpected = true,
            Some(Next::Ask) | None => {}
        }
        let connection = request.connection;
        let index = state.connections[connection].requests.len();
        state.order.push((connection, index));
        state.connections[connection].requests.push(request);
        self.changed.notify_all();
        next
    }

    pub(super) fn change<T>(
        &self,
        connection: usize,
        change: impl FnOnce(&mut ReceivedConnection) -> T,
    ) -> T {
        let mut state = self.lock();
        let out = change(&mut state.connections[connection]);
        self.changed.notify_all();
        out
    }

    pub(super) fn connections(&self) -> Vec<ReceivedConnection> {
        self.lock().connections.clone()
    }

    pub(super) fn requests(&self) -> Vec<ReceivedRequest> {
        self.lock().requests()
    }

    /// Waits until `condition` holds for what has arrived; false if it does
    /// not within `limit`.
    pub(super) fn wait(
        &self,
        limit: Duration,
        condition: impl Fn(&[ReceivedConnection]) -> bool,
    ) -> bool {
        let (_guard, timeout) = self
            .changed
            .wait_timeout_while(self.lock(), limit, |state| !condition(&state.connections))
            .unwrap_or_else(PoisonError::into_inner);
        !timeout.timed_out()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn requests(&self) -> Vec<ReceivedRequest> {
        self.order
            .iter()
            .map(|(connection, index)| self.connections[*connection].requests[*index].clone())
            .collect()
    }
}
