//! A state of the search, and what may happen next.

use super::{
    desk::Call,
    process::Place,
    world::{Server, Store},
};
use crate::StoreErrorKind;

/// How much may go wrong, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Bounds {
    /// Crashes of a process, and callers that are dropped.
    pub(super) ends: u8,
    pub(super) network: u8,
    pub(super) store: u8,
    pub(super) ticks: u8,
    /// Of each process.
    pub(super) calls: u8,
}

pub(super) const PROCESSES: usize = 2;

/// How long a tick is, in seconds: longer than any setback of one failure.
pub(super) const TICK: u32 = 10;

/// A state of the search.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub(super) now: u32,
    pub(super) server: Server,
    pub(super) store: Store,
    pub(super) processes: [Process; PROCESSES],
    pub(super) left: Bounds,
    /// Whether tokens were lost for good: in a response, or with a process.
    pub(super) lost: bool,
    /// Whether a login was reported done by a process that still lives, or is
    /// on record.
    pub(super) logged_in: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Process {
    pub(super) place: Place,
    pub(super) calls: u8,
    pub(super) first: Call,
    /// Whether an attempt may have spent the token, and it has not looked at
    /// the store since.
    pub(super) unread: bool,
}

/// What happens next.
#[derive(Debug, Clone)]
pub(super) enum Event {
    Goes(usize, How),
    Crashes {
        process: usize,
        after: bool,
    },
    /// Its caller is dropped, and it lives.
    Drops {
        process: usize,
        after: bool,
    },
    Tick,
}

#[derive(Debug, Clone)]
pub(super) enum How {
    Well,
    /// The lease is not free in time, and no wonder.
    InVain,
    Network(Fault),
    Store(StoreErrorKind),
    /// The save takes effect and is said to have failed.
    SavedAndFailed,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    NotSent,
    LostBefore,
    LostAfter,
    HalfAfter,
    StatusBefore(u16),
    StatusAfter(u16),
}

pub(super) const FAULTS: [Fault; 8] = [
    Fault::NotSent,
    Fault::LostBefore,
    Fault::LostAfter,
    Fault::HalfAfter,
    Fault::StatusBefore(503),
    Fault::StatusBefore(403),
    Fault::StatusBefore(429),
    Fault::StatusAfter(502),
];
