//! A proxy between client and server that fails as it is told.
//!
//! The client's side is a [`FaultServer`]: it reads the requests and plays the
//! faults. The server's side is [`upstream`]. A [`FaultServer`] relays only to the
//! target that the client names, and does not show a handler the response, which
//! this proxy has to note before it leaves.

mod fault;
mod upstream;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use fault_server::{Behaviour, Client, FaultServer, Point, ReceivedRequest};

pub(crate) use self::fault::Fault;
use self::upstream::{UpstreamResult, ask, is_challenge, page, status};
use crate::{
    ledger::{Attempt, Ledger, Uses},
    patience::until,
};

/// Says what happens to the n-th request, counted from 0.
type Plan = Box<dyn Fn(u64) -> Fault + Send>;

/// The proxy. It ends with its last handle.
#[derive(Clone)]
pub(crate) struct Proxy {
    server: Arc<FaultServer>,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    upstream: u16,
    plan: Plan,
    requests: u64,
    /// What happens to the request of each connection that was accepted.
    faults: HashMap<usize, Fault>,
    /// The refresh tokens that were sent, in order.
    seen: Vec<String>,
    /// How many requests are held until they are released.
    held: u64,
    released: bool,
    /// To how many requests the server has not responded yet.
    at_the_server: u64,
    ledger: Ledger,
}

impl Proxy {
    /// Before the server at `upstream` on loopback, whose token endpoint has this
    /// path, without faults.
    pub(crate) fn before(upstream: u16, path: &str) -> Self {
        let shared = Arc::new(Mutex::new(Shared {
            upstream,
            plan: Box::new(|_| Fault::None),
            requests: 0,
            faults: HashMap::new(),
            seen: Vec::new(),
            held: 0,
            released: false,
            at_the_server: 0,
            ledger: Ledger::default(),
        }));
        let [for_connections, for_requests] = [(); 2].map(|()| Arc::clone(&shared));
        let server = FaultServer::builder()
            .path(path)
            .connection_handler(move |number| lock(&for_connections).accept(number))
            .handler_with_client(move |request, client| serve(request, client, &for_requests))
            .start()
            .expect("a port");
        Self { server: Arc::new(server), shared }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url().to_owned()
    }

    /// Its URL without the path.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.server.address())
    }

    pub(crate) fn port(&self) -> u16 {
        self.server.address().port()
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

    /// Until the server has responded to all requests.
    pub(crate) fn settle(&self) {
        until("the server has responded", || lock(&self.shared).at_the_server == 0);
    }
}

impl Shared {
    /// A connection brings one request: after its behaviour it ends.
    fn accept(&mut self, connection: usize) -> Option<Behaviour> {
        let fault = (self.plan)(self.requests);
        self.requests += 1;
        if fault == Fault::ResetAtOnce {
            return Some(Behaviour::reset(Point::OnAccept));
        }
        self.faults.insert(connection, fault);
        None
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(request: &ReceivedRequest, client: &Client, shared: &Mutex<Shared>) -> Behaviour {
    let token = form_field(&request.body, "refresh_token").unwrap_or_default();
    let (fault, upstream, attempt) = {
        let mut shared = lock(shared);
        let fault = shared.faults.remove(&request.connection).expect("one request a connection");
        let forwarded = fault.reaches_the_server();
        shared.at_the_server += u64::from(forwarded);
        shared.seen.push(token.clone());
        let waiting = client.clone();
        let attempt = shared.ledger.sent(&token, forwarded, move || waiting.is_waiting());
        (fault, shared.upstream, attempt)
    };
    let proxied = ProxiedRequest { shared, client, token, attempt, fault };
    if fault.reaches_the_server() {
        proxied.with_response(ask(upstream, request))
    } else {
        proxied.without_response()
    }
}

/// The parameter `name` of a form.
fn form_field(form: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(form).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// One request and what becomes of it. All is noted before anything leaves:
/// afterwards the client may be quicker with its next request than this thread
/// with its note.
struct ProxiedRequest<'a> {
    shared: &'a Mutex<Shared>,
    client: &'a Client,
    token: String,
    attempt: Attempt,
    fault: Fault,
}

impl ProxiedRequest<'_> {
    fn without_response(self) -> Behaviour {
        match self.fault {
            Fault::Stall => self.wait_for_the_end(),
            Fault::HeldThenReset => self.hold(),
            _ => {}
        }
        self.ended();
        match self.fault {
            Fault::Page(status) => Behaviour::raw(page(status)),
            _ => Behaviour::reset(Point::AfterBody),
        }
    }

    fn with_response(self, response: UpstreamResult) -> Behaviour {
        if self.fault == Fault::HeldResponse {
            self.hold();
        }
        let response = self.note(response);
        match self.fault {
            Fault::StalledAfterRotation => self.wait_for_the_end(),
            Fault::HeldThenLost => self.hold(),
            _ => {}
        }
        self.ended();
        match self.fault {
            Fault::LostAfterRotation | Fault::HeldThenLost | Fault::StalledAfterRotation => {
                Behaviour::reset(Point::AfterBody)
            }
            Fault::PageAfterRotation(status) => Behaviour::raw(page(status)),
            Fault::CutResponse => {
                let bytes = response.len() - response.len() / 4;
                Behaviour::raw(response).truncated_after(bytes)
            }
            _ => Behaviour::raw(response),
        }
    }

    /// Notes what the server said, and returns what the client is sent if
    /// nothing comes between.
    fn note(&self, response: UpstreamResult) -> Vec<u8> {
        let Self { client, token, fault, .. } = self;
        let mut shared = lock(self.shared);
        shared.at_the_server -= 1;
        let ledger = &mut shared.ledger;
        // A server that asks for a nonce has not looked at the token.
        let looked_at_it = match &response {
            UpstreamResult::Whole(response) => !is_challenge(response),
            UpstreamResult::Vanished => true,
            UpstreamResult::Unreachable => false,
        };
        if looked_at_it {
            ledger.arrived(self.attempt);
        }
        match response {
            UpstreamResult::Whole(response) => {
                match status(&response) {
                    Some(200) => {
                        ledger.traded(token, !fault.loses_a_rotation() && client.is_waiting());
                    }
                    Some(400..=499) if is_challenge(&response) => ledger.challenged(),
                    Some(400..=499) => ledger.refused(),
                    _ => {}
                }
                response
            }
            // As nginx does when it cannot reach what is behind it.
            UpstreamResult::Unreachable => page(502),
            UpstreamResult::Vanished => {
                ledger.vanished(token);
                page(502)
            }
        }
    }

    /// Waits until it is released, or the client has had enough.
    fn hold(&self) {
        lock(self.shared).held += 1;
        while !lock(self.shared).released && self.client.is_waiting() {
            thread::sleep(Duration::from_millis(1));
        }
        lock(self.shared).held -= 1;
    }

    /// Waits here until the client has had enough, and not in a behaviour that
    /// stalls: what follows is to be noted.
    fn wait_for_the_end(&self) {
        until("the client has had enough", || !self.client.is_waiting());
    }

    fn ended(&self) {
        lock(self.shared).ledger.ended(&self.token, self.attempt);
    }
}
