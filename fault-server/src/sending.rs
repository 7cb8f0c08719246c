//! Sending a response, over either version of HTTP, as far as it goes.

use std::time::Duration;

use http::{Method, Version, header};

use super::behaviour::{After, Behaviour};
use super::connection::{CLOSE, Connection, lists};
use super::cut::Point;
use super::frames;
use super::http_response::{Circumstances, HttpResponse, Location};
use super::received::ReceivedRequest;
use super::socket::Ending;

/// How often a response that waits at a gate looks whether the server ends.
const GATE_TURN: Duration = Duration::from_millis(20);

/// How long the server pauses between interim responses without end. A client that
/// passes over them is to keep up: one for which there is always more to read may
/// not look at its time before it has read what a slow machine takes seconds for.
const BREATH: Duration = Duration::from_millis(10);

impl Connection<'_> {
    pub(super) fn response_http1(
        &mut self,
        request: &ReceivedRequest,
        behaviour: &Behaviour,
        index: usize,
    ) -> Result<(), Ending> {
        let client_persists = request.version == Version::HTTP_11
            && !lists(&request.headers, header::CONNECTION, "close");
        let persists = behaviour.after == After::Persist
            && client_persists
            && !behaviour.response.ends_connection();
        let elsewhere = self.elsewhere(behaviour);
        let circumstances = Circumstances {
            persist: persists || behaviour.after == After::CloseSilently,
            ..circumstances(request, behaviour, &elsewhere)
        };
        let encoded = behaviour.response.encode(&circumstances);
        let held = behaviour.hold.as_ref().filter(|(point, _)| *point > Point::AfterBody);
        let before = held.map_or(0, |(point, _)| {
            let upto = Circumstances { cut: Some(*point), ..circumstances };
            behaviour.response.encode(&upto).bytes.len().min(encoded.bytes.len())
        });
        let (first, rest) = encoded.bytes.split_at(before);
        self.send_at_pace(first, behaviour.response.drip)?;
        self.await_gate(behaviour)?;
        self.send_at_pace(rest, behaviour.response.drip)?;
        if let Some(piece) = encoded.forever {
            let pause = behaviour.response.endless_interim.map(|_| BREATH);
            self.send_forever(&piece, pause)?;
        }
        self.with_request(index, |request| request.responded = true);
        match behaviour.cut {
            Some((_, cut)) => self.break_off(cut, None),
            None if persists => Ok(()),
            None => Err(CLOSE),
        }
    }

    pub(super) fn response_http2(
        &mut self,
        request: &ReceivedRequest,
        behaviour: &Behaviour,
        index: usize,
        stream: u32,
    ) -> Result<(), Ending> {
        let response = &behaviour.response;
        self.await_gate(behaviour)?;
        if let Some(raw) = &response.raw {
            self.send(raw)?;
            self.with_request(index, |request| request.responded = true);
            return Err(CLOSE);
        }
        let elsewhere = self.elsewhere(behaviour);
        let circumstances = circumstances(request, behaviour, &elsewhere);
        let fields = response.fields(&circumstances);
        let content = response.content();
        let bodiless = content.is_empty() || circumstances.head_only;
        let mut bytes = Vec::new();
        for status in &response.interim {
            bytes.extend(frames::headers(stream, *status, &[], false));
        }
        if let Some(status) = response.endless_interim {
            let piece = frames::headers(stream, status, &[], false).repeat(1024);
            self.send_forever(&piece, Some(BREATH))?;
        }
        let head = frames::headers(stream, response.status, &fields, bodiless);
        let point = behaviour.cut.map(|(point, _)| point);
        if point == Some(Point::InResponseHead) {
            bytes.extend_from_slice(&head[..head.len() / 2]);
        } else {
            bytes.extend(head);
            let upto = HttpResponse::bytes_before(point, &content);
            let body = &content[..upto.unwrap_or(content.len())];
            if !bodiless {
                self.window = self.window.checked_sub(body.len()).ok_or_else(|| {
                    self.give_up("more than 65535 bytes of bodies over HTTP/2".to_owned())
                })?;
                bytes.extend(frames::data(stream, body, upto.is_none()));
            }
        }
        self.send(&bytes)?;
        self.with_request(index, |request| request.responded = true);
        match (behaviour.cut, behaviour.after) {
            (Some((_, cut)), _) => self.break_off(cut, Some(index)),
            (None, After::Persist) => Ok(()),
            (None, After::Close) => {
                self.send(&frames::go_away(stream))?;
                Err(CLOSE)
            }
            (None, After::CloseSilently) => Err(CLOSE),
        }
    }

    /// At once, or byte by byte with a pause after each.
    pub(super) fn send_at_pace(
        &mut self,
        bytes: &[u8],
        pause: Option<Duration>,
    ) -> Result<(), Ending> {
        let Some(pause) = pause else { return self.send(bytes) };
        for byte in bytes.chunks(1) {
            self.send(byte)?;
            if self.context.stop.pause(pause) {
                return Err(Ending::Gone);
            }
        }
        Ok(())
    }

    /// Until the client gives up, or the server ends.
    fn send_forever(&mut self, piece: &[u8], pause: Option<Duration>) -> Result<(), Ending> {
        loop {
            self.send(piece)?;
            if pause.is_some_and(|pause| self.context.stop.pause(pause)) {
                return Err(Ending::Gone);
            }
        }
    }

    /// Waits for the gate that holds the response, if one does.
    fn await_gate(&self, behaviour: &Behaviour) -> Result<(), Ending> {
        let Some((_, gate)) = &behaviour.hold else { return Ok(()) };
        while !gate.is_open_within(GATE_TURN) {
            if self.context.stop.pause(Duration::ZERO) {
                return Err(Ending::Gone);
            }
        }
        Ok(())
    }

    /// The URL of another origin, if the behaviour redirects there.
    fn elsewhere(&self, behaviour: &Behaviour) -> String {
        match behaviour.response.location {
            Some(Location::Elsewhere) => (self.context.elsewhere_url)(),
            _ => String::new(),
        }
    }
}

fn circumstances<'a>(
    request: &'a ReceivedRequest,
    behaviour: &Behaviour,
    elsewhere: &'a str,
) -> Circumstances<'a> {
    Circumstances {
        target: &request.target,
        head_only: request.method == Method::HEAD,
        persist: true,
        elsewhere,
        cut: behaviour.cut.map(|(point, _)| point),
    }
}
