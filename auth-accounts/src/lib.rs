#![doc = include_str!("../docs/crate.md")]

mod account;
mod accounts;
mod blocking;
mod error;
mod events;
mod flight;
mod id;
mod lifetime;
mod record;
mod refresh;
mod setback;
mod settings;
mod status;
mod store;
mod sync;
mod token;

pub use crate::{
    account::{Account, DueCheck},
    accounts::Accounts,
    blocking::{BlockingAccount, BlockingAccounts, KeepFresh},
    error::{AccountError, Reason},
    id::AccountId,
    lifetime::CLOCK_JUMP,
    record::{
        Begun, Fingerprint, FingerprintError, Record, RecordFormError, Setback, record_exposed,
    },
    settings::Settings,
    status::{AccountStatus, SetbackStatus},
    store::{
        BlockingTokenStore, Lease, MemoryStore, StoreError, StoreErrorKind, TokenStore, Version,
    },
    token::Token,
};
