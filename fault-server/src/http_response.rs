//! A response, and the bytes of HTTP/1.1 that it becomes.

use std::time::Duration;

use super::cut::Point;
use super::gzip::gzip;

#[derive(Clone, Debug)]
pub(super) struct HttpResponse {
    pub(super) interim: Vec<u16>,
    pub(super) interim_padding: usize,
    /// Sent again and again in place of the final response.
    pub(super) endless_interim: Option<u16>,
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) location: Option<Location>,
    pub(super) body: Vec<u8>,
    pub(super) framing: Framing,
    pub(super) endless: bool,
    pub(super) gzip: bool,
    pub(super) says_gzip: bool,
    pub(super) padding: usize,
    pub(super) drip: Option<Duration>,
    /// Sent instead of everything above.
    pub(super) raw: Option<Vec<u8>>,
}

/// How the end of the body is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length,
    Chunked,
    UntilClose,
}

#[derive(Clone, Debug)]
pub(super) enum Location {
    To(String),
    Itself,
    Elsewhere,
}

/// What a response depends on besides its behaviour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circumstances<'a> {
    /// The request's target.
    pub(super) target: &'a str,
    /// The request was HEAD: the head describes a body that is not sent.
    pub(super) head_only: bool,
    /// Whether the connection persists after this response.
    pub(super) persist: bool,
    /// The URL of another origin.
    pub(super) elsewhere: &'a str,
    /// Where the response breaks off.
    pub(super) cut: Option<Point>,
}

/// A response on the wire, up to where it breaks off.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Encoded {
    pub(super) bytes: Vec<u8>,
    /// Follows again and again.
    pub(super) forever: Option<Vec<u8>>,
}

/// The length of one field that pads a head.
const PADDING_FIELD: usize = 8 * 1024;

/// About so many bytes of an endless body are sent at once.
const PIECES: usize = 16 * 1024;

impl HttpResponse {
    pub(super) fn new(status: u16) -> Self {
        Self {
            interim: Vec::new(),
            interim_padding: 0,
            endless_interim: None,
            status,
            headers: Vec::new(),
            location: None,
            body: Vec::new(),
            framing: Framing::Length,
            endless: false,
            gzip: false,
            says_gzip: true,
            padding: 0,
            drip: None,
            raw: None,
        }
    }

    /// Whether only the end of the connection ends this response.
    pub(super) fn ends_connection(&self) -> bool {
        self.raw.is_some()
            || self.endless
            || self.endless_interim.is_some()
            || self.framing == Framing::UntilClose
    }

    /// The header fields, but for those of the framing.
    pub(super) fn fields(&self, at: &Circumstances<'_>) -> Vec<(String, String)> {
        let mut fields = self.headers.clone();
        let location = match &self.location {
            Some(Location::To(url)) => Some(url.as_str()),
            Some(Location::Itself) => Some(at.target),
            Some(Location::Elsewhere) => Some(at.elsewhere),
            None => None,
        };
        if let Some(location) = location {
            fields.push(("location".to_owned(), location.to_owned()));
        }
        if self.gzip && self.says_gzip {
            fields.push(("content-encoding".to_owned(), "gzip".to_owned()));
        }
        fields
    }

    /// The body as it is sent, whole.
    pub(super) fn content(&self) -> Vec<u8> {
        if self.gzip { gzip(&self.body) } else { self.body.clone() }
    }

    /// How many bytes of `content` go out before the cut.
    pub(super) fn bytes_before(cut: Option<Point>, content: &[u8]) -> Option<usize> {
        match cut? {
            Point::InResponseBody => Some(content.len() / 2),
            Point::AfterResponseBytes(n) => Some(n.min(content.len())),
            _ => None,
        }
    }

    pub(super) fn encode(&self, at: &Circumstances<'_>) -> Encoded {
        if let Some(raw) = &self.raw {
            let end = match Self::bytes_before(at.cut, raw) {
                Some(n) => n,
                None if at.cut == Some(Point::InResponseHead) => raw.len() / 2,
                None => raw.len(),
            };
            return Encoded { bytes: raw[..end].to_vec(), forever: None };
        }
        let mut bytes = self.interim().into_bytes();
        if let Some(status) = self.endless_interim {
            let piece = interim(status, self.interim_padding);
            return Encoded { bytes, forever: Some(many(piece.as_bytes())) };
        }
        let content = self.content();
        let head = self.head(at, content.len());
        if at.cut == Some(Point::InResponseHead) {
            bytes.extend_from_slice(&head.as_bytes()[..head.len() / 2]);
            return Encoded { bytes, forever: None };
        }
        bytes.extend_from_slice(head.as_bytes());
        let mut forever = None;
        let upto = Self::bytes_before(at.cut, &content);
        if at.head_only || !self.may_have_body() {
            // The head is all.
        } else if self.endless && upto.is_none() {
            let piece = if content.is_empty() { vec![b' '; 1024] } else { content };
            let piece = match self.framing {
                Framing::UntilClose => piece,
                Framing::Length | Framing::Chunked => one_chunk(&piece),
            };
            forever = Some(many(&piece));
        } else if self.is_chunked() {
            bytes.extend_from_slice(&chunks(&content, upto));
        } else {
            bytes.extend_from_slice(&content[..upto.unwrap_or(content.len())]);
        }
        Encoded { bytes, forever }
    }

    /// What a proxy answers a CONNECT before the tunnel begins.
    pub(super) fn established(&self) -> String {
        let mut head = self.interim();
        let start = head.len();
        head.push_str("HTTP/1.1 200 Connection established\r\n");
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        pad(&mut head, start, self.padding);
        head.push_str("\r\n");
        head
    }

    /// The interim responses before the final one.
    fn interim(&self) -> String {
        self.interim.iter().map(|status| interim(*status, self.interim_padding)).collect()
    }

    fn head(&self, at: &Circumstances<'_>, length: usize) -> String {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in self.fields(at) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.is_chunked() {
            head.push_str("transfer-encoding: chunked\r\n");
        } else if self.framing == Framing::Length && self.may_have_body() {
            head.push_str(&format!("content-length: {length}\r\n"));
        }
        if !at.persist {
            head.push_str("connection: close\r\n");
        }
        pad(&mut head, 0, self.padding);
        head.push_str("\r\n");
        head
    }

    fn is_chunked(&self) -> bool {
        self.framing == Framing::Chunked || (self.endless && self.framing == Framing::Length)
    }

    /// RFC 9110 section 6.4.1.
    fn may_have_body(&self) -> bool {
        !matches!(self.status, 100..200 | 204 | 304)
    }
}

/// An interim response. A 103 has a `link`, as real ones do.
pub(super) fn interim(status: u16, padding: usize) -> String {
    let hints = if status == 103 { "link: </style.css>; rel=preload; as=style\r\n" } else { "" };
    let mut head = format!("HTTP/1.1 {status} {}\r\n{hints}", reason(status));
    pad(&mut head, 0, padding);
    head.push_str("\r\n");
    head
}

/// Adds fields until there are at least this many bytes from `start` on.
fn pad(head: &mut String, start: usize, bytes: usize) {
    while head.len() - start < bytes {
        head.push_str("x-padding: ");
        head.extend(std::iter::repeat_n('p', PADDING_FIELD));
        head.push_str("\r\n");
    }
}

/// Many pieces, to be sent at once: a system call for each would be slow.
fn many(piece: &[u8]) -> Vec<u8> {
    piece.repeat(PIECES.div_ceil(piece.len()))
}

/// The reason phrase; "Unknown" where the registry has none.
pub(super) fn reason(status: u16) -> &'static str {
    http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("Unknown")
}

fn one_chunk(data: &[u8]) -> Vec<u8> {
    let mut out = format!("{:x}\r\n", data.len()).into_bytes();
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
    out
}

/// `data` in two chunks and the last chunk. With `upto` the output breaks off
/// when so many bytes of `data` are out: within their chunk, or before the
/// line end that would close it.
fn chunks(data: &[u8], upto: Option<usize>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut left = upto;
    for piece in data.chunks(data.len().div_ceil(2).max(1)) {
        if left == Some(0) {
            return out;
        }
        let chunk = one_chunk(piece);
        match left {
            Some(n) if n <= piece.len() => {
                let framing = chunk.len() - piece.len() - 2;
                out.extend_from_slice(&chunk[..framing + n]);
                return out;
            }
            _ => out.extend_from_slice(&chunk),
        }
        left = left.map(|n| n - piece.len());
    }
    if left != Some(0) {
        out.extend_from_slice(b"0\r\n\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Circumstances<'static> = Circumstances {
        target: "/items",
        head_only: false,
        persist: true,
        elsewhere: "http://localhost:1/items",
        cut: None,
    };

    fn text(response: &HttpResponse, at: &Circumstances<'_>) -> String {
        String::from_utf8(response.encode(at).bytes).unwrap()
    }

    fn abcd(framing: Framing) -> HttpResponse {
        HttpResponse { body: b"abcd".to_vec(), framing, ..HttpResponse::new(200) }
    }

    #[test]
    fn bodies_whole_and_cut() {
        let length = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n";
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let bare = "HTTP/1.1 200 OK\r\n\r\n";
        let after = |n| Some(Point::AfterResponseBytes(n));
        let table = [
            (Framing::Length, None, length, "abcd"),
            (Framing::Length, after(0), length, ""),
            (Framing::Length, after(3), length, "abc"),
            (Framing::Length, after(9), length, "abcd"),
            (Framing::Length, Some(Point::InResponseBody), length, "ab"),
            (Framing::UntilClose, None, bare, "abcd"),
            (Framing::UntilClose, after(1), bare, "a"),
            (Framing::Chunked, None, chunked, "2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"),
            (Framing::Chunked, after(0), chunked, ""),
            (Framing::Chunked, after(1), chunked, "2\r\na"),
            (Framing::Chunked, after(2), chunked, "2\r\nab"),
            (Framing::Chunked, after(3), chunked, "2\r\nab\r\n2\r\nc"),
            (Framing::Chunked, after(4), chunked, "2\r\nab\r\n2\r\ncd"),
        ];
        for (framing, cut, head, body) in table {
            let at = Circumstances { cut, ..PLAIN };
            assert_eq!(text(&abcd(framing), &at), format!("{head}{body}"), "{framing:?} {cut:?}");
        }
    }

    #[test]
    fn half_a_head_is_no_head() {
        let at = Circumstances { cut: Some(Point::InResponseHead), ..PLAIN };
        assert_eq!(text(&abcd(Framing::Length), &at), "HTTP/1.1 200 OK\r\nco");
    }

    #[test]
    fn responses_without_body_have_no_framing() {
        for status in [204, 304] {
            assert!(!text(&HttpResponse::new(status), &PLAIN).contains("content-length"));
        }
        let at = Circumstances { head_only: true, ..PLAIN };
        assert!(text(&abcd(Framing::Length), &at).ends_with("content-length: 4\r\n\r\n"));
    }

    #[test]
    fn a_padded_head_is_as_long_as_asked() {
        let response = HttpResponse { padding: 1 << 20, ..HttpResponse::new(200) };
        let head = text(&response, &PLAIN);
        assert!(head.len() >= 1 << 20 && head.len() < (1 << 20) + 2 * PADDING_FIELD);
        assert!(head.ends_with("\r\n\r\n"));
    }

    #[test]
    fn endless_repeats_the_body() {
        let response = HttpResponse { endless: true, ..abcd(Framing::Length) };
        let encoded = response.encode(&PLAIN);
        let forever = encoded.forever.unwrap();
        assert_eq!(forever, b"4\r\nabcd\r\n".repeat(forever.len() / 9));
        assert!(encoded.bytes.ends_with(b"transfer-encoding: chunked\r\n\r\n"));
    }
}
