//! The request's body, which records whether it was read.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
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
pub(crate) struct Sent(Arc<OnceLock<Fate>>);

/// What happened to the body first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Read,
    Withdrawn,
}

/// The client is too late: the call is over, and has told that nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("the request was withdrawn")]
pub(crate) struct Withdrawn;

impl Sent {
    #[cfg(test)]
    fn get(&self) -> bool {
        self.0.get() == Some(&Fate::Read)
    }

    /// Whether any byte may have been sent, after which none can be that was not:
    /// the client reads the body on a task of its own.
    pub(crate) fn close(&self) -> bool {
        *self.0.get_or_init(|| Fate::Withdrawn) == Fate::Read
    }

    fn read(&self) -> bool {
        *self.0.get_or_init(|| Fate::Read) == Fate::Read
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
    type Error = Withdrawn;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Withdrawn>>> {
        // Before the bytes are handed out, so that it is never set too late.
        if !self.read.read() {
            return Poll::Ready(Some(Err(Withdrawn)));
        }
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

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn first_frame(body: Tripwire) -> Option<Result<Bytes, Withdrawn>> {
        let mut body = body;
        match Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(frame) => frame.map(|frame| frame.map(|f| f.into_data().unwrap())),
            Poll::Pending => panic!("a body in memory is there"),
        }
    }

    #[test]
    fn a_body_is_either_read_or_withdrawn() {
        let (body, sent) = Tripwire::new(Bytes::from_static(b"rt"));
        assert!(!sent.get());
        assert_eq!(first_frame(body).unwrap().unwrap(), "rt");
        assert!(sent.get() && sent.close());

        let (body, sent) = Tripwire::new(Bytes::from_static(b"rt"));
        assert!(!sent.close());
        // A client on another thread comes too late.
        assert!(first_frame(body).unwrap().is_err());
        assert!(!sent.get() && !sent.close());
    }
}
