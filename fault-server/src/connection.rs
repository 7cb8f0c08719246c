//! One accepted connection, and the steps of serving it.

use http::{HeaderMap, header};

use super::context::Context;
use super::cut::Cut;
use super::frames;
use super::received::ReceivedRequest;
use super::request_reader::{Protocol, RequestReader};
use super::socket::{Ending, Socket};

pub(super) struct Connection<'a> {
    pub(super) socket: Socket,
    pub(super) context: &'a Context,
    /// How many bytes of bodies HTTP/2 still lets the server send.
    pub(super) window: usize,
}

pub(super) const CLOSE: Ending = Ending::Close { notify: true };

impl Connection<'_> {
    /// Breaks off the request with this index, or the connection before any.
    pub(super) fn break_off(&mut self, cut: Cut, index: Option<usize>) -> Result<(), Ending> {
        let stream = index.and_then(|index| self.socket.reader.stream(index));
        match (cut, stream) {
            (Cut::Reset, _) => Err(Ending::Reset),
            (Cut::Close, _) => Err(CLOSE),
            (Cut::Truncate, _) => Err(Ending::Close { notify: false }),
            (Cut::Stall, _) => Err(Ending::Stall),
            (Cut::TlsAlert(description), _) if index.is_some() && self.context.tls.is_some() => {
                self.socket.alert(description);
                Err(CLOSE)
            }
            (Cut::GoAway, _) if self.is_http2() => {
                self.send(&frames::go_away(0))?;
                Err(CLOSE)
            }
            (Cut::RefuseStream, Some(stream)) => self.send(&frames::refuse_stream(stream)),
            (Cut::ResetStream(code), Some(stream)) => {
                self.send(&frames::reset_stream(stream, code))
            }
            (Cut::TlsAlert(_) | Cut::GoAway | Cut::RefuseStream | Cut::ResetStream(_), _) => {
                Err(self.give_up(format!("{cut} is not possible at this point of this connection")))
            }
        }
    }

    /// Records why the connection cannot be served as scripted.
    pub(super) fn give_up(&self, problem: String) -> Ending {
        self.socket.reader.with_connection(|c| c.problem = Some(problem));
        CLOSE
    }

    /// Reads until the condition holds, and acknowledges HTTP/2 frames. Fails if
    /// the client leaves before.
    pub(super) fn wait(
        &mut self,
        condition: impl Fn(&RequestReader) -> bool,
    ) -> Result<(), Ending> {
        loop {
            while let Some(control) = self.socket.reader.controls.pop_front() {
                self.send(&frames::acknowledgement(control))?;
            }
            if condition(&self.socket.reader) {
                return Ok(());
            }
            if !self.socket.read_more() {
                return Err(CLOSE);
            }
        }
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), Ending> {
        self.socket.send(bytes).map_err(|_| Ending::Gone)
    }

    pub(super) fn is_http2(&self) -> bool {
        matches!(self.socket.reader.protocol, Protocol::Http2(_))
    }

    pub(super) fn with_request<T>(
        &self,
        index: usize,
        use_it: impl FnOnce(&mut ReceivedRequest) -> T,
    ) -> T {
        self.socket.reader.with_connection(|c| use_it(&mut c.requests[index]))
    }
}

/// Whether a header whose value is a list holds this option.
pub(super) fn lists(headers: &HeaderMap, name: header::HeaderName, option: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(option))
}
