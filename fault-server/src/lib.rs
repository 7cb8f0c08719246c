//! A token server on a real socket, for what only a socket can show: resets,
//! silence, answers that break off, TLS, and what a client really sent.
//!
//! It stands on threads of the standard library: one that accepts, and one a
//! connection. Bytes come in through one place, which puts them on record and
//! reads them as HTTP whatever the server is doing meanwhile; reactions are
//! plain values, taken from a script or a function, and played by one routine.
//!
//! | module | holds |
//! | --- | --- |
//! | `behaviour`, `shaping`, `cut` | [`Behaviour`], [`Point`], [`Cut`]: what is scripted |
//! | `script` | where reactions come from |
//! | `fault_server`, `builder`, `listener`, `context` | the server, its threads, and their end |
//! | `conversation`, `sending`, `proxy` | playing reactions over one connection |
//! | `socket`, `tls` | bytes in and out, and the ways to end a connection |
//! | `reader`, `record` | everything that arrives, and what is kept of it |
//! | `http1`, `http2`, `frames`, `hpack`, `response`, `gzip` | formats |
//! | `port` | ports at which no connection comes about |

// The layers of this crate, lowest first. A module uses modules of its own line and of lines above it.
// layer: cut gzip hpack received stop tls
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
// layer: serving
// layer: listener
// layer: fault_server
// layer: builder
// layer: port
mod behaviour;
mod builder;
mod connection;
mod context;
mod cut;
mod fault_server;
mod frames;
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
mod stop;
mod tls;

pub use behaviour::Behaviour;
pub use builder::FaultServerBuilder;
pub use cut::{Cut, Point};
pub use fault_server::FaultServer;
pub use port::{ClosedPort, SilentPort};
pub use received::{Handshake, ReceivedConnection, ReceivedRequest};
pub use tls::Certificate;
