//! Scripted transports, a virtual clock, a fake authorization server and conformance suites for auth-core

mod answer;
mod clock;
mod expect;
pub mod mock;
mod recorded;
mod reply;
mod script;
mod transcript;

#[cfg(feature = "server")]
mod server;

pub use crate::{
    answer::Answer,
    clock::{Participant, VirtualClock},
    expect::Expect,
    recorded::RecordedRequest,
    reply::{Gate, Reply},
    script::Script,
};
#[cfg(feature = "server")]
pub use server::{
    Certificate, ClosedPort, Cut, FaultServer, FaultServerBuilder, Handshake, Point, Reaction,
    ReceivedConnection, ReceivedRequest, SilentPort,
};
