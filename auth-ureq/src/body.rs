//! The request's body, which records whether it was read.

use std::io::{self, Read};

use bytes::{Buf, Bytes};

/// A body that records when the client first reads it.
///
/// It can be read once, so the client cannot send it twice.
pub(crate) struct Tripwire {
    body: Bytes,
    sent: bool,
}

impl Tripwire {
    pub(crate) fn new(body: Bytes) -> Self {
        Self { body, sent: false }
    }

    /// For the `Content-Length`.
    pub(crate) fn len(&self) -> usize {
        self.body.len()
    }

    /// Whether any byte of the body may have been sent.
    pub(crate) fn sent(&self) -> bool {
        self.sent
    }
}

impl Read for Tripwire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Before the bytes are handed out, so that it is never set too late.
        self.sent = true;
        let length = buffer.len().min(self.body.len());
        self.body.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
