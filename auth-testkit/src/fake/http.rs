//! The server on loopback.

mod api;
mod patience;

use std::{net::SocketAddr, thread};

use auth_core::TokenEndpoint;
use fault_server::{
    Behaviour, Certificate, Client, Cut, FaultServer, FaultServerBuilder, Point, ReceivedRequest,
};

pub use self::api::ListeningApi;
use self::patience::Patience;
use super::{fault::Fault, server::FakeAuthServer, transport::proxy_page};
use crate::{RecordedRequest, transcript::CallState};

impl FakeAuthServer {
    /// Listens on a free port of 127.0.0.1 without TLS, until the returned value
    /// is dropped. Several listeners serve the same model.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    #[must_use]
    #[track_caller]
    pub fn listen(&self) -> ListeningAuthServer {
        self.listen_with(FaultServer::builder())
    }

    /// As [`listen`](Self::listen), over TLS, with a certificate for `localhost`
    /// that is valid for a client that trusts [`FaultServer::ca_der`].
    ///
    /// # Panics
    ///
    /// If there is no free port, or no crypto provider: that is the feature `tls`,
    /// or a feature of `fault-server`.
    #[must_use]
    #[track_caller]
    pub fn listen_over_tls(&self) -> ListeningAuthServer {
        self.listen_with(FaultServer::builder().tls(Certificate::Trusted))
    }

    #[track_caller]
    fn listen_with(&self, settings: FaultServerBuilder) -> ListeningAuthServer {
        let (server, patience) = (self.clone(), Patience::default());
        let settings = settings.path("/token").handler_with_client({
            let patience = patience.clone();
            move |request, client| server.respond(request, client, &patience)
        });
        match settings.start() {
            Ok(socket) => {
                self.lock().add_endpoint(socket.url());
                ListeningAuthServer { server: self.clone(), patience, socket }
            }
            Err(error) => panic!("no port for the authorization server: {error}"),
        }
    }

    fn respond(
        &self,
        received: &ReceivedRequest,
        client: &Client,
        patience: &Patience,
    ) -> Behaviour {
        let now = self.shared.elapsed();
        let wall = self.shared.now().wall;
        let handled = self.lock().handle(recorded(received), now, wall);
        if handled.gate.as_ref().is_some_and(|gate| !patience.pass(gate, client)) {
            self.shared.close(handled.call, CallState::GivenUp, handled.unsettled(), false);
            return Behaviour::close(Point::AfterBody);
        }
        // Whether it really arrives only the client knows; what leaves here
        // whole is taken to.
        let response = match handled.fault {
            Fault::Status(status) | Fault::StatusAfter(status) => proxy_page(status),
            _ => handled.response.clone(),
        };
        let state = CallState::Responded(response.build());
        self.shared.close(handled.call, state, handled.unsettled(), true);
        match handled.fault {
            Fault::Refused | Fault::LostBefore | Fault::LostAfter => {
                Behaviour::reset(Point::AfterBody)
            }
            Fault::StallAfter(_) => Behaviour::stall(Point::AfterBody),
            Fault::CutResponse => Behaviour::from(response).cut(Point::InResponseBody, Cut::Close),
            Fault::Delay(delay) => {
                thread::sleep(delay);
                response.into()
            }
            Fault::None | Fault::Status(_) | Fault::StatusAfter(_) => response.into(),
        }
    }
}

/// A [`FakeAuthServer`] on a socket. It stops listening when it is dropped.
#[derive(Debug)]
pub struct ListeningAuthServer {
    server: FakeAuthServer,
    patience: Patience,
    socket: FaultServer,
}

impl ListeningAuthServer {
    /// The URL of the token endpoint.
    #[must_use]
    pub fn url(&self) -> &str {
        self.socket.url()
    }

    /// The address and port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.socket.address()
    }

    /// The token endpoint.
    #[must_use]
    pub fn endpoint(&self) -> TokenEndpoint {
        self.server.shared.endpoint_at(self.url())
    }

    /// The model behind the socket.
    #[must_use]
    pub fn server(&self) -> &FakeAuthServer {
        &self.server
    }

    /// The socket, with a record of every byte that arrived.
    #[must_use]
    pub fn socket(&self) -> &FaultServer {
        &self.socket
    }
}

impl Drop for ListeningAuthServer {
    fn drop(&mut self) {
        self.patience.end();
    }
}

fn recorded(received: &ReceivedRequest) -> RecordedRequest {
    RecordedRequest::new(head(received).map(|_| received.body.clone()))
}

/// Without the body.
fn head(received: &ReceivedRequest) -> http::Request<Vec<u8>> {
    let mut request = http::Request::new(Vec::new());
    *request.method_mut() = received.method.clone();
    if let Ok(uri) = received.target.parse() {
        *request.uri_mut() = uri;
    }
    *request.headers_mut() = received.headers.clone();
    request
}
