//! A model of an authorization server, in process and on a socket.

mod builder;
mod dressing;
mod fault;
#[cfg(feature = "server")]
mod http;
mod ledger;
mod model;
mod report;
mod server;
mod settings;
mod split_mix;
mod transport;

#[cfg(feature = "server")]
pub use self::http::ListeningAuthServer;
pub use self::{
    builder::FakeAuthServerBuilder,
    dressing::Dressing,
    fault::Fault,
    report::{Knowledge, Replay, Revocation, RevokedBecause, ServerReport},
    server::FakeAuthServer,
    settings::Rotation,
};

#[cfg(test)]
mod tests;
