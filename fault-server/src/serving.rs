//! Serves one connection from accept to end: takes behaviours and plays them.

use std::net::TcpStream;
use std::sync::Arc;

use http::header;

use super::behaviour::Behaviour;
use super::client::Client;
use super::connection::{CLOSE, Connection, lists};
use super::context::Context;
use super::cut::{Cut, Point};
use super::frames;
use super::http_response::interim;
use super::received::ReceivedRequest;
use super::request_reader::RequestReader;
use super::script::{Next, unexpected};
use super::socket::{Ending, Socket};

/// Serves the connection with this number until it ends. `early` is the
/// behaviour that the connection itself took from the script.
pub(super) fn serve(
    tcp: Arc<TcpStream>,
    number: usize,
    early: Option<Behaviour>,
    context: Arc<Context>,
) {
    let reader = RequestReader::new(Arc::clone(&context), number);
    let mut conversation = Connection {
        socket: Socket::new(tcp, context.tls.is_some(), reader),
        context: &context,
        window: frames::INITIAL_WINDOW,
    };
    let ending = match conversation.run(early) {
        Ok(()) => CLOSE,
        Err(ending) => ending,
    };
    conversation.socket.end(ending);
}

impl Connection<'_> {
    fn run(&mut self, early: Option<Behaviour>) -> Result<(), Ending> {
        self.open(early.as_ref())?;
        let at_once = early.as_ref().and_then(|behaviour| behaviour.cut_at(Point::OnAccept));
        self.socket.reader.early = early;
        self.wait(RequestReader::is_decided)?;
        if self.is_http2() {
            self.send(&frames::settings())?;
            if let Some(cut) = at_once {
                return self.break_off(cut, None);
            }
        }
        for index in 0.. {
            self.serve_request(index)?;
            self.socket.reader.resume();
        }
        Ok(())
    }

    /// Everything before HTTP.
    fn open(&mut self, early: Option<&Behaviour>) -> Result<(), Ending> {
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
                Some(_) => Err(self.give_up(
                    "the script names a certificate, and the server does not speak TLS".to_owned(),
                )),
            };
        };
        let config = super::tls::config(certificate.unwrap_or(default), self.context.manner)
            .map_err(|error| self.give_up(error.to_string()))?;
        match (self.socket.handshake(config), self.context.manner.abrupt) {
            (true, _) => Ok(()),
            (false, false) => Err(CLOSE),
            (false, true) => Err(Ending::Reset),
        }
    }

    /// Serves the request with this index.
    fn serve_request(&mut self, index: usize) -> Result<(), Ending> {
        self.wait(|reader| reader.has_begun(index))?;
        if self.wait(|reader| reader.has_head(index)).is_err() {
            return Err(self.give_up(
                "the client ended the connection within the head of a request".to_owned(),
            ));
        }
        self.refuse_bad()?;
        let next = self.next(index);
        let scripted = match &next {
            Next::Play(behaviour) => Some(behaviour),
            Next::Ask | Next::Nothing => None,
        };
        let cut_at = |point| scripted.and_then(|behaviour| behaviour.cut_at(point));
        // On a persistent connection a behaviour for a new one strikes now.
        let late = [Point::OnAccept, Point::OnClientHello];
        if index > 0
            && let Some(cut) = late.into_iter().find_map(cut_at)
        {
            return self.break_off(cut, None);
        }
        if let Some(cut) = cut_at(Point::AfterHeaders) {
            return self.break_off(cut, Some(index));
        }
        if let Some(behaviour) = scripted
            && behaviour.is_early()
        {
            return self.respond_early(behaviour, index);
        }
        if self.with_request(index, |request| wants_continue(request)) {
            let interim = match self.socket.reader.stream(index) {
                Some(stream) => frames::headers(stream, 100, &[], false),
                None => interim(100, 0).into_bytes(),
            };
            self.send(&interim)?;
        }
        self.wait(|reader| reader.is_over(index))?;
        self.refuse_bad()?;
        if self.socket.reader.is_abandoned(index) {
            return Ok(());
        }
        let request = self.with_request(index, |request| request.clone());
        let behaviour = match next {
            Next::Play(behaviour) => *behaviour,
            Next::Nothing => unexpected(),
            Next::Ask => self.context.source.response(&request, &Client::new(&self.socket.tcp)),
        };
        self.with_request(index, |request| request.behaviour = behaviour.to_string());
        match behaviour.cut {
            // Of a handler: what is past already strikes now.
            Some((point, cut)) if point <= Point::AfterBody => self.break_off(cut, Some(index)),
            _ if behaviour.relay => self.relay(&request, &behaviour, index),
            _ => match self.socket.reader.stream(index) {
                Some(stream) => self.response_http2(&request, &behaviour, index, stream),
                None => self.response_http1(&request, &behaviour, index),
            },
        }
    }

    /// What to do about the request whose header section is there.
    fn next(&mut self, index: usize) -> Next {
        let next = self.socket.reader.take_next();
        let (Next::Ask, Some(handler)) = (&next, &self.context.head_handler) else { return next };
        let request = self.with_request(index, |request| request.clone());
        match handler(&request, &Client::new(&self.socket.tcp)) {
            Some(behaviour) => {
                self.with_request(index, |request| request.behaviour = behaviour.to_string());
                Next::Play(Box::new(behaviour))
            }
            None => next,
        }
    }

    /// Responds before the body has been read, and reads the body then.
    fn respond_early(&mut self, behaviour: &Behaviour, index: usize) -> Result<(), Ending> {
        let request = self.with_request(index, |request| request.clone());
        if let Some(stream) = self.socket.reader.stream(index) {
            self.response_http2(&request, behaviour, index, stream)?;
            if !self.socket.reader.is_over(index) {
                // RFC 9113 section 8.1, with NO_ERROR.
                self.send(&frames::reset_stream(stream, 0))?;
            }
            return Ok(());
        }
        let behaviour = match wants_continue(&request) {
            true => &behaviour.clone().then_close(),
            false => behaviour,
        };
        self.response_http1(&request, behaviour, index)?;
        self.wait(|reader| reader.is_over(index))
    }

    /// The response to bytes that are no request is a 400.
    fn refuse_bad(&mut self) -> Result<(), Ending> {
        let Some(problem) = self.socket.reader.bad.clone() else {
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
}

fn wants_continue(request: &ReceivedRequest) -> bool {
    !request.complete && lists(&request.headers, header::EXPECT, "100-continue")
}
