//! A model of an authorization server, in process and on a socket.

mod api;
mod builder;
mod decision;
mod fault;
#[cfg(feature = "server")]
mod http;
mod ledger;
mod model;
mod proofs;
mod report;
mod server;
mod settings;
mod split_mix;
mod transport;
mod wording;

#[cfg(feature = "server")]
pub use self::http::{ListeningApi, ListeningAuthServer};
pub use self::{
    api::{ApiCall, ApiReport, ApiResponse, FakeApi},
    builder::FakeAuthServerBuilder,
    fault::Fault,
    proofs::{FakeDpop, NonceRule},
    report::{Knowledge, Replay, Revocation, RevokedBecause, ServerReport},
    server::FakeAuthServer,
    settings::{ClientIdRule, Revokes, Rotation},
    wording::Wording,
};

#[cfg(test)]
mod tests;
