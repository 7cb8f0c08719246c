//! Collecting the body of a response within its limit, in the same way for
//! every transport.

use std::{fmt, ops::ControlFlow};

use http::{Version, header};
use zeroize::{Zeroize, Zeroizing};

use super::{
    Response, TransportError, TransportErrorKind,
    content::{self, Content, End},
    whole_object::{Braces, ends_with_an_object},
};
use crate::json::trimmed;

/// Collects the body of a response as a [`Transport`](crate::Transport) must.
///
/// Pass each chunk to [`push`](Self::push) until it breaks or the body ends;
/// then call [`finish`](Self::finish). If reading fails, call
/// [`fail`](Self::fail).
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
#[must_use = "`finish` or `fail` returns the response"]
pub struct ResponseReader {
    head: http::response::Parts,
    body: Zeroizing<Vec<u8>>,
    limit: usize,
    too_large: bool,
    braces: Braces,
    /// Whether what came to its closing brace is one whole object.
    whole: bool,
}

impl ResponseReader {
    /// Starts with the head of the response. `limit` is the request's
    /// [`response_limit`](crate::Request::response_limit).
    pub fn new(head: http::response::Parts, limit: usize) -> Self {
        // A body of the announced length is collected without growing, which
        // would leave copies of its tokens behind.
        let announced = content_length(&head).unwrap_or(0);
        let size = usize::try_from(announced).unwrap_or(limit).min(limit).min(64 * 1024);
        Self {
            head,
            body: Zeroizing::new(Vec::with_capacity(size)),
            limit,
            too_large: false,
            braces: Braces::default(),
            whole: false,
        }
    }

    /// Takes the next chunk. `Break` means that the body exceeds the limit:
    /// stop reading, and call [`finish`](Self::finish).
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

    /// Whether the body so far is one whole JSON object. Then it is a response,
    /// however its transfer ends: wait for the end no longer than
    /// [`Deadline::settle`](crate::Deadline::settle) says. Always false while the
    /// body is encoded.
    pub fn is_whole(&self) -> bool {
        self.whole && self.braces.are_closed()
    }

    /// Returns the complete response, without its encodings.
    ///
    /// gzip and deflate are undone, whether or not a header names them, and the
    /// headers about them removed. The limit holds for what comes out of them, too.
    /// A body that is encoded in another way, or whose data is broken, stays as it
    /// is: [`read_response`](crate::read_response) says what it is.
    ///
    /// # Errors
    ///
    /// If a 2xx exceeds the limit, or if it is truncated: it does not have the
    /// announced length, its compressed data ends too early, or a truncation could
    /// go unnoticed since the body is form-encoded, came by HTTP/1, and has neither a
    /// length nor chunked framing. A truncated form could hold half a token. A body
    /// that is one whole JSON object is complete, whatever its transfer says.
    pub fn finish(self) -> Result<Response, TransportError> {
        self.end(None)
    }

    /// Ends a response whose body could not be read to its end, because of a
    /// truncation, a reset or a timeout.
    ///
    /// A body that is one whole JSON object is complete. It is returned, whatever
    /// its transfer lacked: the last chunk, a part of the announced length, the end
    /// of TLS or of an HTTP/2 stream.
    ///
    /// A response other than a 2xx is returned as well: its status and its
    /// `Retry-After` have arrived, and its error may have. A body that is not
    /// JSON is dropped, since a truncated form could hold half a code.
    ///
    /// # Errors
    ///
    /// `error`, if the status is a 2xx and the body is not a whole object.
    pub fn fail(self, error: TransportError) -> Result<Response, TransportError> {
        self.end(Some(error))
    }

    fn end(mut self, error: Option<TransportError>) -> Result<Response, TransportError> {
        let truncated = || TransportError::unknown(TransportErrorKind::Truncated);
        let too_large = || TransportError::unknown(TransportErrorKind::TooLarge);
        let success = self.head.status.is_success();
        if success && self.too_large {
            return Err(too_large());
        }
        let mut cut = error;
        match content::read(&self.head.headers, &self.body, self.limit) {
            Content::Plain => {
                if success && self.is_cut() {
                    cut = cut.or_else(|| Some(truncated()));
                }
                self.head.headers.remove(header::CONTENT_ENCODING);
            }
            Content::Decoded(decoded) => {
                match decoded.end {
                    End::TooLarge if success => return Err(too_large()),
                    // The formats say where they end, whatever the framing says.
                    End::Whole | End::TooLarge => {}
                    End::Cut => cut = cut.or_else(|| Some(truncated())),
                }
                self.body = decoded.body;
                content::remove_from(&mut self.head.headers);
            }
            Content::Unknown => {
                if success && self.is_short() {
                    cut = cut.or_else(|| Some(truncated()));
                }
            }
        }
        if let Some(error) = cut {
            if success && !ends_with_an_object(&self.body) {
                return Err(error);
            }
            if !success && !trimmed(&self.body).starts_with(b"{") {
                self.body.zeroize();
            }
        }
        let body = std::mem::take(&mut *self.body);
        Ok(Response::from_parts(self.head, body))
    }

    fn grow(&mut self, chunk: &[u8]) {
        let needed = self.body.len() + chunk.len();
        if needed > self.body.capacity() {
            let doubled = (2 * self.body.capacity()).min(self.limit);
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(doubled)));
            larger.extend_from_slice(&self.body);
            self.body = larger;
        }
        self.body.extend_from_slice(chunk);
        let before = self.braces.are_closed();
        self.braces.push(chunk);
        // Once: white space behind it, which may come byte by byte, changes nothing.
        if self.braces.are_closed() && !before {
            self.whole = ends_with_an_object(&self.body);
        }
    }

    /// A client may take the end of the connection for the end of the body.
    fn is_cut(&self) -> bool {
        let headers = &self.head.headers;
        if let Some(announced) = content_length(&self.head) {
            // The client may have decoded the body, and left its headers.
            let encoded = headers.contains_key(header::CONTENT_ENCODING);
            return !encoded && announced != self.body.len() as u64;
        }
        let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
        let framed = match self.head.version {
            Version::HTTP_11 => matches!(
                (codings.next(), codings.next()),
                (Some(only), None) if only.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked")
            ),
            version => version >= Version::HTTP_2,
        };
        // Only a form is valid when cut. Nothing at all (a 204) and a page are
        // no token, however they end. What has no sign of a form is none.
        let first = trimmed(&self.body).first();
        !framed && !matches!(first, None | Some(b'{' | b'<')) && self.body.contains(&b'=')
    }

    /// Whether less has come than was announced.
    fn is_short(&self) -> bool {
        content_length(&self.head).is_some_and(|announced| announced > self.body.len() as u64)
    }
}

impl fmt::Debug for ResponseReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseReader")
            .field("status", &self.head.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

fn content_length(head: &http::response::Parts) -> Option<u64> {
    head.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests;
