//! The API on loopback.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use fault_server::{Behaviour, Client, FaultServer, Point, ReceivedRequest};

use super::{head, patience::Patience};
use crate::{
    RecordedRequest,
    fake::api::{FakeApi, Processed},
};

impl FakeApi {
    /// Listens on a free port of 127.0.0.1 without TLS, until the returned value
    /// is dropped. It serves any method and path.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    #[must_use]
    #[track_caller]
    pub fn listen(&self) -> ListeningApi {
        let calls = Arc::new(Calls::of(self));
        let (heads, whole) = (Arc::clone(&calls), Arc::clone(&calls));
        let settings = FaultServer::builder()
            .head_handler(move |request, client| heads.begin(request, client))
            .handler_with_client(move |request, client| whole.finish(request, client));
        match settings.start() {
            Ok(socket) => {
                ListeningApi { api: self.clone(), patience: calls.patience.clone(), socket }
            }
            Err(error) => panic!("no port for the API: {error}"),
        }
    }
}

/// The calls of one socket.
struct Calls {
    api: FakeApi,
    patience: Patience,
    /// Their numbers in the log, from head to body, by the connection: there is one at
    /// a time on each.
    under_way: Mutex<HashMap<usize, usize>>,
}

impl Calls {
    fn of(api: &FakeApi) -> Self {
        Self { api: api.clone(), patience: Patience::default(), under_way: Mutex::default() }
    }

    /// The head of a request is there.
    fn begin(&self, received: &ReceivedRequest, client: &Client) -> Option<Behaviour> {
        let arrival = self.api.arrive(&head(received));
        match arrival.before_body() {
            Some(processed) => Some(self.end(processed, client).early()),
            None => {
                self.lock().insert(received.connection, arrival.number);
                None
            }
        }
    }

    /// The whole request is there.
    fn finish(&self, received: &ReceivedRequest, client: &Client) -> Behaviour {
        let number = self.lock().remove(&received.connection);
        let arrival = match number {
            Some(number) => self.api.arrived(RecordedRequest::new(head(received)), number),
            None => self.api.arrive(&head(received)),
        };
        self.end(arrival.process(Some(&received.body)), client)
    }

    fn end(&self, processed: Processed<'_>, client: &Client) -> Behaviour {
        let arrives = processed.gate.as_ref().is_none_or(|gate| self.patience.pass(gate, client));
        match arrives {
            true => Behaviour::from(processed.end_now()),
            // Nobody is there to read it.
            false => Behaviour::close(Point::AfterBody),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<usize, usize>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A [`FakeApi`] on a socket. It stops listening when it is dropped.
#[derive(Debug)]
pub struct ListeningApi {
    api: FakeApi,
    patience: Patience,
    socket: FaultServer,
}

impl ListeningApi {
    /// The URL of the API.
    #[must_use]
    pub fn url(&self) -> &str {
        self.socket.url()
    }

    /// The API behind the socket.
    #[must_use]
    pub fn api(&self) -> &FakeApi {
        &self.api
    }

    /// The socket, with a record of every byte that arrived.
    #[must_use]
    pub fn socket(&self) -> &FaultServer {
        &self.socket
    }
}

impl Drop for ListeningApi {
    fn drop(&mut self) {
        self.patience.end();
    }
}
