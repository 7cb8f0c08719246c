//! What arrived at the server.

use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::{HeaderMap, Method, Version, header};

use super::behaviour::Behaviour;
use super::script::Next;

/// A request as it arrived, perhaps only in part.
///
/// `Debug` shows no body, no query, and no credentials, so that a failed test
/// does not print a token.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// The number of the connection it came over, from 0; an index into
    /// [`FaultServer::connections`](super::FaultServer::connections).
    pub connection: usize,
    /// When its header section was complete, counted from the server's start.
    pub arrived: Duration,
    /// HTTP/1.0, HTTP/1.1 or HTTP/2.
    pub version: Version,
    /// The method.
    pub method: Method,
    /// The target as sent: a path with its query for most, an absolute URL or
    /// an authority for what is meant for a proxy. Over HTTP/2 the `:path`, or
    /// the `:authority` of a CONNECT.
    pub target: String,
    /// The header fields. Over HTTP/2 `:authority` is found as `host`.
    pub headers: HeaderMap,
    /// The body so far, without the framing of chunks.
    pub body: Vec<u8>,
    /// Whether the whole body arrived.
    pub complete: bool,
    /// What the server did about it, in words; empty until it is decided.
    pub behaviour: String,
    /// No entry of the script was left for it.
    pub unexpected: bool,
}

/// A connection that was accepted, and everything that arrived over it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedConnection {
    /// When it was accepted, counted from the server's start.
    pub arrived: Duration,
    /// How far TLS came.
    pub handshake: Handshake,
    /// Every byte that arrived, decrypted where TLS is spoken.
    pub bytes: Vec<u8>,
    /// The requests in those bytes, in order.
    pub requests: Vec<ReceivedRequest>,
    /// What the server did about the connection before any request, in words;
    /// empty if nothing.
    pub behaviour: String,
    /// Why the bytes could not be understood, or not be answered as scripted.
    pub problem: Option<String>,
}

/// How far a TLS handshake came, as the server saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Handshake {
    /// The server does not speak TLS.
    Plain,
    /// TLS was or is to be spoken, and the handshake is not over.
    Unfinished,
    /// The client accepted the certificate.
    Done,
    /// It failed; the text tells the alert that the client sent.
    Failed(String),
}

impl ReceivedRequest {
    pub(super) fn new(
        connection: usize,
        version: Version,
        method: Method,
        target: String,
        headers: HeaderMap,
    ) -> Self {
        Self {
            connection,
            arrived: Duration::ZERO,
            version,
            method,
            target,
            headers,
            body: Vec::new(),
            complete: false,
            behaviour: String::new(),
            unexpected: false,
        }
    }

    /// The body as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

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

    /// A connection was accepted; returns its number, and the reaction that it
    /// takes. Nothing else arrives between the two.
    pub(super) fn connection(
        &self,
        tls: bool,
        take: impl FnOnce() -> Option<Behaviour>,
    ) -> (usize, Option<Behaviour>) {
        let arrived = self.started.elapsed();
        let mut state = self.lock();
        let behaviour = take();
        state.connections.push(ReceivedConnection {
            arrived,
            handshake: if tls { Handshake::Unfinished } else { Handshake::Plain },
            bytes: Vec::new(),
            requests: Vec::new(),
            behaviour: behaviour.as_ref().map(Behaviour::to_string).unwrap_or_default(),
            problem: None,
        });
        self.changed.notify_all();
        (state.connections.len() - 1, behaviour)
    }

    /// A request's header section is complete; returns what is to be done about
    /// it. Nothing else arrives between the two, so that reactions are taken in
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

impl fmt::Debug for ReceivedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivedRequest")
            .field("connection", &self.connection)
            .field("arrived", &self.arrived)
            .field("version", &self.version)
            .field("method", &self.method)
            .field("target", &without_query(&self.target))
            .field("headers", &self.headers)
            .field("body", &format_args!("[{} bytes]", self.body.len()))
            .field("complete", &self.complete)
            .field("reaction", &self.behaviour)
            .field("unexpected", &self.unexpected)
            .finish()
    }
}

impl fmt::Debug for ReceivedConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivedConnection")
            .field("arrived", &self.arrived)
            .field("handshake", &self.handshake)
            .field("bytes", &format_args!("[{} bytes]", self.bytes.len()))
            .field("requests", &self.requests)
            .field("reaction", &self.behaviour)
            .field("problem", &self.problem)
            .finish()
    }
}

/// One line: `POST /token, 63 bytes of body`.
impl fmt::Display for ReceivedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = without_query(&self.target);
        let length = self.body.len();
        write!(f, "{} {target}, {length} bytes of body", self.method)?;
        if !self.complete {
            f.write_str(" and more to come")?;
        }
        Ok(())
    }
}

fn without_query(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}
