//! Reading HTTP/1.1 requests from bytes as they arrive (RFC 9112).

use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};

use super::received::ReceivedRequest;

/// What a parser finds in the bytes.
#[derive(Debug)]
pub(super) enum Event {
    /// The header section of the next request; its body follows.
    Head(Box<ReceivedRequest>),
    /// A piece of the body of the request with this index in its connection.
    Body(usize, Vec<u8>),
    /// The body of the request with this index is complete.
    Complete(usize),
    /// The bytes cannot be read as HTTP, nor can what follows them.
    Bad(String),
}

#[derive(Debug, Default)]
pub(super) struct Parser {
    buffer: Vec<u8>,
    state: State,
    /// How many requests were complete.
    index: usize,
    /// A CONNECT has arrived: whether what follows it is a tunnel or another
    /// request depends on the response.
    held: bool,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Head,
    Length(u64),
    ChunkSize,
    Chunk(u64),
    Trailers,
    Bad,
}

/// The longest header section that is read.
const MAX_HEAD: usize = 1 << 20;
const MAX_FIELDS: usize = 256;

impl Parser {
    /// Whether a request has begun and is not complete.
    pub(super) fn is_within_request(&self) -> bool {
        !self.buffer.is_empty() || !matches!(self.state, State::Head | State::Bad)
    }

    /// What has arrived and belongs to no request.
    pub(super) fn into_rest(self) -> Vec<u8> {
        self.buffer
    }

    /// Reads the bytes, and appends what it finds to `events`.
    pub(super) fn feed(&mut self, connection: usize, bytes: &[u8], events: &mut Vec<Event>) {
        self.buffer.extend_from_slice(bytes);
        while !self.held && self.step(connection, events) {}
    }

    /// There is no tunnel: what follows the CONNECT is another request.
    pub(super) fn resume(&mut self) {
        self.held = false;
    }

    /// One transition; false if more bytes are needed.
    fn step(&mut self, connection: usize, events: &mut Vec<Event>) -> bool {
        match self.state {
            State::Bad => {
                self.buffer.clear();
                false
            }
            State::Head => match parse_head(connection, &self.buffer) {
                Ok(None) => false,
                Ok(Some((length, request, state))) => {
                    self.buffer.drain(..length);
                    self.held = request.method == Method::CONNECT;
                    events.push(Event::Head(Box::new(request)));
                    self.enter(state, events);
                    true
                }
                Err(problem) => self.fail(problem, events),
            },
            State::Length(left) => match self.take(left, events) {
                0 => false,
                taken => {
                    self.enter(State::Length(left - taken), events);
                    true
                }
            },
            State::ChunkSize => match httparse::parse_chunk_size(&self.buffer) {
                Ok(httparse::Status::Partial) => false,
                Ok(httparse::Status::Complete((used, size))) => {
                    self.buffer.drain(..used);
                    self.state = match size {
                        0 => State::Trailers,
                        _ => State::Chunk(size),
                    };
                    true
                }
                Err(_) => self.fail("the size of a chunk cannot be read".to_owned(), events),
            },
            // The line end after a chunk's data counts as part of the size
            // line that follows, so it is skipped here.
            State::Chunk(0) => {
                if self.buffer.len() < 2 {
                    return false;
                }
                if &self.buffer[..2] != b"\r\n" {
                    return self.fail("a chunk is longer than its size".to_owned(), events);
                }
                self.buffer.drain(..2);
                self.state = State::ChunkSize;
                true
            }
            State::Chunk(left) => match self.take(left, events) {
                0 => false,
                taken => {
                    self.state = State::Chunk(left - taken);
                    true
                }
            },
            State::Trailers => {
                let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") else {
                    return false;
                };
                self.buffer.drain(..end + 2);
                if end == 0 {
                    self.enter(State::Length(0), events);
                }
                true
            }
        }
    }

    /// Moves at most `left` bytes of body to the events; returns how many.
    fn take(&mut self, left: u64, events: &mut Vec<Event>) -> u64 {
        let n = usize::try_from(left).map_or(self.buffer.len(), |left| self.buffer.len().min(left));
        if n > 0 {
            let piece = self.buffer.drain(..n).collect();
            events.push(Event::Body(self.index, piece));
        }
        n as u64
    }

    fn enter(&mut self, state: State, events: &mut Vec<Event>) {
        self.state = match state {
            State::Length(0) => {
                events.push(Event::Complete(self.index));
                self.index += 1;
                State::Head
            }
            other => other,
        };
    }

    fn fail(&mut self, problem: String, events: &mut Vec<Event>) -> bool {
        self.state = State::Bad;
        events.push(Event::Bad(problem));
        true
    }
}

type Head = (usize, ReceivedRequest, State);

fn parse_head(connection: usize, buffer: &[u8]) -> Result<Option<Head>, String> {
    let mut fields = vec![httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut parsed = httparse::Request::new(&mut fields);
    let length = match parsed.parse(buffer) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if buffer.len() <= MAX_HEAD => return Ok(None),
        Ok(httparse::Status::Partial) => return Err("the head does not end".to_owned()),
        Err(error) => return Err(format!("not an HTTP/1.1 request: {error}")),
    };
    let mut headers = HeaderMap::new();
    for field in parsed.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        let value = HeaderValue::from_bytes(field.value);
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(format!("the header field {:?} is not valid", field.name));
        };
        headers.append(name, value);
    }
    let method = Method::from_bytes(parsed.method.unwrap_or_default().as_bytes())
        .map_err(|error| error.to_string())?;
    let state = body_state(&headers)?;
    let version = match parsed.version {
        Some(0) => Version::HTTP_10,
        _ => Version::HTTP_11,
    };
    let target = parsed.path.unwrap_or_default().to_owned();
    let request = ReceivedRequest::new(connection, version, method, target, headers);
    Ok(Some((length, request, state)))
}

/// RFC 9112 section 6.3.
fn body_state(headers: &HeaderMap) -> Result<State, String> {
    let chunked = headers
        .get_all(header::TRANSFER_ENCODING)
        .iter()
        .any(|value| value.as_bytes().eq_ignore_ascii_case(b"chunked"));
    if chunked {
        return Ok(State::ChunkSize);
    }
    match headers.get(header::CONTENT_LENGTH) {
        None => Ok(State::Length(0)),
        Some(value) => value
            .to_str()
            .ok()
            .and_then(|text| text.parse().ok())
            .map(State::Length)
            .ok_or_else(|| "Content-Length is not a number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Head count, body, completed count, and the problem.
    fn read(pieces: &[&[u8]]) -> (usize, String, usize, Option<String>) {
        let mut parser = Parser::default();
        let mut events = Vec::new();
        for piece in pieces {
            parser.feed(0, piece, &mut events);
        }
        let (mut heads, mut body, mut complete, mut problem) = (0, Vec::new(), 0, None);
        for event in events {
            match event {
                Event::Head(_) => heads += 1,
                Event::Body(_, bytes) => body.extend(bytes),
                Event::Complete(_) => complete += 1,
                Event::Bad(text) => problem = Some(text),
            }
        }
        (heads, String::from_utf8(body).unwrap(), complete, problem)
    }

    #[test]
    fn the_same_however_the_bytes_are_cut() {
        let table: [(&[u8], usize, &str, usize); 5] = [
            (b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", 1, "", 1),
            (b"POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc", 1, "abc", 1),
            (b"POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nab", 1, "ab", 0),
            (
                b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nx: y\r\n\r\n",
                1,
                "abc",
                1,
            ),
            (
                b"POST / HTTP/1.1\r\ncontent-length: 1\r\n\r\naGET / HTTP/1.1\r\n\r\n",
                2,
                "a",
                2,
            ),
        ];
        for (bytes, heads, body, complete) in table {
            let expected = (heads, body.to_owned(), complete, None);
            assert_eq!(read(&[bytes]), expected);
            for at in 0..bytes.len() {
                assert_eq!(read(&[&bytes[..at], &bytes[at..]]), expected);
            }
            let single: Vec<_> = bytes.chunks(1).collect();
            assert_eq!(read(&single), expected);
        }
    }

    #[test]
    fn what_is_not_http_is_told_once() {
        let table: [&[u8]; 4] = [
            b"\x16\x03\x01\x02\x00\x01\x00",
            b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
            b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc",
        ];
        for bytes in table {
            assert!(read(&[bytes, b"more"]).3.is_some(), "{bytes:?}");
        }
    }

    #[test]
    fn a_head_without_end_is_refused() {
        let line = b"x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n";
        let many = line.repeat(MAX_FIELDS + 1);
        assert!(read(&[b"GET / HTTP/1.1\r\n", &many]).3.is_some());
        let long = vec![b'y'; MAX_HEAD + 1];
        assert!(read(&[b"GET / HTTP/1.1\r\nx: ", &long]).3.is_some());
    }
}
