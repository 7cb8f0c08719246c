//! The cases. Each has accounts of its own, so that one place serves them all.

mod errors;
mod leases;
mod lists;
mod records;
mod removals;

use std::{future::Future, pin::Pin};

use super::subject::Subject;

pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) does: &'static str,
    pub(super) run: for<'a> fn(&'a Subject) -> Running<'a>,
}

type Running<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

macro_rules! cases {
    ($($module:ident::$name:ident: $does:literal,)*) => {
        pub(super) const CASES: &[Case] = &[$(Case {
            name: stringify!($name),
            does: $does,
            run: |subject| Box::pin($module::$name(subject)),
        }),*];
    };
}

cases! {
    records::nothing_there: "an account that was never saved has no record",
    records::round_trip: "what was saved is loaded, every member of it, with its version",
    records::set_up: "the set-up that a login brought is kept whole, or refused",
    records::version_of_equals: "saving the same record again makes a new version",
    records::create_once: "an existing record is not replaced by a new one",
    records::stale_version: "a stale version is refused, and changes nothing",
    records::version_of_nothing: "a version is refused if there is no record",
    records::create_race: "of many that create a record, one succeeds",
    records::counting: "many that load and save lose no update",
    records::odd_names: "accounts with unusual names are kept apart",
    records::durable: "what was saved is there when the store is opened again",
    removals::remove_gone: "what was removed is gone, also when the store is opened again",
    removals::remove_stale: "another version than the stored one removes nothing",
    removals::remove_nothing: "what is not there cannot be removed",
    removals::remove_and_save: "after a removal and a save no version of before is accepted",
    removals::remove_apart: "a removal leaves the records of other accounts",
    removals::remove_race: "of many that remove or replace a version, one succeeds",
    removals::remove_and_lease: "removing needs no lease, and leaves it to its holder",
    lists::list_order: "all that have a record are listed once, in order, in pages of any size",
    lists::list_after: "a page begins after the name that is given, whether it has a record or not",
    lists::list_current: "what has only a lease, or was removed, is not listed",
    lists::list_odd_names: "accounts with unusual names are listed by these names",
    leases::lease_exclusive: "a lease that is held is refused, and is free when dropped",
    leases::lease_apart: "leases of different accounts are independent",
    leases::lease_yields: "waiting for a lease does not block the thread (async stores)",
    leases::lease_waits: "a waiter gets the lease when it is freed",
    leases::lease_given_up: "a waiter that gives up leaves no lease behind",
    leases::lease_contention: "of many that want the lease, one at a time holds it",
    leases::lease_and_save: "saving needs no lease, and a lease makes no record",
    leases::lease_extended: "a lease that is extended is still held, and is free when dropped",
    leases::lease_made_anew: "a lease that was extended and freed is not said to be made anew",
    leases::lease_of_the_dead: "a lease ends with the process that holds it",
    errors::damaged: "a damaged record is listed, is an error for load, save and remove, and is left as it is",
    errors::damaged_replaced: "whoever expects the version of a damaged record has it moved aside, by compare-and-swap",
    errors::silent: "no error contains a token",
}
