//! Ports at which nobody listens.

use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// A port of loopback that is kept from all others. Who connects to it is
/// refused, until somebody who knows of it listens there: Linux lets a port be
/// bound once more while nobody listens, if both ask for `SO_REUSEADDR`, as Node
/// does; it gives none away of itself that is bound.
pub(crate) struct ReservedPort {
    _socket: Socket,
    pub(crate) number: u16,
}

impl ReservedPort {
    pub(crate) fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_reuse_address(true).expect("an option");
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a port");
        let address = socket.local_addr().expect("an address").as_socket().expect("of IPv4");
        Self { _socket: socket, number: address.port() }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn refuses_until_somebody_listens() {
        let port = ReservedPort::new();
        let address = (Ipv4Addr::LOCALHOST, port.number);
        assert!(TcpStream::connect(address).is_err());
        // The standard library asks for `SO_REUSEADDR` too.
        for _ in 0..2 {
            let listener = TcpListener::bind(address).unwrap();
            TcpStream::connect(address).unwrap();
            drop(listener);
            assert!(TcpStream::connect(address).is_err());
        }
    }
}
