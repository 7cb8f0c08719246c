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

/// The README's examples, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
