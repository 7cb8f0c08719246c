//! From ureq's errors to ours: the kind by the real cause, and a text for an
//! operator that holds nothing of the request or the response.

use std::{
    io::{self, ErrorKind},
    time::SystemTime,
};

use auth_core::{
    TransportError, TransportErrorKind as Kind,
    internal::{LOOKED_UP_HERE, refused_for_good},
};
use auth_tls::judge;
pub(crate) use auth_tls::{AttemptConnections as Connections, Phase};
use http::{StatusCode, Uri, uri::Scheme};
use rustls::CertificateError;
use ureq::{Agent, Error};

/// The server's name could not be resolved for a proxy that wants its address.
#[derive(Debug, thiserror::Error)]
#[error("{LOOKED_UP_HERE}")]
pub(crate) struct NotFoundForProxy;

/// The way to the server.
#[derive(Debug)]
pub(crate) struct Route {
    https: bool,
    proxy: bool,
    connections: Connections,
}

impl Route {
    pub(crate) fn of(agent: &Agent, uri: &Uri, connections: Connections) -> Self {
        Self {
            https: uri.scheme() == Some(&Scheme::HTTPS),
            proxy: agent.config().proxy().is_some_and(|proxy| !proxy.is_no_proxy(uri)),
            connections,
        }
    }
}

/// `sent`: whether the request's body was read.
pub(crate) fn read(error: Error, phase: Phase, sent: bool, route: &Route) -> TransportError {
    let failed = |kind| {
        if sent { TransportError::unknown(kind) } else { TransportError::not_sent(kind) }
    };
    if let Some(error) = bad_certificate(&error) {
        let (kind, text) = judge(error, SystemTime::now());
        return failed(kind).with_detail(text);
    }
    if let Some(refusal) = tls_error(&error).and_then(|error| route.connections.refusal(error)) {
        let kind = Kind::ClientCertificate;
        let unread = route.connections.proves_unread(&refusal, phase);
        let error = if unread { TransportError::not_sent(kind) } else { failed(kind) };
        return error.with_detail(refusal.says);
    }
    if let Some(status) = proxy_status(&error) {
        let refused = refused_for_good(status.as_u16());
        let kind = if refused { Kind::ProxyRefused } else { Kind::Proxy };
        return failed(kind).with_proxy_status(status);
    }
    if let Error::Io(error) = &error
        && error.get_ref().and_then(|inner| inner.downcast_ref::<NotFoundForProxy>()).is_some()
    {
        return failed(Kind::Dns).with_source(LOOKED_UP_HERE);
    }
    if route.proxy
        && let Some(refusal) = socks_refusal(&error)
    {
        return failed(Kind::ProxyRefused).with_detail(refusal);
    }
    let kind = At { phase, sent, route }.kind(&error);
    let failed = failed(kind);
    match (text(&error), route.connections.suspicion(kind, phase)) {
        (Some(text), Some(suspicion)) => failed.with_detail(format!("{text}; {suspicion}")),
        (Some(text), None) => failed.with_detail(text),
        (None, Some(suspicion)) => failed.with_detail(suspicion),
        (None, None) => failed,
    }
}

fn tls_error(error: &Error) -> Option<&rustls::Error> {
    match error {
        Error::Rustls(error) => Some(error),
        Error::Io(error) => error.get_ref().and_then(|inner| inner.downcast_ref()),
        _ => None,
    }
}

fn bad_certificate(error: &Error) -> Option<&CertificateError> {
    match tls_error(error) {
        Some(rustls::Error::InvalidCertificate(error)) => Some(error),
        _ => None,
    }
}

/// The status with which a proxy answered the CONNECT. ureq gives it in words only.
fn proxy_status(error: &Error) -> Option<StatusCode> {
    let Error::ConnectProxyFailed(text) = error else { return None };
    let (status, _) = text.strip_prefix("proxy server responded ")?.split_once('/')?;
    status.parse().ok()
}

/// What a SOCKS proxy answers until a person changes something, in the words of ureq,
/// which has no types for it: credentials are missing or wrong, or its rules do not
/// allow the server.
const SOCKS_REFUSALS: [&str; 4] = [
    "no acceptable auth methods",
    "unknown auth method",
    "password authentication failed",
    "connection not allowed by ruleset",
];

fn socks_refusal(error: &Error) -> Option<&'static str> {
    let Error::Io(error) = error else { return None };
    let said = error.get_ref()?.to_string();
    SOCKS_REFUSALS.into_iter().find(|refusal| *refusal == said)
}

/// The error's message. `None` if it could quote the request or the response:
/// a URL, a header.
fn text(error: &Error) -> Option<String> {
    match error {
        Error::Io(error) => Some(io_text(error)),
        Error::Timeout(_)
        | Error::Tls(_)
        | Error::Rustls(_)
        | Error::LargeResponseHeader(..)
        | Error::ConnectProxyFailed(_) => Some(error.to_string()),
        _ => None,
    }
}

fn io_text(error: &io::Error) -> String {
    match error.get_ref().map(|inner| inner.downcast_ref::<rustls::Error>()) {
        None => error.to_string(),
        Some(Some(tls)) => tls.to_string(),
        // Its type is not known here, so its message may hold anything.
        Some(None) => error.kind().to_string(),
    }
}

/// Where in the attempt an error occurred.
struct At<'a> {
    phase: Phase,
    sent: bool,
    route: &'a Route,
}

impl At<'_> {
    fn kind(&self, error: &Error) -> Kind {
        match error {
            Error::Io(error) => self.kind_of_io(error),
            Error::Timeout(_) => self.timeout(),
            Error::HostNotFound => self.unless_proxy(Kind::Dns),
            Error::ConnectionFailed => self.unless_proxy(Kind::Connect),
            Error::ConnectProxyFailed(_) | Error::InvalidProxyUrl => Kind::Proxy,
            Error::Tls(_) | Error::TlsRequired => Kind::TlsHandshake,
            Error::Rustls(_) => self.kind_of_tls(),
            // Before the body was sent, only a proxy has spoken HTTP.
            Error::Protocol(_) if !self.sent => self.unless_proxy(Kind::Protocol),
            Error::Protocol(_) => Kind::Protocol,
            Error::LargeResponseHeader(..) if !self.sent => self.unless_proxy(Kind::TlsHandshake),
            Error::LargeResponseHeader(..) => Kind::TooLarge,
            _ => Kind::Other,
        }
    }

    fn kind_of_io(&self, error: &io::Error) -> Kind {
        if error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some() {
            return self.kind_of_tls();
        }
        match (error.kind(), self.sent) {
            (ErrorKind::TimedOut | ErrorKind::WouldBlock, _) => self.timeout(),
            (ErrorKind::ConnectionRefused, false) => self.unless_proxy(Kind::Refused),
            // Over TLS only the handshake and the request's head come before
            // the body. The handshake is what failed.
            (kind, false) if is_cut(kind) && self.route.https => {
                self.unless_proxy(Kind::TlsHandshake)
            }
            (ErrorKind::UnexpectedEof, _) if self.phase == Phase::Body => Kind::Truncated,
            (ErrorKind::UnexpectedEof, _) => Kind::Closed,
            (kind, _) if is_cut(kind) => Kind::Reset,
            // The resolver's errors are not the operating system's, and have no
            // kind that can be named.
            (kind, false) if error.raw_os_error().is_none() && kind != ErrorKind::InvalidInput => {
                self.unless_proxy(Kind::Dns)
            }
            (_, false) => self.unless_proxy(Kind::Connect),
            (ErrorKind::InvalidData | ErrorKind::InvalidInput, true) => Kind::Protocol,
            (_, true) => Kind::Other,
        }
    }

    fn kind_of_tls(&self) -> Kind {
        if self.sent { Kind::Protocol } else { Kind::TlsHandshake }
    }

    fn timeout(&self) -> Kind {
        if self.sent { Kind::Timeout } else { Kind::ConnectTimeout }
    }

    /// If there is a proxy, connections are made to the proxy.
    fn unless_proxy(&self, kind: Kind) -> Kind {
        if self.route.proxy { Kind::Proxy } else { kind }
    }
}

fn is_cut(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof
    )
}
