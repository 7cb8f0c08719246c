//! The methods that change a behaviour after its constructor.

use std::time::Duration;

use super::behaviour::{After, Behaviour};
use super::cut::{Cut, Point};
use super::gate::ResponseGate;
use super::http_response::Framing;
use super::tls::Certificate;

/// Details of the response and of what follows it.
impl Behaviour {
    /// Adds a header field. Name and value are not checked.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.response.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets `Content-Type`, replacing one that was set before.
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

    /// Sends the body as two chunks (RFC 9112 section 7.1).
    #[must_use]
    pub fn chunked(mut self) -> Self {
        self.response.framing = Framing::Chunked;
        self
    }

    /// Delimits the body by the end of the connection (RFC 9112 section 6.3).
    #[must_use]
    pub fn until_close(mut self) -> Self {
        self.response.framing = Framing::UntilClose;
        self
    }

    /// Closes the connection with FIN after this many bytes of the body,
    /// whatever `Content-Length` or the chunks promised.
    #[must_use]
    pub fn truncated_after(self, bytes: usize) -> Self {
        self.cut(Point::AfterResponseBytes(bytes), Cut::Close)
    }

    /// Sends the body again and again until the client gives up, in chunks or,
    /// with [`until_close`](Self::until_close), without framing. An empty body
    /// becomes spaces.
    #[must_use]
    pub fn endless(mut self) -> Self {
        self.response.endless = true;
        self
    }

    /// Pads the head of the response with fields of 8 KiB until it has at least
    /// this many bytes.
    #[must_use]
    pub fn padded_head(mut self, bytes: usize) -> Self {
        self.response.padding = bytes;
        self
    }

    /// Sends an interim response before the final one (RFC 9110 section 15.2),
    /// such as 100 or 103, whether or not the client expects it. A request with
    /// `Expect: 100-continue` gets its 100 in any case.
    #[must_use]
    pub fn interim(mut self, status: u16) -> Self {
        self.response.interim.push(status);
        self
    }

    /// Sends this interim response again and again, some KiB every 10 ms, until the
    /// client gives up, and never a final one.
    #[must_use]
    pub fn endless_interim(mut self, status: u16) -> Self {
        self.response.endless_interim = Some(status);
        self
    }

    /// Pads each interim response with fields of 8 KiB until it has at least this
    /// many bytes.
    #[must_use]
    pub fn padded_interim(mut self, bytes: usize) -> Self {
        self.response.interim_padding = bytes;
        self
    }

    /// Encodes the body as gzip and says so in `Content-Encoding`, whether or not
    /// the client accepts it.
    #[must_use]
    pub fn gzip(mut self) -> Self {
        self.response.gzip = true;
        self
    }

    /// Encodes the body as gzip and does not say so: a proxy has removed the header.
    #[must_use]
    pub fn gzip_without_header(mut self) -> Self {
        self.response.gzip = true;
        self.response.says_gzip = false;
        self
    }

    /// Sends the response byte by byte, with this pause after each.
    #[must_use]
    pub fn drip(mut self, pause: Duration) -> Self {
        self.response.drip = Some(pause);
        self
    }

    /// Sends nothing from this point on until the gate is opened:
    /// [`Point::AfterBody`], or over HTTP/1.1 one within the response. Any other
    /// point counts as `AfterBody`; a relay does not wait.
    ///
    /// A test can bring the client into a certain state meanwhile.
    /// [`FaultServer::wait_for_responses`] then tells that all has been sent.
    ///
    /// [`FaultServer::wait_for_responses`]: super::FaultServer::wait_for_responses
    #[must_use]
    pub fn hold(mut self, point: Point, gate: &ResponseGate) -> Self {
        self.hold = Some((point, gate.clone()));
        self
    }

    /// Sends the response as soon as the header section of the request is there, as
    /// servers do that refuse a request by its head alone. The body is read and
    /// recorded afterwards, if the client still sends it.
    ///
    /// A client that waits for 100 (RFC 9110 section 10.1.1) gets the response in its
    /// place, and the connection is closed: whether the body still comes nobody knows.
    /// Over HTTP/2 the client is told that no more of it is wanted (RFC 9113 section
    /// 8.1). No effect if the behaviour breaks off before a response, relays, or comes
    /// from a handler that is asked when the whole request is there; see
    /// [`FaultServerBuilder::head_handler`](super::FaultServerBuilder::head_handler).
    #[must_use]
    pub fn early(mut self) -> Self {
        self.early = true;
        self
    }

    /// Breaks off at this point.
    ///
    /// Up to about 64 KiB that were sent before a [`Cut::Reset`] still reach a
    /// client on loopback. The kernel may discard what exceeds that.
    #[must_use]
    pub fn cut(mut self, point: Point, cut: Cut) -> Self {
        self.cut = Some((point, cut));
        self
    }

    /// Sends `Connection: close` and closes the connection after the response.
    /// By default the connection persists as HTTP/1.1 specifies.
    #[must_use]
    pub fn then_close(mut self) -> Self {
        self.after = After::Close;
        self
    }

    /// Sends a response after which the connection should persist, and closes
    /// it: a server that drops an idle connection.
    #[must_use]
    pub fn keep_alive_then_close(mut self) -> Self {
        self.after = After::CloseSilently;
        self
    }

    /// TLS: presents this certificate instead of the one of the server. The next
    /// connection then takes this behaviour from the script.
    #[must_use]
    pub fn certificate(mut self, certificate: Certificate) -> Self {
        self.certificate = Some(certificate);
        self
    }
}
