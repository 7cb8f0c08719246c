#![doc = include_str!("../docs/crate.md")]

// The layers of this crate, lowest first. A module uses modules of its own line
// and of lines above it.
// layer: id version registration set_up record further record_form settings seen dates lifetime refusals new_login -- values, and what is stored
// layer: store_error store memory_store off_thread behind_async silence repeats -- stores
// layer: state error account_event due_refreshes token status closed logout_report -- what callers get
// layer: counters told watch -- what others are told
// layer: due roster late_saves -- which accounts are looked at, and when
// layer: sync single_flight binding shared -- what callers and accounts share
// layer: past held_lease unsaved known -- what is known of a record
// layer: setback standing context outcome events -- what a refresh or a login ends with
// layer: login logout refresh -- the machines, without I/O
// layer: account -- one account: does what the machines say
// layer: checks -- of many accounts
// layer: accounts blocking -- where accounts come from
// layer: calls -- requests that carry a token
// layer: internal -- what a pool shares
mod account;
mod account_event;
mod accounts;
mod behind_async;
mod binding;
mod blocking;
pub mod calls;
mod checks;
mod closed;
mod context;
mod counters;
mod dates;
mod due;
mod due_refreshes;
mod error;
mod events;
mod further;
mod held_lease;
mod id;
mod known;
mod late_saves;
mod lifetime;
mod login;
mod logout;
mod logout_report;
mod memory_store;
mod new_login;
mod off_thread;
mod outcome;
mod past;
mod record;
mod record_form;
mod refresh;
mod refusals;
mod registration;
mod repeats;
mod roster;
mod seen;
mod set_up;
mod setback;
mod settings;
mod shared;
mod silence;
mod single_flight;
mod standing;
mod state;
mod status;
pub mod store;
mod store_error;
mod sync;
mod token;
mod told;
mod unsaved;
mod version;
mod watch;

/// Its types appear in this crate's API.
pub use auth_core;
/// Its types appear in this crate's API.
pub use http;

#[cfg(feature = "metrics")]
pub use crate::counters::describe_metrics;
pub use crate::{
    account::{Account, keep_fresh::DueCheck},
    account_event::{AccountEvent, EventKind},
    accounts::Accounts,
    blocking::{BlockingAccount, BlockingAccounts, KeepFresh},
    closed::{Closed, Unfinished, WhyUnfinished},
    due_refreshes::DueRefreshes,
    error::{AccountError, Reason},
    id::AccountId,
    logout_report::{Logout, Revocation},
    memory_store::MemoryStore,
    new_login::Login,
    registration::Registration,
    seen::CLOCK_JUMP,
    settings::Settings,
    state::AccountState,
    status::{AccountStatus, FurtherStatus, SetbackStatus, StatusPage},
    store_error::{StoreError, StoreErrorKind},
    token::{Authorization, AuthorizationError, Token},
};

/// What `auth-pool`, `auth-store` and `auth-conformance` share with this crate. It is
/// not part of the interface, and may change with any version.
#[doc(hidden)]
pub mod internal {
    pub use crate::{
        behind_async::Blocking,
        checks::{Queue, refresh_each},
        due::Due,
        off_thread::{Job, Key, OffThread},
    };
}
