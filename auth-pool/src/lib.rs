#![doc = include_str!("../docs/crate.md")]

mod availability;
mod blocking;
mod due;
mod error;
mod pool;
mod refusals;
mod settings;
mod sticky;
mod token;

pub use crate::{
    blocking::BlockingAccountPool,
    error::PoolError,
    pool::AccountPool,
    settings::{PoolSettings, Routing},
    token::{PoolToken, Refreshed, ReportOutcome},
};

/// Where an account stands in the order.
type Index = u32;
