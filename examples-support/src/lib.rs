//! What the examples `refresh` and `refresh_blocking` share: everything but
//! the refresh itself, which is what they are to show.
//!
//! 1. [`Plan::new`] reads the arguments and the environment.
//! 2. [`Plan::recording`] wraps a transport and a clock of either world, so
//!    that each attempt and each wait comes to the timeline as it happens.
//! 3. [`Plan::finish`] says what came of it, and with which status to exit.
//!
//! [`checks`] holds the examples to what they promise.

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
