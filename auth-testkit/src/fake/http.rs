//! The server on loopback.

use std::{net::SocketAddr, thread};

use auth_core::TokenEndpoint;
use fault_server::{
    Behaviour, Certificate, Cut, FaultServer, FaultServerBuilder, Point, ReceivedRequest,
};

use super::{api::FakeApi, fault::Fault, server::FakeAuthServer, transport::proxy_page};
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
        let server = self.clone();
        let settings = settings.path("/token").handler(move |request| server.respond(request));
        match settings.start() {
            Ok(socket) => {
                self.lock().add_endpoint(socket.url());
                ListeningAuthServer { server: self.clone(), socket }
            }
            Err(error) => panic!("no port for the authorization server: {error}"),
        }
    }

    fn respond(&self, received: &ReceivedRequest) -> Behaviour {
        let now = self.shared.elapsed();
        let wall = self.shared.now().wall;
        let handled = self.lock().handle(recorded(received), now, wall);
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
        let api = self.clone();
        let settings =
            FaultServer::builder().handler(move |request| api.judge(&recorded(request)).into());
        match settings.start() {
            Ok(socket) => ListeningApi { api: self.clone(), socket },
            Err(error) => panic!("no port for the API: {error}"),
        }
    }
}

/// A [`FakeApi`] on a socket. It stops listening when it is dropped.
#[derive(Debug)]
pub struct ListeningApi {
    api: FakeApi,
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

fn recorded(received: &ReceivedRequest) -> RecordedRequest {
    let mut request = http::Request::new(received.body.clone());
    *request.method_mut() = received.method.clone();
    if let Ok(uri) = received.target.parse() {
        *request.uri_mut() = uri;
    }
    *request.headers_mut() = received.headers.clone();
    RecordedRequest::new(request)
}
