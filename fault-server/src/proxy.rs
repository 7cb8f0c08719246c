//! The forward proxy: tunnels and requests passed on, to loopback only.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::thread;

use http::Method;

use super::behaviour::Behaviour;
use super::connection::{CLOSE, Connection};
use super::received::ReceivedRequest;
use super::socket::Ending;

impl Connection<'_> {
    pub(super) fn relay(
        &mut self,
        request: &ReceivedRequest,
        behaviour: &Behaviour,
        index: usize,
    ) -> Result<(), Ending> {
        if self.context.tls.is_some() || request.version == http::Version::HTTP_2 {
            return Err(self.give_up("only a proxy over plain HTTP/1.1 can relay".to_owned()));
        }
        let is_tunnel = request.method == Method::CONNECT;
        let (authority, path) = if is_tunnel {
            (request.target.as_str(), "")
        } else {
            match absolute_form(&request.target) {
                Some(parts) => parts,
                None => {
                    let refused = Behaviour::response(400).then_close();
                    return self.response_http1(request, &refused, index);
                }
            }
        };
        let Ok(upstream) = connect_to_loopback(authority) else {
            return self.response_http1(request, &Behaviour::nginx(502).then_close(), index);
        };
        let upstream = Arc::new(upstream);
        self.context.stop.end_with(&upstream);
        if is_tunnel {
            let response = &behaviour.response;
            self.send_at_pace(response.established().as_bytes(), response.drip)?;
            self.tunnel(&upstream)
        } else {
            let passed_on = (&*upstream).write_all(&request.forwarded(path));
            match passed_on.and_then(|()| copy(&upstream, &self.socket.tcp)) {
                Ok(()) => Err(CLOSE),
                Err(_) => Err(Ending::Reset),
            }
        }
    }

    /// Bytes in both directions until both ends have closed. A reset upstream
    /// becomes a reset.
    fn tunnel(&mut self, upstream: &TcpStream) -> Result<(), Ending> {
        self.socket.reader.become_tunnel();
        let client = Arc::clone(&self.socket.tcp);
        let back = thread::scope(|scope| {
            let back = scope.spawn(|| {
                let copied = copy(upstream, &client);
                // Either the client hears of the end, or this side stops
                // listening to it.
                let _ = client.shutdown(match copied {
                    Ok(()) => Shutdown::Write,
                    Err(_) => Shutdown::Read,
                });
                copied
            });
            loop {
                let bytes = self.socket.reader.take_tunnelled();
                let mut upstream = upstream;
                if upstream.write_all(&bytes).is_err() || !self.socket.read_more() {
                    break;
                }
            }
            let _ = upstream.shutdown(Shutdown::Write);
            back.join()
        });
        drop(client);
        match back {
            Ok(Ok(())) => Err(CLOSE),
            _ => Err(Ending::Reset),
        }
    }
}

pub(super) fn copy(mut from: &TcpStream, mut to: &TcpStream) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => to.write_all(&buffer[..n])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A test must not reach out, whatever a client asks for.
pub(super) fn connect_to_loopback(authority: &str) -> io::Result<TcpStream> {
    let addresses: Vec<_> =
        authority.to_socket_addrs()?.filter(|address| address.ip().is_loopback()).collect();
    let stream = TcpStream::connect(&*addresses)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Authority and path of `http://authority/path`.
fn absolute_form(target: &str) -> Option<(&str, &str)> {
    let rest = target.strip_prefix("http://")?;
    let slash = rest.find('/').unwrap_or(rest.len());
    Some(rest.split_at(slash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_forms() {
        let table = [
            ("http://a:1/b?c", Some(("a:1", "/b?c"))),
            ("http://a:1", Some(("a:1", ""))),
            ("https://a/", None),
            ("/items", None),
        ];
        for (target, expected) in table {
            assert_eq!(absolute_form(target), expected);
        }
    }

    #[test]
    fn nothing_but_loopback_is_reached() {
        // The address is one of documentation (RFC 5737): nobody is there, and
        // a try would not fail at once.
        assert!(connect_to_loopback("203.0.113.1:80").is_err());
    }
}
