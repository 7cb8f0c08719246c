//! The request's body, which records whether it was read.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// A body that records when the client first reads it.
///
/// It is deliberately not `Clone`: the client cannot send twice what it cannot
/// clone, neither for a retry nor for a redirect.
pub(crate) struct Tripwire {
    body: Bytes,
    read: Sent,
}

/// Whether any byte of the body may have been sent.
#[derive(Clone, Default)]
pub(crate) struct Sent(Arc<AtomicBool>);

impl Sent {
    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Tripwire {
    pub(crate) fn new(body: Bytes) -> (Self, Sent) {
        let sent = Sent::default();
        (Self { body, read: sent.clone() }, sent)
    }
}

impl Body for Tripwire {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        // Before the bytes are handed out, so that it is never set too late.
        self.read.0.store(true, Ordering::Release);
        let bytes = std::mem::take(&mut self.body);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_empty()
    }

    /// Exact, so that there is a `Content-Length`.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.body.len() as u64)
    }
}
