//! Who can be used, and who rests, until when.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

use crate::Index;
use auth_accounts::CLOCK_JUMP;

/// The accounts by whether they can be used. Everything but
/// [`Availability::new`] takes logarithmic time.
pub(crate) struct Availability {
    usable: BTreeSet<Index>,
    resting: BTreeMap<Index, Why>,
    waiting: BTreeSet<(SystemTime, Index)>,
    login_needed: BTreeSet<(SystemTime, Index)>,
    /// The latest time that the clock has shown.
    latest: SystemTime,
}

/// Why an account rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// It is used again at this time.
    Waiting(SystemTime),
    /// The user must log in. At this time it is looked at again.
    LoginNeeded(SystemTime),
    /// Somebody said so.
    SwitchedOff,
}

pub(crate) struct Counts {
    pub(crate) waiting: usize,
    pub(crate) login_needed: usize,
    pub(crate) switched_off: usize,
    pub(crate) first_back: Option<(SystemTime, Index)>,
}

impl Availability {
    pub(crate) fn new(accounts: Index) -> Self {
        Self {
            usable: (0..accounts).collect(),
            resting: BTreeMap::new(),
            waiting: BTreeSet::new(),
            login_needed: BTreeSet::new(),
            latest: SystemTime::UNIX_EPOCH,
        }
    }

    pub(crate) fn first(&self) -> Option<Index> {
        self.usable.first().copied()
    }

    /// The first but the main one, which comes last.
    pub(crate) fn first_fallback(&self) -> Option<Index> {
        self.usable.range(1..).next().or(self.usable.first()).copied()
    }

    pub(crate) fn is_usable(&self, index: Index) -> bool {
        self.usable.contains(&index)
    }

    /// Whether somebody switched it off.
    pub(crate) fn is_off(&self, index: Index) -> bool {
        self.resting.get(&index) == Some(&Why::SwitchedOff)
    }

    /// Lets an account rest. What somebody switched off stays so.
    pub(crate) fn rest(&mut self, index: Index, why: Why) {
        if self.is_off(index) {
            return;
        }
        self.enable(index);
        self.usable.remove(&index);
        self.resting.insert(index, why);
        match why {
            Why::Waiting(until) => {
                self.waiting.insert((until, index));
            }
            Why::LoginNeeded(until) => {
                self.login_needed.insert((until, index));
            }
            Why::SwitchedOff => {}
        }
    }

    pub(crate) fn enable(&mut self, index: Index) {
        match self.resting.remove(&index) {
            Some(Why::Waiting(until)) => {
                self.waiting.remove(&(until, index));
            }
            Some(Why::LoginNeeded(until)) => {
                self.login_needed.remove(&(until, index));
            }
            Some(Why::SwitchedOff) | None => {}
        }
        self.usable.insert(index);
    }

    /// Ends the rests that are over; and all of them, if the clock was set
    /// back, since nobody knows when they would be. Says whether it was.
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
            switched_off: self.resting.len() - waiting - login_needed,
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
    fn accounts_rest_and_come_back() {
        let mut availability = Availability::new(3);
        availability.wake(at(0));
        assert_eq!((availability.first(), availability.first_fallback()), (Some(0), Some(1)));
        availability.rest(1, Why::Waiting(at(60)));
        availability.rest(2, Why::LoginNeeded(at(5)));
        assert_eq!((availability.first(), availability.first_fallback()), (Some(0), Some(0)));
        availability.rest(0, Why::SwitchedOff);
        assert_eq!((availability.first(), availability.first_fallback()), (None, None));
        let counts = availability.counts();
        assert_eq!((counts.waiting, counts.login_needed, counts.switched_off), (1, 1, 1));
        assert_eq!(counts.first_back, Some((at(60), 1)));
        availability.wake(at(5));
        assert_eq!(availability.first(), Some(2));
        availability.wake(at(60));
        assert_eq!(availability.first(), Some(1));
        availability.enable(0);
        assert_eq!(availability.first(), Some(0));
    }

    #[test]
    fn a_second_reason_takes_the_place_of_the_first() {
        let mut availability = Availability::new(1);
        availability.rest(0, Why::Waiting(at(60)));
        availability.rest(0, Why::LoginNeeded(at(5)));
        availability.rest(0, Why::Waiting(at(10)));
        assert_eq!(availability.counts().waiting, 1);
        assert_eq!(availability.counts().login_needed, 0);
        availability.wake(at(10));
        assert!(availability.is_usable(0));
        availability.rest(0, Why::SwitchedOff);
        availability.rest(0, Why::Waiting(at(10)));
        availability.wake(at(100));
        assert!(!availability.is_usable(0));
    }

    #[test]
    fn a_clock_set_back_ends_all_rests() {
        let mut availability = Availability::new(2);
        availability.wake(at(5_000));
        availability.rest(0, Why::Waiting(at(5_060)));
        availability.rest(1, Why::LoginNeeded(at(5_005)));
        availability.wake(at(4_990));
        assert_eq!(availability.first(), None);
        availability.wake(at(0));
        assert_eq!(availability.first(), Some(0));
        assert!(availability.is_usable(1));
    }
}
