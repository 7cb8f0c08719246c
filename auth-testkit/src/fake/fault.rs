//! What goes wrong between a request and its response.

use std::time::Duration;

/// A fault that strikes one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// None: this one is let through.
    None,
    /// The connection is refused, and nothing is sent. (Over a socket, where
    /// the server learns of a request when it has arrived: as
    /// [`LostBefore`](Self::LostBefore).)
    Refused,
    /// The request arrives, and the connection is reset before anything is
    /// done about it.
    LostBefore,
    /// The exchange is made, the old refresh token is spent, and the
    /// connection is reset before the response: the dangerous case.
    LostAfter,
    /// The exchange is made, and the response breaks off in the middle.
    CutResponse,
    /// The exchange is made, and no response comes. In process the call times
    /// out after this long; over a socket the connection is held until the
    /// client gives up.
    StallAfter(Duration),
    /// The exchange is made, and the response takes this long; over a socket, in
    /// real time.
    Delay(Duration),
    /// A response with this status and an HTML page, as from a proxy; nothing
    /// is done about the request.
    Status(u16),
    /// As `Status`, but the exchange is made behind it.
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
