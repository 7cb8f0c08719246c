#![doc = include_str!("../docs/crate.md")]
#![cfg_attr(feature = "server", doc = include_str!("../docs/server.md"))]
#![cfg_attr(feature = "accounts", doc = include_str!("../docs/accounts.md"))]

mod answer;
mod clock;
#[cfg(any(feature = "server", feature = "accounts"))]
pub mod conformance;
mod expect;
mod fake;
pub mod mock;
mod recorded;
mod reply;
mod script;
mod transcript;

#[cfg(feature = "server")]
mod server;

#[cfg(feature = "server")]
pub use crate::fake::ListeningAuthServer;
pub use crate::{
    answer::Answer,
    clock::{Participant, VirtualClock},
    expect::Expect,
    fake::{
        Dressing, FakeAuthServer, FakeAuthServerBuilder, Fault, Knowledge, Replay, Report,
        Revocation, RevokedBecause, Rotation,
    },
    recorded::RecordedRequest,
    reply::{Gate, Reply},
    script::Script,
};
#[cfg(feature = "server")]
pub use server::{
    Certificate, ClosedPort, Cut, FaultServer, FaultServerBuilder, Handshake, Point, Reaction,
    ReceivedConnection, ReceivedRequest, SilentPort,
};
