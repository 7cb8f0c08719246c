//! Where an exchange breaks off, and how.

use std::fmt;

/// When a [`Cut`] strikes.
///
/// In the order of an exchange. A reaction that strikes [`OnAccept`] or
/// [`OnClientHello`] is taken from the script by the next connection, every
/// other by the next request.
///
/// [`OnAccept`]: Self::OnAccept
/// [`OnClientHello`]: Self::OnClientHello
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Point {
    /// The connection was accepted; nothing was read from it. On a persistent
    /// connection that is already open: as [`AfterHeaders`](Self::AfterHeaders)
    /// of the next request.
    OnAccept,
    /// The client's first bytes, over TLS its ClientHello, have arrived and are
    /// not answered.
    OnClientHello,
    /// The request's header section has arrived. Its body may have, too: a
    /// client is free to send both at once, and what came is on record.
    AfterHeaders,
    /// The whole request has arrived; nothing was answered.
    AfterBody,
    /// Half of the response's status line and headers were sent.
    InResponseHead,
    /// The response's head and half of its body were sent.
    InResponseBody,
    /// The response's head and so many bytes of its body were sent.
    AfterResponseBytes(usize),
}

/// How an exchange breaks off at its [`Point`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cut {
    /// The connection is reset (TCP RST).
    Reset,
    /// The connection is closed in order: FIN, over TLS with `close_notify`.
    /// The server goes on reading and recording until the client closes, too.
    Close,
    /// As [`Close`](Self::Close), but over TLS without `close_notify`, as an
    /// attacker or a crash cuts it (RFC 8446 section 6.1).
    Truncate,
    /// Nothing more is sent, and nothing is closed, until the client gives up
    /// or the server is dropped. What the client sends is read and recorded.
    Stall,
    /// A fatal TLS alert of this number is sent, then the connection is closed.
    /// Only for [`Point::OnClientHello`]: 70 is `protocol_version`, what a
    /// server of TLS 1.1 says to a client that wants better; 40 is
    /// `handshake_failure` (RFC 8446 section 6).
    TlsAlert(u8),
    /// HTTP/2 GOAWAY with `NO_ERROR` and 0 as last stream: no request was or
    /// will be processed (RFC 9113 section 6.8). Then the connection is closed.
    GoAway,
    /// HTTP/2 RST_STREAM with `REFUSED_STREAM`: this request was not processed
    /// (RFC 9113 section 8.7). The connection stays open.
    RefuseStream,
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
        }
    }
}
