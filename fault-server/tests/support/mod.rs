//! A client that shows what is on the wire, and nothing else.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "a helper of tests, each of which uses a part"
)]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use fault_server::FaultServer;

pub const BODY: &str = "name=value&color=green&comment=nothing+to+a";

/// How a connection ended, as the client saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// End of file.
    Eof,
    /// `ConnectionReset`.
    Reset,
    /// Nothing more came, and it did not end.
    Silence,
}

/// A connection to the server; reads wait for 10 s, which no test should need.
pub fn connect(server: &FaultServer) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

/// The head of a POST of [`BODY`].
pub fn head() -> String {
    format!("POST /items HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", BODY.len())
}

/// Sends a request; that the server has reset the connection is no failure
/// here.
pub fn send(stream: &mut impl Write) {
    let _ = try_send(stream);
}

fn try_send(stream: &mut impl Write) -> std::io::Result<()> {
    stream.write_all(head().as_bytes())?;
    stream.write_all(BODY.as_bytes())?;
    stream.flush()
}

/// Reads to the end.
pub fn read_all(stream: &mut impl Read) -> (String, End) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let end = loop {
        match stream.read(&mut buffer) {
            Ok(0) => break End::Eof,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
            Err(error) => match error.kind() {
                kind if is_reset(kind) => break End::Reset,
                ErrorKind::WouldBlock | ErrorKind::TimedOut => break End::Silence,
                ErrorKind::Interrupted => {}
                other => panic!("{other}: {error}"),
            },
        }
    };
    (String::from_utf8_lossy(&bytes).into_owned(), end)
}

/// Reads a head, and after it a body of the length that the head names.
pub fn read_response(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    head + &String::from_utf8(body).unwrap()
}

/// One request over this connection, and everything that comes back.
pub fn call_over(stream: &mut (impl Read + Write)) -> (String, End) {
    // A reset is told once: to the write, if it is there by then, or else to
    // the read.
    let sent = try_send(stream);
    let (response, end) = read_all(stream);
    match sent {
        Ok(()) => (response, end),
        Err(error) => {
            assert!(is_reset(error.kind()), "{error}");
            (response, End::Reset)
        }
    }
}

/// One request over a connection of its own, and everything that comes back.
pub fn call(server: &FaultServer) -> (String, End) {
    call_over(&mut connect(server))
}

/// Whether an error of a read or a write says that the peer has sent RST.
pub fn is_reset(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

/// Reads exactly this text, and then nothing for a moment.
pub fn expect_silence_after(stream: &mut TcpStream, text: &str) {
    let mut bytes = vec![0; text.len()];
    stream.read_exact(&mut bytes).unwrap();
    assert_eq!(String::from_utf8_lossy(&bytes), text);
    let patience = stream.read_timeout().unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    assert_eq!(read_all(stream), (String::new(), End::Silence));
    stream.set_read_timeout(patience).unwrap();
}
