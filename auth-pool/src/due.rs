//! When each account is checked for a refresh ahead of its expiry.

use std::{collections::BTreeSet, time::SystemTime};

use crate::index::Index;

/// The accounts, by the time of their next check. Each is in one of these
/// fields, or was taken out and is being checked.
pub(crate) struct Due {
    /// A check may come too early, if the account was refreshed since. The
    /// check notices.
    at: BTreeSet<(SystemTime, Index)>,
    /// The accounts from here on were never checked.
    unchecked: Index,
    all: Index,
    /// The accounts that are due but disabled.
    disabled: BTreeSet<Index>,
}

impl Due {
    pub(crate) fn new(all: Index) -> Self {
        Self { at: BTreeSet::new(), unchecked: 0, all, disabled: BTreeSet::new() }
    }

    /// Takes out up to `batch` accounts: those that are due, then those that
    /// were never checked. Disabled accounts are set aside and do not count.
    pub(crate) fn take(
        &mut self,
        batch: usize,
        now: SystemTime,
        is_disabled: impl Fn(Index) -> bool,
    ) -> Vec<Index> {
        let mut taken = Vec::new();
        while taken.len() < batch {
            let Some(index) = self.next(now) else { break };
            if is_disabled(index) {
                self.disabled.insert(index);
            } else {
                taken.push(index);
            }
        }
        taken
    }

    fn next(&mut self, now: SystemTime) -> Option<Index> {
        if let Some(&(at, index)) = self.at.first()
            && at <= now
        {
            self.at.pop_first();
            return Some(index);
        }
        let unchecked = self.unchecked;
        (unchecked < self.all).then(|| {
            self.unchecked += 1;
            unchecked
        })
    }

    /// Puts back an account that was taken out, to be checked at this time.
    pub(crate) fn put_back(&mut self, index: Index, at: SystemTime) {
        self.at.insert((at, index));
    }

    /// Makes an account due at once if a check was left out while it was
    /// disabled.
    pub(crate) fn enable(&mut self, index: Index) {
        if self.disabled.remove(&index) {
            self.put_back(index, SystemTime::UNIX_EPOCH);
        }
    }

    /// The time of the next check.
    pub(crate) fn next_at(&self, now: SystemTime) -> Option<SystemTime> {
        if self.unchecked < self.all {
            return Some(now);
        }
        self.at.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn what_is_due_comes_first_and_then_what_is_new() {
        let mut due = Due::new(4);
        assert_eq!(due.next_at(at(10)), Some(at(10)));
        assert_eq!(due.take(2, at(10), |_| false), [0, 1]);
        due.put_back(0, at(20));
        due.put_back(1, at(11));
        assert_eq!(due.take(2, at(11), |_| false), [1, 2]);
        assert_eq!(due.take(2, at(11), |_| false), [3]);
        assert_eq!(due.next_at(at(11)), Some(at(20)));
        assert!(due.take(2, at(19), |_| false).is_empty());
        assert_eq!(due.take(2, at(20), |_| false), [0]);
        assert_eq!(due.next_at(at(20)), None);
    }

    #[test]
    fn a_disabled_account_is_set_aside_until_it_is_enabled() {
        let mut due = Due::new(4);
        due.enable(0);
        assert_eq!(due.take(2, at(10), |index| index < 2), [2, 3]);
        assert_eq!(due.next_at(at(10)), None);
        due.enable(1);
        assert_eq!(due.next_at(at(10)), Some(at(0)));
        assert_eq!(due.take(2, at(10), |index| index < 1), [1]);
        due.put_back(1, at(20));
        due.enable(1);
        assert_eq!(due.next_at(at(10)), Some(at(20)));
        assert!(due.take(2, at(20), |index| index == 1).is_empty());
        due.enable(0);
        due.enable(1);
        due.enable(1);
        assert_eq!(due.take(4, at(10), |_| false), [0, 1]);
        assert_eq!(due.next_at(at(10)), None);
    }
}
