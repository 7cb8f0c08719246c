#![doc = include_str!("../docs/crate.md")]
#![cfg_attr(feature = "transport", doc = include_str!("../docs/transports.md"))]
#![cfg_attr(feature = "store", doc = include_str!("../docs/stores.md"))]

// The layers of this crate, lowest first. A module uses modules of its own line and of lines above it.
// layer: report settings watchdog
// layer: case
// layer: cases judge
// layer: process
// layer: store suite
#[cfg(feature = "transport")]
mod case;
#[cfg(feature = "transport")]
mod cases;
#[cfg(feature = "transport")]
mod judge;
#[cfg(all(unix, feature = "transport"))]
mod process;
mod report;
#[cfg(feature = "transport")]
mod settings;
#[cfg(feature = "store")]
mod store;
#[cfg(feature = "transport")]
mod suite;
#[cfg(feature = "transport")]
mod watchdog;

#[cfg(doc)]
use auth_core::{BlockingTransport, Transport};

pub use self::report::{CaseReport, CaseResult, SuiteReport};
#[cfg(feature = "store")]
pub use self::store::{BlockingStoreSuite, Damage, StoreSuite, blocking_store, store, store_cases};
#[cfg(feature = "transport")]
pub use self::{
    settings::TransportSettings,
    suite::{
        BlockingTransportSuite, TransportSuite, blocking_transport, transport, transport_cases,
    },
};
