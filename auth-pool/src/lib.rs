#![doc = include_str!("../docs/crate.md")]

// The layers of this crate, lowest first. A module uses modules of its own line and of lines above it.
// layer: index settings
// layer: availability due refusals sticky
// layer: state error
// layer: shared
// layer: round token outcome
// layer: pool
// layer: blocking
// layer: calls
mod availability;
mod blocking;
mod calls;
mod due;
mod error;
mod index;
mod outcome;
mod pool;
mod refusals;
mod round;
mod settings;
mod shared;
mod state;
mod sticky;
mod token;

pub use auth_accounts;
/// What [`AccountPool::refresh_due`] did.
pub use auth_accounts::DueRefreshes;
pub use http;

pub use crate::{
    blocking::BlockingAccountPool,
    calls::PoolSession,
    error::PoolError,
    outcome::ReportOutcome,
    pool::AccountPool,
    settings::{PoolSettings, Routing},
    token::PoolToken,
};
