//! A small transport over `std::net`, in order but for the flaw that it is
//! made with.

use std::{
    fmt,
    io::{self, ErrorKind, Write},
    net::{SocketAddr, TcpStream},
    sync::Mutex,
    time::{Duration, Instant},
};

use auth_conformance::TransportSettings;
use auth_core::{
    BlockingTransport, Deadline, Request, Response, ResponseReader, Transport, TransportError,
    TransportErrorKind as Kind,
};

use crate::{
    flaw::Flaw,
    wire::{Framing, Piece, Wire, parse_head},
};

/// HTTP/1.1 over plain TCP to an address, and one flaw.
pub(crate) struct Simple {
    connect_timeout: Duration,
    timeout: Duration,
    proxy: Option<http::Uri>,
    flaw: Flaw,
    cookie: Mutex<Option<String>>,
}

pub(crate) struct InAsync(pub(crate) Simple);

#[async_trait::async_trait]
impl Transport for InAsync {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.0.send_blocking(request)
    }
}

/// How long interim responses and the head may be, together.
const MAX_INTERIM: usize = 64 * 1024;

/// More than any case allows, so that a flaw shows, and no more, so that it
/// does not fill the memory.
const UNBOUND: usize = 1 << 20;

impl BlockingTransport for Simple {
    fn send_blocking(&self, request: Request) -> Result<Response, TransportError> {
        let (head, body) = request_parts(request);
        let mut result = self.attempt(&head, &body);
        match (&result, self.flaw) {
            (Err(error), Flaw::RetriesAfterReset) if error.kind() == Kind::Reset => {
                result = self.attempt(&head, &body);
            }
            (Ok(response), Flaw::Retries503) if response.status() == 503 => {
                result = self.attempt(&head, &body);
            }
            (Ok(response), Flaw::FollowsRedirects) if response.status().is_redirection() => {
                let location = response.headers()["location"].to_str().unwrap().to_owned();
                let mut onward = head.clone();
                if location.starts_with("http") {
                    onward.uri = location.parse().unwrap();
                }
                result = self.attempt(&onward, &body);
            }
            (Ok(response), Flaw::MakesA400AnError) if response.status() == 400 => {
                result = Err(TransportError::unknown(Kind::Other));
            }
            _ => {}
        }
        result.map_err(|error| self.spoil(error, &head, &body))
    }
}

#[derive(Clone)]
struct Head {
    uri: http::Uri,
    headers: http::HeaderMap,
    limit: usize,
}

fn request_parts(request: Request) -> (Head, Vec<u8>) {
    let limit = request.response_limit();
    let (parts, body) = request.into_http().into_parts();
    (Head { uri: parts.uri, headers: parts.headers, limit }, body)
}

impl Simple {
    pub(crate) fn new(settings: &TransportSettings, flaw: Flaw) -> Self {
        Self {
            connect_timeout: settings.connect_timeout.min(settings.timeout),
            timeout: settings.timeout,
            proxy: settings.proxy.as_ref().map(|url| url.parse().unwrap()),
            flaw,
            cookie: Mutex::new(None),
        }
    }

    fn spoil(&self, error: TransportError, head: &Head, body: &[u8]) -> TransportError {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match self.flaw {
            Flaw::SaysResetIsNotSent if error.kind() == Kind::Reset => {
                TransportError::not_sent(error.kind())
            }
            Flaw::SaysTimeoutIsNotSent if error.kind() == Kind::Timeout => {
                TransportError::not_sent(Kind::ConnectTimeout)
            }
            Flaw::NeverSaysNotSent => TransportError::unknown(error.kind()),
            Flaw::MistakesTheKind => match error.kind() {
                Kind::Refused => TransportError::not_sent(Kind::Dns),
                _ => TransportError::unknown(Kind::Other),
            },
            Flaw::ShowsTheToken => error.with_source(text(body)),
            Flaw::ShowsTheUrl => error.with_source(head.uri.to_string()),
            // In `Debug` only, and only in the source.
            Flaw::ShowsHeaders => {
                error.with_source(OnlyInDebug(text(head.headers["authorization"].as_bytes())))
            }
            _ => error,
        }
    }

    fn attempt(&self, head: &Head, body: &[u8]) -> Result<Response, TransportError> {
        let deadline = Deadline::new(Instant::now(), self.timeout);
        let proxy = self.proxy.as_ref().filter(|_| self.flaw == Flaw::UsesTheProxyForAll);
        let address: SocketAddr = proxy
            .unwrap_or(&head.uri)
            .authority()
            .unwrap()
            .as_str()
            .replace("localhost", "127.0.0.1")
            .parse()
            .map_err(|_| TransportError::not_sent(Kind::Dns))?;
        if head.uri.scheme_str() == Some("https") {
            return Err(TransportError::not_sent(Kind::Connect));
        }
        let mut stream =
            TcpStream::connect_timeout(&address, self.connect_timeout).map_err(|error| {
                TransportError::not_sent(match error.kind() {
                    ErrorKind::ConnectionRefused => Kind::Refused,
                    ErrorKind::TimedOut => Kind::ConnectTimeout,
                    _ => Kind::Connect,
                })
            })?;
        stream.set_nodelay(true).unwrap();
        stream.write_all(&self.encode(head, body)).map_err(|error| failed(&error))?;

        let mut wire = Wire { stream, deadline, flaw: self.flaw, buffered: Vec::new() };
        let mut interim = 0;
        let parts = loop {
            match parse_head(&wire.buffered, self.flaw) {
                Ok(Some((length, parts))) => {
                    wire.buffered.drain(..length);
                    interim += length;
                    if interim > MAX_INTERIM && self.flaw != Flaw::PassesOverAnyInterim {
                        return Err(TransportError::unknown(Kind::TooLarge));
                    }
                    if !parts.status.is_informational() {
                        break parts;
                    }
                }
                Ok(None) if wire.buffered.len() > 64 * 1024 => {
                    return Err(TransportError::unknown(Kind::TooLarge));
                }
                Ok(None) => {
                    if !wire.fill().map_err(|error| failed(&error))? {
                        return Err(TransportError::unknown(Kind::Closed));
                    }
                }
                Err(()) => {
                    let error = TransportError::unknown(Kind::Protocol);
                    return Err(match self.flaw {
                        Flaw::QuotesTheResponse => {
                            error.with_source(String::from_utf8_lossy(&wire.buffered).into_owned())
                        }
                        _ => error,
                    });
                }
            }
        };
        self.read_body(parts, wire, head.limit)
    }

    fn encode(&self, head: &Head, body: &[u8]) -> Vec<u8> {
        let mut bytes = format!("POST {} HTTP/1.1\r\n", head.uri.path_and_query().unwrap());
        bytes.push_str(&format!("host: {}\r\n", head.uri.authority().unwrap()));
        for (name, value) in &head.headers {
            let value = match self.flaw {
                Flaw::SendsAnotherHeader if name == "accept" => "*/*",
                _ => value.to_str().unwrap(),
            };
            bytes.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.flaw == Flaw::AsksForGzip {
            bytes.push_str("accept-encoding: gzip\r\n");
        }
        if let Some(cookie) = &*self.cookie.lock().unwrap() {
            bytes.push_str(&format!("cookie: {cookie}\r\n"));
        }
        bytes.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        let mut bytes = bytes.into_bytes();
        bytes.extend_from_slice(body);
        if self.flaw == Flaw::SendsAnotherBody {
            *bytes.last_mut().unwrap() ^= 1;
        }
        bytes
    }

    fn read_body(
        &self,
        mut parts: http::response::Parts,
        mut wire: Wire,
        limit: usize,
    ) -> Result<Response, TransportError> {
        if self.flaw == Flaw::KeepsCookies
            && let Some(cookie) = parts.headers.get("set-cookie")
        {
            *self.cookie.lock().unwrap() = Some(cookie.to_str().unwrap().to_owned());
        }
        if self.flaw == Flaw::LosesHeaders {
            parts.headers.remove("retry-after");
        }
        let Ok(mut framing) = Framing::of(&parts) else {
            return Err(TransportError::unknown(Kind::Protocol));
        };
        if matches!(self.flaw, Flaw::BelievesACutForm | Flaw::BelievesACutResponse) {
            // The shared reader would notice.
            parts.version = http::Version::HTTP_2;
            parts.headers.remove("content-length");
        }
        let cut_is_fine = self.flaw == Flaw::BelievesACutResponse;
        let status = parts.status;
        let bound = if self.flaw == Flaw::ReadsWithoutBound { UNBOUND } else { limit };
        let raw_parts = parts.clone();
        let mut raw = Vec::new();
        let mut reader = ResponseReader::new(parts, bound);
        loop {
            let error = match framing.next(&mut wire) {
                Ok(Piece::Data(data)) => {
                    raw.extend_from_slice(&data);
                    if reader.push(&data).is_break() {
                        return match (self.flaw, reader.finish()) {
                            // What it should have kept to itself.
                            (Flaw::ReadsWithoutBound, Err(_)) => {
                                Ok(http::Response::new(vec![b' '; UNBOUND]))
                            }
                            (_, result) => result,
                        };
                    }
                    if reader.is_whole() {
                        wire.deadline.settle(Instant::now());
                    }
                    continue;
                }
                Ok(Piece::End) if self.flaw == Flaw::LeavesEncodings => {
                    return Ok(Response::from_parts(raw_parts, raw));
                }
                Ok(Piece::End) => {
                    return match (self.flaw, reader.finish()) {
                        (Flaw::UnpacksWithoutBound, Err(_)) => {
                            Ok(Response::from_parts(raw_parts, vec![b' '; 70_008]))
                        }
                        (_, result) => result,
                    };
                }
                Ok(Piece::Cut) if cut_is_fine => return reader.finish(),
                Ok(Piece::Cut) => TransportError::unknown(Kind::Truncated),
                Ok(Piece::Bad) => TransportError::unknown(Kind::Protocol),
                Err(error) => failed(&error),
            };
            return match self.flaw {
                Flaw::ThrowsAwayWhatIsWhole if status.is_success() => Err(error),
                Flaw::LosesTheStatusOfACutPage if status.is_server_error() => Err(error),
                _ => reader.fail(error),
            };
        }
    }
}

struct OnlyInDebug(String);

impl fmt::Display for OnlyInDebug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("something failed")
    }
}

impl fmt::Debug for OnlyInDebug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnlyInDebug").field(&self.0).finish()
    }
}

impl std::error::Error for OnlyInDebug {}

fn failed(error: &io::Error) -> TransportError {
    TransportError::unknown(match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Kind::Timeout,
        _ => Kind::Reset,
    })
}
