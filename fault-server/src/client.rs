//! The client at the other end of a connection.

use std::net::TcpStream;
use std::sync::{Arc, Weak};

/// The client of one connection, as a handler sees it; see
/// [`FaultServerBuilder::handler_with_client`](super::FaultServerBuilder::handler_with_client).
///
/// It does not keep the connection open, and may be asked from any thread, also
/// after the handler has returned.
#[derive(Clone, Debug)]
pub struct Client {
    tcp: Weak<TcpStream>,
}

impl Client {
    pub(super) fn new(tcp: &Arc<TcpStream>) -> Self {
        Self { tcp: Arc::downgrade(tcp) }
    }

    /// Whether the client still waits: it has neither closed nor reset its
    /// connection, and the server has not ended it.
    ///
    /// A client that has shut down only its writing side counts as gone. Over
    /// TLS, a client that closes in order sends `close_notify` first, and counts
    /// as waiting until the server has read that.
    #[cfg(unix)]
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        use std::io::ErrorKind;
        use std::mem::MaybeUninit;

        let Some(tcp) = self.tcp.upgrade() else {
            return false;
        };
        // Neither flag changes the socket, so that another thread may read from
        // it meanwhile.
        let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
        match socket2::SockRef::from(&*tcp).recv_with_flags(&mut [MaybeUninit::uninit()], flags) {
            Ok(bytes) => bytes > 0,
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
        }
    }
}
