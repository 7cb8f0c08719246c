//! What a scenario has counted so far. It is there after a panic too.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{counts::Counts, proxy::Proxy};

#[derive(Default)]
pub(crate) struct Tally(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// Sessions that were reported as over, by the server's name for them, and
    /// whether the server would have gone on with them. Each counts once,
    /// however often it is reported.
    over: BTreeMap<String, bool>,
    /// Refreshes that passed by the proxies.
    refreshes: u64,
    proxies: Vec<Proxy>,
    notes: Vec<String>,
}

impl Tally {
    /// What passes there counts.
    pub(crate) fn watch(&self, proxy: &Proxy) {
        self.inner().proxies.push(proxy.clone());
    }

    /// The client says that this session is over; the server was asked whether
    /// it `lives`. Once a false logout, it stays one.
    pub(crate) fn logged_out(&self, family: &str, lives: bool) {
        *self.inner().over.entry(family.to_owned()).or_default() |= lives;
    }

    /// Refreshes at a server that no proxy of the suite stands before.
    pub(crate) fn refreshed(&self, refreshes: u64) {
        self.inner().refreshes += refreshes;
    }

    /// Something to print with the counts.
    pub(crate) fn note(&self, note: &str) {
        self.inner().notes.push(note.to_owned());
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        self.inner().notes.clone()
    }

    pub(crate) fn counts(&self) -> Counts {
        let inner = self.inner();
        let false_logouts = inner.over.values().filter(|lives| **lives).count() as u64;
        let mut counts = Counts {
            refreshes: inner.refreshes,
            false_logouts,
            unavoidable_logouts: inner.over.len() as u64 - false_logouts,
            ..Counts::default()
        };
        for uses in inner.proxies.iter().map(Proxy::uses) {
            counts.refreshes += uses.refreshes;
            counts.avoidable_replays += uses.avoidable_replays;
            counts.unavoidable_replays += uses.unavoidable_replays;
        }
        counts
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_counts_once() {
        let tally = Tally::default();
        for (family, lives) in [("a", false), ("a", false), ("b", true), ("b", false)] {
            tally.logged_out(family, lives);
        }
        let counts = tally.counts();
        assert_eq!((counts.false_logouts, counts.unavoidable_logouts), (1, 1));
    }
}
