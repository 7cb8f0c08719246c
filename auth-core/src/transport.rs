//! What carries a request to the token endpoint, and how it reports that it
//! could not.

mod response_reader;

use std::{error::Error, fmt, sync::Arc};

use async_trait::async_trait;

pub use self::response_reader::ResponseReader;
use crate::{Delivery, Request, redact::scrub};

/// A response of the token endpoint, with its whole body.
pub type Response = http::Response<Vec<u8>>;

/// Sends one request and returns one response, without blocking.
///
/// # What an implementor owes
///
/// The promises of this library rest on these. `auth_testkit::conformance`
/// checks every one of them over real sockets.
///
/// 1. **One call, one request.** No retry of any kind below this trait, no
///    redirect followed: a repeated POST spends a single-use refresh token. A
///    3xx is returned as it is.
/// 2. **Every HTTP response is `Ok`**, whatever its status. `Err` is for calls
///    that got no whole response.
/// 3. **`NotSent` is knowledge, not a guess.** It says that not one byte of
///    the request's body was handed to the network. The way to know is a flag
///    set by the body when the client first reads it. Errors cannot tell:
///    "connection reset" looks the same in a handshake and after the server
///    has processed the request. In doubt it is [`Delivery::Unknown`].
/// 4. **Bounded.** No more than [`Request::response_limit`] bytes of body are
///    kept, and the call ends within a time that its user can set. Feed the
///    body to a [`ResponseReader`](crate::ResponseReader), which applies the
///    rules for long and cut answers.
/// 5. **Silent about secrets.** Neither the error nor its sources print the
///    URL, the body or a header.
/// 6. **Cancel-safe.** Dropping the future leaves nothing behind that would
///    send the request later.
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
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends `request`, and returns the response with its whole body.
    ///
    /// # Errors
    ///
    /// A [`TransportError`] when no whole response came, with what is known of
    /// the request's fate.
    async fn send(&self, request: Request) -> Result<Response, TransportError>;
}

/// Sends one request and returns one response, blocking the thread.
///
/// The duties are those of [`Transport`].
pub trait BlockingTransport: Send + Sync {
    /// Sends `request`, and returns the response with its whole body.
    ///
    /// # Errors
    ///
    /// A [`TransportError`] when no whole response came, with what is known of
    /// the request's fate.
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

/// Where the network let us down.
///
/// The kind is for people and for logs. What may be done next follows from the
/// [`Delivery`] beside it, with one exception: a
/// [`BadCertificate`](Self::BadCertificate) does not pass by itself.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransportErrorKind {
    /// The host's name could not be resolved.
    Dns,
    /// The connection was refused.
    Refused,
    /// The connection was not made in time.
    ConnectTimeout,
    /// The connection could not be made for another reason (no route, no
    /// address, a local limit).
    Connect,
    /// The TLS handshake failed, but not over the certificate.
    TlsHandshake,
    /// The server's certificate does not verify.
    BadCertificate,
    /// A proxy on the way could not be reached or refused to serve.
    Proxy,
    /// The connection was reset.
    Reset,
    /// No whole response came in time.
    Timeout,
    /// The connection was closed before a response began.
    Closed,
    /// The response ended before its end.
    Truncated,
    /// The response is longer than the limit allows.
    TooLarge,
    /// The peer broke the rules of HTTP, or spoke something else.
    Protocol,
    /// The caller cancelled the call.
    Cancelled,
    /// Anything else.
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
            Self::Proxy => "the proxy did not serve the connection",
            Self::Reset => "the connection was reset",
            Self::Timeout => "no whole response came in time",
            Self::Closed => "the connection was closed before a response",
            Self::Truncated => "the response was cut short",
            Self::TooLarge => "the response is longer than the limit",
            Self::Protocol => "the peer did not speak proper HTTP",
            Self::Cancelled => "the call was cancelled",
            Self::Other => "the network failed",
        })
    }
}

/// A call that got no whole response.
///
/// Its message and its sources are free of URLs, headers and bodies; keeping
/// them so is a duty of whoever attaches a source.
#[derive(Debug, Clone)]
pub struct TransportError {
    kind: TransportErrorKind,
    delivery: Delivery,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl TransportError {
    /// A failure before any byte of the request's body was handed to the
    /// network. The server cannot have acted on it.
    pub fn not_sent(kind: TransportErrorKind) -> Self {
        Self { kind, delivery: Delivery::NotSent, source: None }
    }

    /// A failure after which the server may have acted on the request. In
    /// doubt, this one.
    pub fn unknown(kind: TransportErrorKind) -> Self {
        Self { kind, delivery: Delivery::Unknown, source: None }
    }

    /// Attaches the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// Attaches the cause as a text of one line: at most 256 characters of
    /// printable ASCII. For causes that quote the peer, as errors of TLS quote
    /// its certificate, which may hold line breaks and escape sequences.
    #[must_use]
    pub fn with_detail(self, detail: impl fmt::Display) -> Self {
        match scrub(&detail.to_string(), &[]) {
            Some(detail) => self.with_source(detail),
            None => self,
        }
    }

    /// Where the network let us down.
    pub fn kind(&self) -> TransportErrorKind {
        self.kind
    }

    /// [`Delivery::NotSent`] or [`Delivery::Unknown`].
    pub fn delivery(&self) -> Delivery {
        self.delivery
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
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
