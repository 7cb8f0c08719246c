//! What the examples `refresh` and `refresh_blocking` share: everything but the
//! refresh itself.
//!
//! 1. [`Plan::new`] reads the arguments and the environment.
//! 2. [`Plan::recording`] wraps an async or blocking transport or clock, so that
//!    the timeline shows each attempt and each wait as it happens.
//! 3. [`Plan::finish`] prints the outcome and returns the exit status.
//!
//! [`checks`] holds the tests of the examples.

// The layers of this crate, lowest first. A module uses modules of its own line and of lines above it.
// layer: args timeline
// layer: outcome recording
// layer: plan
// layer: checks -- runs the examples as programs
mod args;
pub mod checks;
mod outcome;
mod plan;
mod recording;
mod timeline;

pub use crate::{
    args::USAGE,
    plan::{BadUsage, Plan},
    recording::Recording,
};
