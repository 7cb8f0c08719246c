//! Ports to which no connection can be made.

use std::io;
use std::net::SocketAddr;
use std::net::TcpListener;

use socket2::{Domain, Socket, Type};

use super::builder::FaultServerBuilder;
use super::fault_server::FaultServer;

/// A port of 127.0.0.1 that refuses connections.
///
/// The port is reserved as long as this value lives, so that no other program
/// can listen there.
#[derive(Debug)]
pub struct ClosedPort {
    socket: Socket,
    address: SocketAddr,
}

impl ClosedPort {
    /// Reserves a free port.
    ///
    /// # Errors
    ///
    /// If there is no free port.
    pub fn new() -> io::Result<Self> {
        let (socket, address) = bound()?;
        Ok(Self { socket, address })
    }

    /// `http://127.0.0.1:PORT/`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Address and port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts a server on this port: a service that comes up.
    ///
    /// # Errors
    ///
    /// As for [`FaultServerBuilder::start`].
    pub fn open(self, settings: FaultServerBuilder) -> io::Result<FaultServer> {
        self.socket.listen(128)?;
        settings.start_on(TcpListener::from(self.socket))
    }
}

/// A port of 127.0.0.1 to which a connection is neither made nor refused, as
/// behind a firewall that drops packets.
///
/// It is a listener whose backlog is full and is never accepted from. Linux
/// drops the SYN of a client, and the client sends it again until its own
/// timeout. Other systems may refuse the connection. When this value is dropped,
/// a client that still tries is refused at its next SYN, within seconds.
#[derive(Debug)]
pub struct SilentPort {
    address: SocketAddr,
    _listener: Socket,
    _queue: Vec<Socket>,
}

/// One connection fits into the queue of `listen(0)` on Linux; the others wait
/// beside it, should another kernel count otherwise.
const QUEUE: usize = 4;

impl SilentPort {
    /// Reserves a free port and fills its backlog.
    ///
    /// # Errors
    ///
    /// If there is no free port.
    pub fn new() -> io::Result<Self> {
        let (listener, address) = bound()?;
        listener.listen(0)?;
        let mut queue = Vec::new();
        for _ in 0..QUEUE {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            socket.set_nonblocking(true)?;
            // In progress, or done: over loopback it is one of them at once.
            let _ = socket.connect(&address.into());
            queue.push(socket);
        }
        Ok(Self { address, _listener: listener, _queue: queue })
    }

    /// `http://127.0.0.1:PORT/`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Address and port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn bound() -> io::Result<(Socket, SocketAddr)> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    let address = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
    Ok((socket, address))
}
