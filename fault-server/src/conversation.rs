//! One connection from accept to end: takes reactions and plays them.

use std::net::TcpStream;
use std::sync::Arc;

use http::{HeaderMap, header};

use super::behaviour::Behaviour;
use super::context::Context;
use super::cut::{Cut, Point};
use super::frames;
use super::http_response::interim;
use super::intake::{Intake, Protocol};
use super::record::ReceivedRequest;
use super::script::{Next, unexpected};
use super::socket::{Ending, Socket};

/// Serves the connection with this number until it ends. `early` is a reaction
/// that was taken from the script for the connection as such.
pub(super) fn serve(
    tcp: Arc<TcpStream>,
    number: usize,
    early: Option<Behaviour>,
    context: Arc<Context>,
) {
    let intake = Intake::new(Arc::clone(&context), number);
    let mut conversation = Conversation {
        socket: Socket::new(tcp, context.tls.is_some(), intake),
        context: &context,
        window: frames::INITIAL_WINDOW,
    };
    let ending = match conversation.run(early) {
        Ok(()) => CLOSE,
        Err(ending) => ending,
    };
    conversation.socket.end(ending);
}

pub(super) struct Conversation<'a> {
    pub(super) socket: Socket,
    pub(super) context: &'a Context,
    /// How many bytes of bodies HTTP/2 still lets the server send.
    pub(super) window: usize,
}

/// Whether the connection goes on.
pub(super) type Onward = Result<(), Ending>;

pub(super) const CLOSE: Ending = Ending::Close { notify: true };

impl Conversation<'_> {
    fn run(&mut self, early: Option<Behaviour>) -> Onward {
        self.open(early.as_ref())?;
        let at_once = early.as_ref().and_then(|behaviour| behaviour.cut_at(Point::OnAccept));
        self.socket.intake.early = early;
        self.wait(Intake::is_decided)?;
        if self.is_http2() {
            self.send(&frames::settings())?;
            if let Some(cut) = at_once {
                return self.break_off(cut, None);
            }
        }
        for index in 0.. {
            self.exchange(index)?;
            self.socket.intake.resume();
        }
        Ok(())
    }

    /// Everything before HTTP.
    fn open(&mut self, early: Option<&Behaviour>) -> Onward {
        let cut_at = |point| early.and_then(|behaviour| behaviour.cut_at(point));
        if let Some(cut) = cut_at(Point::OnAccept)
            && cut != Cut::GoAway
        {
            return self.break_off(cut, None);
        }
        if let Some(cut) = cut_at(Point::OnClientHello) {
            if !self.socket.await_first_bytes() {
                return Err(Ending::Gone);
            }
            if let Cut::TlsAlert(description) = cut
                && self.context.tls.is_some()
            {
                // Content type alert, version, length, level fatal: RFC 8446
                // sections 5.1 and 6.
                self.send(&[21, 3, 3, 0, 2, 2, description])?;
                return Err(CLOSE);
            }
            return self.break_off(cut, None);
        }
        let certificate = early.and_then(|behaviour| behaviour.certificate);
        let Some(default) = self.context.tls else {
            return match certificate {
                None => Ok(()),
                Some(_) => Err(self.give_up("a certificate is scripted without TLS".to_owned())),
            };
        };
        let config = super::tls::config(certificate.unwrap_or(default))
            .map_err(|error| self.give_up(error.to_string()))?;
        if self.socket.handshake(config) { Ok(()) } else { Err(CLOSE) }
    }

    /// One request, the one with this index, and what is done about it.
    fn exchange(&mut self, index: usize) -> Onward {
        self.wait(|intake| intake.has_begun(index))?;
        if self.wait(|intake| intake.has_head(index)).is_err() {
            return Err(self.give_up("the client left within a request's head".to_owned()));
        }
        self.refuse_bad()?;
        let next = self.socket.intake.take_next();
        let scripted = match &next {
            Next::Play(behaviour) => Some(behaviour),
            Next::Ask | Next::Nothing => None,
        };
        let cut_at = |point| scripted.and_then(|behaviour| behaviour.cut_at(point));
        // On a persistent connection a reaction meant for a new one strikes now.
        let late = [Point::OnAccept, Point::OnClientHello];
        if index > 0
            && let Some(cut) = late.into_iter().find_map(cut_at)
        {
            return self.break_off(cut, None);
        }
        if let Some(cut) = cut_at(Point::AfterHeaders) {
            return self.break_off(cut, Some(index));
        }
        if self.with_request(index, |request| wants_continue(request)) {
            let interim = match self.socket.intake.stream(index) {
                Some(stream) => frames::headers(stream, 100, &[], false),
                None => interim(100).into_bytes(),
            };
            self.send(&interim)?;
        }
        self.wait(|intake| intake.is_over(index))?;
        self.refuse_bad()?;
        if self.socket.intake.is_abandoned(index) {
            return Ok(());
        }
        let request = self.with_request(index, |request| request.clone());
        let behaviour = match next {
            Next::Play(behaviour) => *behaviour,
            Next::Nothing => unexpected(),
            Next::Ask => self.context.source.response(&request),
        };
        self.with_request(index, |request| request.behaviour = behaviour.to_string());
        match behaviour.cut {
            // Of a handler: what is past already strikes now.
            Some((point, cut)) if point <= Point::AfterBody => self.break_off(cut, Some(index)),
            _ if behaviour.relay => self.relay(&request),
            _ => match self.socket.intake.stream(index) {
                Some(stream) => self.response_http2(&request, &behaviour, index, stream),
                None => self.response_http1(&request, &behaviour),
            },
        }
    }

    /// Breaks off the request with this index, or the connection before any.
    pub(super) fn break_off(&mut self, cut: Cut, index: Option<usize>) -> Onward {
        let stream = index.and_then(|index| self.socket.intake.stream(index));
        match (cut, stream) {
            (Cut::Reset, _) => Err(Ending::Reset),
            (Cut::Close, _) => Err(CLOSE),
            (Cut::Truncate, _) => Err(Ending::Close { notify: false }),
            (Cut::Stall, _) => Err(Ending::Stall),
            (Cut::GoAway, _) if self.is_http2() => {
                self.send(&frames::go_away(0))?;
                Err(CLOSE)
            }
            (Cut::RefuseStream, Some(stream)) => self.send(&frames::refuse_stream(stream)),
            (Cut::TlsAlert(_) | Cut::GoAway | Cut::RefuseStream, _) => {
                Err(self.give_up(format!("{cut} is scripted where it cannot be said")))
            }
        }
    }

    /// Bytes that are no request are answered with 400.
    fn refuse_bad(&mut self) -> Onward {
        let Some(problem) = self.socket.intake.bad.clone() else {
            return Ok(());
        };
        let ending = self.give_up(problem);
        if !self.is_http2() {
            self.send(
                b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            )?;
        }
        Err(ending)
    }

    /// Records why the connection cannot be served as scripted.
    pub(super) fn give_up(&self, problem: String) -> Ending {
        self.socket.intake.with_connection(|c| c.problem = Some(problem));
        CLOSE
    }

    /// Reads until the condition holds, and replies to HTTP/2 frames that want
    /// it; fails if the client leaves before.
    pub(super) fn wait(&mut self, condition: impl Fn(&Intake) -> bool) -> Onward {
        loop {
            while let Some(control) = self.socket.intake.controls.pop_front() {
                self.send(&frames::outcome(control))?;
            }
            if condition(&self.socket.intake) {
                return Ok(());
            }
            if !self.socket.read_more() {
                return Err(CLOSE);
            }
        }
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> Onward {
        self.socket.send(bytes).map_err(|_| Ending::Gone)
    }

    fn is_http2(&self) -> bool {
        matches!(self.socket.intake.protocol, Protocol::Http2(_))
    }

    fn with_request<T>(&self, index: usize, use_it: impl FnOnce(&mut ReceivedRequest) -> T) -> T {
        self.socket.intake.with_connection(|c| use_it(&mut c.requests[index]))
    }
}

fn wants_continue(request: &ReceivedRequest) -> bool {
    !request.complete && has_token(&request.headers, header::EXPECT, "100-continue")
}

pub(super) fn has_token(headers: &HeaderMap, name: header::HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}
