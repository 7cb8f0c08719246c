//! What the server does with one connection or one request, as a value.

use std::fmt;

use http::header;

use super::cut::{Cut, Point};
use super::gate::ResponseGate;
use super::http_response::{HttpResponse, Location};
use super::tls::Certificate;

/// What the server does with one request, or with one connection if the fault
/// strikes before any request.
///
/// A behaviour is a response, and perhaps a [`Cut`] at a [`Point`] that breaks it
/// off. Constructors say what happens, and chained methods say how:
///
/// ```
/// use fault_server::{Behaviour, Cut, Point};
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
/// The server speaks HTTP/1.1, and HTTP/2 with a client that opens with the
/// HTTP/2 preface: by prior knowledge (RFC 9113 section 3.3), or over TLS after
/// [`FaultServerBuilder::http2`](super::FaultServerBuilder::http2). Over HTTP/2 the
/// methods about framing have no effect: [`chunked`](Self::chunked),
/// [`until_close`](Self::until_close), [`endless`](Self::endless),
/// [`drip`](Self::drip), [`padded_head`](Self::padded_head),
/// [`padded_interim`](Self::padded_interim) and
/// [`keep_alive_then_close`](Self::keep_alive_then_close).
#[derive(Clone)]
pub struct Behaviour {
    pub(super) response: HttpResponse,
    pub(super) cut: Option<(Point, Cut)>,
    pub(super) certificate: Option<Certificate>,
    pub(super) after: After,
    pub(super) relay: bool,
    pub(super) hold: Option<(Point, ResponseGate)>,
    /// Whether it comes before the body of the request has been read.
    pub(super) early: bool,
}

/// What happens to the connection after a complete response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// As HTTP/1.1 has it: open, unless the client or the framing says otherwise.
    Persist,
    /// `Connection: close`, and closed.
    Close,
    /// Closed, though the response promises persistence.
    CloseSilently,
}

/// Responses.
impl Behaviour {
    /// A response with this status and no body.
    #[must_use]
    pub fn response(status: u16) -> Self {
        Self::from_response(HttpResponse::new(status))
    }

    /// A response with this body, as `application/json`.
    #[must_use]
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::response(status).content_type("application/json").body(body)
    }

    /// A response with an HTML page in the form that nginx uses for errors.
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

    /// A redirect to the URL of the request: a loop for a client that follows it.
    #[must_use]
    pub fn redirect_to_self(status: u16) -> Self {
        Self::redirecting(status, Location::Itself)
    }

    /// A redirect to another origin, [`FaultServer::elsewhere`], which records
    /// what arrives there.
    ///
    /// [`FaultServer::elsewhere`]: super::FaultServer::elsewhere
    #[must_use]
    pub fn redirect_elsewhere(status: u16) -> Self {
        Self::redirecting(status, Location::Elsewhere)
    }

    /// These bytes instead of an HTTP response, then the end of the connection.
    #[must_use]
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        let mut behaviour = Self::response(200);
        behaviour.response.raw = Some(bytes.into());
        behaviour
    }

    /// The greeting of an SSH server instead of an HTTP response.
    #[must_use]
    pub fn garbage() -> Self {
        Self::raw("SSH-2.0-OpenSSH_9.2p1\r\n")
    }

    /// The response of a forward proxy to a client that does not authenticate:
    /// 407 with `Proxy-Authenticate: Basic`.
    #[must_use]
    pub fn proxy_auth_required() -> Self {
        Self::response(407)
            .header("proxy-authenticate", "Basic realm=\"proxy\"")
            .content_type("text/plain")
            .body("proxy authentication required\n")
    }

    /// Acts as a forward proxy. `CONNECT` opens a tunnel (RFC 9110 section
    /// 9.3.6), and a request in absolute form (RFC 9112 section 3.2.2) is passed
    /// on, both to loopback only. If the target cannot be reached, the response
    /// is a 502.
    ///
    /// These say how a `CONNECT` is answered before the tunnel begins:
    /// [`header`](Self::header), [`padded_head`](Self::padded_head),
    /// [`interim`](Self::interim), [`padded_interim`](Self::padded_interim) and
    /// [`drip`](Self::drip). [`endless_interim`](Self::endless_interim) has no effect.
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
        Self {
            response,
            cut: None,
            certificate: None,
            after: After::Persist,
            relay: false,
            hold: None,
            early: false,
        }
    }
}

/// Faults.
impl Behaviour {
    /// A reset (TCP RST) at this point.
    #[must_use]
    pub fn reset(point: Point) -> Self {
        Self::broken(point, Cut::Reset)
    }

    /// An orderly close (TCP FIN) at this point.
    #[must_use]
    pub fn close(point: Point) -> Self {
        Self::broken(point, Cut::Close)
    }

    /// Nothing is sent from this point on, until the client gives up or the
    /// server is dropped.
    #[must_use]
    pub fn stall(point: Point) -> Self {
        Self::broken(point, Cut::Stall)
    }

    /// HTTP/2: GOAWAY at this point; see [`Cut::GoAway`]. With
    /// [`Point::OnAccept`] it follows the preface of the server.
    #[must_use]
    pub fn go_away(point: Point) -> Self {
        Self::broken(point, Cut::GoAway)
    }

    /// HTTP/2: RST_STREAM at this point; see [`Cut::RefuseStream`].
    #[must_use]
    pub fn refuse_stream(point: Point) -> Self {
        Self::broken(point, Cut::RefuseStream)
    }

    /// HTTP/2: RST_STREAM with this error code at this point; see
    /// [`Cut::ResetStream`].
    #[must_use]
    pub fn reset_stream(point: Point, code: u32) -> Self {
        Self::broken(point, Cut::ResetStream(code))
    }

    /// TLS: a fatal alert as the response to the ClientHello; see
    /// [`Cut::TlsAlert`].
    #[must_use]
    pub fn tls_alert(description: u8) -> Self {
        Self::broken(Point::OnClientHello, Cut::TlsAlert(description))
    }

    /// TLS: presents this certificate to the next connection. A client that
    /// accepts it gets a 200.
    #[must_use]
    pub fn present(certificate: Certificate) -> Self {
        Self::undelivered().certificate(certificate)
    }

    fn broken(point: Point, cut: Cut) -> Self {
        Self::undelivered().cut(point, cut)
    }

    /// The response that a fault keeps from arriving.
    fn undelivered() -> Self {
        Self::json(200, r#"{"note":"this response was never to arrive"}"#)
    }
}

impl Behaviour {
    /// Whether the next connection takes this behaviour, not the next request.
    pub(super) fn is_for_connection(&self) -> bool {
        self.certificate.is_some()
            || self.cut.is_some_and(|(point, _)| point <= Point::OnClientHello)
    }

    /// Whether its response comes before the body of the request has been read.
    pub(super) fn is_early(&self) -> bool {
        let is_cut_before = self.cut.is_some_and(|(point, _)| point <= Point::AfterBody);
        self.early && !self.relay && !is_cut_before
    }

    /// The cut that strikes at `point`.
    pub(super) fn cut_at(&self, point: Point) -> Option<Cut> {
        self.cut.filter(|(at, _)| *at == point).map(|(_, cut)| cut)
    }
}

/// Takes over status, header fields and body. The server frames the body itself,
/// so `Content-Length` and `Transfer-Encoding` are left out. Bytes of a field
/// that are not UTF-8 are replaced.
///
/// A handler can use this to send what a model of a server returns:
///
/// ```
/// use fault_server::{Behaviour, Cut, FaultServer, Point};
///
/// fn model(body: &[u8]) -> http::Response<Vec<u8>> {
///     // ...
///     # let _ = body;
///     http::Response::new(b"{}".to_vec())
/// }
///
/// let server = FaultServer::with_handler(|request| {
///     // The model has processed the request, and its response is lost.
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

/// As [`Display`](fmt::Display), without the body, which may be confidential.
impl fmt::Debug for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Behaviour({self})")
    }
}

/// One line without body and header fields, for the messages of failed tests.
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
