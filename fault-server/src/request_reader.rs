//! Records every byte that arrives and reads it as HTTP, whatever the server does
//! meanwhile.

use std::collections::VecDeque;
use std::sync::Arc;

use super::behaviour::Behaviour;
use super::context::Context;
use super::frames::Control;
use super::http1::{self, Event};
use super::http2;
use super::received::{ReceivedConnection, ReceivedRequest};
use super::script::Next;

/// The most that is read and recorded of one connection.
const MAX_KEPT: usize = 64 << 20;

/// What has arrived over one connection.
#[derive(Debug)]
pub(super) struct RequestReader {
    context: Arc<Context>,
    connection: usize,
    pub(super) protocol: Protocol,
    /// For each request whose headers have arrived, whether it is whole.
    requests: Vec<bool>,
    /// The behaviour of the first request, if the connection has taken one.
    pub(super) early: Option<Behaviour>,
    /// What to do about the requests that are not served yet.
    nexts: VecDeque<Next>,
    /// Whether requests are still served, and so take behaviours.
    pub(super) serving: bool,
    /// Why no more can be read.
    pub(super) bad: Option<String>,
    /// HTTP/2 frames that have to be acknowledged.
    pub(super) controls: VecDeque<Control>,
    kept: usize,
}

#[derive(Debug)]
pub(super) enum Protocol {
    /// The bytes so far may yet become the preface of HTTP/2.
    Undecided(Vec<u8>),
    Http1(http1::Parser),
    Http2(Box<http2::Parser>),
    /// Bytes for the target of a tunnel that have not been taken yet.
    Tunnel(Vec<u8>),
}

impl RequestReader {
    pub(super) fn new(context: Arc<Context>, connection: usize) -> Self {
        Self {
            context,
            connection,
            protocol: Protocol::Undecided(Vec::new()),
            requests: Vec::new(),
            early: None,
            nexts: VecDeque::new(),
            serving: true,
            bad: None,
            controls: VecDeque::new(),
            kept: 0,
        }
    }

    /// Changes, or reads, what is on record of the connection.
    pub(super) fn with_connection<T>(
        &self,
        change: impl FnOnce(&mut ReceivedConnection) -> T,
    ) -> T {
        self.context.log.change(self.connection, change)
    }

    /// What to do about the next request whose header section has arrived.
    pub(super) fn take_next(&mut self) -> Next {
        self.nexts.pop_front().unwrap_or(Next::Nothing)
    }

    pub(super) fn is_decided(&self) -> bool {
        !matches!(self.protocol, Protocol::Undecided(_))
    }

    /// Whether anything of the request with this index has arrived.
    pub(super) fn has_begun(&self, index: usize) -> bool {
        let within = match &self.protocol {
            Protocol::Http1(parser) => parser.is_within_request(),
            _ => false,
        };
        within || self.has_head(index)
    }

    /// Whether the headers of the request with this index have arrived, or
    /// never will.
    pub(super) fn has_head(&self, index: usize) -> bool {
        self.bad.is_some() || self.requests.len() > index
    }

    /// Whether the request with this index has arrived whole, or never will.
    pub(super) fn is_over(&self, index: usize) -> bool {
        self.bad.is_some() || self.requests.get(index) == Some(&true) || self.is_abandoned(index)
    }

    /// Whether the client has withdrawn the request with this index.
    pub(super) fn is_abandoned(&self, index: usize) -> bool {
        matches!(&self.protocol, Protocol::Http2(parser) if parser.is_abandoned(index))
    }

    /// The HTTP/2 stream of the request with this index.
    pub(super) fn stream(&self, index: usize) -> Option<u32> {
        match &self.protocol {
            Protocol::Http2(parser) => parser.stream(index),
            _ => None,
        }
    }

    /// The request has its response, and did not become a tunnel.
    pub(super) fn resume(&mut self) {
        if let Protocol::Http1(parser) = &mut self.protocol {
            parser.resume();
            self.read(&[]);
        }
    }

    /// From now on the bytes are for the target of a tunnel, those included that
    /// belong to no request yet.
    pub(super) fn become_tunnel(&mut self) {
        let protocol = std::mem::replace(&mut self.protocol, Protocol::Tunnel(Vec::new()));
        if let Protocol::Http1(parser) = protocol {
            self.protocol = Protocol::Tunnel(parser.into_rest());
        }
    }

    /// The bytes for the target of a tunnel since the last call.
    pub(super) fn take_tunnelled(&mut self) -> Vec<u8> {
        match &mut self.protocol {
            Protocol::Tunnel(bytes) => std::mem::take(bytes),
            _ => Vec::new(),
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        if self.kept + bytes.len() > MAX_KEPT {
            self.bad = Some("more than 64 MiB over one connection".to_owned());
            return;
        }
        self.kept += bytes.len();
        self.with_connection(|c| c.bytes.extend_from_slice(bytes));
        self.read(bytes);
    }

    fn read(&mut self, bytes: &[u8]) {
        let mut events = Vec::new();
        match &mut self.protocol {
            Protocol::Tunnel(waiting) => waiting.extend_from_slice(bytes),
            Protocol::Http1(parser) => parser.feed(self.connection, bytes, &mut events),
            Protocol::Http2(parser) => {
                parser.feed(self.connection, bytes, &mut events, &mut self.controls);
            }
            Protocol::Undecided(so_far) => {
                so_far.extend_from_slice(bytes);
                let bytes = std::mem::take(so_far);
                if let Some(rest) = bytes.strip_prefix(http2::PREFACE) {
                    self.protocol = Protocol::Http2(Box::default());
                    return self.read(rest);
                } else if http2::PREFACE.starts_with(&bytes) {
                    *so_far = bytes;
                } else {
                    self.protocol = Protocol::Http1(http1::Parser::default());
                    return self.read(&bytes);
                }
            }
        }
        for event in events {
            self.note(event);
        }
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Head(request) => {
                let (early, source) = (&mut self.early, &self.context.source);
                let next = self.context.log.request(*request, || {
                    self.serving.then(|| match early.take() {
                        Some(behaviour) => Next::Play(Box::new(behaviour)),
                        None => source.for_request(),
                    })
                });
                self.nexts.extend(next);
                self.requests.push(false);
            }
            Event::Body(index, piece) => self.change(index, |r| r.body.extend(piece)),
            Event::Complete(index) => {
                self.requests[index] = true;
                self.change(index, |request| request.complete = true);
            }
            Event::Bad(problem) => self.bad = Some(problem),
        }
    }

    fn change(&self, index: usize, change: impl FnOnce(&mut ReceivedRequest)) {
        self.with_connection(|c| change(&mut c.requests[index]));
    }
}
