#![doc = include_str!("../docs/crate.md")]

// By layers, the lowest first. A module imports from those above it in this
// list, and never from one below.

// Values, and what is stored.
mod id;
mod lifetime;
mod record;
mod record_form;
mod settings;

// Stores.
mod memory_store;
mod store;
mod store_error;

// What callers get.
mod error;
mod status;
mod token;

// What the machines know.
mod held_lease;
mod known;
mod unsaved;

// What accounts share.
mod context;
mod events;
mod outcome;
mod setback;
mod shared;
mod single_flight;
mod sync;

// The machines, without I/O.
mod login;
mod refresh;

// The API.
mod account;
mod accounts;
mod blocking;

pub use crate::{
    account::{Account, keep_fresh::DueCheck},
    accounts::Accounts,
    blocking::{BlockingAccount, BlockingAccounts, KeepFresh},
    error::{AccountError, Reason},
    id::AccountId,
    lifetime::CLOCK_JUMP,
    memory_store::MemoryStore,
    record::{Begun, Fingerprint, FingerprintError, Record, Setback},
    record_form::{RecordFormError, record_exposed},
    settings::Settings,
    status::{AccountStatus, SetbackStatus},
    store::{BlockingTokenStore, Lease, TokenStore, Version},
    store_error::{StoreError, StoreErrorKind},
    token::Token,
};
