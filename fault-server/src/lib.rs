#![doc = include_str!("../docs/crate.md")]

// The layers of this crate, lowest first. A module uses modules of its own line and of lines above it.
// layer: client cut gate gzip hpack received stop tls
// layer: frames http1 http_response
// layer: behaviour http2
// layer: modifiers script
// layer: log
// layer: context
// layer: request_reader
// layer: socket
// layer: connection
// layer: sending
// layer: proxy
// layer: socks
// layer: serving
// layer: listener
// layer: fault_server
// layer: builder
// layer: port
mod behaviour;
mod builder;
mod client;
mod connection;
mod context;
mod cut;
mod fault_server;
mod frames;
mod gate;
mod gzip;
mod hpack;
mod http1;
mod http2;
mod http_response;
mod listener;
mod log;
mod modifiers;
mod port;
mod proxy;
mod received;
mod request_reader;
mod script;
mod sending;
mod serving;
mod socket;
mod socks;
mod stop;
mod tls;

pub use behaviour::Behaviour;
pub use builder::FaultServerBuilder;
pub use client::Client;
pub use cut::{Cut, Point};
pub use fault_server::FaultServer;
pub use gate::ResponseGate;
pub use port::{ClosedPort, SilentPort};
pub use received::{Handshake, ReceivedConnection, ReceivedRequest};
pub use socks::{SocksBehaviour, SocksProxy, SocksRequest};
pub use tls::{Certificate, ClientCertificates, ClientIdentity, ClientIdentityKind};
