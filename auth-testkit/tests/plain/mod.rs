//! A transport for the tests over sockets.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "a helper of tests")]

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
};

use auth_core::{BlockingTransport, Request, Response, TransportError, TransportErrorKind};

/// As little HTTP as the test needs: one request, the response until the end.
pub struct Plain;

impl BlockingTransport for Plain {
    fn send_blocking(&self, request: Request) -> Result<Response, TransportError> {
        let reset = |_| TransportError::unknown(TransportErrorKind::Reset);
        let mut stream = try_send(request).map_err(reset)?;
        let mut response = Vec::new();
        stream.read_to_end(&mut response).map_err(reset)?;
        let _ = stream.shutdown(Shutdown::Both);
        read(&response).ok_or(TransportError::unknown(TransportErrorKind::Truncated))
    }
}

/// A connection over which this request was sent.
pub fn sent(request: Request) -> TcpStream {
    try_send(request).unwrap()
}

fn try_send(request: Request) -> io::Result<TcpStream> {
    let host = request.uri().authority().unwrap().to_string();
    let mut stream = TcpStream::connect(&host).unwrap();
    let mut text = format!("POST {} HTTP/1.1\r\nhost: {host}\r\n", request.uri().path());
    for (name, value) in request.headers() {
        text += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    text += &format!("connection: close\r\ncontent-length: {}\r\n\r\n", request.body().len());
    stream.write_all(text.as_bytes())?;
    stream.write_all(request.body())?;
    Ok(stream)
}

fn read(response: &[u8]) -> Option<Response> {
    let end = response.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&response[..end]).unwrap();
    let body = response[end + 4..].to_vec();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?;
    let mut response = http::Response::builder().status(status);
    for line in lines {
        let (name, value) = line.split_once(':')?;
        response = response.header(name, value.trim());
    }
    let response = response.body(body).unwrap();
    let length: usize = response.headers()["content-length"].to_str().ok()?.parse().ok()?;
    (response.body().len() == length).then_some(response)
}
