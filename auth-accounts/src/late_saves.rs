//! Accounts whose tokens are in memory only, and when it is tried again to save
//! those of each.
//!
//! - The distance between two tries doubles, from a quarter of a second to half a
//!   minute. The actual one is random, between half of that and all of it. Where the
//!   store has no place for them, it doubles to an hour: that may never change.
//! - A try comes shortly before the lease goes that is kept with the tokens.
//! - No more than [`AT_ONCE`] are tried at the same time. When so many in a row have
//!   failed, all rest for a second: the store is what is broken, and a hundred
//!   thousand accounts are no reason to ask it more often.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::{Duration, Instant},
};

use crate::{due::Due, id::AccountId};

/// How many are tried at the same time, and may fail in a row.
pub(crate) const AT_ONCE: usize = 16;

/// The first distance.
const FIRST: Duration = Duration::from_millis(250);

/// The longest one.
pub(crate) const LONGEST: Duration = Duration::from_secs(30);

/// The longest one between tries to save what the store has no place for.
pub(crate) const LONGEST_IF_UNFIT: Duration = Duration::from_secs(3600);

/// How long before the lease goes it is tried once more.
const BEFORE_THE_END: Duration = Duration::from_secs(1);

/// How long all rest when the store is broken.
const REST: Duration = Duration::from_secs(1);

/// Accounts, and when each is tried again. `A` leads to an account.
pub(crate) struct LateSaves<A> {
    entries: HashMap<AccountId, Entry<A>>,
    /// Those that are not being tried.
    due: Due<AccountId, Instant>,
    failed_in_a_row: usize,
    rest_until: Option<Instant>,
    /// Whether somebody sees to them.
    seen_to: bool,
    /// Whether whoever does has to look again, and how to wake it.
    news: bool,
    waker: Option<Waker>,
    closed: bool,
}

struct Entry<A> {
    account: A,
    /// How often it was tried.
    tries: u32,
    /// When it is tried next, or was to be tried that is being tried.
    at: Instant,
}

/// What there is to do for whoever sees to them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<A> {
    Try(AccountId, A),
    /// Nothing before this time; `None` is until a try has ended.
    Wait(Option<Instant>),
    /// Nothing, and nobody sees to them any more.
    Over,
}

impl<A: Clone> LateSaves<A> {
    /// Puts in an account, unless it is there. Returns whether whoever does that has
    /// to see to them from now on.
    pub(crate) fn put(&mut self, id: &AccountId, account: A, now: Instant, random: f64) -> bool {
        if self.closed {
            return false;
        }
        if let Some(entry) = self.entries.get_mut(id) {
            // It may be another one under the same name, after the first was dropped.
            entry.account = account;
        } else {
            let at = now + distance(0, LONGEST, random);
            self.entries.insert(id.clone(), Entry { account, tries: 0, at });
            self.news |= self.due.next_at().is_none_or(|first| at < first);
            self.due.put(id.clone(), at);
        }
        !std::mem::replace(&mut self.seen_to, true)
    }

    /// What there is to do, while so many are being tried.
    pub(crate) fn next(&mut self, now: Instant, under_way: usize) -> Next<A> {
        if self.entries.is_empty() && under_way == 0 {
            self.seen_to = false;
            return Next::Over;
        }
        if under_way >= AT_ONCE {
            return Next::Wait(None);
        }
        if let Some(until) = self.rest_until.filter(|until| now < *until) {
            return Next::Wait(Some(until));
        }
        let due = self.due.take(now);
        match due.and_then(|id| Some((self.entries.get(&id)?.account.clone(), id))) {
            Some((account, id)) => Next::Try(id, account),
            None => Next::Wait(self.due.next_at()),
        }
    }

    /// It could not be saved. It is tried again after `longest` at the latest.
    /// `lease_ends` is when the lease goes, if one is kept.
    pub(crate) fn failed(
        &mut self,
        id: &AccountId,
        now: Instant,
        longest: Duration,
        lease_ends: Option<Instant>,
        random: f64,
    ) {
        self.failed_in_a_row += 1;
        if self.failed_in_a_row >= AT_ONCE {
            self.failed_in_a_row = 0;
            self.rest_until = Some(now + REST);
        }
        let Some(entry) = self.entries.get_mut(id) else { return };
        entry.tries = entry.tries.saturating_add(1);
        let usual = now + distance(entry.tries, longest, random);
        let last = lease_ends.and_then(|ends| ends.checked_sub(BEFORE_THE_END));
        entry.at = last.filter(|last| *last > now).map_or(usual, |last| usual.min(last));
        self.due.put(id.clone(), entry.at);
    }

    /// It has nothing more to be saved. `saved` is whether the store works.
    pub(crate) fn forget(&mut self, id: &AccountId, saved: bool) {
        if saved {
            self.failed_in_a_row = 0;
        }
        self.entries.remove(id);
    }

    /// How often it was tried.
    pub(crate) fn tries(&self, id: &AccountId) -> u32 {
        self.entries.get(id).map_or(0, |entry| entry.tries)
    }

    /// Whoever has seen to them does so no more. What was being tried is due again.
    pub(crate) fn abandon(&mut self) {
        self.seen_to = false;
        self.due = Due::default();
        for (id, entry) in &self.entries {
            self.due.put(id.clone(), entry.at);
        }
    }

    /// Forgets all of them, and takes no more.
    fn close(&mut self) {
        self.closed = true;
        self.news = true;
        self.entries.clear();
        self.due = Due::default();
    }

    /// Whether there is something new to be looked at. If not, `waker` is woken
    /// when there is.
    pub(crate) fn is_news(&mut self, waker: &Waker) -> bool {
        self.waker = Some(waker.clone());
        std::mem::take(&mut self.news)
    }

    /// Who is to be woken, with no lock held.
    #[must_use = "it sleeps too long otherwise"]
    pub(crate) fn waker_for_news(&mut self) -> Option<Waker> {
        if self.news { self.waker.take() } else { None }
    }
}

/// How long after try number `tries` the next one is.
fn distance(tries: u32, longest: Duration, random: f64) -> Duration {
    let longest = FIRST.saturating_mul(2_u32.saturating_pow(tries)).min(longest);
    longest / 2 + (longest / 2).mul_f64(random)
}

impl<A> Default for LateSaves<A> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            due: Due::default(),
            failed_in_a_row: 0,
            rest_until: None,
            seen_to: false,
            news: false,
            waker: None,
            closed: false,
        }
    }
}

/// The same, for all who share it.
pub(crate) struct SharedLateSaves<A>(Mutex<LateSaves<A>>);

impl<A: Clone> SharedLateSaves<A> {
    pub(crate) fn lock(&self) -> MutexGuard<'_, LateSaves<A>> {
        // No panic can happen while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever sees to them looks again, if there is something new.
    pub(crate) fn tell(&self) {
        let waker = self.lock().waker_for_news();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Forgets all of them, and takes no more.
    pub(crate) fn end(&self) {
        self.lock().close();
        self.tell();
    }
}

impl<A> Default for SharedLateSaves<A> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_distance_doubles_up_to_half_a_minute() {
        let distances: Vec<_> =
            (0..10).map(|tries| distance(tries, LONGEST, 1.0).as_millis()).collect();
        assert_eq!(
            distances,
            [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]
        );
        assert_eq!(distance(0, LONGEST, 0.0), ms(125));
        assert_eq!(distance(u32::MAX, LONGEST, 0.5), ms(22_500));
        assert_eq!(distance(u32::MAX, LONGEST_IF_UNFIT, 1.0), Duration::from_secs(3600));
    }

    #[test]
    fn one_after_the_other_until_nothing_is_left() {
        let mut saves = LateSaves::default();
        let start = Instant::now();
        assert!(saves.put(&"ada".into(), 1, start, 1.0), "the first one has to see to it");
        assert!(!saves.put(&"bob".into(), 2, start + ms(100), 1.0));
        assert!(!saves.put(&"ada".into(), 3, start + ms(100), 0.0), "it is there already");
        assert_eq!(saves.next(start, 0), Next::Wait(Some(start + ms(250))));
        assert_eq!(saves.next(start + ms(250), 0), Next::Try("ada".into(), 3));
        assert_eq!(saves.next(start + ms(250), 1), Next::Wait(Some(start + ms(350))));
        saves.failed(&"ada".into(), start + ms(300), LONGEST, None, 1.0);
        assert_eq!(saves.tries(&"ada".into()), 1);
        assert_eq!(saves.next(start + ms(350), 0), Next::Try("bob".into(), 2));
        saves.forget(&"bob".into(), true);
        assert_eq!(saves.next(start + ms(400), 0), Next::Wait(Some(start + ms(800))));
        assert_eq!(saves.next(start + ms(800), 0), Next::Try("ada".into(), 3));
        assert_eq!(saves.next(start + ms(900), 1), Next::Wait(None));
        saves.forget(&"ada".into(), false);
        assert_eq!(saves.next(start + ms(900), 1), Next::Wait(None), "one is not over yet");
        assert_eq!(saves.next(start + ms(900), 0), Next::Over);
        assert!(saves.put(&"ada".into(), 1, start, 1.0), "nobody sees to it any more");
    }

    #[test]
    fn it_is_tried_before_the_lease_goes() {
        let start = Instant::now();
        for (ends, expected) in [
            (None, 500),
            (Some(60_000), 500),
            (Some(1_500), 500),
            (Some(1_200), 200),
            // It goes in a moment, or is gone.
            (Some(1_000), 500),
            (Some(500), 500),
            (Some(0), 500),
        ] {
            let mut saves = LateSaves::default();
            saves.put(&"ada".into(), (), start, 1.0);
            let now = start + ms(250);
            assert!(matches!(saves.next(now, 0), Next::Try(..)));
            saves.failed(&"ada".into(), now, LONGEST, ends.map(|ends| now + ms(ends)), 1.0);
            assert_eq!(saves.next(now, 0), Next::Wait(Some(now + ms(expected))), "{ends:?}");
        }
    }

    /// All of them at once, as after a full disk.
    #[test]
    fn a_broken_store_is_asked_for_a_few_at_a_time() {
        let mut saves = LateSaves::default();
        let start = Instant::now();
        for number in 0..100_000 {
            saves.put(&number.to_string().into(), (), start, 0.0);
        }
        let mut now = start + Duration::from_secs(3_600);
        let mut asked = 0;
        for _ in 0..10 {
            let mut under_way = Vec::new();
            let rest = loop {
                match saves.next(now, under_way.len()) {
                    Next::Try(id, ()) => under_way.push(id),
                    Next::Wait(None) => {
                        assert_eq!(under_way.len(), AT_ONCE);
                        asked += under_way.len();
                        for id in under_way.drain(..) {
                            saves.failed(&id, now, LONGEST, None, 1.0);
                        }
                    }
                    Next::Wait(Some(at)) => break at,
                    Next::Over => panic!("it is not"),
                }
            };
            assert_eq!(rest, now + REST);
            now = rest;
        }
        assert_eq!(asked, 10 * AT_ONCE);
        // It works again: all of them, without a rest.
        let mut saved = 0;
        while let Next::Try(id, ()) = saves.next(now, 0) {
            saves.forget(&id, true);
            saved += 1;
        }
        assert_eq!(saved, 100_000);
    }

    #[test]
    fn what_was_being_tried_is_due_when_whoever_did_it_is_gone() {
        let mut saves = LateSaves::default();
        let start = Instant::now();
        saves.put(&"ada".into(), 1, start, 1.0);
        assert_eq!(saves.next(start + ms(250), 0), Next::Try("ada".into(), 1));
        saves.abandon();
        assert!(saves.put(&"bob".into(), 2, start + ms(250), 1.0));
        assert_eq!(saves.next(start + ms(250), 0), Next::Try("ada".into(), 1));
    }

    #[test]
    fn after_the_end_there_is_nothing() {
        let mut saves = LateSaves::default();
        let start = Instant::now();
        saves.put(&"ada".into(), 1, start, 1.0);
        assert!(saves.is_news(Waker::noop()) && !saves.is_news(Waker::noop()));
        saves.close();
        assert!(saves.waker_for_news().is_some() && saves.is_news(Waker::noop()));
        saves.failed(&"ada".into(), start, LONGEST, None, 1.0);
        assert_eq!(saves.next(start + LONGEST, 0), Next::Over);
        assert!(!saves.put(&"ada".into(), 1, start, 1.0));
        assert_eq!(saves.next(start + LONGEST, 0), Next::Over);
    }
}
