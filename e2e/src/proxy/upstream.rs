//! The way to the server, byte for byte.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpStream},
};

use fault_server::ReceivedRequest;

use crate::patience::LONG_ENOUGH;

/// What came of asking the server.
pub(super) enum UpstreamResult {
    /// A response, to its end.
    Whole(Vec<u8>),
    /// There is no server.
    Unreachable,
    /// There was a server, and it died with the request.
    Vanished,
}

pub(super) fn ask(upstream: u16, request: &ReceivedRequest) -> UpstreamResult {
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, upstream)) else {
        return UpstreamResult::Unreachable;
    };
    match send(server, request) {
        Ok(response) if !response.is_empty() => UpstreamResult::Whole(response),
        _ => UpstreamResult::Vanished,
    }
}

fn send(mut server: TcpStream, request: &ReceivedRequest) -> io::Result<Vec<u8>> {
    // A server that is killed meanwhile resets the connection; one that hangs
    // must not hang the suite.
    server.set_read_timeout(Some(LONG_ENOUGH))?;
    server.write_all(&request.forwarded(&request.target))?;
    let mut response = Vec::new();
    server.read_to_end(&mut response)?;
    Ok(response)
}

/// The status of a response.
pub(super) fn status(response: &[u8]) -> Option<u16> {
    let line = response.split(|byte| *byte == b'\r').next()?;
    std::str::from_utf8(line).ok()?.split(' ').nth(1)?.parse().ok()
}

/// Whether the response asks for a DPoP nonce (RFC 9449 section 8).
pub(super) fn is_challenge(response: &[u8]) -> bool {
    const CODE: &[u8] = br#""error":"use_dpop_nonce""#;
    response.windows(CODE.len()).any(|bytes| bytes == CODE)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_its_status() {
        for code in [502, 503, 504] {
            assert_eq!(status(&page(code)), Some(code));
        }
    }
}
