#![doc = include_str!("../docs/crate.md")]
#![cfg_attr(feature = "server", doc = include_str!("../docs/server.md"))]
#![cfg_attr(feature = "accounts", doc = include_str!("../docs/accounts.md"))]

mod call_outcome;
mod canned_response;
mod clock;
#[cfg(any(feature = "server", feature = "accounts"))]
pub mod conformance;
mod expect;
mod fake;
pub mod mock;
mod recorded;
mod script;
mod transcript;

#[cfg(feature = "server")]
mod server;

#[cfg(feature = "server")]
pub use crate::fake::ListeningAuthServer;
pub use crate::{
    call_outcome::{CallOutcome, Gate},
    canned_response::CannedResponse,
    clock::{Participant, VirtualClock},
    expect::Expect,
    fake::{
        Dressing, FakeAuthServer, FakeAuthServerBuilder, Fault, Knowledge, Replay, Revocation,
        RevokedBecause, Rotation, ServerReport,
    },
    recorded::RecordedRequest,
    script::Script,
};
#[cfg(feature = "server")]
pub use server::{
    Behaviour, Certificate, ClosedPort, Cut, FaultServer, FaultServerBuilder, Handshake, Point,
    ReceivedConnection, ReceivedRequest, SilentPort,
};
