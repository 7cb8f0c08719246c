//! TLS over a connection. As ureq's own, whose configuration is made once and for
//! all, and which has no place for a client certificate that is renewed.

use std::{
    fmt,
    io::{self, Read, Write},
};

use auth_tls::Tls;
use rustls::{ClientConnection, StreamOwned, pki_types::ServerName};
use ureq::{
    Error,
    unversioned::transport::{
        Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
        TransportAdapter,
    },
};

use crate::attempt;

/// Speaks TLS where the URL asks for it, with the client certificate as it is now.
#[derive(Debug)]
pub(super) struct OverTls(pub(super) Tls);

impl<In: Transport> Connector<In> for OverTls {
    type Out = Either<In, Encrypted>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let Some(inner) = chained else { return Ok(None) };
        if !details.needs_tls() || inner.is_tls() {
            return Ok(Some(Either::A(inner)));
        }
        let host = details.uri.host().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let name = ServerName::try_from(host)
            .map_err(|_| Error::Tls("the host is no name that TLS knows"))?
            .to_owned();
        let mut current = self.0.now();
        if attempt::is_for_proxy() {
            current.config = self.0.for_proxies();
        }
        let mut conn = ClientConnection::new(current.config, name)?;
        let mut sock = TransportAdapter::new(inner.boxed(), details.current_time.clone());
        sock.set_timeout(details.timeout);
        if let Err(error) = conn.complete_io(&mut sock) {
            return Err(why_closed(&mut conn, &mut sock, error).into());
        }
        let config = details.config;
        Ok(Some(Either::B(Encrypted {
            buffers: LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size()),
            stream: StreamOwned { conn, sock },
            renewals: current.renewals,
            tls: self.0.clone(),
        })))
    }
}

/// A connection after TLS is undone.
pub(super) struct Encrypted {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
    /// How often the client certificate had been renewed when it was made.
    renewals: u64,
    tls: Tls,
}

/// A server that refuses the client's certificate says so, and closes. If that is faster
/// than our sending, what it said is there all the same, where the system keeps it.
/// OpenSSL's servers are that fast.
fn why_closed(
    conn: &mut ClientConnection,
    sock: &mut TransportAdapter,
    error: io::Error,
) -> io::Error {
    if !is_cut(error.kind()) {
        return error;
    }
    while let Ok(1..) = conn.read_tls(sock) {
        if let Err(told) = conn.process_new_packets() {
            return io::Error::new(io::ErrorKind::InvalidData, told);
        }
    }
    error
}

impl Transport for Encrypted {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.sock.set_timeout(timeout);
        let Self { buffers, stream, .. } = self;
        let written = stream.write_all(&buffers.output()[..amount]);
        written.map_err(|error| why_closed(&mut stream.conn, &mut stream.sock, error).into())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.sock.set_timeout(timeout);
        let Self { buffers, stream, .. } = self;
        // It sends first what could not be sent before.
        let read = stream.read(buffers.input_append_buf());
        let amount = read.map_err(|error| why_closed(&mut stream.conn, &mut stream.sock, error))?;
        buffers.input_appended(amount);
        Ok(amount > 0)
    }

    /// Not for another request if it was made with a certificate that has been renewed.
    fn is_open(&mut self) -> bool {
        self.renewals == self.tls.now().renewals && self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

fn is_cut(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
    )
}

impl fmt::Debug for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encrypted").field("over", &self.stream.sock.inner()).finish_non_exhaustive()
    }
}
