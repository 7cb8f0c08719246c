//! Which accounts can be used, and which are suspended, until when.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

use auth_accounts::CLOCK_JUMP;

use crate::index::Index;

/// The accounts, by whether they can be used. Every operation but
/// [`Availability::new`] takes logarithmic time.
pub(crate) struct Availability {
    usable: BTreeSet<Index>,
    suspended: BTreeMap<Index, Suspension>,
    waiting: BTreeSet<(SystemTime, Index)>,
    login_needed: BTreeSet<(SystemTime, Index)>,
    /// The latest time that the clock has shown.
    latest: SystemTime,
}

/// Why an account cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suspension {
    /// It can be used again at this time.
    Waiting(SystemTime),
    /// The user must log in. The account is tried again at this time.
    LoginNeeded(SystemTime),
    /// The program disabled it.
    Disabled,
}

pub(crate) struct Counts {
    pub(crate) waiting: usize,
    pub(crate) login_needed: usize,
    pub(crate) disabled: usize,
    pub(crate) first_back: Option<(SystemTime, Index)>,
}

impl Availability {
    pub(crate) fn new(accounts: Index) -> Self {
        Self {
            usable: (0..accounts).collect(),
            suspended: BTreeMap::new(),
            waiting: BTreeSet::new(),
            login_needed: BTreeSet::new(),
            latest: SystemTime::UNIX_EPOCH,
        }
    }

    pub(crate) fn first(&self) -> Option<Index> {
        self.usable.first().copied()
    }

    /// The first account other than the main one, which comes last.
    pub(crate) fn first_fallback(&self) -> Option<Index> {
        self.usable.range(1..).next().or(self.usable.first()).copied()
    }

    pub(crate) fn is_usable(&self, index: Index) -> bool {
        self.usable.contains(&index)
    }

    pub(crate) fn is_disabled(&self, index: Index) -> bool {
        self.suspended.get(&index) == Some(&Suspension::Disabled)
    }

    /// When an account that waits can be used again.
    pub(crate) fn waits_until(&self, index: Index) -> Option<SystemTime> {
        match self.suspended.get(&index) {
            Some(Suspension::Waiting(until)) => Some(*until),
            _ => None,
        }
    }

    /// Suspends an account. A disabled one stays disabled.
    pub(crate) fn suspend(&mut self, index: Index, why: Suspension) {
        if self.is_disabled(index) {
            return;
        }
        self.enable(index);
        self.usable.remove(&index);
        self.suspended.insert(index, why);
        match why {
            Suspension::Waiting(until) => {
                self.waiting.insert((until, index));
            }
            Suspension::LoginNeeded(until) => {
                self.login_needed.insert((until, index));
            }
            Suspension::Disabled => {}
        }
    }

    pub(crate) fn enable(&mut self, index: Index) {
        match self.suspended.remove(&index) {
            Some(Suspension::Waiting(until)) => {
                self.waiting.remove(&(until, index));
            }
            Some(Suspension::LoginNeeded(until)) => {
                self.login_needed.remove(&(until, index));
            }
            Some(Suspension::Disabled) | None => {}
        }
        self.usable.insert(index);
    }

    /// Ends the suspensions whose time has come. If the clock was set back, it
    /// ends all of them, since their times mean nothing any more. Returns
    /// whether the clock was set back.
    pub(crate) fn wake(&mut self, now: SystemTime) -> bool {
        let set_back = now.checked_add(CLOCK_JUMP).is_some_and(|limit| limit < self.latest);
        self.latest = if set_back { now } else { self.latest.max(now) };
        while let Some(index) = self.over(now, set_back) {
            self.enable(index);
        }
        set_back
    }

    fn over(&self, now: SystemTime, set_back: bool) -> Option<Index> {
        [self.waiting.first(), self.login_needed.first()]
            .into_iter()
            .flatten()
            .find(|(until, _)| set_back || *until <= now)
            .map(|(_, index)| *index)
    }

    pub(crate) fn counts(&self) -> Counts {
        let (waiting, login_needed) = (self.waiting.len(), self.login_needed.len());
        Counts {
            waiting,
            login_needed,
            disabled: self.suspended.len() - waiting - login_needed,
            first_back: self.waiting.first().copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(10_000 + seconds)
    }

    #[test]
    fn accounts_are_suspended_and_come_back() {
        let mut availability = Availability::new(3);
        availability.wake(at(0));
        assert_eq!((availability.first(), availability.first_fallback()), (Some(0), Some(1)));
        availability.suspend(1, Suspension::Waiting(at(60)));
        availability.suspend(2, Suspension::LoginNeeded(at(5)));
        assert_eq!((availability.first(), availability.first_fallback()), (Some(0), Some(0)));
        availability.suspend(0, Suspension::Disabled);
        assert_eq!((availability.first(), availability.first_fallback()), (None, None));
        let counts = availability.counts();
        assert_eq!((counts.waiting, counts.login_needed, counts.disabled), (1, 1, 1));
        assert_eq!(counts.first_back, Some((at(60), 1)));
        availability.wake(at(5));
        assert_eq!(availability.first(), Some(2));
        availability.wake(at(60));
        assert_eq!(availability.first(), Some(1));
        availability.enable(0);
        assert_eq!(availability.first(), Some(0));
    }

    #[test]
    fn a_second_suspension_replaces_the_first() {
        let mut availability = Availability::new(1);
        availability.suspend(0, Suspension::Waiting(at(60)));
        availability.suspend(0, Suspension::LoginNeeded(at(5)));
        availability.suspend(0, Suspension::Waiting(at(10)));
        assert_eq!(availability.counts().waiting, 1);
        assert_eq!(availability.counts().login_needed, 0);
        availability.wake(at(10));
        assert!(availability.is_usable(0));
        availability.suspend(0, Suspension::Disabled);
        availability.suspend(0, Suspension::Waiting(at(10)));
        availability.wake(at(100));
        assert!(!availability.is_usable(0));
    }

    #[test]
    fn a_clock_that_is_corrected_is_not_set_back() {
        let mut availability = Availability::new(1);
        availability.wake(at(5_000));
        assert!(!availability.wake(at(5_000) - CLOCK_JUMP));
        assert!(availability.wake(at(4_999) - CLOCK_JUMP));
    }

    #[test]
    fn a_clock_set_back_ends_all_suspensions() {
        let mut availability = Availability::new(2);
        availability.wake(at(5_000));
        availability.suspend(0, Suspension::Waiting(at(5_060)));
        availability.suspend(1, Suspension::LoginNeeded(at(5_005)));
        availability.wake(at(4_990));
        assert_eq!(availability.first(), None);
        assert!(availability.wake(at(0)));
        assert_eq!(availability.first(), Some(0));
        assert!(availability.is_usable(1));
    }
}
