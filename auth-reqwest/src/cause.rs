//! Turns reqwest's errors into ours. The kind follows from the real cause. The
//! text for the operator holds nothing of the request or the response.

use std::{
    error::Error,
    fmt::Write as _,
    io::{self, ErrorKind},
    time::SystemTime,
};

use auth_core::{TransportError, TransportErrorKind as Kind, internal::LOOKED_UP_HERE};
pub(crate) use auth_tls::{AttemptConnections as Connections, Phase};
use auth_tls::{Refusal, alert, judge};
use http::{StatusCode, Uri};
use hyper_util::client::legacy::connect::{
    HttpConnector,
    proxy::{SocksV5, Tunnel},
};
use tower_service::Service;

/// hyper-util does not export it by name.
type TunnelError = <Tunnel<HttpConnector> as Service<Uri>>::Error;

/// Nor this one, which is that of SOCKS 4, too.
type SocksError = <SocksV5<HttpConnector> as Service<Uri>>::Error;

/// What a SOCKS proxy answers until a person changes something, in the words of
/// hyper-util, which does not export the types: credentials are missing or wrong, or
/// its rules do not allow the server.
const SOCKS_REFUSALS: [&str; 4] = [
    "server does not support user/pass authentication",
    "server implements authentication incorrectly",
    "credentials not accepted",
    "connection not allowed",
];

/// What reqwest says where it looks the server's name up for a SOCKS proxy and finds
/// none. It does not export the type.
const SOCKS_LOOKUP: &str = "error resolving for socks proxy";

/// `sent`: whether the request's body was read.
pub(crate) fn read(
    error: reqwest::Error,
    phase: Phase,
    sent: bool,
    https: bool,
    connections: &Connections,
) -> TransportError {
    let mut facts = Facts::of(&error, connections);
    let refused = facts.client_refused.as_ref();
    let unread = refused.is_some_and(|refusal| connections.proves_unread(refusal, phase));
    let sent = sent && !unread;
    let kind = facts.kind(phase, sent, https);
    if let Some(suspicion) = connections.suspicion(kind, phase) {
        facts.suspect(suspicion);
    }
    let failed = of_kind(kind, sent);
    let failed = match facts.proxy_status {
        Some(status) => failed.with_proxy_status(status),
        None => failed,
    };
    if facts.for_proxy {
        return failed.with_source(LOOKED_UP_HERE);
    }
    if let Some(refusal) = facts.client_refused {
        return failed.with_detail(refusal.says);
    }
    if facts.text.is_empty() { failed } else { failed.with_detail(facts.text) }
}

/// The whole attempt took too long.
pub(crate) fn timed_out(sent: bool) -> TransportError {
    of_kind(timeout_kind(sent), sent)
}

fn of_kind(kind: Kind, sent: bool) -> TransportError {
    if sent { TransportError::unknown(kind) } else { TransportError::not_sent(kind) }
}

fn timeout_kind(sent: bool) -> Kind {
    if sent { Kind::Timeout } else { Kind::ConnectTimeout }
}

/// What an error and its sources say, as far as their types are known. A type
/// of another version than ours is ignored, which only makes the kind coarser.
#[derive(Default)]
struct Facts {
    timeout: bool,
    connect: bool,
    dns: bool,
    for_proxy: bool,
    proxy: bool,
    proxy_refused: bool,
    proxy_status: Option<StatusCode>,
    certificate: Option<Kind>,
    /// What the server has against the client's certificate.
    client_refused: Option<Refusal>,
    tls: bool,
    parse: bool,
    closed: bool,
    go_away: bool,
    stream_reset: bool,
    io: Option<ErrorKind>,
    text: String,
}

impl Facts {
    fn of(error: &reqwest::Error, connections: &Connections) -> Self {
        let mut facts = Self {
            timeout: error.is_timeout(),
            connect: error.is_connect(),
            dns: error.is_dns(),
            ..Self::default()
        };
        // Its own message is "error sending request", perhaps with the URL.
        facts.walk(error.source(), connections);
        facts
    }

    fn walk(&mut self, mut next: Option<&(dyn Error + 'static)>, connections: &Connections) {
        while let Some(error) = next {
            next = error.source();
            if let Some(error) = error.downcast_ref::<io::Error>() {
                self.io = Some(error.kind());
                match error.get_ref() {
                    // `source` would skip this very error.
                    Some(inner) => next = Some(inner),
                    None => self.note(error),
                }
            } else if let Some(error) = error.downcast_ref::<rustls::Error>() {
                if let rustls::Error::InvalidCertificate(error) = error {
                    let (kind, text) = judge(error, SystemTime::now());
                    self.certificate = Some(kind);
                    self.note(text);
                } else if let Some(refusal) = connections.refusal(error) {
                    self.client_refused = Some(refusal);
                } else {
                    self.tls = true;
                    self.note(error);
                }
            } else if let Some(error) = error.downcast_ref::<hyper::Error>() {
                self.parse |= error.is_parse();
                self.closed |=
                    error.is_incomplete_message() || error.is_closed() || error.is_canceled();
                self.note(error);
            } else if let Some(error) = error.downcast_ref::<h2::Error>() {
                self.go_away |= error.is_go_away();
                self.stream_reset |= error.is_reset();
                self.io = error.get_io().map(io::Error::kind).or(self.io);
                // Not its message, which shows the debug data of a GOAWAY: bytes
                // that the server chose.
                if let Some(reason) = error.reason() {
                    self.note(reason.description());
                }
            } else if let Some(error) = error.downcast_ref::<TunnelError>() {
                self.proxy = true;
                // Of other statuses it does not say which.
                if matches!(error, TunnelError::ProxyAuthRequired) {
                    self.proxy_refused = true;
                    self.proxy_status = Some(StatusCode::PROXY_AUTHENTICATION_REQUIRED);
                }
                self.note(error);
            } else if let Some(error) = error.downcast_ref::<SocksError>() {
                self.proxy = true;
                if let SocksError::V5(error) = error {
                    self.proxy_refused = SOCKS_REFUSALS.contains(&&*error.to_string());
                }
                self.note(error);
            } else if let Some(alert) = alert(&error.to_string()) {
                // By way of h2, which keeps the message alone.
                self.client_refused = connections.refusal(&alert);
                if self.client_refused.is_none() {
                    self.tls = true;
                    self.note(alert);
                }
            } else {
                self.for_proxy |= error.to_string() == SOCKS_LOOKUP;
            }
        }
    }

    fn note(&mut self, text: impl std::fmt::Display) {
        let separator = if self.text.is_empty() { "" } else { ": " };
        // Writing into a string cannot fail.
        let _ = write!(self.text, "{separator}{text}");
    }

    fn suspect(&mut self, suspicion: &str) {
        let separator = if self.text.is_empty() { "" } else { "; " };
        let _ = write!(self.text, "{separator}{suspicion}");
    }

    fn kind(&self, phase: Phase, sent: bool, https: bool) -> Kind {
        if self.timeout || self.io == Some(ErrorKind::TimedOut) {
            return timeout_kind(sent);
        }
        if self.dns || self.for_proxy {
            return Kind::Dns;
        }
        // That of a proxy counts like that of the server.
        if let Some(kind) = self.certificate {
            return kind;
        }
        if self.client_refused.is_some() {
            return Kind::ClientCertificate;
        }
        if self.proxy_refused {
            return Kind::ProxyRefused;
        }
        if self.proxy {
            return Kind::Proxy;
        }
        if self.tls {
            return if self.connect { Kind::TlsHandshake } else { Kind::Protocol };
        }
        if self.connect {
            return match self.io {
                Some(ErrorKind::ConnectionRefused) => Kind::Refused,
                // The handshake was cut. A reset while TCP still connects looks
                // the same, and is rare.
                Some(kind) if https && is_cut(kind) => Kind::TlsHandshake,
                Some(kind) if is_cut(kind) => Kind::Reset,
                _ => Kind::Connect,
            };
        }
        if self.go_away {
            return Kind::Closed;
        }
        if self.stream_reset {
            return Kind::Reset;
        }
        match self.io {
            Some(ErrorKind::UnexpectedEof) => {}
            Some(kind) if is_cut(kind) => return Kind::Reset,
            Some(ErrorKind::InvalidData | ErrorKind::InvalidInput) => return Kind::Protocol,
            _ => {}
        }
        match phase {
            _ if self.parse => Kind::Protocol,
            Phase::Body => Kind::Truncated,
            Phase::Head if self.closed || self.io.is_some() => Kind::Closed,
            Phase::Head => Kind::Other,
        }
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
