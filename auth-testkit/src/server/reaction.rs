//! What the server does with one connection or one request, as a value.

use std::fmt;
use std::time::Duration;

use super::answer::{Answer, Framing, Location};
use super::tls::Certificate;

/// What the server does next: one entry of its script, for one request or,
/// where a fault strikes before any request, one connection.
///
/// A reaction is an answer, and perhaps a [`Cut`] at a [`Point`] that keeps the
/// answer from being whole. Constructors name what happens; the methods after
/// them say how:
///
/// ```
/// use auth_testkit::{Cut, Point, Reaction};
///
/// let script = [
///     Reaction::nginx(502),
///     Reaction::reset(Point::AfterHeaders),
///     Reaction::tokens("at-1", "rt-1", 3600).cut(Point::InAnswerBody, Cut::Close),
///     Reaction::oauth_error(400, "invalid_grant"),
///     Reaction::answer(429).header("retry-after", "7"),
/// ];
/// # let _ = script;
/// ```
///
/// HTTP/1.1 is answered with HTTP/1.1, and a client that opens with the HTTP/2
/// preface (prior knowledge, RFC 9113 section 3.3) with HTTP/2. There the
/// methods about framing on the wire ([`chunked`](Self::chunked),
/// [`until_close`](Self::until_close), [`endless`](Self::endless),
/// [`drip`](Self::drip), [`padded_head`](Self::padded_head),
/// [`keep_alive_then_close`](Self::keep_alive_then_close)) have no meaning and
/// are passed over.
#[derive(Clone, Debug)]
pub struct Reaction {
    pub(super) answer: Answer,
    pub(super) cut: Option<(Point, Cut)>,
    pub(super) certificate: Option<Certificate>,
    pub(super) after: After,
    pub(super) relay: bool,
}

/// When a [`Cut`] strikes.
///
/// In the order of an exchange. A reaction that strikes [`OnAccept`] or
/// [`OnClientHello`] is taken from the script by the next connection, every
/// other by the next request.
///
/// [`OnAccept`]: Self::OnAccept
/// [`OnClientHello`]: Self::OnClientHello
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Point {
    /// The connection was accepted; nothing was read from it. On a persistent
    /// connection that is already open: the next request has begun to arrive.
    OnAccept,
    /// The client's first bytes, over TLS its ClientHello, have arrived and are
    /// not answered.
    OnClientHello,
    /// The request's header section has arrived. Its body may have, too: a
    /// client is free to send both at once, and what came is on record.
    AfterHeaders,
    /// The whole request has arrived; nothing was answered.
    AfterBody,
    /// Half of the answer's status line and headers were sent.
    InAnswerHead,
    /// The answer's head and half of its body were sent.
    InAnswerBody,
    /// The answer's head and so many bytes of its body were sent.
    AfterAnswerBytes(usize),
}

/// How an exchange breaks off at its [`Point`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cut {
    /// The connection is reset (TCP RST).
    Reset,
    /// The connection is closed in order: FIN, over TLS with `close_notify`.
    /// The server goes on reading and recording until the client closes, too.
    Close,
    /// As [`Close`](Self::Close), but over TLS without `close_notify`, as an
    /// attacker or a crash cuts it (RFC 8446 section 6.1).
    Truncate,
    /// Nothing more is sent, and nothing is closed, until the client gives up
    /// or the server is dropped. What the client sends is read and recorded.
    Stall,
    /// A fatal TLS alert of this number is sent, then the connection is closed.
    /// Only for [`Point::OnClientHello`]: 70 is `protocol_version`, what a
    /// server of TLS 1.1 says to a client that wants better; 40 is
    /// `handshake_failure` (RFC 8446 section 6).
    TlsAlert(u8),
    /// HTTP/2 GOAWAY with `NO_ERROR` and 0 as last stream: no request was or
    /// will be processed (RFC 9113 section 6.8). Then the connection is closed.
    GoAway,
    /// HTTP/2 RST_STREAM with `REFUSED_STREAM`: this request was not processed
    /// (RFC 9113 section 8.7). The connection stays open.
    RefuseStream,
}

/// What becomes of the connection after a whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// As HTTP/1.1 has it: open, unless the client or the framing says otherwise.
    Persist,
    /// `Connection: close`, and closed.
    Close,
    /// Persistence promised, and closed.
    CloseSilently,
}

/// Answers.
impl Reaction {
    /// An answer with this status, without a body.
    #[must_use]
    pub fn answer(status: u16) -> Self {
        Self::from_answer(Answer::new(status))
    }

    /// 200 with a token answer as RFC 6749 section 5.1 has it. `expires_in` is
    /// in seconds.
    #[must_use]
    pub fn tokens(access_token: &str, refresh_token: &str, expires_in: u64) -> Self {
        Self::json(
            200,
            format!(
                r#"{{"access_token":{},"token_type":"Bearer","expires_in":{expires_in},"refresh_token":{}}}"#,
                json_string(access_token),
                json_string(refresh_token),
            ),
        )
        .header("cache-control", "no-store")
    }

    /// An error answer as RFC 6749 section 5.2 has it.
    #[must_use]
    pub fn oauth_error(status: u16, error: &str) -> Self {
        Self::json(status, format!(r#"{{"error":{}}}"#, json_string(error)))
            .header("cache-control", "no-store")
    }

    /// An answer with a body of `application/json`.
    #[must_use]
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::answer(status).content_type("application/json").body(body)
    }

    /// An answer with the HTML page that nginx sends with this status.
    #[must_use]
    pub fn nginx(status: u16) -> Self {
        let reason = super::answer::reason(status);
        let body = format!(
            "<html>\r\n<head><title>{status} {reason}</title></head>\r\n<body>\r\n\
             <center><h1>{status} {reason}</h1></center>\r\n<hr><center>nginx</center>\r\n\
             </body>\r\n</html>\r\n"
        );
        Self::answer(status).header("server", "nginx").content_type("text/html").body(body)
    }

    /// A redirect to `location`.
    #[must_use]
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::redirecting(status, Location::To(location.to_owned()))
    }

    /// A redirect to the URL that was asked for: a loop, for who follows it.
    #[must_use]
    pub fn redirect_to_self(status: u16) -> Self {
        Self::redirecting(status, Location::Itself)
    }

    /// A redirect to another origin: [`FaultServer::elsewhere`], which records
    /// whether anything arrives there.
    ///
    /// [`FaultServer::elsewhere`]: super::FaultServer::elsewhere
    #[must_use]
    pub fn redirect_elsewhere(status: u16) -> Self {
        Self::redirecting(status, Location::Elsewhere)
    }

    /// These bytes in place of an HTTP answer, then the end of the connection.
    #[must_use]
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        let mut reaction = Self::answer(200);
        reaction.answer.raw = Some(bytes.into());
        reaction
    }

    /// An answer that is not HTTP: the greeting of an SSH server.
    #[must_use]
    pub fn garbage() -> Self {
        Self::raw("SSH-2.0-OpenSSH_9.2p1\r\n")
    }

    /// What a forward proxy answers to who does not authenticate: 407 with
    /// `Proxy-Authenticate: Basic`.
    #[must_use]
    pub fn proxy_auth_required() -> Self {
        Self::answer(407)
            .header("proxy-authenticate", "Basic realm=\"proxy\"")
            .content_type("text/plain")
            .body("proxy authentication required\n")
    }

    /// Acts as a forward proxy: `CONNECT` becomes a tunnel (RFC 9110 section
    /// 9.3.6), a request in absolute form (RFC 9112 section 3.2.2) is passed
    /// on; both only to 127.0.0.1. A target that cannot be reached is
    /// answered with 502.
    #[must_use]
    pub fn relay() -> Self {
        let mut reaction = Self::answer(200);
        reaction.relay = true;
        reaction
    }

    fn redirecting(status: u16, location: Location) -> Self {
        let mut reaction = Self::nginx(status);
        reaction.answer.location = Some(location);
        reaction
    }

    pub(super) fn from_answer(answer: Answer) -> Self {
        Self { answer, cut: None, certificate: None, after: After::Persist, relay: false }
    }
}

/// Faults.
impl Reaction {
    /// A reset (TCP RST) at this point.
    #[must_use]
    pub fn reset(point: Point) -> Self {
        Self::broken(point, Cut::Reset)
    }

    /// An orderly end of the connection (end of file) at this point.
    #[must_use]
    pub fn close(point: Point) -> Self {
        Self::broken(point, Cut::Close)
    }

    /// Silence from this point on, until the client gives up or the server is
    /// dropped.
    #[must_use]
    pub fn stall(point: Point) -> Self {
        Self::broken(point, Cut::Stall)
    }

    /// HTTP/2: GOAWAY at this point, see [`Cut::GoAway`]. With
    /// [`Point::OnAccept`] it follows the server's own preface.
    #[must_use]
    pub fn go_away(point: Point) -> Self {
        Self::broken(point, Cut::GoAway)
    }

    /// HTTP/2: RST_STREAM at this point, see [`Cut::RefuseStream`].
    #[must_use]
    pub fn refuse_stream(point: Point) -> Self {
        Self::broken(point, Cut::RefuseStream)
    }

    /// TLS: a fatal alert in answer to the ClientHello, see [`Cut::TlsAlert`].
    #[must_use]
    pub fn tls_alert(description: u8) -> Self {
        Self::broken(Point::OnClientHello, Cut::TlsAlert(description))
    }

    /// TLS: presents this certificate to the next connection; whoever accepts
    /// it is answered with tokens.
    #[must_use]
    pub fn present(certificate: Certificate) -> Self {
        Self::some_tokens().certificate(certificate)
    }

    fn broken(point: Point, cut: Cut) -> Self {
        Self::some_tokens().cut(point, cut)
    }

    /// The answer behind a fault: what a client would have got, and must not
    /// have believed.
    fn some_tokens() -> Self {
        Self::tokens("at-of-a-fault", "rt-of-a-fault", 3600)
    }
}

/// How the answer is made.
impl Reaction {
    /// Adds a header field. Neither name nor value is checked.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.answer.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets `Content-Type`, in place of the one that is there.
    #[must_use]
    pub fn content_type(mut self, value: &str) -> Self {
        self.answer.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        self.header("content-type", value)
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.answer.body = body.into();
        self
    }

    /// Frames the body as chunks (RFC 9112 section 7.1), two of them.
    #[must_use]
    pub fn chunked(mut self) -> Self {
        self.answer.framing = Framing::Chunked;
        self
    }

    /// Frames the body by the end of the connection (RFC 9112 section 6.3).
    #[must_use]
    pub fn until_close(mut self) -> Self {
        self.answer.framing = Framing::UntilClose;
        self
    }

    /// Ends the connection in order after so many bytes of the body, whatever
    /// `Content-Length`, or the chunks, promised.
    #[must_use]
    pub fn truncated_after(self, bytes: usize) -> Self {
        self.cut(Point::AfterAnswerBytes(bytes), Cut::Close)
    }

    /// Sends the body again and again until the client gives up: in chunks, or
    /// with [`until_close`](Self::until_close) without any framing. An empty
    /// body becomes spaces.
    #[must_use]
    pub fn endless(mut self) -> Self {
        self.answer.endless = true;
        self
    }

    /// Adds padding to the answer's head until it has at least so many bytes,
    /// in fields of 8 KiB.
    #[must_use]
    pub fn padded_head(mut self, bytes: usize) -> Self {
        self.answer.padding = bytes;
        self
    }

    /// Sends an interim answer before the final one, 100 or 103 (RFC 9110
    /// section 15.2), whether the client asked for it or not. Who sends
    /// `Expect: 100-continue` gets its 100 in any case.
    #[must_use]
    pub fn interim(mut self, status: u16) -> Self {
        self.answer.interim.push(status);
        self
    }

    /// Compresses the body and says so in `Content-Encoding`, whether the
    /// client accepts gzip or not.
    #[must_use]
    pub fn gzip(mut self) -> Self {
        self.answer.gzip = true;
        self
    }

    /// Sends the answer byte by byte, with this pause after each.
    #[must_use]
    pub fn drip(mut self, pause: Duration) -> Self {
        self.answer.drip = Some(pause);
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

    /// Says `Connection: close` and closes the connection after the answer.
    /// Without it the connection persists as HTTP/1.1 has it.
    #[must_use]
    pub fn then_close(mut self) -> Self {
        self.after = After::Close;
        self
    }

    /// Promises with the answer that the connection persists, and closes it: an
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

impl Reaction {
    /// Whether the next connection takes this reaction, not the next request.
    pub(super) fn is_for_connection(&self) -> bool {
        self.certificate.is_some()
            || self.cut.is_some_and(|(point, _)| point <= Point::OnClientHello)
    }

    /// The cut that strikes at `point`.
    pub(super) fn cut_at(&self, point: Point) -> Option<Cut> {
        self.cut.filter(|(at, _)| *at == point).map(|(_, cut)| cut)
    }
}

/// One line without the body or any header: for the messages of failed tests.
impl fmt::Display for Reaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = &self.answer;
        match self.cut {
            Some((point, cut)) if point < Point::InAnswerHead => {
                return write!(f, "{cut} {point}");
            }
            Some((point, cut)) => write!(f, "{cut} {point} of ")?,
            None => {}
        }
        if self.relay {
            f.write_str("relay")?;
        } else if let Some(raw) = &answer.raw {
            write!(f, "{} bytes that are not HTTP", raw.len())?;
        } else {
            write!(f, "answer {}", answer.status)?;
            if answer.endless {
                f.write_str(" without end")?;
            }
        }
        if let Some(certificate) = self.certificate {
            write!(f, " under a certificate that is {certificate}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnAccept => f.write_str("on accept"),
            Self::OnClientHello => f.write_str("on the client's first bytes"),
            Self::AfterHeaders => f.write_str("after the request's headers"),
            Self::AfterBody => f.write_str("after the request's body"),
            Self::InAnswerHead => f.write_str("within the head"),
            Self::InAnswerBody => f.write_str("half through the body"),
            Self::AfterAnswerBytes(n) => write!(f, "after {n} bytes of the body"),
        }
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reset => f.write_str("reset"),
            Self::Close => f.write_str("close"),
            Self::Truncate => f.write_str("close without notice"),
            Self::Stall => f.write_str("stall"),
            Self::TlsAlert(n) => write!(f, "TLS alert {n}"),
            Self::GoAway => f.write_str("GOAWAY"),
            Self::RefuseStream => f.write_str("REFUSED_STREAM"),
        }
    }
}

fn json_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
