//! Ports at which no connection comes about.

use std::io;
use std::net::SocketAddr;
use std::net::TcpListener;

use socket2::{Domain, Socket, Type};

use super::builder::FaultServerBuilder;
use super::fault_server::FaultServer;

/// A port of 127.0.0.1 on which nobody listens: a connection is refused.
///
/// The port is kept for as long as this value lives, so that no other program
/// can begin to listen there.
#[derive(Debug)]
pub struct ClosedPort {
    socket: Socket,
    address: SocketAddr,
}

impl ClosedPort {
    /// Takes a free port.
    ///
    /// # Errors
    ///
    /// If none can be had.
    pub fn new() -> io::Result<Self> {
        let (socket, address) = bound()?;
        Ok(Self { socket, address })
    }

    /// `http://127.0.0.1:PORT/token`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/token", self.address)
    }

    /// Address and port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins to listen, with these settings: a service that comes up.
    ///
    /// # Errors
    ///
    /// As for [`FaultServerBuilder::start`].
    pub fn open(self, settings: FaultServerBuilder) -> io::Result<FaultServer> {
        self.socket.listen(128)?;
        settings.start_on(TcpListener::from(self.socket))
    }
}

/// A port of 127.0.0.1 that does not answer: a connection neither comes about
/// nor fails, as behind a firewall that drops packets.
///
/// It is a listener whose queue of connections is full and never read. Linux
/// drops what a client sends to open another one, and the client sends it
/// again, so that only its own timeout ends the wait; other systems may refuse
/// instead. When this value is dropped, a client that still tries is refused
/// at its next try, within seconds.
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
    /// Takes a free port and fills its queue.
    ///
    /// # Errors
    ///
    /// If none can be had.
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

    /// `http://127.0.0.1:PORT/token`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/token", self.address)
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
