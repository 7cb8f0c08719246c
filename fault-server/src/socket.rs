//! One accepted connection: bytes in through the [`RequestReader`], bytes out, and
//! every way to end it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, Stream};

use super::received::Handshake;
use super::request_reader::RequestReader;

#[derive(Debug)]
pub(super) struct Socket {
    /// The only lasting reference, so that dropping it closes the connection;
    /// the listener keeps a weak one to break off what blocks.
    pub(super) tcp: Arc<TcpStream>,
    layer: Layer,
    pub(super) reader: RequestReader,
}

#[derive(Debug)]
enum Layer {
    Plain,
    /// Before the TLS handshake. Bytes are no application data yet.
    BeforeTls,
    Tls(Box<ServerConnection>),
}

/// How the server leaves a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Reset,
    /// With FIN, over TLS after `close_notify` if `notify` is set.
    Close {
        notify: bool,
    },
    Stall,
    /// The client is gone.
    Gone,
}

impl Socket {
    pub(super) fn new(tcp: Arc<TcpStream>, tls: bool, reader: RequestReader) -> Self {
        let layer = if tls { Layer::BeforeTls } else { Layer::Plain };
        Self { tcp, layer, reader }
    }

    /// Waits until the client has sent something, and leaves it unread.
    pub(super) fn await_first_bytes(&self) -> bool {
        matches!(self.tcp.peek(&mut [0]), Ok(1))
    }

    pub(super) fn handshake(&mut self, config: Arc<ServerConfig>) -> bool {
        let mut shown = None;
        let handshake = match self.try_handshake(config) {
            Ok(tls) => {
                shown = tls.peer_certificates().and_then(|chain| Some(chain.first()?.to_vec()));
                self.layer = Layer::Tls(Box::new(tls));
                Handshake::Done
            }
            Err(error) => Handshake::Failed(error.to_string()),
        };
        let done = handshake == Handshake::Done;
        self.reader.with_connection(|c| {
            c.handshake = handshake;
            c.client_certificate = shown;
        });
        done
    }

    fn try_handshake(&self, config: Arc<ServerConfig>) -> io::Result<ServerConnection> {
        let mut tls = ServerConnection::new(config).map_err(io::Error::other)?;
        while tls.is_handshaking() {
            tls.complete_io(&mut &*self.tcp)?;
        }
        Ok(tls)
    }

    /// Takes in more bytes; false if there will be none.
    pub(super) fn read_more(&mut self) -> bool {
        matches!(self.fill(), Ok(true))
    }

    /// Reads once; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 16 * 1024];
        let mut tcp = &*self.tcp;
        let n = loop {
            let read = match &mut self.layer {
                Layer::Plain | Layer::BeforeTls => tcp.read(&mut buffer),
                Layer::Tls(tls) => Stream::new(&mut **tls, &mut tcp).read(&mut buffer),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        if !matches!(self.layer, Layer::BeforeTls) {
            self.reader.feed(&buffer[..n]);
        }
        Ok(n > 0)
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut tcp = &*self.tcp;
        match &mut self.layer {
            Layer::Plain | Layer::BeforeTls => tcp.write_all(bytes),
            Layer::Tls(tls) => {
                let mut stream = Stream::new(&mut **tls, &mut tcp);
                stream.write_all(bytes)?;
                stream.flush()
            }
        }
    }

    /// Sends a fatal TLS alert, after which nothing is read but bytes. False if there is
    /// no TLS, or the client is gone.
    pub(super) fn alert(&mut self, description: u8) -> bool {
        let Layer::Tls(tls) = std::mem::replace(&mut self.layer, Layer::BeforeTls) else {
            return false;
        };
        super::tls::alert(*tls, description).is_some_and(|record| self.send(&record).is_ok())
    }

    /// Ends the connection; whatever has arrived until then is on record.
    pub(super) fn end(mut self, ending: Ending) {
        self.reader.serving = false;
        match ending {
            Ending::Reset => {
                self.drain_what_is_there();
                // With a linger of zero, close sends RST.
                let _ = socket2::SockRef::from(&*self.tcp).set_linger(Some(Duration::ZERO));
            }
            Ending::Close { notify } => {
                if notify && let Layer::Tls(tls) = &mut self.layer {
                    tls.send_close_notify();
                    let _ = tls.write_tls(&mut &*self.tcp);
                }
                // Closing with unread bytes would send RST, not FIN; so only
                // this side is shut, and the rest is read.
                let _ = self.tcp.shutdown(Shutdown::Write);
                self.drain();
            }
            Ending::Stall => self.drain(),
            Ending::Gone => self.drain_what_is_there(),
        }
    }

    /// Reads until the client closes, or the server is dropped.
    fn drain(&mut self) {
        while self.read_more() {}
    }

    /// Reads what the kernel holds, and waits for nothing.
    fn drain_what_is_there(&mut self) {
        if self.tcp.set_nonblocking(true).is_ok() {
            self.drain();
        }
    }
}
