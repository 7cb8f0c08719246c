//! Where a request or its response breaks off, and how.

use std::fmt;

/// When a [`Cut`] strikes.
///
/// The variants are in the order in which a connection reaches them. The next
/// connection takes a behaviour with [`OnAccept`] or [`OnClientHello`] from the
/// script; the next request takes any other.
///
/// [`OnAccept`]: Self::OnAccept
/// [`OnClientHello`]: Self::OnClientHello
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Point {
    /// The connection has been accepted, and nothing has been read from it. On a
    /// persistent connection that is already open, this is
    /// [`AfterHeaders`](Self::AfterHeaders) of the next request.
    OnAccept,
    /// The first bytes of the client have arrived, over TLS its ClientHello, and
    /// nothing has been sent.
    OnClientHello,
    /// The header section of the request has arrived. The body may have arrived
    /// too, since a client may send both at once; it is on record then.
    AfterHeaders,
    /// The complete request has arrived, and nothing of the response has been
    /// sent.
    AfterBody,
    /// Half of the response's status line and headers have been sent.
    InResponseHead,
    /// The response's head and half of its body have been sent.
    InResponseBody,
    /// The response's head and this many bytes of its body have been sent.
    AfterResponseBytes(usize),
}

/// How a request or its response breaks off at a [`Point`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cut {
    /// The connection is reset (TCP RST).
    Reset,
    /// The connection is closed with FIN, over TLS after `close_notify`. The
    /// server reads and records until the client closes its side.
    Close,
    /// As [`Close`](Self::Close), but over TLS without `close_notify`: a
    /// truncation attack or a crash (RFC 8446 section 6.1).
    Truncate,
    /// Nothing more is sent, and the connection stays open until the client
    /// gives up or the server is dropped. What the client sends is read and
    /// recorded.
    Stall,
    /// A fatal TLS alert with this description is sent, and the connection is
    /// closed. At [`Point::OnClientHello`] it is the answer to the handshake, later, up to
    /// [`Point::AfterBody`], it comes encrypted from a server that has read the request. 70 is
    /// `protocol_version`, which a server of TLS 1.1 sends to a client that requires a
    /// later version; 40 is `handshake_failure` (RFC 8446 section 6). Not for
    /// [`Point::OnAccept`].
    TlsAlert(u8),
    /// HTTP/2 GOAWAY with `NO_ERROR` and 0 as the last stream is sent: no request
    /// was or will be processed (RFC 9113 section 6.8). Then the connection is
    /// closed.
    GoAway,
    /// HTTP/2 RST_STREAM with `REFUSED_STREAM` is sent: this request was not
    /// processed (RFC 9113 section 8.7). The connection stays open.
    RefuseStream,
    /// HTTP/2 RST_STREAM with this error code is sent (RFC 9113 section 7). The
    /// connection stays open. 13 is `HTTP_1_1_REQUIRED`, by which a server asks for
    /// an older version.
    ResetStream(u32),
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnAccept => f.write_str("on accept"),
            Self::OnClientHello => f.write_str("on the client's first bytes"),
            Self::AfterHeaders => f.write_str("after the request's headers"),
            Self::AfterBody => f.write_str("after the request's body"),
            Self::InResponseHead => f.write_str("within the head"),
            Self::InResponseBody => f.write_str("half through the body"),
            Self::AfterResponseBytes(n) => write!(f, "after {n} bytes of the body"),
        }
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reset => f.write_str("reset"),
            Self::Close => f.write_str("close"),
            Self::Truncate => f.write_str("close without notice"),
            Self::Stall => f.write_str("stall"),
            Self::TlsAlert(n) => write!(f, "TLS alert {n}"),
            Self::GoAway => f.write_str("GOAWAY"),
            Self::RefuseStream => f.write_str("REFUSED_STREAM"),
            Self::ResetStream(code) => write!(f, "RST_STREAM {code}"),
        }
    }
}
