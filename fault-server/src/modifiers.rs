//! How a reaction's answer is made, as methods that go on from a constructor.

use std::time::Duration;

use super::behaviour::{After, Behaviour};
use super::cut::{Cut, Point};
use super::http_response::Framing;
use super::tls::Certificate;

/// How the response is made.
impl Behaviour {
    /// Adds a header field. Neither name nor value is checked.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.response.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets `Content-Type`, in place of the one that is there.
    #[must_use]
    pub fn content_type(mut self, value: &str) -> Self {
        self.response.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        self.header("content-type", value)
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.response.body = body.into();
        self
    }

    /// Frames the body as chunks (RFC 9112 section 7.1), two of them.
    #[must_use]
    pub fn chunked(mut self) -> Self {
        self.response.framing = Framing::Chunked;
        self
    }

    /// Frames the body by the end of the connection (RFC 9112 section 6.3).
    #[must_use]
    pub fn until_close(mut self) -> Self {
        self.response.framing = Framing::UntilClose;
        self
    }

    /// Ends the connection in order after so many bytes of the body, whatever
    /// `Content-Length`, or the chunks, promised.
    #[must_use]
    pub fn truncated_after(self, bytes: usize) -> Self {
        self.cut(Point::AfterResponseBytes(bytes), Cut::Close)
    }

    /// Sends the body again and again until the client gives up: in chunks, or
    /// with [`until_close`](Self::until_close) without any framing. An empty
    /// body becomes spaces.
    #[must_use]
    pub fn endless(mut self) -> Self {
        self.response.endless = true;
        self
    }

    /// Adds padding to the response's head until it has at least so many bytes,
    /// in fields of 8 KiB.
    #[must_use]
    pub fn padded_head(mut self, bytes: usize) -> Self {
        self.response.padding = bytes;
        self
    }

    /// Sends an interim response before the final one, 100 or 103 (RFC 9110
    /// section 15.2), whether the client asked for it or not. Who sends
    /// `Expect: 100-continue` gets its 100 in any case.
    #[must_use]
    pub fn interim(mut self, status: u16) -> Self {
        self.response.interim.push(status);
        self
    }

    /// Compresses the body and says so in `Content-Encoding`, whether the
    /// client accepts gzip or not.
    #[must_use]
    pub fn gzip(mut self) -> Self {
        self.response.gzip = true;
        self
    }

    /// Sends the response byte by byte, with this pause after each.
    #[must_use]
    pub fn drip(mut self, pause: Duration) -> Self {
        self.response.drip = Some(pause);
        self
    }

    /// Breaks the exchange off at this point.
    ///
    /// What was sent before a [`Cut::Reset`] still reaches a client on
    /// loopback as long as it is no more than some 64 KiB; the rest may be
    /// thrown away by the kernel.
    #[must_use]
    pub fn cut(mut self, point: Point, cut: Cut) -> Self {
        self.cut = Some((point, cut));
        self
    }

    /// Says `Connection: close` and closes the connection after the response.
    /// Without it the connection persists as HTTP/1.1 has it.
    #[must_use]
    pub fn then_close(mut self) -> Self {
        self.after = After::Close;
        self
    }

    /// Promises with the response that the connection persists, and closes it: an
    /// idle connection that a server drops.
    #[must_use]
    pub fn keep_alive_then_close(mut self) -> Self {
        self.after = After::CloseSilently;
        self
    }

    /// TLS: presents this certificate in place of the server's usual one. The
    /// reaction is then taken from the script by the next connection.
    #[must_use]
    pub fn certificate(mut self, certificate: Certificate) -> Self {
        self.certificate = Some(certificate);
        self
    }
}
