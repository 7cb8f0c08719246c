//! Transports: what sends a request to the token endpoint.

mod content;
mod deadline;
mod response_reader;
mod whole_object;

use std::{error::Error, fmt, sync::Arc};

use async_trait::async_trait;
use http::StatusCode;

pub(crate) use self::content::{decoded, is_encoded};
pub use self::{deadline::Deadline, response_reader::ResponseReader};
use crate::{Delivery, Request, redact::scrub};

/// A response of the token endpoint, with its complete body.
pub type Response = http::Response<Vec<u8>>;

/// Sends one request and returns one response, without blocking the thread.
///
/// # What an implementation must do
///
/// The promises of this library depend on these rules. The suite in
/// `auth-conformance` checks each of them over real sockets.
///
/// 1. **One call, one request.** Do not retry, and do not follow redirects: a
///    second POST may spend a single-use refresh token. Return a 3xx as it is.
/// 2. **Every HTTP response is `Ok`**, whatever its status. `Err` means that no
///    complete response came.
/// 3. **`NotSent` is certain.** It says that no byte of the request's body was
///    handed to the network. Have the body set a flag when the client first
///    reads it. An error is no evidence: "connection reset" is the same in a
///    handshake and after the server has processed the request. In doubt,
///    report [`Delivery::Unknown`].
/// 4. **Bounded.** Keep at most [`Request::response_limit`] bytes of the body,
///    and end the call within a time that the user can set. Pass the body to a
///    [`ResponseReader`](crate::ResponseReader), which applies the rules for
///    long, truncated and compressed responses. Take the time from a
///    [`Deadline`](crate::Deadline): what arrived while the program stood still
///    is read even though the time is up. What comes before the response is bounded
///    too: interim responses, and what a proxy says.
/// 5. **No secrets in errors.** Neither the error nor its sources may contain
///    the URL, the body or a header.
/// 6. **Cancel-safe.** After the future is dropped, nothing may send the
///    request.
///
/// ```
/// use auth_core::{Request, Response, Transport, TransportError, TransportErrorKind};
///
/// /// A network that is always down.
/// struct Offline;
///
/// #[async_trait::async_trait]
/// impl Transport for Offline {
///     async fn send(&self, _request: Request) -> Result<Response, TransportError> {
///         Err(TransportError::not_sent(TransportErrorKind::Refused))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    note = "`auth_reqwest::ReqwestTransport` is one; a program that blocks takes `BlockingAccounts` and `auth_ureq::UreqTransport`"
)]
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends `request` and returns the response with its complete body.
    ///
    /// # Errors
    ///
    /// A [`TransportError`] if no complete response came. It says whether the
    /// server may have acted on the request.
    async fn send(&self, request: Request) -> Result<Response, TransportError>;
}

/// Sends one request and returns one response, blocking the thread.
///
/// The rules are those of [`Transport`].
#[diagnostic::on_unimplemented(
    note = "`auth_ureq::UreqTransport` is one; an async program takes `Accounts` and `auth_reqwest::ReqwestTransport`"
)]
pub trait BlockingTransport: Send + Sync {
    /// Sends `request` and returns the response with its complete body.
    ///
    /// # Errors
    ///
    /// A [`TransportError`] if no complete response came. It says whether the
    /// server may have acted on the request.
    fn send_blocking(&self, request: Request) -> Result<Response, TransportError>;
}

macro_rules! forward {
    ($($holder:ty),*) => {$(
        #[async_trait]
        impl<T: Transport + ?Sized> Transport for $holder {
            async fn send(&self, request: Request) -> Result<Response, TransportError> {
                (**self).send(request).await
            }
        }
        impl<T: BlockingTransport + ?Sized> BlockingTransport for $holder {
            fn send_blocking(&self, request: Request) -> Result<Response, TransportError> {
                (**self).send_blocking(request)
            }
        }
    )*};
}
forward!(&T, Arc<T>, Box<T>);

/// How the transport failed, for people and for logs.
///
/// What a caller may do next follows from the [`Delivery`] of the error, with
/// three exceptions: a [`BadCertificate`](Self::BadCertificate), a
/// [`ClientCertificate`](Self::ClientCertificate) and a
/// [`ProxyRefused`](Self::ProxyRefused) do not go away by themselves.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransportErrorKind {
    /// The host name could not be resolved.
    Dns,
    /// The connection was refused.
    Refused,
    /// The connection was not made in time.
    ConnectTimeout,
    /// The connection could not be made for another reason, such as no route,
    /// no address, or a local limit.
    Connect,
    /// The TLS handshake failed for a reason other than the certificate.
    TlsHandshake,
    /// The server's certificate does not verify.
    BadCertificate,
    /// The server refused the client's certificate in the TLS handshake, or demanded one
    /// where none is set up (mutual TLS, RFC 8705). The source of the error has the alert.
    ClientCertificate,
    /// The server's certificate does not verify since this machine's clock is wrong:
    /// by it, the certificate is not valid yet, or it shows a time that cannot be.
    /// That passes when the clock is set.
    Clock,
    /// A proxy could not be reached, or could not serve.
    Proxy,
    /// A proxy refused to serve, and will until a person changes something: it asks
    /// for credentials, its rules do not allow the server, or it is no proxy.
    ProxyRefused,
    /// The connection was reset.
    Reset,
    /// No complete response came in time.
    Timeout,
    /// The connection was closed before a response started.
    Closed,
    /// The response ended early, and is no whole JSON object.
    Truncated,
    /// The response is longer than the limit allows.
    TooLarge,
    /// The peer violated HTTP, or spoke another protocol.
    Protocol,
    /// The caller cancelled the call.
    Cancelled,
    /// Any other failure.
    Other,
}

impl fmt::Display for TransportErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns => "the host name could not be resolved",
            Self::Refused => "the connection was refused",
            Self::ConnectTimeout => "the connection was not made in time",
            Self::Connect => "the connection could not be made",
            Self::TlsHandshake => "the TLS handshake failed",
            Self::BadCertificate => "the server's certificate does not verify",
            Self::ClientCertificate => {
                "the server refused the client's certificate, or demands one"
            }
            Self::Clock => "this machine's clock does not fit the server's certificate",
            Self::Proxy => "the proxy could not be reached or could not serve",
            Self::ProxyRefused => "the proxy refused to serve",
            Self::Reset => "the connection was reset",
            Self::Timeout => "no complete response came in time",
            Self::Closed => "the connection was closed before a response started",
            Self::Truncated => "the response ended early",
            Self::TooLarge => "the response exceeds the limit",
            Self::Protocol => "the peer violated HTTP",
            Self::Cancelled => "the call was cancelled",
            Self::Other => "the network failed",
        })
    }
}

/// A call that returned no complete response.
///
/// Its message and its sources contain no URL, header or body. Whoever attaches
/// a source must keep it so.
#[derive(Debug, Clone)]
pub struct TransportError {
    kind: TransportErrorKind,
    delivery: Delivery,
    proxy_status: Option<StatusCode>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl TransportError {
    /// A failure before any byte of the request's body was handed to the
    /// network. The server cannot have acted on the request.
    pub fn not_sent(kind: TransportErrorKind) -> Self {
        Self { kind, delivery: Delivery::NotSent, proxy_status: None, source: None }
    }

    /// A failure after which the server may have acted on the request. Use this
    /// one in doubt.
    pub fn unknown(kind: TransportErrorKind) -> Self {
        Self { kind, delivery: Delivery::Unknown, proxy_status: None, source: None }
    }

    /// Attaches the status with which a proxy refused to connect to the server.
    #[must_use]
    pub fn with_proxy_status(mut self, status: StatusCode) -> Self {
        self.proxy_status = Some(status);
        self
    }

    /// Attaches the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// Attaches the cause as text: one line of at most 256 characters of
    /// printable ASCII. For causes that quote the peer, as TLS errors quote its
    /// certificate, which may contain line breaks and escape sequences.
    #[must_use]
    pub fn with_detail(self, detail: impl fmt::Display) -> Self {
        match scrub(&detail.to_string(), &[]) {
            Some(detail) => self.with_source(detail),
            None => self,
        }
    }

    /// How the transport failed.
    pub fn kind(&self) -> TransportErrorKind {
        self.kind
    }

    /// The status with which a proxy refused to connect to the server. `None` if
    /// there was none, or it is not known.
    pub fn proxy_status(&self) -> Option<StatusCode> {
        self.proxy_status
    }

    /// [`Delivery::NotSent`] or [`Delivery::Unknown`].
    pub fn delivery(&self) -> Delivery {
        self.delivery
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        if let Some(status) = self.proxy_status {
            write!(f, " (HTTP {})", status.as_u16())?;
        }
        match self.delivery {
            Delivery::NotSent => f.write_str("; the request was not sent"),
            _ => f.write_str("; the request may have been processed"),
        }
    }
}

impl Error for TransportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
