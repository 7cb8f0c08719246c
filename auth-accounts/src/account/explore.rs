//! Every interleaving of two processes that share an account, and not a sample
//! of them, with a crash at any step and one fault of the network and of the
//! store, each of every kind.
//!
//! The account is the real one, from `token()` down. What it asks of store and
//! transport is put before the search, which goes on once with each thing that
//! may come of it. An account is a function of what it was given, so that a
//! state of the search holds no account but a number for what one was given so
//! far ([`process`]); the rest of a state is plain data ([`world`]), and whoever
//! comes upon one that was seen before turns back ([`search`]).
//!
//! # Bounds
//!
//! - Two processes. Each calls twice, or once more after a crash. The old token
//!   is valid for 5 s more, too short to be handed out without a refresh.
//! - One crash, or one caller that is dropped while its process lives: before
//!   an operation, or after it took effect. A process may also crash between two
//!   calls.
//! - One fault of the network: not sent; cut off before or after the server has
//!   done its work; a 503 instead of that, or a 502 in front of it; half a
//!   response; a firewall's page; a 429.
//! - One fault of the store: a load, a lease, or a save that fails; a lease that
//!   is not free in time; a save that took effect and is said to have failed.
//! - Waits between attempts take no time. Twice, when nobody is calling, 10 s
//!   pass. Whoever waits for a lease that an idle process keeps waits in vain.
//! - There is one caller for each process: the stories in `tests/processes` have
//!   more.
//!
//! In every state in which nobody is calling, it is also tried whether all comes
//! to a good end from there on without a fault.

mod desk;
mod process;
mod promises;
mod search;
mod state;
mod world;

use self::{desk::Call, search::explore, state::Bounds, world::Rotation};

const BOUNDS: Bounds = Bounds { ends: 1, network: 1, store: 1, ticks: 2, calls: 2 };

#[test]
fn every_interleaving_at_a_strict_server() {
    explore("strict", Rotation::Strict, [Call::Token, Call::Token], BOUNDS);
}

#[test]
fn every_interleaving_at_a_server_with_grace() {
    explore("grace", Rotation::Grace, [Call::Token, Call::Token], BOUNDS);
}

/// One of the two has a new login first.
#[test]
fn every_interleaving_with_a_login() {
    explore("login", Rotation::Strict, [Call::LogIn, Call::Token], BOUNDS);
}

impl super::Account {
    /// All that an account without callers remembers.
    fn remembers(&self) -> String {
        let memory = self.0.memory();
        let unsaved = memory.unsaved.as_ref().map(|unsaved| unsaved.tell());
        let refused = memory.refused.as_ref().map(|refused| refused.token.expose());
        let cached = self.0.cached.load();
        let past = memory.past.tell();
        let cached = cached.as_ref().map(|cached| cached.tell());
        let login = memory.login;
        format!("{unsaved:?} {refused:?} {login:?} {past} {cached:?}")
    }
}
