//! Reading responses of HTTP/1.1 from a socket.

use std::{
    io::{self, ErrorKind, Read},
    net::TcpStream,
    time::{Duration, Instant},
};

use auth_core::Deadline;

use crate::flaw::Flaw;

pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    pub(crate) deadline: Deadline,
    pub(crate) flaw: Flaw,
    pub(crate) buffered: Vec<u8>,
}

impl Wire {
    /// Reads once; false at the end.
    pub(crate) fn fill(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 4096];
        loop {
            let left = match (self.flaw, self.deadline.at()) {
                (Flaw::NeverGivesUp, _) | (_, None) => None,
                (Flaw::CountsEachRead, _) => Some(Duration::from_millis(300)),
                (_, Some(at)) => Some(at.saturating_duration_since(Instant::now())),
            };
            let read = match left {
                Some(Duration::ZERO) => Err(ErrorKind::TimedOut.into()),
                left => {
                    self.stream.set_read_timeout(left).and_then(|()| self.stream.read(&mut buffer))
                }
            };
            match read {
                Ok(n) => {
                    self.buffered.extend_from_slice(&buffer[..n]);
                    return Ok(n > 0);
                }
                // Of a process that was stopped, and goes on.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) && self.reads_on() => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn reads_on(&mut self) -> bool {
        match self.flaw {
            Flaw::CountsEachRead | Flaw::ThrowsAwayWhatArrived => false,
            _ => self.deadline.grace(Instant::now()),
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

pub(crate) fn parse_head(
    bytes: &[u8],
    flaw: Flaw,
) -> Result<Option<(usize, http::response::Parts)>, ()> {
    let mut fields = [httparse::EMPTY_HEADER; 256];
    let mut parsed = httparse::Response::new(&mut fields);
    let lenient = !matches!(flaw, Flaw::IsStrict | Flaw::QuotesTheResponse);
    let mut config = httparse::ParserConfig::default();
    config
        .ignore_invalid_headers_in_responses(lenient)
        .allow_spaces_after_header_name_in_responses(lenient)
        .allow_obsolete_multiline_headers_in_responses(lenient);
    let Ok(status) = config.parse_response(&mut parsed, bytes) else { return Err(()) };
    let httparse::Status::Complete(length) = status else { return Ok(None) };
    let mut response = http::Response::builder().status(parsed.code.unwrap());
    for field in parsed.headers.iter() {
        // A folded line is one line.
        let value: Vec<u8> = field.value.iter().copied().filter(|b| !b"\r\n".contains(b)).collect();
        response = response.header(field.name, value);
    }
    Ok(Some((length, response.body(()).map_err(|_| ())?.into_parts().0)))
}

pub(crate) enum Framing {
    Length(usize),
    Chunk(usize),
    UntilClose,
    Ended,
}

pub(crate) enum Piece {
    Data(Vec<u8>),
    End,
    Cut,
    Bad,
}

impl Framing {
    pub(crate) fn of(parts: &http::response::Parts) -> Result<Self, ()> {
        if matches!(parts.status.as_u16(), 204 | 304) {
            Ok(Self::Ended)
        } else if parts.headers.contains_key("transfer-encoding") {
            Ok(Self::Chunk(0))
        } else if let Some(length) = parts.headers.get("content-length") {
            length.to_str().ok().and_then(|text| text.parse().ok()).map(Self::Length).ok_or(())
        } else {
            Ok(Self::UntilClose)
        }
    }

    pub(crate) fn next(&mut self, wire: &mut Wire) -> io::Result<Piece> {
        loop {
            match self {
                Self::Ended | Self::Length(0) => return Ok(Piece::End),
                Self::Chunk(0) => match httparse::parse_chunk_size(&wire.buffered) {
                    Ok(httparse::Status::Complete((used, size))) => {
                        wire.buffered.drain(..used);
                        // With the line end after the data.
                        *self = match size {
                            0 => Self::Ended,
                            size => {
                                Self::Chunk(usize::try_from(size).unwrap_or(usize::MAX - 2) + 2)
                            }
                        };
                        continue;
                    }
                    Ok(httparse::Status::Partial) => {}
                    Err(_) => return Ok(Piece::Bad),
                },
                Self::Chunk(left) if !wire.buffered.is_empty() => {
                    let n = wire.buffered.len().min(*left);
                    let ends = n.saturating_sub(left.saturating_sub(2));
                    let mut data: Vec<u8> = wire.buffered.drain(..n).collect();
                    data.truncate(n - ends.min(2));
                    *left -= n;
                    return Ok(Piece::Data(data));
                }
                Self::Length(left) if !wire.buffered.is_empty() => {
                    let n = wire.buffered.len().min(*left);
                    *left -= n;
                    return Ok(Piece::Data(wire.buffered.drain(..n).collect()));
                }
                Self::UntilClose if !wire.buffered.is_empty() => {
                    return Ok(Piece::Data(std::mem::take(&mut wire.buffered)));
                }
                _ => {}
            }
            if !wire.fill()? {
                return Ok(match self {
                    Self::UntilClose => Piece::End,
                    _ => Piece::Cut,
                });
            }
        }
    }
}
