//! A SOCKS proxy on loopback that writes down what it was asked for.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::proxy::{connect_to_loopback, copy};
use super::stop::Stop;

/// What a [`SocksProxy`] does with each connection.
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SocksBehaviour {
    /// Connects to where it is asked to, on this machine. Any name is taken for this
    /// machine's.
    #[default]
    Serve,
    /// Serves who brings this user name and password (RFC 1929), by SOCKS 5 only.
    Password(String, String),
    /// Answers with this code (RFC 1928 section 6; that of SOCKS 4).
    Refuse(u8),
    /// Closes the connection without an answer.
    Close,
    /// Never answers.
    Stall,
}

/// What a [`SocksProxy`] was asked for.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocksRequest {
    /// 4 or 5.
    pub version: u8,
    /// A name, which the client left to the proxy to resolve, or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether `host` is a name.
    pub is_name: bool,
}

/// A SOCKS proxy, of versions 4, 4a and 5, on a port of 127.0.0.1. It leads nowhere
/// but to this machine.
#[derive(Debug)]
pub struct SocksProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    behaviour: SocksBehaviour,
    stop: Stop,
    stopped: AtomicBool,
    connections: Mutex<usize>,
    requests: Mutex<Vec<SocksRequest>>,
}

impl SocksProxy {
    /// Starts a proxy.
    ///
    /// # Errors
    ///
    /// If there is no free port.
    pub fn start(behaviour: SocksBehaviour) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { behaviour, ..Shared::default() });
        let thread = thread::Builder::new().name("socks-proxy".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        })?;
        Ok(Self { address, shared, thread: Some(thread) })
    }

    /// Address and port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections were made to it.
    #[must_use]
    pub fn connections(&self) -> usize {
        *self.shared.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it was asked for, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<SocksRequest> {
        self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for SocksProxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.shared.stop.stop();
        // Wakes whoever accepts.
        if TcpStream::connect(self.address).is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((tcp, _)) = listener.accept() {
        if shared.stopped.load(Ordering::SeqCst) {
            return;
        }
        *shared.connections.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            let tcp = Arc::new(tcp);
            shared.stop.end_with(&tcp);
            let _ = serve(&tcp, &shared);
            let _ = tcp.shutdown(Shutdown::Both);
        });
    }
}

fn serve(client: &Arc<TcpStream>, shared: &Shared) -> io::Result<()> {
    match shared.behaviour {
        SocksBehaviour::Close => return Ok(()),
        // Until one of both ends it.
        SocksBehaviour::Stall => return io::copy(&mut &**client, &mut io::sink()).map(drop),
        _ => {}
    }
    let request = match byte(client)? {
        4 => version_4(client)?,
        5 => match version_5(client, &shared.behaviour)? {
            Some(request) => request,
            None => return Ok(()),
        },
        _ => return Err(io::ErrorKind::InvalidData.into()),
    };
    let (version, port) = (request.version, request.port);
    let host = if request.is_name { "127.0.0.1".to_owned() } else { request.host.clone() };
    shared.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    if let SocksBehaviour::Refuse(code) = shared.behaviour {
        return answer(client, version, code);
    }
    let Ok(server) = connect_to_loopback(&format!("{host}:{port}")) else {
        return answer(client, version, if version == 5 { 5 } else { 91 });
    };
    answer(client, version, if version == 5 { 0 } else { 90 })?;
    let server = Arc::new(server);
    shared.stop.end_with(&server);
    thread::scope(|scope| {
        scope.spawn(|| {
            let _ = copy(&server, client);
            let _ = client.shutdown(Shutdown::Write);
        });
        let _ = copy(client, &server);
        let _ = server.shutdown(Shutdown::Write);
    });
    Ok(())
}

fn version_4(client: &TcpStream) -> io::Result<SocksRequest> {
    let [_connect, high, low, a, b, c, d] = bytes(client)?;
    let _user = until_zero(client)?;
    // 0.0.0.x: a name follows (version 4a).
    let is_name = (a, b, c) == (0, 0, 0) && d != 0;
    let host = if is_name { until_zero(client)? } else { Ipv4Addr::new(a, b, c, d).to_string() };
    Ok(SocksRequest { version: 4, host, port: u16::from_be_bytes([high, low]), is_name })
}

/// `None` if the client does not bring what is asked for.
fn version_5(client: &TcpStream, behaviour: &SocksBehaviour) -> io::Result<Option<SocksRequest>> {
    let methods = counted(client)?;
    let method = match behaviour {
        SocksBehaviour::Password(..) => 2,
        _ => 0,
    };
    if !methods.contains(&method) {
        (&*client).write_all(&[5, 0xff])?;
        return Ok(None);
    }
    (&*client).write_all(&[5, method])?;
    if let SocksBehaviour::Password(user, password) = behaviour {
        let [_version] = bytes(client)?;
        let right = counted(client)? == user.as_bytes();
        let right = counted(client)? == password.as_bytes() && right;
        (&*client).write_all(&[1, u8::from(!right)])?;
        if !right {
            return Ok(None);
        }
    }
    let [_version, _connect, _reserved, kind] = bytes(client)?;
    let host = match kind {
        1 => Ipv4Addr::from(bytes::<4>(client)?).to_string(),
        4 => format!("[{}]", Ipv6Addr::from(bytes::<16>(client)?)),
        _ => String::from_utf8_lossy(&counted(client)?).into_owned(),
    };
    let port = u16::from_be_bytes(bytes(client)?);
    Ok(Some(SocksRequest { version: 5, host, port, is_name: kind == 3 }))
}

fn answer(mut client: &TcpStream, version: u8, code: u8) -> io::Result<()> {
    match version {
        5 => client.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]),
        _ => client.write_all(&[0, code, 0, 0, 0, 0, 0, 0]),
    }
}

fn bytes<const N: usize>(mut from: &TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn byte(from: &TcpStream) -> io::Result<u8> {
    bytes::<1>(from).map(|[byte]| byte)
}

/// As many as the first byte says.
fn counted(mut from: &TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; byte(from)?.into()];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn until_zero(from: &TcpStream) -> io::Result<String> {
    let mut text = Vec::new();
    loop {
        match byte(from)? {
            0 => return Ok(String::from_utf8_lossy(&text).into_owned()),
            byte => text.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Behaviour, FaultServer};

    fn asked(behaviour: SocksBehaviour, said: &[u8], answered: usize) -> (Vec<u8>, SocksProxy) {
        let proxy = SocksProxy::start(behaviour).unwrap();
        let mut client = TcpStream::connect(proxy.address()).unwrap();
        client.write_all(said).unwrap();
        let mut answer = vec![0; answered];
        client.read_exact(&mut answer).unwrap();
        (answer, proxy)
    }

    #[test]
    fn what_it_answers_and_writes_down() {
        let server = FaultServer::plays([Behaviour::response(200)]);
        let [high, low] = server.address().port().to_be_bytes();
        let version_4a = [&[4, 1, high, low, 0, 0, 0, 1, 0][..], b"any.test\0"].concat();
        let version_5 = [5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, high, low];
        for (behaviour, said, answer, host) in [
            (SocksBehaviour::Serve, &version_4a[..], &[0, 90, 0, 0, 0, 0, 0, 0][..], "any.test"),
            (SocksBehaviour::Refuse(91), &version_4a, &[0, 91, 0, 0, 0, 0, 0, 0], "any.test"),
            (SocksBehaviour::Serve, &version_5, &[5, 0, 5, 0, 0, 1], "127.0.0.1"),
            (SocksBehaviour::Refuse(2), &version_5, &[5, 0, 5, 2, 0, 1], "127.0.0.1"),
            // No password is offered.
            (SocksBehaviour::Password("a".into(), "b".into()), &version_5, &[5, 0xff], ""),
        ] {
            let (answered, proxy) = asked(behaviour.clone(), said, answer.len());
            assert_eq!(answered, answer, "{behaviour:?}");
            assert_eq!(proxy.connections(), 1);
            let hosts: Vec<_> = proxy.requests().into_iter().map(|asked| asked.host).collect();
            assert_eq!(hosts.concat(), host, "{behaviour:?}");
        }
    }
}
