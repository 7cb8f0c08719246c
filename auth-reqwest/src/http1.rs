//! Servers with which HTTP/2 has failed, and the client that speaks HTTP/1.1 to them.
//!
//! Some servers choose HTTP/2 in the TLS handshake and then cannot speak it: they
//! send header fields that are forbidden there, or ask for HTTP/1.1. The same
//! request would fail the same way again, and each time may cost a refresh token.

use std::{
    collections::VecDeque,
    error::Error,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use h2::Reason;
use reqwest::{Client, Url};

/// So many servers are remembered. If more fail, the first is forgotten, which costs
/// one more attempt.
const MOST: usize = 64;

/// Clients that differ in the version of HTTP.
#[derive(Clone)]
pub(crate) struct Clients {
    pub(crate) usual: Client,
    /// For servers that cannot speak HTTP/2.
    pub(crate) http1: Option<Client>,
}

/// The servers with which HTTP/2 has failed. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Servers(Arc<Mutex<VecDeque<Server>>>);

struct Server {
    /// Scheme, host and port.
    name: String,
    /// Whether it has answered over HTTP/1.1.
    speaks_http1: bool,
}

impl Servers {
    /// Whether the server of this URL is among them.
    pub(crate) fn contain(&self, url: &Url) -> bool {
        let name = name(url);
        self.with(|servers| servers.iter().any(|server| server.name == name))
    }

    /// HTTP/2 has failed with the server of this URL.
    pub(crate) fn remember(&self, url: &Url) {
        let name = name(url);
        self.with(|servers| {
            if !servers.iter().any(|server| server.name == name) {
                servers.truncate(MOST - 1);
                servers.push_front(Server { name, speaks_http1: false });
            }
        });
    }

    /// The server of this URL has answered over HTTP/1.1.
    pub(crate) fn confirm(&self, url: &Url) {
        let name = name(url);
        self.with(|servers| {
            if let Some(server) = servers.iter_mut().find(|server| server.name == name) {
                server.speaks_http1 = true;
            }
        });
    }

    /// The TLS handshake for HTTP/1.1 has failed with the server of this URL: it may
    /// not speak that either. If it has done so, it was something else that failed.
    pub(crate) fn doubt(&self, url: &Url) {
        let name = name(url);
        self.with(|servers| {
            servers.retain(|server| server.speaks_http1 || server.name != name);
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut VecDeque<Server>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Scheme, host and port.
fn name(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Whether HTTP/2 itself failed: one side broke its rules, or the server asked for
/// HTTP/1.1. Not a request that was refused, nor a connection that was cut.
pub(crate) fn is_http2_trouble(error: &reqwest::Error) -> bool {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return error.reason().is_some_and(|reason| is_trouble(reason, error.is_library()));
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            // `source` would skip this very error.
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    false
}

/// `ours`: whether it was the client that found fault.
fn is_trouble(reason: Reason, ours: bool) -> bool {
    match reason {
        Reason::NO_ERROR | Reason::REFUSED_STREAM | Reason::CANCEL | Reason::CONNECT_ERROR => false,
        // A head that is too long for HTTP/2 is one, too.
        Reason::ENHANCE_YOUR_CALM => ours,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(port: usize) -> Url {
        Url::parse(&format!("https://server:{port}/token?key=hunter2")).unwrap()
    }

    #[test]
    fn servers_are_remembered_and_forgotten_and_never_more_than_so_many() {
        let servers = Servers::default();
        assert!(!servers.contain(&url(1)));
        for _ in 0..2 {
            servers.remember(&url(1));
        }
        let other_path = Url::parse("https://SERVER:1/other").unwrap();
        assert!(servers.contain(&other_path));
        assert!(!servers.contain(&url(2)));
        servers.clone().doubt(&other_path);
        assert!(!servers.contain(&url(1)));
        // One that has spoken HTTP/1.1 can do so.
        servers.confirm(&url(1));
        assert!(!servers.contain(&url(1)));
        servers.remember(&url(1));
        servers.confirm(&other_path);
        servers.doubt(&url(1));
        assert!(servers.contain(&url(1)));

        for port in 1..=MOST + 2 {
            servers.remember(&url(port));
        }
        assert_eq!(servers.with(|servers| servers.len()), MOST);
        assert!(!servers.contain(&url(2)));
        assert!(servers.contain(&url(3)) && servers.contain(&url(MOST + 2)));
        assert!(
            servers.with(|servers| servers.iter().all(|server| !server.name.contains("hunter2")))
        );
    }

    #[test]
    fn what_is_trouble_with_http2() {
        for (reason, theirs, ours) in [
            (Reason::HTTP_1_1_REQUIRED, true, true),
            (Reason::PROTOCOL_ERROR, true, true),
            (Reason::INTERNAL_ERROR, true, true),
            (Reason::FLOW_CONTROL_ERROR, true, true),
            (Reason::STREAM_CLOSED, true, true),
            (Reason::FRAME_SIZE_ERROR, true, true),
            (Reason::COMPRESSION_ERROR, true, true),
            (Reason::INADEQUATE_SECURITY, true, true),
            (Reason::from(99), true, true),
            (Reason::ENHANCE_YOUR_CALM, false, true),
            (Reason::NO_ERROR, false, false),
            (Reason::REFUSED_STREAM, false, false),
            (Reason::CANCEL, false, false),
            (Reason::CONNECT_ERROR, false, false),
        ] {
            assert_eq!(is_trouble(reason, false), theirs, "{reason:?}");
            assert_eq!(is_trouble(reason, true), ours, "{reason:?}");
        }
    }
}
