//! What a response says, as far as rules speak of it.

use std::{borrow::Cow, ops::Range};

/// Where in a response a code counts, the strictest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// Wherever one can stand.
    Anywhere,
    /// Where a code belongs, and as the message within `error`.
    InError,
    /// Where a code belongs, not where a server explains itself.
    Proper,
}

/// What a response says, as far as rules speak of it.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) codes: &'a [Cow<'static, str>],
    /// Which of them do not stand where a code belongs.
    pub(crate) weak: Range<usize>,
    /// Which of those are the message within `error`.
    pub(crate) in_error: Range<usize>,
    /// The explanations, the best first.
    pub(crate) texts: &'a [String],
    /// Whether it is JSON without a code.
    pub(crate) is_only_a_message: bool,
}

impl Answer<'_> {
    /// The strictest place that this code stands in.
    pub(super) fn place(&self, code: usize) -> Place {
        match () {
            () if self.in_error.contains(&code) => Place::InError,
            () if self.weak.contains(&code) => Place::Anywhere,
            () => Place::Proper,
        }
    }
}

/// Whether a response with this status carries no verdict on the token, whatever
/// its body says: an intermediary sent it, or the server did not process the
/// request. A 407 is a proxy's (RFC 9110 section 15.5.8), a 3xx points elsewhere,
/// and 408, 421, 425 and 429 say that the request was not processed.
pub(crate) fn is_no_verdict(status: u16) -> bool {
    matches!(status, ..200 | 300..400 | 407 | 408 | 421 | 425 | 429 | 500..)
}
