//! Scripted transports, a virtual clock, a fake authorization server and conformance suites for auth-core

mod clock;
#[cfg(feature = "server")]
mod server;

pub use crate::clock::{Participant, VirtualClock};
#[cfg(feature = "server")]
pub use server::{
    Certificate, ClosedPort, Cut, FaultServer, FaultServerBuilder, Handshake, Point, Reaction,
    ReceivedConnection, ReceivedRequest, SilentPort,
};
