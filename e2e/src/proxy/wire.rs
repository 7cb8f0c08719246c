//! Sockets, and what is written to them.

use std::{
    io::{self, Read, Write},
    mem::MaybeUninit,
    net::{Ipv4Addr, Shutdown, TcpStream},
    time::Duration,
};

use crate::{message::Message, patience::LONG_ENOUGH};

/// What came of asking the server.
pub(super) enum CannedResponse {
    /// A response, to its end.
    Whole(Vec<u8>),
    /// There is no server.
    Unreachable,
    /// There was a server, and it died with the request.
    Vanished,
}

pub(super) fn ask(upstream: u16, request: &Message) -> CannedResponse {
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, upstream)) else {
        return CannedResponse::Unreachable;
    };
    match exchange(server, request) {
        Ok(response) if !response.is_empty() => CannedResponse::Whole(response),
        _ => CannedResponse::Vanished,
    }
}

fn exchange(mut server: TcpStream, request: &Message) -> io::Result<Vec<u8>> {
    // A server that is killed meanwhile resets the connection; one that hangs
    // must not hang the suite.
    server.set_read_timeout(Some(LONG_ENOUGH))?;
    server.write_all(&request.closing())?;
    let mut response = Vec::new();
    server.read_to_end(&mut response)?;
    Ok(response)
}

pub(super) fn send(mut client: &TcpStream, response: &[u8]) -> io::Result<()> {
    client.write_all(response)?;
    client.shutdown(Shutdown::Write)?;
    // Closing with something unread would reset the connection, and may take
    // the response along.
    client.set_read_timeout(Some(Duration::from_secs(5)))?;
    client.read_to_end(&mut Vec::new()).map(drop)
}

/// The reset follows when it is closed, in every clone.
pub(super) fn reset(client: &TcpStream) -> io::Result<()> {
    socket2::SockRef::from(client).set_linger(Some(Duration::ZERO))
}

/// Whether the client has neither closed nor reset its connection. It disturbs
/// nobody who reads from it meanwhile.
pub(super) fn still_waits(client: &TcpStream) -> bool {
    let seen = socket2::SockRef::from(client)
        .recv_with_flags(&mut [MaybeUninit::uninit()], libc::MSG_PEEK | libc::MSG_DONTWAIT);
    seen.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// Until the client has had enough.
pub(super) fn wait_for_end(mut client: &TcpStream) -> io::Result<()> {
    client.set_read_timeout(Some(LONG_ENOUGH))?;
    client.read_to_end(&mut Vec::new()).map(drop)
}

/// The page of nginx 1.22.1, which Debian 12 has, to the byte.
pub(super) fn page(status: u16) -> Vec<u8> {
    let reason = match status {
        502 => "Bad Gateway",
        503 => "Service Temporarily Unavailable",
        504 => "Gateway Time-out",
        _ => unreachable!("nginx has no page for {status} here"),
    };
    let body = format!(
        "<html>\r\n<head><title>{status} {reason}</title></head>\r\n<body>\r\n\
         <center><h1>{status} {reason}</h1></center>\r\n\
         <hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n"
    );
    format!(
        "HTTP/1.1 {status} {reason}\r\nServer: nginx/1.22.1\r\nContent-Type: text/html\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
