//! What goes wrong between a request and its response.

use std::time::Duration;

/// A fault that strikes one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// No fault.
    None,
    /// The connection is refused, and nothing is sent. Over a socket this is
    /// [`LostBefore`](Self::LostBefore), since the fault is chosen when the request
    /// has arrived.
    Refused,
    /// The request arrives, and the connection is reset before the server
    /// processes it.
    LostBefore,
    /// The server processes the request, the old refresh token is spent, and the
    /// connection is reset before the response: the dangerous case.
    LostAfter,
    /// The server processes the request, and the response breaks off in the middle.
    CutResponse,
    /// The server processes the request, and no response comes. In process the
    /// call times out after this long. Over a socket the connection stays open
    /// until the client gives up.
    StallAfter(Duration),
    /// The server processes the request, and the response takes this long, over a
    /// socket in real time.
    Delay(Duration),
    /// A response with this status and an HTML page, as from a proxy. The server
    /// does not process the request.
    Status(u16),
    /// As `Status`, but the server processes the request.
    StatusAfter(u16),
}

impl Fault {
    /// Whether the request reaches the server's logic.
    pub(super) fn lets_through(self) -> bool {
        !matches!(self, Self::Refused | Self::LostBefore | Self::Status(_))
    }

    /// Whether the response reaches the client.
    pub(super) fn delivers_response(self) -> bool {
        matches!(self, Self::None | Self::Delay(_))
    }
}
