//! The cases. Each has accounts of its own, so that one place serves them all.

mod errors;
mod leases;
mod records;

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
    records::version_of_equals: "saving the same again makes another version",
    records::create_once: "a record is not created over another",
    records::stale_version: "an old version is refused, and changes nothing",
    records::version_of_nothing: "a version is refused where there is no record",
    records::create_race: "of many that create a record, one succeeds",
    records::counting: "many that load and save lose nothing of each other's",
    records::odd_names: "accounts of any name are kept apart",
    records::durable: "what was saved is there for whoever opens the store anew",
    leases::lease_exclusive: "a lease that is held is refused, and free when dropped",
    leases::lease_apart: "leases of different accounts have nothing to do with each other",
    leases::lease_waits: "who waits for a lease gets it when it is freed",
    leases::lease_given_up: "who gives up waiting leaves no lease behind",
    leases::lease_contention: "of many that want the lease, one at a time has it",
    leases::lease_and_save: "saving needs no lease, and a lease makes no record",
    leases::lease_of_the_dead: "a lease ends with the process that holds it",
    errors::damaged: "what cannot be read is an error for load and save, and left alone",
    errors::silent: "no error holds a token",
}
