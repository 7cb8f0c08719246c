//! Tests and benchmarks that judge the workspace from outside.
//!
//! What several of them share: a refresh in either world, traced; the kinds of
//! outcome that there are; small deterministic chance.

mod chance;
mod kinds;
mod sans_io;
mod world;

pub use crate::{
    chance::Chance,
    kinds::{Expected, OutcomeKind},
    sans_io::{refresh_without_io, token_response},
    world::{Trace, World, endpoint},
};

/// The libraries that are published.
pub const LIBRARIES: [&str; 13] = [
    "auth-core",
    "auth-tls",
    "auth-reqwest",
    "auth-ureq",
    "auth-accounts",
    "auth-pool",
    "auth-store",
    "auth-store-agents",
    "auth-sign",
    "auth-tower",
    "auth-testkit",
    "auth-conformance",
    "fault-server",
];

/// The README's examples, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
