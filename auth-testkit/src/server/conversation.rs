//! One connection from accept to end: takes reactions and plays them.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use http::{HeaderMap, Method, Version, header};

use super::answer::{Circumstances, Location, interim};
use super::context::Context;
use super::intake::{Intake, Protocol};
use super::reaction::{After, Cut, Point, Reaction};
use super::record::ReceivedRequest;
use super::script::{Next, unexpected};
use super::socket::{Ending, Socket};

/// Serves the connection with this number until it ends. `early` is a reaction
/// that was taken from the script for the connection as such.
pub(super) fn serve(
    tcp: Arc<TcpStream>,
    number: usize,
    early: Option<Reaction>,
    context: &Context,
) {
    let intake = Intake::new(Arc::clone(&context.log), number);
    let mut conversation =
        Conversation { socket: Socket::new(tcp, context.tls.is_some(), intake), context };
    let ending = conversation.run(early);
    conversation.socket.end(ending);
}

pub(super) struct Conversation<'a> {
    pub(super) socket: Socket,
    pub(super) context: &'a Context,
}

/// Whether the connection goes on after a request.
pub(super) type Onward = Result<(), Ending>;

const CLOSE: Ending = Ending::Close { notify: true };

impl Conversation<'_> {
    fn run(&mut self, early: Option<Reaction>) -> Ending {
        if let Some(reaction) = &early {
            self.note_connection(|c| c.reaction = reaction.to_string());
        }
        match self.try_run(early) {
            Ok(()) => CLOSE,
            Err(ending) => ending,
        }
    }

    fn try_run(&mut self, mut early: Option<Reaction>) -> Onward {
        self.open(early.as_ref())?;
        self.wait(|intake| !matches!(intake.protocol, Protocol::Undecided(_)))?;
        for index in 0.. {
            self.wait(|intake| intake.has_begun(index) || intake.bad.is_some())?;
            let next = match early.take() {
                Some(reaction) => Next::Play(Box::new(reaction)),
                None => self.context.source.for_request(),
            };
            self.exchange(index, next)?;
        }
        Ok(())
    }

    /// Everything before HTTP.
    fn open(&mut self, early: Option<&Reaction>) -> Onward {
        let cut_at = |point| early.and_then(|reaction| reaction.cut_at(point));
        if let Some(cut) = cut_at(Point::OnAccept)
            && cut != Cut::GoAway
        {
            return self.break_off(cut);
        }
        if let Some(cut) = cut_at(Point::OnClientHello) {
            if !self.socket.await_first_bytes() {
                return Err(Ending::Gone);
            }
            if let Cut::TlsAlert(description) = cut {
                // Content type alert, version, length, level fatal: RFC 8446
                // sections 5.1 and 6.
                self.send(&[21, 3, 3, 0, 2, 2, description])?;
                return Err(CLOSE);
            }
            return self.break_off(cut);
        }
        if let Some(default) = self.context.tls {
            let certificate = early.and_then(|reaction| reaction.certificate);
            let config = super::tls::config(certificate.unwrap_or(default))
                .map_err(|error| self.give_up(error.to_string()))?;
            if !self.socket.handshake(config) {
                return Err(CLOSE);
            }
        }
        Ok(())
    }

    /// One request of HTTP/1.1, the one with this index.
    fn exchange(&mut self, index: usize, next: Next) -> Onward {
        let scripted = match &next {
            Next::Play(reaction) => Some(reaction),
            Next::Ask | Next::Nothing => None,
        };
        // On a persistent connection a reaction meant for a new one strikes now.
        let first = scripted.filter(|_| index > 0);
        for point in [Point::OnAccept, Point::OnClientHello] {
            if let Some(cut) = first.and_then(|reaction| reaction.cut_at(point)) {
                return self.break_off(cut);
            }
        }
        if self.wait(|intake| intake.heads > index || intake.bad.is_some()).is_err() {
            return Err(self.give_up("the client left within a request's head".to_owned()));
        }
        self.refuse_bad()?;
        self.with_request(index, |request| match &next {
            Next::Play(reaction) => request.reaction = reaction.to_string(),
            Next::Ask => {}
            Next::Nothing => request.unexpected = true,
        });
        let cut_at = |point| scripted.and_then(|reaction| reaction.cut_at(point));
        if let Some(cut) = cut_at(Point::AfterHeaders) {
            return self.break_off(cut);
        }
        if self.with_request(index, wants_continue) {
            self.send(interim(100).as_bytes())?;
        }
        self.wait(|intake| intake.complete > index || intake.bad.is_some())?;
        self.refuse_bad()?;
        let request = self.with_request(index, |request| request.clone());
        let reaction = match next {
            Next::Play(reaction) => *reaction,
            Next::Nothing => unexpected(),
            Next::Ask => self.context.source.answer(&request),
        };
        self.with_request(index, |request| request.reaction = reaction.to_string());
        self.answer(&request, &reaction)
    }

    fn answer(&mut self, request: &ReceivedRequest, reaction: &Reaction) -> Onward {
        match reaction.cut {
            // Of a handler: what is past already strikes now.
            Some((point, cut)) if point <= Point::AfterBody => return self.break_off(cut),
            _ => {}
        }
        let client_persists = request.version == Version::HTTP_11
            && !has_token(&request.headers, header::CONNECTION, "close");
        let persists = reaction.after == After::Persist
            && client_persists
            && !reaction.answer.ends_connection();
        let elsewhere = match reaction.answer.location {
            Some(Location::Elsewhere) => self.context.elsewhere().url(),
            _ => "",
        };
        let encoded = reaction.answer.encode(&Circumstances {
            target: &request.target,
            head_only: request.method == Method::HEAD,
            persist: persists || reaction.after == After::CloseSilently,
            elsewhere,
            cut: reaction.cut.map(|(point, _)| point),
        });
        match reaction.answer.drip {
            None => self.send(&encoded.bytes)?,
            Some(pause) => {
                for byte in encoded.bytes.chunks(1) {
                    self.send(byte)?;
                    if self.context.stop.pause(pause) {
                        return Err(Ending::Gone);
                    }
                }
            }
        }
        if let Some(piece) = encoded.forever {
            loop {
                self.send(&piece)?;
            }
        }
        match reaction.cut {
            Some((_, cut)) => self.break_off(cut),
            None if persists => Ok(()),
            None => Err(CLOSE),
        }
    }

    pub(super) fn break_off(&mut self, cut: Cut) -> Onward {
        Err(match cut {
            Cut::Reset => Ending::Reset,
            Cut::Close => CLOSE,
            Cut::Truncate => Ending::Close { notify: false },
            Cut::Stall => Ending::Stall,
            Cut::TlsAlert(_) | Cut::GoAway | Cut::RefuseStream => {
                self.give_up(format!("{cut} is scripted where it cannot be said"))
            }
        })
    }

    /// Bytes that are no request are answered with 400.
    fn refuse_bad(&mut self) -> Onward {
        let Some(problem) = self.socket.intake.bad.clone() else {
            return Ok(());
        };
        self.send(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")?;
        Err(self.give_up(problem))
    }

    /// Records why the connection cannot be served as scripted.
    pub(super) fn give_up(&self, problem: String) -> Ending {
        self.note_connection(|c| c.problem = Some(problem));
        CLOSE
    }

    /// Reads until the condition holds; fails if the client leaves before.
    pub(super) fn wait(&mut self, condition: impl Fn(&Intake) -> bool) -> Onward {
        if self.socket.until(condition) { Ok(()) } else { Err(CLOSE) }
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> Onward {
        self.socket.send(bytes).map_err(|_: io::Error| Ending::Gone)
    }

    fn note_connection(&self, change: impl FnOnce(&mut super::ReceivedConnection)) {
        self.context.log.change(self.socket.intake.connection, change);
    }

    pub(super) fn with_request<T>(
        &self,
        index: usize,
        use_it: impl FnOnce(&mut ReceivedRequest) -> T,
    ) -> T {
        self.context.log.change(self.socket.intake.connection, |c| use_it(&mut c.requests[index]))
    }
}

fn wants_continue(request: &mut ReceivedRequest) -> bool {
    !request.complete && has_token(&request.headers, header::EXPECT, "100-continue")
}

fn has_token(headers: &HeaderMap, name: header::HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}
