//! When each account is checked for a refresh ahead of its expiry.

use std::{collections::BTreeSet, time::SystemTime};

use auth_accounts::internal::Due;

use crate::index::Index;

/// The accounts, by the time of their next check. Each is in one of these
/// fields, or was taken out and is being checked.
pub(crate) struct PoolDue {
    /// A check may come too early, if the account was refreshed since. The
    /// check notices.
    at: Due<Index>,
    /// The accounts from here on were never checked.
    unchecked: Index,
    all: Index,
    /// The accounts that are due but disabled.
    disabled: BTreeSet<Index>,
}

impl PoolDue {
    pub(crate) fn new(all: Index) -> Self {
        Self { at: Due::default(), unchecked: 0, all, disabled: BTreeSet::new() }
    }

    /// Takes out an account: one that is due, or else one that was never
    /// checked. Disabled accounts are set aside.
    pub(crate) fn take(
        &mut self,
        now: SystemTime,
        is_disabled: impl Fn(Index) -> bool,
    ) -> Option<Index> {
        loop {
            let index = self.at.take(now).or_else(|| self.next_unchecked())?;
            if !is_disabled(index) {
                return Some(index);
            }
            self.disabled.insert(index);
        }
    }

    fn next_unchecked(&mut self) -> Option<Index> {
        let unchecked = self.unchecked;
        (unchecked < self.all).then(|| {
            self.unchecked += 1;
            unchecked
        })
    }

    /// Puts back an account that was taken out, to be checked at this time.
    pub(crate) fn put_back(&mut self, index: Index, at: SystemTime) {
        self.at.put(index, at);
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
        if self.unchecked < self.all { Some(now) } else { self.at.next_at() }
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
        let mut due = PoolDue::new(4);
        assert_eq!(due.next_at(at(10)), Some(at(10)));
        let take = |due: &mut PoolDue, seconds| due.take(at(seconds), |_| false);
        assert_eq!((take(&mut due, 10), take(&mut due, 10)), (Some(0), Some(1)));
        due.put_back(0, at(20));
        due.put_back(1, at(11));
        assert_eq!((take(&mut due, 11), take(&mut due, 11)), (Some(1), Some(2)));
        assert_eq!((take(&mut due, 11), take(&mut due, 11)), (Some(3), None));
        assert_eq!(due.next_at(at(11)), Some(at(20)));
        assert_eq!((take(&mut due, 19), take(&mut due, 20)), (None, Some(0)));
        assert_eq!(due.next_at(at(20)), None);
    }

    #[test]
    fn a_disabled_account_is_set_aside_until_it_is_enabled() {
        let mut due = PoolDue::new(4);
        due.enable(0);
        assert_eq!(due.take(at(10), |index| index < 2), Some(2));
        assert_eq!(due.take(at(10), |index| index < 2), Some(3));
        assert_eq!((due.take(at(10), |_| false), due.next_at(at(10))), (None, None));
        due.enable(1);
        assert_eq!(due.next_at(at(10)), Some(at(0)));
        assert_eq!(due.take(at(10), |index| index < 1), Some(1));
        due.put_back(1, at(20));
        due.enable(1);
        assert_eq!(due.next_at(at(10)), Some(at(20)));
        assert_eq!(due.take(at(20), |index| index == 1), None);
        due.enable(0);
        due.enable(1);
        due.enable(1);
        assert_eq!(due.take(at(10), |_| false), Some(0));
        assert_eq!(due.take(at(10), |_| false), Some(1));
        assert_eq!((due.take(at(10), |_| false), due.next_at(at(10))), (None, None));
    }
}
