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
//! | `intake`, `record` | everything that arrives, and what is kept of it |
//! | `http1`, `http2`, `frames`, `hpack`, `response`, `gzip` | formats |
//! | `port` | ports at which no connection comes about |

mod behaviour;
mod builder;
mod context;
mod conversation;
mod cut;
mod fault_server;
mod frames;
mod gzip;
mod hpack;
mod http1;
mod http2;
mod http_response;
mod intake;
mod listener;
mod port;
mod proxy;
mod record;
mod script;
mod sending;
mod shaping;
mod socket;
mod tls;

pub use behaviour::Behaviour;
pub use builder::FaultServerBuilder;
pub use cut::{Cut, Point};
pub use fault_server::FaultServer;
pub use port::{ClosedPort, SilentPort};
pub use record::{Handshake, ReceivedConnection, ReceivedRequest};
pub use tls::Certificate;
