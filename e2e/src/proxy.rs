//! A proxy between client and server that fails as it is told.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use crate::{
    ledger::Ledger,
    message::{self, Message},
    report::Counts,
};

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing: it is forwarded, and so is the answer.
    None,
    /// The connection is reset before anything is read.
    ResetAtOnce,
    /// The connection is reset once the request is read. The server never sees
    /// it.
    ResetAfterRequest,
    /// The request is read, and nothing ever comes back. The server never sees
    /// it.
    Stall,
    /// nginx's own page, in place of an answer. The server never sees the
    /// request.
    Page(u16),
    /// nginx's own page, though the server has answered with new tokens.
    PageAfterRotation(u16),
    /// The server has answered with new tokens, and the connection is reset.
    LostAfterRotation,
    /// The server has answered with new tokens, and nothing comes back.
    StalledAfterRotation,
    /// Half of the answer arrives, then the connection ends.
    CutAnswer,
}

impl Fault {
    /// Whether the server trades the token, and the client does not hear of it.
    pub(crate) fn loses_a_rotation(self) -> bool {
        match self {
            Self::PageAfterRotation(_)
            | Self::LostAfterRotation
            | Self::StalledAfterRotation
            | Self::CutAnswer => true,
            Self::None
            | Self::ResetAtOnce
            | Self::ResetAfterRequest
            | Self::Stall
            | Self::Page(_) => false,
        }
    }
}

/// Says what happens to the n-th request, counted from 0.
type Plan = Box<dyn Fn(u64) -> Fault + Send>;

/// The proxy. Its threads end with the process.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    upstream: u16,
    plan: Plan,
    requests: u64,
    ledger: Ledger,
}

impl Proxy {
    /// Before the server at `upstream` on loopback, without faults.
    pub(crate) fn before(upstream: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Mutex::new(Shared {
            upstream,
            plan: Box::new(|_| Fault::None),
            requests: 0,
            ledger: Ledger::default(),
        }));
        let for_thread = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&for_thread);
                thread::spawn(move || {
                    // A client that went away is not this proxy's failure.
                    let _ = serve(client, &shared);
                });
            }
        });
        Self { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/token", self.address)
    }

    /// What happens to the requests from now on, counted from 0.
    pub(crate) fn plan(&self, plan: impl Fn(u64) -> Fault + Send + 'static) {
        let mut shared = lock(&self.shared);
        shared.plan = Box::new(plan);
        shared.requests = 0;
    }

    /// These faults to the next requests, then none.
    pub(crate) fn script(&self, faults: &[Fault]) {
        let faults = faults.to_vec();
        self.plan(move |number| faults.get(number as usize).copied().unwrap_or(Fault::None));
    }

    /// How many requests (or connections reset before one) there were under
    /// this plan.
    pub(crate) fn requests(&self) -> u64 {
        lock(&self.shared).requests
    }

    /// How many attempts the client stopped waiting for without any fault.
    pub(crate) fn given_up(&self) -> u64 {
        lock(&self.shared).ledger.given_up
    }

    /// What passed, since the beginning.
    pub(crate) fn counts(&self) -> Counts {
        let shared = lock(&self.shared);
        Counts {
            exchanges: shared.ledger.exchanges,
            avoidable_replays: shared.ledger.avoidable_replays,
            unavoidable_replays: shared.ledger.unavoidable_replays,
            ..Counts::default()
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut client: TcpStream, shared: &Mutex<Shared>) -> io::Result<()> {
    let (fault, upstream) = {
        let mut shared = lock(shared);
        let number = shared.requests;
        shared.requests += 1;
        ((shared.plan)(number), shared.upstream)
    };
    if fault == Fault::ResetAtOnce {
        return reset(client);
    }
    let request = Message::read(&mut client)?;
    let token = request.form_field("refresh_token").unwrap_or_default();
    let waiting = client.try_clone()?;
    lock(shared).ledger.sent(&token, move || still_waits(&waiting));
    match fault {
        Fault::ResetAfterRequest => {
            lock(shared).ledger.not_traded(&token);
            return reset(client);
        }
        Fault::Stall => {
            lock(shared).ledger.not_traded(&token);
            return wait_for_end(client);
        }
        Fault::Page(status) => {
            lock(shared).ledger.not_traded(&token);
            return send(client, &page(status));
        }
        _ => {}
    }

    let Ok(answer) = ask(upstream, &request) else {
        // As nginx does when it cannot reach what is behind it.
        lock(shared).ledger.not_traded(&token);
        return send(client, &page(502));
    };
    // Noted before the answer leaves: afterwards the client may be quicker
    // with its next request than this thread with its note.
    if message::status(&answer) == Some(200) {
        let delivered = !fault.loses_a_rotation() && still_waits(&client);
        lock(shared).ledger.traded(&token, delivered);
    } else {
        lock(shared).ledger.not_traded(&token);
    }
    match fault {
        Fault::LostAfterRotation => reset(client),
        Fault::StalledAfterRotation => wait_for_end(client),
        Fault::PageAfterRotation(status) => send(client, &page(status)),
        Fault::CutAnswer => send(client, &answer[..answer.len() - answer.len() / 4]),
        _ => send(client, &answer),
    }
}

fn ask(upstream: u16, request: &Message) -> io::Result<Vec<u8>> {
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, upstream))?;
    // A server that is killed meanwhile resets the connection; one that hangs
    // must not hang the suite.
    server.set_read_timeout(Some(Duration::from_secs(60)))?;
    server.write_all(&request.closing())?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    if answer.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(answer) }
}

fn send(mut client: TcpStream, answer: &[u8]) -> io::Result<()> {
    client.write_all(answer)?;
    client.shutdown(Shutdown::Write)?;
    // Closing with something unread would reset the connection, and may take
    // the answer along.
    client.set_read_timeout(Some(Duration::from_secs(5)))?;
    client.read_to_end(&mut Vec::new()).map(drop)
}

fn reset(client: TcpStream) -> io::Result<()> {
    socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO))
}

/// Whether the client has neither closed nor reset its connection.
fn still_waits(client: &TcpStream) -> bool {
    if client.set_nonblocking(true).is_err() {
        return false;
    }
    let seen = client.peek(&mut [0]);
    let restored = client.set_nonblocking(false);
    restored.is_ok() && seen.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// Until the client has had enough.
fn wait_for_end(mut client: TcpStream) -> io::Result<()> {
    client.set_read_timeout(Some(Duration::from_secs(60)))?;
    client.read_to_end(&mut Vec::new()).map(drop)
}

/// The page of nginx 1.22.1, which Debian 12 has, to the byte.
fn page(status: u16) -> Vec<u8> {
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
