//! What the server does with one connection or one request, as a value.

use std::fmt;

use http::header;

use super::cut::{Cut, Point};
use super::http_response::{HttpResponse, Location};
use super::tls::Certificate;

/// What the server does next: one entry of its script, for one request or,
/// where a fault strikes before any request, one connection.
///
/// A reaction is a response, and perhaps a [`Cut`] at a [`Point`] that keeps the
/// answer from being whole. Constructors name what happens; the methods after
/// them say how:
///
/// ```
/// use fault_server::{Cut, Point, Behaviour};
///
/// let script = [
///     Behaviour::nginx(502),
///     Behaviour::reset(Point::AfterHeaders),
///     Behaviour::json(200, r#"{"id":7}"#).cut(Point::InResponseBody, Cut::Close),
///     Behaviour::response(429).header("retry-after", "7"),
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
#[derive(Clone)]
pub struct Behaviour {
    pub(super) response: HttpResponse,
    pub(super) cut: Option<(Point, Cut)>,
    pub(super) certificate: Option<Certificate>,
    pub(super) after: After,
    pub(super) relay: bool,
}

/// What becomes of the connection after a whole response.
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
impl Behaviour {
    /// A response with this status, without a body.
    #[must_use]
    pub fn response(status: u16) -> Self {
        Self::from_response(HttpResponse::new(status))
    }

    /// A response with a body of `application/json`.
    #[must_use]
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::response(status).content_type("application/json").body(body)
    }

    /// A response with the HTML page that nginx sends with this status.
    #[must_use]
    pub fn nginx(status: u16) -> Self {
        let reason = super::http_response::reason(status);
        let body = format!(
            "<html>\r\n<head><title>{status} {reason}</title></head>\r\n<body>\r\n\
             <center><h1>{status} {reason}</h1></center>\r\n<hr><center>nginx</center>\r\n\
             </body>\r\n</html>\r\n"
        );
        Self::response(status).header("server", "nginx").content_type("text/html").body(body)
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

    /// These bytes in place of an HTTP response, then the end of the connection.
    #[must_use]
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        let mut behaviour = Self::response(200);
        behaviour.response.raw = Some(bytes.into());
        behaviour
    }

    /// A response that is not HTTP: the greeting of an SSH server.
    #[must_use]
    pub fn garbage() -> Self {
        Self::raw("SSH-2.0-OpenSSH_9.2p1\r\n")
    }

    /// What a forward proxy answers to who does not authenticate: 407 with
    /// `Proxy-Authenticate: Basic`.
    #[must_use]
    pub fn proxy_auth_required() -> Self {
        Self::response(407)
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
        let mut behaviour = Self::response(200);
        behaviour.relay = true;
        behaviour
    }

    fn redirecting(status: u16, location: Location) -> Self {
        let mut behaviour = Self::nginx(status);
        behaviour.response.location = Some(location);
        behaviour
    }

    pub(super) fn from_response(response: HttpResponse) -> Self {
        Self { response, cut: None, certificate: None, after: After::Persist, relay: false }
    }
}

/// Faults.
impl Behaviour {
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
    /// it gets a 200.
    #[must_use]
    pub fn present(certificate: Certificate) -> Self {
        Self::undelivered().certificate(certificate)
    }

    fn broken(point: Point, cut: Cut) -> Self {
        Self::undelivered().cut(point, cut)
    }

    /// The response behind a fault: what a client would have got, and must not
    /// have believed.
    fn undelivered() -> Self {
        Self::json(200, r#"{"note":"this response was never to arrive"}"#)
    }
}

impl Behaviour {
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

/// A response with the status, header fields and body of a response; framing is
/// the server's own matter. What is not UTF-8 in a field is replaced.
///
/// So a handler can hand on what a model of a server, written for no
/// particular transport, has answered:
///
/// ```
/// use fault_server::{Cut, FaultServer, Point, Behaviour};
///
/// fn model(body: &[u8]) -> http::Response<Vec<u8>> {
///     // ...
///     # let _ = body;
///     http::Response::new(b"{}".to_vec())
/// }
///
/// let server = FaultServer::with_handler(|request| {
///     // The model has answered, and the response is lost.
///     Behaviour::from(model(&request.body)).cut(Point::AfterBody, Cut::Reset)
/// });
/// # drop(server);
/// ```
impl<B: Into<Vec<u8>>> From<http::Response<B>> for Behaviour {
    fn from(response: http::Response<B>) -> Self {
        let (parts, body) = response.into_parts();
        let mut behaviour = Self::response(parts.status.as_u16()).body(body);
        for (name, value) in &parts.headers {
            if ![header::CONTENT_LENGTH, header::TRANSFER_ENCODING].contains(name) {
                let value = String::from_utf8_lossy(value.as_bytes());
                behaviour = behaviour.header(name.as_str(), &value);
            }
        }
        behaviour
    }
}

/// As [`Display`](fmt::Display): a body may hold tokens, and is not shown.
impl fmt::Debug for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Behaviour({self})")
    }
}

/// One line without the body or any header: for the messages of failed tests.
impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let response = &self.response;
        match self.cut {
            Some((point, cut)) if point < Point::InResponseHead => {
                return write!(f, "{cut} {point}");
            }
            Some((point, cut)) => write!(f, "{cut} {point} of ")?,
            None => {}
        }
        if self.relay {
            f.write_str("relay")?;
        } else if let Some(raw) = &response.raw {
            write!(f, "{} bytes that are not HTTP", raw.len())?;
        } else {
            write!(f, "response {}", response.status)?;
            if response.endless {
                f.write_str(" without end")?;
            }
        }
        if let Some(certificate) = self.certificate {
            write!(f, " under a certificate that is {certificate}")?;
        }
        Ok(())
    }
}
