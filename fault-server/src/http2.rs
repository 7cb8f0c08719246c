//! Reading HTTP/2 requests from bytes as they arrive (RFC 9113).

use std::collections::VecDeque;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};

use super::frames::{
    ACK, CONTINUATION, Control, DATA, END_HEADERS, END_STREAM, HEADERS, MAX_FRAME, PADDED, PING,
    PRIORITY, RST_STREAM, SETTINGS,
};
use super::hpack::{self, Field};
use super::http1::Event;
use super::received::ReceivedRequest;

/// What a client begins with (section 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[derive(Debug, Default)]
pub(super) struct Parser {
    buffer: Vec<u8>,
    hpack: hpack::Decoder,
    /// The header block under way: its stream, whether it ends the stream.
    block: Option<(u32, bool, Vec<u8>)>,
    /// The stream of each request, in order of arrival.
    streams: Vec<u32>,
    /// Streams that the client has reset.
    abandoned: Vec<u32>,
    bad: bool,
}

const MAX_BLOCK: usize = 1 << 20;

impl Parser {
    /// The stream of the request with this index.
    pub(super) fn stream(&self, index: usize) -> Option<u32> {
        self.streams.get(index).copied()
    }

    /// Whether the client has reset the stream of the request with this index.
    pub(super) fn is_abandoned(&self, index: usize) -> bool {
        self.stream(index).is_some_and(|stream| self.abandoned.contains(&stream))
    }

    pub(super) fn feed(
        &mut self,
        connection: usize,
        bytes: &[u8],
        events: &mut Vec<Event>,
        controls: &mut VecDeque<Control>,
    ) {
        self.buffer.extend_from_slice(bytes);
        while !self.bad
            && let Some((kind, flags, stream, payload)) = self.next_frame()
        {
            let result = self.frame(connection, kind, flags, stream, payload, events, controls);
            if let Err(problem) = result {
                self.bad = true;
                events.push(Event::Bad(format!("HTTP/2: {problem}")));
            }
        }
    }

    /// Section 4.1. An oversized frame comes out empty, and is refused then.
    fn next_frame(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        let (&[a, b, c, kind, flags, s0, s1, s2, s3], rest) = self.buffer.split_first_chunk()?;
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        let stream = u32::from_be_bytes([s0 & 127, s1, s2, s3]);
        if length > MAX_FRAME {
            self.buffer.clear();
            return Some((u8::MAX, 0, 0, Vec::new()));
        }
        let payload = rest.get(..length)?.to_vec();
        self.buffer.drain(..9 + length);
        Some((kind, flags, stream, payload))
    }

    #[expect(clippy::too_many_arguments, reason = "a frame has four parts")]
    fn frame(
        &mut self,
        connection: usize,
        kind: u8,
        flags: u8,
        stream: u32,
        payload: Vec<u8>,
        events: &mut Vec<Event>,
        controls: &mut VecDeque<Control>,
    ) -> Result<(), &'static str> {
        if self.block.is_some() && kind != CONTINUATION {
            return Err("a header block is interrupted");
        }
        match kind {
            DATA => {
                let length = payload.len() as u32;
                if length > 0 {
                    controls.push_back(Control::Data(stream, length));
                }
                let index = self.index(stream).ok_or("DATA without HEADERS")?;
                events.push(Event::Body(index, unpadded(payload, flags)?));
                if flags & END_STREAM != 0 {
                    events.push(Event::Complete(index));
                }
            }
            HEADERS => {
                let mut block = unpadded(payload, flags)?;
                if flags & PRIORITY != 0 {
                    if block.len() < 5 {
                        return Err("a frame is too short");
                    }
                    block.drain(..5);
                }
                self.block = Some((stream, flags & END_STREAM != 0, block));
                self.end_of_block(connection, flags, events)?;
            }
            CONTINUATION => match &mut self.block {
                Some((of, _, block)) if *of == stream => {
                    block.extend(payload);
                    if block.len() > MAX_BLOCK {
                        return Err("a header block does not end");
                    }
                    self.end_of_block(connection, flags, events)?;
                }
                _ => return Err("CONTINUATION without HEADERS"),
            },
            RST_STREAM => self.abandoned.push(stream),
            SETTINGS if flags & ACK == 0 => controls.push_back(Control::Settings),
            PING if flags & ACK == 0 => {
                let data = payload.try_into().map_err(|_| "a PING is not 8 bytes")?;
                controls.push_back(Control::Ping(data));
            }
            u8::MAX => return Err("a frame is larger than allowed"),
            // PRIORITY, WINDOW_UPDATE, GOAWAY, acknowledgements, extensions.
            _ => {}
        }
        Ok(())
    }

    fn end_of_block(
        &mut self,
        connection: usize,
        flags: u8,
        events: &mut Vec<Event>,
    ) -> Result<(), &'static str> {
        if flags & END_HEADERS == 0 {
            return Ok(());
        }
        let Some((stream, end_of_stream, block)) = self.block.take() else {
            return Ok(());
        };
        let fields = self.hpack.decode(&block).ok_or("a header block is malformed")?;
        let index = match self.index(stream) {
            // Trailers.
            Some(index) => index,
            None => {
                let request = request(connection, fields).ok_or("a request is malformed")?;
                events.push(Event::Head(Box::new(request)));
                self.streams.push(stream);
                self.streams.len() - 1
            }
        };
        if end_of_stream {
            events.push(Event::Complete(index));
        }
        Ok(())
    }

    fn index(&self, stream: u32) -> Option<usize> {
        self.streams.iter().position(|known| *known == stream)
    }
}

/// Section 8.3.1.
fn request(connection: usize, fields: Vec<Field>) -> Option<ReceivedRequest> {
    let mut headers = HeaderMap::new();
    let (mut method, mut path, mut authority) = (None, None, None);
    for (name, value) in fields {
        match name.as_slice() {
            b":method" => method = Some(Method::from_bytes(&value).ok()?),
            b":path" => path = Some(String::from_utf8(value).ok()?),
            b":authority" => authority = Some(value),
            b":scheme" => {}
            name => {
                headers.append(
                    HeaderName::from_bytes(name).ok()?,
                    HeaderValue::from_bytes(&value).ok()?,
                );
            }
        }
    }
    let target = match (path, &authority) {
        (Some(path), _) => path,
        (None, Some(authority)) => String::from_utf8(authority.clone()).ok()?,
        (None, None) => return None,
    };
    if let Some(authority) = authority {
        headers.insert(header::HOST, HeaderValue::from_bytes(&authority).ok()?);
    }
    Some(ReceivedRequest::new(connection, Version::HTTP_2, method?, target, headers))
}

/// Section 6.1.
fn unpadded(mut payload: Vec<u8>, flags: u8) -> Result<Vec<u8>, &'static str> {
    if flags & PADDED == 0 {
        return Ok(payload);
    }
    let padding = usize::from(*payload.first().ok_or("a frame is too short")?);
    let end = payload
        .len()
        .checked_sub(padding)
        .filter(|end| *end > 0)
        .ok_or("padding is longer than its frame")?;
    payload.truncate(end);
    payload.remove(0);
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use super::super::frames::{WINDOW_UPDATE, frame, go_away, settings};
    use super::*;

    /// `POST /items` on stream 1 with a body of `abc`, in every form that a
    /// client may choose.
    fn requests() -> Vec<Vec<u8>> {
        let mut block = vec![0x83, 0x86]; // POST, http
        hpack::encode(&mut block, ":path", "/items");
        hpack::encode(&mut block, ":authority", "a.example");
        hpack::encode(&mut block, "x-a", "b");
        let (start, end) = block.split_at(7);
        let mut padded = vec![2];
        padded.extend(&block);
        padded.extend([0, 0]);
        let mut with_priority = vec![0; 5];
        with_priority.extend(&block);
        let body = frame(DATA, END_STREAM, 1, b"abc");
        vec![
            [frame(HEADERS, END_HEADERS, 1, &block), body.clone()].concat(),
            [frame(HEADERS, 0, 1, start), frame(CONTINUATION, END_HEADERS, 1, end), body.clone()]
                .concat(),
            [frame(HEADERS, END_HEADERS | PADDED, 1, &padded), body.clone()].concat(),
            [
                frame(HEADERS, END_HEADERS | PRIORITY, 1, &with_priority),
                frame(DATA, PADDED, 1, b"\x01ab\0"),
                frame(PING, 0, 0, b"12345678"),
                frame(DATA, 0, 1, b"c"),
                // Trailers.
                frame(HEADERS, END_HEADERS | END_STREAM, 1, &[]),
            ]
            .concat(),
        ]
    }

    fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Event>, VecDeque<Control>) {
        let mut parser = Parser::default();
        let (mut events, mut controls) = (Vec::new(), VecDeque::new());
        for piece in pieces {
            parser.feed(0, piece, &mut events, &mut controls);
        }
        (events, controls)
    }

    #[test]
    fn requests_in_every_form_and_however_the_bytes_are_cut() {
        for bytes in requests() {
            for size in [1, 2, 9, bytes.len()] {
                let (events, controls) = read(bytes.chunks(size));
                let mut events = events.into_iter();
                let Some(Event::Head(request)) = events.next() else {
                    panic!("no head");
                };
                assert_eq!(request.method, Method::POST);
                assert_eq!(request.target, "/items");
                assert_eq!(request.headers["host"], "a.example");
                assert_eq!(request.headers["x-a"], "b");
                let (mut body, mut complete) = (Vec::new(), 0);
                for event in events {
                    match event {
                        Event::Body(0, piece) => body.extend(piece),
                        Event::Complete(0) => complete += 1,
                        other => panic!("{other:?}"),
                    }
                }
                assert_eq!(body, b"abc");
                assert_eq!(complete, 1);
                assert!(controls.iter().any(|c| matches!(c, Control::Data(1, _))));
            }
        }
    }

    #[test]
    fn frames_that_are_acknowledged() {
        let sent = [
            settings(),
            frame(SETTINGS, ACK, 0, &[]),
            frame(PING, 0, 0, b"12345678"),
            frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]),
            go_away(0),
            frame(0xfa, 0, 0, b"an extension"),
        ]
        .concat();
        let (events, controls) = read([&sent[..]].into_iter());
        assert!(events.is_empty());
        assert_eq!(controls, [Control::Settings, Control::Ping(*b"12345678")]);
    }

    #[test]
    fn malformed_frames_are_refused() {
        for bytes in [
            frame(DATA, 0, 1, b"abc"),
            frame(CONTINUATION, 0, 1, b""),
            frame(HEADERS, END_HEADERS, 1, &[0x80]),
            frame(HEADERS, END_HEADERS, 1, &[]),
            frame(HEADERS, END_HEADERS | PADDED, 1, &[9, 0x82]),
            [frame(HEADERS, 0, 1, &[0x82]), settings()].concat(),
            frame(PING, 0, 0, b"short"),
            frame(SETTINGS, 0, 0, &[0; MAX_FRAME + 1]),
        ] {
            let (events, _) = read([&bytes[..]].into_iter());
            assert!(matches!(events.last(), Some(Event::Bad(_))), "{:?}", &bytes[..9]);
        }
    }
}
