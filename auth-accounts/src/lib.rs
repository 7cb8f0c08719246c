//! One OAuth 2.0 account over time, and many: cached token, single flight, durable rotation

mod id;
mod record;
mod store;

pub use crate::{
    id::AccountId,
    record::{Begun, Fingerprint, Record, RecordFormError, Setback, record_exposed},
    store::{
        BlockingTokenStore, Lease, MemoryStore, StoreError, StoreErrorKind, TokenStore, Version,
    },
};
