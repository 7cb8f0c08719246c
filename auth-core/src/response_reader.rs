//! Collecting an answer's body within its bound: what every transport must do
//! in the same way, written once.

use std::ops::ControlFlow;

use http::{Version, header};
use zeroize::Zeroizing;

use crate::{Response, TransportError, TransportErrorKind};

/// Collects the body of an answer as a [`Transport`](crate::Transport) owes it.
///
/// Feed it chunk by chunk until [`push`](Self::push) breaks or the body ends,
/// then [`finish`](Self::finish); if reading fails, [`fail`](Self::fail).
///
/// ```
/// use auth_core::ResponseReader;
///
/// let (head, ()) = http::Response::new(()).into_parts();
/// let mut reader = ResponseReader::new(head, 1024);
/// for chunk in [&b"{\"access_"[..], b"token\":\"at\"}"] {
///     if reader.push(chunk).is_break() {
///         break;
///     }
/// }
/// let response = reader.finish()?;
/// assert_eq!(response.body(), b"{\"access_token\":\"at\"}");
/// # Ok::<(), auth_core::TransportError>(())
/// ```
#[derive(Debug)]
pub struct ResponseReader {
    head: http::response::Parts,
    body: Zeroizing<Vec<u8>>,
    limit: usize,
    too_large: bool,
}

impl ResponseReader {
    /// Begins with the answer's head. `limit` is the request's
    /// [`response_limit`](crate::Request::response_limit).
    pub fn new(head: http::response::Parts, limit: usize) -> Self {
        // A body of the announced length is collected without growing, which
        // would leave copies of its tokens behind.
        let announced = content_length(&head).unwrap_or(0);
        let size = usize::try_from(announced).unwrap_or(limit).min(limit).min(64 * 1024);
        Self { head, body: Zeroizing::new(Vec::with_capacity(size)), limit, too_large: false }
    }

    /// Takes the next chunk. `Break`: there is more than the limit allows, or
    /// the body of such an answer tells nothing; read no further, and
    /// [`finish`](Self::finish).
    pub fn push(&mut self, chunk: &[u8]) -> ControlFlow<()> {
        let room = self.limit - self.body.len();
        if chunk.len() > room {
            self.too_large = true;
            self.grow(&chunk[..room]);
            return ControlFlow::Break(());
        }
        self.grow(chunk);
        ControlFlow::Continue(())
    }

    /// The whole answer.
    ///
    /// # Errors
    ///
    /// If a 2xx is longer than the limit; or if it may have been cut without
    /// anybody noticing: form-encoded, of HTTP/1, and neither announced by
    /// length nor chunked. A JSON body that was cut fails to parse, a cut form
    /// would be half a token.
    pub fn finish(mut self) -> Result<Response, TransportError> {
        if self.head.status.is_success() {
            if self.too_large {
                return Err(TransportError::unknown(TransportErrorKind::TooLarge));
            }
            if self.is_cut_unnoticed() {
                return Err(TransportError::unknown(TransportErrorKind::Truncated));
            }
        }
        let body = std::mem::take(&mut *self.body);
        Ok(Response::from_parts(self.head, body))
    }

    /// Reading the body failed. A 5xx stays the answer that it is, for its
    /// status says all there is to say; anything else is the network's failure.
    ///
    /// # Errors
    ///
    /// `error`, unless the status is a 5xx.
    pub fn fail(self, error: TransportError) -> Result<Response, TransportError> {
        if self.head.status.is_server_error() { self.finish() } else { Err(error) }
    }

    fn grow(&mut self, chunk: &[u8]) {
        let needed = self.body.len() + chunk.len();
        if needed > self.body.capacity() {
            let mut larger =
                Zeroizing::new(Vec::with_capacity(needed.max(2 * self.body.capacity())));
            larger.extend_from_slice(&self.body);
            self.body = larger;
        }
        self.body.extend_from_slice(chunk);
    }

    fn is_cut_unnoticed(&self) -> bool {
        let chunked = self
            .head
            .headers
            .get(header::TRANSFER_ENCODING)
            .is_some_and(|value| value.as_bytes().to_ascii_lowercase().ends_with(b"chunked"));
        let framed = self.head.version >= Version::HTTP_2
            || chunked
            || self.head.headers.get(header::CONTENT_LENGTH).is_some();
        !framed && !self.body.trim_ascii_start().starts_with(b"{")
    }
}

fn content_length(head: &http::response::Parts) -> Option<u64> {
    head.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}
