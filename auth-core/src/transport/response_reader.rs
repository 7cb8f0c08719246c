//! Collecting the body of a response within its limit, in the same way for
//! every transport.

use std::{fmt, ops::ControlFlow};

use http::{Version, header};
use zeroize::{Zeroize, Zeroizing};

use super::{Response, TransportError, TransportErrorKind};
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
}

impl ResponseReader {
    /// Starts with the head of the response. `limit` is the request's
    /// [`response_limit`](crate::Request::response_limit).
    pub fn new(head: http::response::Parts, limit: usize) -> Self {
        // A body of the announced length is collected without growing, which
        // would leave copies of its tokens behind.
        let announced = content_length(&head).unwrap_or(0);
        let size = usize::try_from(announced).unwrap_or(limit).min(limit).min(64 * 1024);
        Self { head, body: Zeroizing::new(Vec::with_capacity(size)), limit, too_large: false }
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

    /// Returns the complete response.
    ///
    /// # Errors
    ///
    /// If a 2xx exceeds the limit, if it does not have the announced length, or if
    /// a truncation could go unnoticed: the body is form-encoded, came by HTTP/1,
    /// and has neither a length nor chunked framing. A truncated JSON body fails
    /// to parse; a truncated form could hold half a token.
    pub fn finish(mut self) -> Result<Response, TransportError> {
        if self.head.status.is_success() {
            if self.too_large {
                return Err(TransportError::unknown(TransportErrorKind::TooLarge));
            }
            if self.is_cut() {
                return Err(TransportError::unknown(TransportErrorKind::Truncated));
            }
        }
        let body = std::mem::take(&mut *self.body);
        Ok(Response::from_parts(self.head, body))
    }

    /// Ends a response whose body could not be read to its end, because of a
    /// truncation, a reset or a timeout.
    ///
    /// A response other than a 2xx is returned: its status and its
    /// `Retry-After` have arrived, and its error may have. A body that is not
    /// JSON is dropped, since a truncated form could hold half a code.
    ///
    /// # Errors
    ///
    /// `error`, if the status is a 2xx.
    pub fn fail(mut self, error: TransportError) -> Result<Response, TransportError> {
        if self.head.status.is_success() {
            return Err(error);
        }
        if !trimmed(&self.body).starts_with(b"{") {
            self.body.zeroize();
        }
        self.finish()
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
    }

    /// A client may take the end of the connection for the end of the body.
    fn is_cut(&self) -> bool {
        let headers = &self.head.headers;
        if let Some(announced) = content_length(&self.head) {
            // The length of what was encoded is another one.
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
        // no token, however they end.
        let first = trimmed(&self.body).first();
        !framed && !matches!(first, None | Some(b'{' | b'<'))
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
mod tests {
    use super::*;

    fn reader(
        status: u16,
        headers: &[(&'static str, &'static str)],
        limit: usize,
    ) -> ResponseReader {
        let (mut head, ()) = http::Response::new(()).into_parts();
        head.status = http::StatusCode::from_u16(status).unwrap();
        for (name, value) in headers {
            head.headers.insert(*name, value.parse().unwrap());
        }
        ResponseReader::new(head, limit)
    }

    fn cut() -> TransportError {
        TransportError::unknown(TransportErrorKind::Truncated)
    }

    #[test]
    fn the_limit_is_exact_and_ends_the_reading() {
        let mut fits = reader(200, &[("content-length", "4")], 4);
        assert!(fits.push(b"{}").is_continue());
        assert!(fits.push(b"  ").is_continue());
        assert!(fits.push(b"").is_continue());
        assert_eq!(fits.finish().unwrap().body(), b"{}  ");

        let mut long = reader(200, &[], 4);
        assert!(long.push(b"{}").is_continue());
        assert!(long.push(b"   ").is_break());
        let error = long.finish().unwrap_err();
        assert_eq!(error.kind(), TransportErrorKind::TooLarge);
        assert_eq!(error.delivery(), crate::Delivery::Unknown);

        // A long page of a failure is cut, not an error: its status counts.
        let mut page = reader(403, &[], 4);
        assert!(page.push(b"<html>").is_break());
        assert_eq!(page.finish().unwrap().body(), b"<htm");

        // Whatever the server announces, no more than the limit is reserved.
        let vast = reader(200, &[("content-length", "18446744073709551615")], 16);
        assert!(vast.body.capacity() <= 16);
        assert!(reader(200, &[("content-length", "-1")], 16).body.capacity() == 0);
    }

    #[test]
    fn what_it_shows_is_no_secret() {
        let mut reader = reader(200, &[], 64);
        assert!(reader.push(b"s3cret").is_continue());
        let shown = format!("{reader:?}");
        assert_eq!(shown, "ResponseReader { status: 200, bytes: 6, .. }");
    }

    #[test]
    fn growing_keeps_what_is_there() {
        let mut reader = reader(200, &[], 1 << 20);
        let text: Vec<u8> = (0..100_000_u32).map(|i| b'a' + (i % 26) as u8).collect();
        let text = [b"{".as_slice(), &text].concat();
        for chunk in text.chunks(977) {
            assert!(reader.push(chunk).is_continue());
        }
        assert_eq!(reader.finish().unwrap().body(), &text);
    }

    #[test]
    fn what_is_reserved_is_bounded() {
        // A body of the announced length never moves.
        let mut announced = reader(200, &[("content-length", "4")], 1 << 20);
        let reserved = announced.body.capacity();
        assert!((4..8).contains(&reserved));
        assert!(announced.push(b"{}  ").is_continue());
        assert_eq!(announced.body.capacity(), reserved);

        // Otherwise there is room for twice what came, within the limit; and
        // the copies are few, however small the chunks.
        let limit = 100_000;
        for size in [1, 977, 8 * 1024, limit] {
            let mut reader = reader(200, &[], limit);
            let (mut capacity, mut moves) = (0, 0);
            for _ in 0..limit / size {
                assert!(reader.push(&vec![b'x'; size]).is_continue());
                if reader.body.capacity() != capacity {
                    capacity = reader.body.capacity();
                    moves += 1;
                }
                let length = reader.body.len();
                assert!(moves <= 18, "by {size}");
                assert!(capacity <= limit.min(2 * length), "{capacity} for {length} by {size}");
            }
        }
    }

    #[test]
    fn a_form_must_be_framed() {
        for (headers, version, body, whole) in [
            (&[("content-length", "15")][..], Version::HTTP_11, "access_token=at", true),
            (&[("transfer-encoding", "chunked")], Version::HTTP_11, "access_token=at", true),
            (&[("transfer-encoding", "Chunked")], Version::HTTP_11, "access_token=at", true),
            (&[("transfer-encoding", "notchunked")], Version::HTTP_11, "access_token=at", false),
            (&[("transfer-encoding", "chunked")], Version::HTTP_10, "access_token=at", false),
            (&[("content-length", "99")], Version::HTTP_2, "access_token=at", false),
            (&[], Version::HTTP_2, "access_token=at", true),
            (&[], Version::HTTP_11, "access_token=at", false),
            (&[], Version::HTTP_10, "access_token=at", false),
            (&[("transfer-encoding", "gzip")], Version::HTTP_11, "access_token=at", false),
            // A cut JSON gives itself away.
            (&[], Version::HTTP_11, " {\"access_token\":\"a", true),
            (&[], Version::HTTP_11, "\u{feff}{\"access_token\":\"a", true),
            // Of a 204, and of a captive portal.
            (&[], Version::HTTP_11, "", true),
            (&[], Version::HTTP_11, "<html>", true),
        ] {
            let mut reader = reader(200, headers, 100);
            reader.head.version = version;
            assert!(reader.push(body.as_bytes()).is_continue());
            assert_eq!(reader.finish().is_ok(), whole, "{headers:?} {version:?}");
        }
    }

    #[test]
    fn a_cut_body_spoils_a_2xx_only() {
        for (status, body, left) in [
            (200, "{\"access_token\":\"at\"}", None),
            (302, "", Some("")),
            (400, "{\"error\":\"invalid_grant\"}", Some("{\"error\":\"invalid_grant\"}")),
            (400, "\u{feff} {\"error\":\"inv", Some("\u{feff} {\"error\":\"inv")),
            // Half a form would be half a code.
            (400, "error=invalid", Some("")),
            (429, "<html>", Some("")),
            (502, "<html>", Some("")),
        ] {
            let mut reader = reader(status, &[("retry-after", "7")], 100);
            assert!(reader.push(body.as_bytes()).is_continue());
            let response = reader.fail(cut());
            assert_eq!(response.is_ok(), left.is_some(), "{status}");
            if let (Ok(response), Some(left)) = (response, left) {
                assert_eq!(response.body(), left.as_bytes());
                assert_eq!(response.headers()["retry-after"], "7");
            }
        }
    }
}
