//! A proxy between client and server that fails as it is told.

mod fault;
mod wire;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

pub(crate) use self::fault::Fault;
use self::wire::{CannedResponse, ask, page, reset, send, still_waits, wait_for_end};
use crate::{
    ledger::{Attempt, Ledger, Uses},
    message::{self, Message},
    patience::until,
};

/// Says what happens to the n-th request, counted from 0.
type Plan = Box<dyn Fn(u64) -> Fault + Send>;

/// The proxy. Its threads end with the process.
#[derive(Clone)]
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    upstream: u16,
    plan: Plan,
    requests: u64,
    /// The refresh tokens that were sent, in order.
    seen: Vec<String>,
    /// How many requests are held until they are released.
    held: u64,
    released: bool,
    /// How many requests the server has not answered yet.
    at_the_server: u64,
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
            seen: Vec::new(),
            held: 0,
            released: false,
            at_the_server: 0,
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
        shared.seen.clear();
        shared.released = false;
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

    /// The refresh tokens that were sent under this plan, in order.
    pub(crate) fn seen(&self) -> Vec<String> {
        lock(&self.shared).seen.clone()
    }

    /// Until a request is held.
    pub(crate) fn wait_until_held(&self) {
        until("a request is held", || lock(&self.shared).held > 0);
    }

    /// Lets go what is held, and holds nothing more under this plan.
    pub(crate) fn release(&self) {
        lock(&self.shared).released = true;
    }

    /// What passed, since the beginning.
    pub(crate) fn uses(&self) -> Uses {
        lock(&self.shared).ledger.counts
    }

    /// Until the server has answered all that it was asked.
    pub(crate) fn settle(&self) {
        until("the server has answered", || lock(&self.shared).at_the_server == 0);
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
        return reset(&client);
    }
    let request = Message::read(&mut client)?;
    let token = request.form_field("refresh_token").unwrap_or_default();
    let waiting = client.try_clone()?;
    let attempt = {
        let mut shared = lock(shared);
        let forwarded = fault.reaches_the_server();
        shared.at_the_server += u64::from(forwarded);
        shared.seen.push(token.clone());
        shared.ledger.sent(&token, forwarded, move || still_waits(&waiting))
    };
    let exchange = Exchange { shared, client, token, attempt, fault };
    if fault.reaches_the_server() {
        let response = ask(upstream, &request);
        exchange.answered(response)
    } else {
        exchange.unanswered()
    }
}

/// One request and what becomes of it. All is noted before anything leaves:
/// afterwards the client may be quicker with its next request than this thread
/// with its note.
struct Exchange<'a> {
    shared: &'a Mutex<Shared>,
    client: TcpStream,
    token: String,
    attempt: Attempt,
    fault: Fault,
}

impl Exchange<'_> {
    fn unanswered(self) -> io::Result<()> {
        match self.fault {
            Fault::Stall => {
                let ended = wait_for_end(&self.client);
                self.ended();
                ended
            }
            Fault::Page(status) => {
                self.ended();
                send(&self.client, &page(status))
            }
            fault => {
                if fault == Fault::HeldThenReset {
                    self.hold();
                }
                self.ended();
                reset(&self.client)
            }
        }
    }

    fn answered(self, response: CannedResponse) -> io::Result<()> {
        if self.fault == Fault::HeldResponse {
            self.hold();
        }
        let response = self.note(response);
        match self.fault {
            Fault::StalledAfterRotation => {
                let ended = wait_for_end(&self.client);
                self.ended();
                return ended;
            }
            Fault::HeldThenLost => self.hold(),
            _ => {}
        }
        self.ended();
        let client = &self.client;
        match self.fault {
            Fault::LostAfterRotation | Fault::HeldThenLost => reset(client),
            Fault::PageAfterRotation(status) => send(client, &page(status)),
            Fault::CutResponse => send(client, &response[..response.len() - response.len() / 4]),
            _ => send(client, &response),
        }
    }

    /// Notes what the server said, and returns what the client is sent if
    /// nothing comes between.
    fn note(&self, response: CannedResponse) -> Vec<u8> {
        let Self { client, token, fault, .. } = self;
        let mut shared = lock(self.shared);
        shared.at_the_server -= 1;
        let ledger = &mut shared.ledger;
        if !matches!(response, CannedResponse::Unreachable) {
            ledger.arrived(self.attempt);
        }
        match response {
            CannedResponse::Whole(response) => {
                match message::status(&response) {
                    Some(200) => {
                        ledger.traded(token, !fault.loses_a_rotation() && still_waits(client));
                    }
                    Some(400..=499) => ledger.refused(),
                    _ => {}
                }
                response
            }
            // As nginx does when it cannot reach what is behind it.
            CannedResponse::Unreachable => page(502),
            CannedResponse::Vanished => {
                ledger.vanished(token);
                page(502)
            }
        }
    }

    /// Waits until it is released, or the client has had enough.
    fn hold(&self) {
        lock(self.shared).held += 1;
        while !lock(self.shared).released && still_waits(&self.client) {
            thread::sleep(Duration::from_millis(1));
        }
        lock(self.shared).held -= 1;
    }

    fn ended(&self) {
        lock(self.shared).ledger.ended(&self.token, self.attempt);
    }
}
