#![doc = include_str!("../docs/crate.md")]
#![cfg_attr(feature = "server", doc = include_str!("../docs/server.md"))]

// The layers of this crate, lowest first. A module uses modules of its own line and of lines above it.
// layer: camel_case
// layer: clock jwt
// layer: recorded
// layer: canned_response mock
// layer: behaviours call_outcome transcript
// layer: expect
// layer: fake script
#[cfg(feature = "server")]
pub mod behaviours;
mod call_outcome;
mod camel_case;
mod canned_response;
mod clock;
mod expect;
mod fake;
mod jwt;
#[cfg(feature = "mock")]
pub mod mock;
mod recorded;
mod script;
mod transcript;

#[cfg(feature = "server")]
pub use fault_server;

#[cfg(feature = "server")]
pub use crate::fake::{ListeningApi, ListeningAuthServer};
pub use crate::{
    call_outcome::{CallOutcome, Gate},
    canned_response::CannedResponse,
    clock::{Participant, VirtualClock},
    expect::Expect,
    fake::{
        ApiCall, ApiReport, ApiResponse, ClientIdRule, FakeApi, FakeAuthServer,
        FakeAuthServerBuilder, FakeDpop, Fault, Knowledge, NonceRule, Replay, Revocation,
        RevokedBecause, Revokes, Rotation, ServerReport, Wording,
    },
    jwt::DecodedJwt,
    recorded::RecordedRequest,
    script::Script,
};
