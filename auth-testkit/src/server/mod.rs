//! A token server on a real socket, for what only a socket can show.

mod answer;
mod context;
mod conversation;
mod fault_server;
mod frames;
mod gzip;
mod hpack;
mod http1;
mod http2;
mod intake;
mod listener;
mod port;
mod proxy;
mod reaction;
mod record;
mod script;
mod sending;
mod socket;
mod tls;

pub use fault_server::{FaultServer, FaultServerBuilder};
pub use port::{ClosedPort, SilentPort};
pub use reaction::{Cut, Point, Reaction};
pub use record::{Handshake, ReceivedConnection, ReceivedRequest};
pub use tls::Certificate;
