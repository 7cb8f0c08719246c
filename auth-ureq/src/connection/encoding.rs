//! Responses that do not tell ureq how they are encoded.
//!
//! If any crate in the tree turns ureq's `gzip` on, which is a default of it, ureq
//! undoes an encoding by what the header says, and nothing can switch that off. What
//! is not as the header says is an error then, and the tokens in it are lost. So the
//! header has another name on its way through ureq.

use http::{HeaderMap, HeaderName, header};
use ureq::{
    Error,
    unversioned::transport::{Buffers, NextTimeout, Transport},
};
use zeroize::Zeroizing;

/// As long as what it stands for, and a name that nobody uses.
const DISGUISE: &[u8] = b"content-encodin~";

/// Gives the header its name back.
pub(crate) fn reveal(headers: &mut HeaderMap) {
    let name = HeaderName::from_static("content-encodin~");
    let values: Vec<_> = headers.get_all(&name).iter().cloned().collect();
    headers.remove(&name);
    for value in values {
        headers.append(header::CONTENT_ENCODING, value);
    }
}

/// A connection to the server, after TLS is undone.
#[derive(Debug)]
pub(super) struct Disguised<T> {
    inner: T,
    /// Not so the connection to a proxy, in which that to the server is.
    is_outermost: bool,
    /// Whether the head of the response has come, behind which nothing is touched.
    head_has_come: bool,
}

impl<T> Disguised<T> {
    pub(super) fn new(inner: T, is_outermost: bool) -> Self {
        Self { inner, is_outermost, head_has_come: false }
    }
}

impl<T: Transport> Transport for Disguised<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.head_has_come = false;
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let result = self.inner.await_input(timeout);
        if self.is_outermost && !self.head_has_come {
            self.head_has_come = disguise(self.inner.buffers());
        }
        result
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// Returns whether the head of the final response has come. ureq leaves a head in
/// the buffer until all of it is there.
fn disguise(buffers: &mut dyn Buffers) -> bool {
    let (names, has_come) = names(buffers.input());
    if !names.is_empty() {
        let mut input = Zeroizing::new(buffers.input().to_vec());
        for at in names {
            input[at..at + DISGUISE.len()].copy_from_slice(DISGUISE);
        }
        // The buffer shows what is in it for reading only.
        buffers.input_consume(input.len());
        buffers.input_append_buf()[..input.len()].copy_from_slice(&input);
        buffers.input_appended(input.len());
    }
    has_come
}

/// Where the name of the header stands in the heads that are there whole, and
/// whether the last of them is that of the final response.
fn names(input: &[u8]) -> (Vec<usize>, bool) {
    let mut names = Vec::new();
    let mut at = 0;
    // The status line of the head that is being read, and the names in it.
    let mut status_line: Option<&[u8]> = None;
    let mut in_head = Vec::new();
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        let is_blank = matches!(line, b"\n" | b"\r\n");
        match status_line {
            // ureq passes over blank lines before it.
            None if is_blank => {}
            None => status_line = Some(line),
            Some(status_line_of) if is_blank => {
                names.append(&mut in_head);
                if !is_interim(status_line_of) {
                    return (names, true);
                }
                status_line = None;
            }
            Some(_) if is_content_encoding(line) => in_head.push(at),
            Some(_) => {}
        }
        at += line.len();
    }
    (names, false)
}

fn is_content_encoding(line: &[u8]) -> bool {
    line.split_at_checked(DISGUISE.len()).is_some_and(|(name, rest)| {
        name.eq_ignore_ascii_case(header::CONTENT_ENCODING.as_str().as_bytes())
            && rest.starts_with(b":")
    })
}

/// `HTTP/1.1 103 Early Hints`.
fn is_interim(status_line: &[u8]) -> bool {
    let mut words = status_line.split(|byte| *byte == b' ');
    words.nth(1).is_some_and(|status| status.starts_with(b"1"))
}

#[cfg(test)]
mod tests {
    use ureq::unversioned::transport::LazyBuffers;

    use super::*;

    #[test]
    fn the_name_is_disguised_in_heads_that_are_whole_and_nowhere_else() {
        for (input, seen, has_come) in [
            ("", "", false),
            ("HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\n", false),
            // Only once all of the head is there.
            ("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n", "", false),
            (
                "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\na: b\r\n\r\n{",
                "HTTP/1.1 200 OK\r\ncontent-encodin~: br\r\na: b\r\n\r\n{",
                true,
            ),
            (
                "HTTP/1.1 200 OK\ncontent-encoding:gzip\nCONTENT-ENCODING: br\n\n",
                "HTTP/1.1 200 OK\ncontent-encodin~:gzip\ncontent-encodin~: br\n\n",
                true,
            ),
            // The names of others, and values.
            ("HTTP/1.1 200 OK\r\nx-content-encoding: br\r\n\r\n", "", true),
            ("HTTP/1.1 200 OK\r\ncontent-encodings: br\r\n\r\n", "", true),
            ("HTTP/1.1 200 OK\r\nvary: content-encoding: br\r\n\r\n", "", true),
            // The body is nobody's head.
            ("HTTP/1.1 200 OK\r\n\r\ncontent-encoding: br\r\n\r\n", "", true),
            ("HTTP/1.1 200\r\n\r\nHTTP/1.1 200\r\ncontent-encoding: br\r\n\r\n", "", true),
            // After interim ones.
            ("HTTP/1.1 103 Early Hints\r\na: b\r\n\r\n", "", false),
            (
                "HTTP/1.1 100 \r\n\r\n\r\nHTTP/1.1 200 OK\r\ncontent-encoding: br\r\n\r\n",
                "HTTP/1.1 100 \r\n\r\n\r\nHTTP/1.1 200 OK\r\ncontent-encodin~: br\r\n\r\n",
                true,
            ),
        ] {
            let mut buffers = LazyBuffers::new(1024, 1);
            buffers.input_append_buf()[..input.len()].copy_from_slice(input.as_bytes());
            buffers.input_appended(input.len());
            assert_eq!(disguise(&mut buffers), has_come, "{input}");
            let seen = if seen.is_empty() { input } else { seen };
            assert_eq!(std::str::from_utf8(buffers.input()).unwrap(), seen);
        }
    }

    #[test]
    fn the_name_comes_back() {
        let mut headers = HeaderMap::new();
        for value in ["gzip", "br"] {
            headers.append("content-encodin~", value.parse().unwrap());
        }
        reveal(&mut headers);
        let values: Vec<_> = headers.get_all(header::CONTENT_ENCODING).iter().collect();
        assert_eq!(values, ["gzip", "br"]);
        assert_eq!(headers.len(), 2);
    }
}
