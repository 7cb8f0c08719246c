//! The way in: every byte that arrives is put on record and read as HTTP, at
//! whatever point the server stands.

use std::sync::Arc;

use super::http1::{self, Event};
use super::record::Log;

/// More than this is not kept of one connection, nor read.
const MAX_KEPT: usize = 64 << 20;

/// What has arrived over one connection, as far as the server must know.
#[derive(Debug)]
pub(super) struct Intake {
    pub(super) log: Arc<Log>,
    pub(super) connection: usize,
    pub(super) protocol: Protocol,
    /// How many requests have arrived up to the end of their headers.
    pub(super) heads: usize,
    /// How many requests have arrived whole.
    pub(super) complete: usize,
    /// Why no more can be read.
    pub(super) bad: Option<String>,
    kept: usize,
}

#[derive(Debug)]
pub(super) enum Protocol {
    /// The bytes so far may yet become the preface of HTTP/2.
    Undecided(Vec<u8>),
    Http1(http1::Parser),
}

impl Intake {
    pub(super) fn new(log: Arc<Log>, connection: usize) -> Self {
        Self {
            log,
            connection,
            protocol: Protocol::Undecided(Vec::new()),
            heads: 0,
            complete: 0,
            bad: None,
            kept: 0,
        }
    }

    /// Whether the request after `complete` whole ones has begun to arrive.
    pub(super) fn has_begun(&self, complete: usize) -> bool {
        self.heads > complete
            || match &self.protocol {
                Protocol::Undecided(_) => false,
                Protocol::Http1(parser) => parser.is_within_request(),
            }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        if self.kept + bytes.len() > MAX_KEPT {
            self.bad = Some("more than 64 MiB over one connection".to_owned());
            return;
        }
        self.kept += bytes.len();
        self.log.change(self.connection, |c| c.bytes.extend_from_slice(bytes));
        self.read(bytes);
    }

    fn read(&mut self, bytes: &[u8]) {
        let mut events = Vec::new();
        match &mut self.protocol {
            Protocol::Http1(parser) => parser.feed(self.connection, bytes, &mut events),
            Protocol::Undecided(so_far) => {
                so_far.extend_from_slice(bytes);
                let bytes = std::mem::take(so_far);
                self.protocol = Protocol::Http1(http1::Parser::default());
                return self.read(&bytes);
            }
        }
        for event in events {
            self.note(event);
        }
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Head(request) => {
                self.log.request(*request);
                self.heads += 1;
            }
            Event::Body(piece) => self.with_latest(|request| request.body.extend(piece)),
            Event::Complete => {
                self.with_latest(|request| request.complete = true);
                self.complete += 1;
            }
            Event::Bad(problem) => self.bad = Some(problem),
        }
    }

    fn with_latest(&self, change: impl FnOnce(&mut super::ReceivedRequest)) {
        self.log.change(self.connection, |c| c.requests.last_mut().map(change));
    }
}
