/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing: it is forwarded, and so is the response.
    None,
    /// The connection is reset before anything is read.
    ResetAtOnce,
    /// The connection is reset once the request is read. The server never sees
    /// it.
    ResetAfterRequest,
    /// The same, but not before [`super::Proxy::release`].
    HeldThenReset,
    /// The request is read, and nothing ever comes back. The server never sees
    /// it.
    Stall,
    /// nginx's own page, in place of a response. The server never sees the
    /// request.
    Page(u16),
    /// nginx's own page, though the server has responded with new tokens.
    PageAfterRotation(u16),
    /// The server has responded with new tokens, and the connection is reset.
    LostAfterRotation,
    /// The same, but not before [`super::Proxy::release`].
    HeldThenLost,
    /// The server has responded with new tokens, and nothing comes back.
    StalledAfterRotation,
    /// Half of the response arrives, then the connection ends.
    CutResponse,
    /// The server's response, but not before [`super::Proxy::release`].
    HeldResponse,
}

impl Fault {
    pub(super) fn reaches_the_server(self) -> bool {
        match self {
            Self::ResetAtOnce
            | Self::ResetAfterRequest
            | Self::HeldThenReset
            | Self::Stall
            | Self::Page(_) => false,
            Self::None
            | Self::PageAfterRotation(_)
            | Self::LostAfterRotation
            | Self::HeldThenLost
            | Self::StalledAfterRotation
            | Self::CutResponse
            | Self::HeldResponse => true,
        }
    }

    /// Whether the client does not hear of it if the server trades the token.
    pub(super) fn loses_a_rotation(self) -> bool {
        self.reaches_the_server() && !matches!(self, Self::None | Self::HeldResponse)
    }
}
