//! Whether a transport or a token store that somebody wrote keeps its promises,
//! in one call that reports every case.
#![cfg_attr(feature = "server", doc = include_str!("../../docs/conformance.md"))]
#![cfg_attr(feature = "accounts", doc = include_str!("../../docs/accounts.md"))]

#[cfg(feature = "server")]
mod case;
#[cfg(feature = "server")]
mod cases;
#[cfg(feature = "server")]
mod judge;
mod report;
#[cfg(feature = "server")]
mod settings;
#[cfg(feature = "accounts")]
mod store;
#[cfg(feature = "server")]
mod suite;
#[cfg(feature = "server")]
mod watchdog;

#[cfg(doc)]
use auth_core::{BlockingTransport, Transport};

pub use self::report::{CaseReport, CaseResult, SuiteReport};
#[cfg(feature = "accounts")]
pub use self::store::{BlockingStoreSuite, Damage, StoreSuite, blocking_store, store, store_cases};
#[cfg(feature = "server")]
pub use self::{
    settings::Settings,
    suite::{AsyncSuite, BlockingSuite, blocking_transport, cases, transport},
};
