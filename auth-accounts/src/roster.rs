//! The accounts that a store has, and when each is checked.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use crate::{due::Due, id::AccountId, seen::in_the_future};

/// How soon the store's list is read again, at the earliest.
const LIST_EVERY: Duration = Duration::from_secs(60);

/// The list is read for at most one part of so many of the time.
const PARTS: u32 = 20;

/// What is kept of each account is its name and a time.
#[derive(Default)]
pub(crate) struct Roster {
    /// When each is checked next. `None` while it is.
    next: BTreeMap<AccountId, Option<SystemTime>>,
    due: Due<AccountId>,
    list_again: Option<Instant>,
    /// The latest time at which anything was taken out.
    seen: Option<SystemTime>,
}

/// The roster that clones of [`Accounts`](crate::Accounts) share. Accounts that
/// are set up otherwise have their own.
#[derive(Default)]
pub(crate) struct SharedRoster(Mutex<Roster>);

impl SharedRoster {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Roster> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clone for SharedRoster {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Roster {
    /// Whether the store's list is to be read. Who is told so reads it.
    pub(crate) fn is_outdated(&mut self, now: Instant) -> bool {
        let is_outdated = self.list_again.is_none_or(|at| at <= now);
        if is_outdated {
            self.list_again = Some(now + LIST_EVERY);
        }
        is_outdated
    }

    /// The list has been read, from `began` to `now`.
    pub(crate) fn listed(&mut self, began: Instant, now: Instant) {
        let took = now.saturating_duration_since(began);
        self.list_again = Some(now + LIST_EVERY.max(took.saturating_mul(PARTS)));
    }

    /// A page of the list was read, in ascending order: what comes after `after`.
    /// An empty one is the end. Those that are new are checked at the time that
    /// `first` says, and those that are gone never again.
    pub(crate) fn read(
        &mut self,
        after: Option<&AccountId>,
        page: &[AccountId],
        first: impl Fn(&AccountId) -> SystemTime,
    ) {
        let lower = after.map_or(Bound::Unbounded, Bound::Excluded);
        let upper = page.last().map_or(Bound::Unbounded, Bound::Included);
        let is_gone = |id: &&AccountId| page.binary_search(id).is_err();
        let gone: Vec<_> = match (after, page.last()) {
            // An order that is none must not panic.
            (Some(after), Some(last)) if after >= last => Vec::new(),
            _ => self
                .next
                .range::<AccountId, _>((lower, upper))
                .map(|(id, _)| id)
                .filter(is_gone)
                .cloned()
                .collect(),
        };
        for id in gone {
            if let Some(Some(at)) = self.next.remove(&id) {
                self.due.remove(id, at);
            }
        }
        for id in page {
            if !self.next.contains_key(id) {
                let at = first(id);
                self.next.insert(id.clone(), Some(at));
                self.due.put(id.clone(), at);
            }
        }
    }

    /// Takes out the next one whose time has come.
    pub(crate) fn take(&mut self, now: SystemTime) -> Option<AccountId> {
        if self.seen.is_some_and(|seen| in_the_future(seen, now)) {
            self.all_at(now);
        }
        self.seen = Some(now);
        let id = self.due.take(now)?;
        if let Some(next) = self.next.get_mut(&id) {
            *next = None;
        }
        Some(id)
    }

    /// Makes all of them due: the clock was set back, and what was far ahead by it
    /// may be near.
    fn all_at(&mut self, now: SystemTime) {
        for (id, next) in &mut self.next {
            if let Some(at) = next {
                self.due.remove(id.clone(), *at);
                *at = now;
                self.due.put(id.clone(), now);
            }
        }
    }

    /// Puts back one that was taken out, unless it is gone.
    pub(crate) fn put_back(&mut self, id: AccountId, at: SystemTime) {
        if let Some(next @ None) = self.next.get_mut(&id) {
            *next = Some(at);
            self.due.put(id, at);
        }
    }

    pub(crate) fn next_at(&self) -> Option<SystemTime> {
        self.due.next_at()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine may start with its clock a year ahead.
    #[test]
    fn a_clock_that_is_set_back_makes_all_due() {
        let mut roster = Roster::default();
        roster.read(None, &["ada".into(), "bob".into()], |_| at(31_000_000));
        assert_eq!(roster.take(at(31_000_000)), Some("ada".into()));
        roster.put_back("ada".into(), at(31_003_600));
        // A little is nothing.
        assert_eq!(roster.take(at(30_999_900)), None);
        assert_eq!(roster.take(at(1_000)), Some("ada".into()));
        assert_eq!(roster.take(at(1_000)), Some("bob".into()));
        assert_eq!(roster.take(at(1_000)), None);
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn ids(names: &str) -> Vec<AccountId> {
        names.split_whitespace().map(AccountId::from).collect()
    }

    fn names(roster: &Roster) -> String {
        let names: Vec<_> = roster.next.keys().map(AccountId::as_str).collect();
        names.join(" ")
    }

    #[test]
    fn what_is_new_comes_in_and_what_is_gone_goes() {
        let mut roster = Roster::default();
        for (after, page, seconds, kept) in [
            (None, "b d", 1, "b d"),
            (Some("d"), "f", 2, "b d f"),
            (Some("f"), "", 3, "b d f"),
            // The next time.
            (None, "a b", 4, "a b d f"),
            (Some("b"), "e", 5, "a b e f"),
            (Some("e"), "", 6, "a b e"),
            // A store whose pages are in no order.
            (Some("z"), "e a", 7, "a b e"),
            (None, "", 8, ""),
        ] {
            let after = after.map(AccountId::from);
            roster.read(after.as_ref(), &ids(page), |_| at(seconds));
            assert_eq!(names(&roster), kept, "after page {seconds}");
            let mut times: Vec<_> = roster.next.values().copied().flatten().collect();
            times.sort();
            assert_eq!(times.first().copied(), roster.next_at(), "after page {seconds}");
        }
    }

    #[test]
    fn one_that_is_gone_does_not_come_back_by_its_check() {
        let mut roster = Roster::default();
        roster.read(None, &ids("a b"), |_| at(10));
        assert_eq!(roster.take(at(9)), None);
        let first = roster.take(at(10)).expect("one");
        roster.read(None, &ids("b"), |_| at(10));
        roster.put_back(first, at(20));
        assert_eq!(names(&roster), "b");
        // Nor is it there twice if it was there again meanwhile.
        let second = roster.take(at(10)).expect("the other");
        roster.read(None, &[], |_| at(0));
        roster.read(None, &ids("b"), |_| at(30));
        roster.put_back(second, at(20));
        assert_eq!(roster.next_at(), Some(at(30)));
        assert!(roster.take(at(30)).is_some() && roster.take(at(30)).is_none());
    }

    #[test]
    fn the_list_is_read_for_a_small_part_of_the_time() {
        let mut roster = Roster::default();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(roster.is_outdated(start) && !roster.is_outdated(start));
        roster.listed(start, after(1));
        assert!(!roster.is_outdated(after(60)) && roster.is_outdated(after(61)));
        roster.listed(after(61), after(81));
        assert!(!roster.is_outdated(after(480)) && roster.is_outdated(after(481)));
    }
}
