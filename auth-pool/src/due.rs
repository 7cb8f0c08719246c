//! When to look at an account for its refresh ahead of need.

use std::{collections::BTreeSet, time::SystemTime};

use crate::Index;

/// The accounts by when they are to be looked at. Each is either in one of
/// these, or taken out and being looked at.
pub(crate) struct Due {
    /// Earlier than necessary if it was refreshed meanwhile, which looking will
    /// show.
    at: BTreeSet<(SystemTime, Index)>,
    /// The accounts from here on were never looked at.
    unseen: Index,
    all: Index,
    /// Those that are not to be refreshed, since somebody switched them off.
    off: BTreeSet<Index>,
}

impl Due {
    pub(crate) fn new(all: Index) -> Self {
        Self { at: BTreeSet::new(), unseen: 0, all, off: BTreeSet::new() }
    }

    /// Takes out what is due, and what was never looked at, up to a batch. What
    /// is switched off is put aside, and does not count.
    pub(crate) fn take(
        &mut self,
        batch: usize,
        now: SystemTime,
        is_off: impl Fn(Index) -> bool,
    ) -> Vec<Index> {
        let mut taken = Vec::new();
        while taken.len() < batch {
            let Some(index) = self.next(now) else { break };
            if is_off(index) {
                self.off.insert(index);
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
        let unseen = self.unseen;
        (unseen < self.all).then(|| {
            self.unseen += 1;
            unseen
        })
    }

    /// To be looked at again, after it was taken out.
    pub(crate) fn put_back(&mut self, index: Index, at: SystemTime) {
        self.at.insert((at, index));
    }

    /// Somebody switched it on again: it is looked at again at once, if it
    /// would have been meanwhile.
    pub(crate) fn enable(&mut self, index: Index) {
        if self.off.remove(&index) {
            self.put_back(index, SystemTime::UNIX_EPOCH);
        }
    }

    /// When the next is due.
    pub(crate) fn next_at(&self, now: SystemTime) -> Option<SystemTime> {
        if self.unseen < self.all {
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
    fn what_is_switched_off_waits_until_it_is_switched_on() {
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
