//! When each of many accounts is checked for a refresh ahead of its expiry.

use std::{collections::BTreeSet, time::SystemTime};

/// Accounts, by the time of their next check. Those that were taken out and are
/// being checked are not in it.
#[derive(Debug)]
pub struct Due<K>(BTreeSet<(SystemTime, K)>);

impl<K: Ord> Due<K> {
    /// Takes out the first one if its time has come.
    pub fn take(&mut self, now: SystemTime) -> Option<K> {
        let (at, _) = self.0.first()?;
        if *at > now {
            return None;
        }
        self.0.pop_first().map(|(_, key)| key)
    }

    /// Puts in an account, to be checked at this time.
    pub fn put(&mut self, key: K, at: SystemTime) {
        self.0.insert((at, key));
    }

    /// Removes an account that is to be checked at this time.
    pub fn remove(&mut self, key: K, at: SystemTime) {
        self.0.remove(&(at, key));
    }

    /// The time of the next check.
    pub fn next_at(&self) -> Option<SystemTime> {
        self.0.first().map(|(at, _)| *at)
    }
}

impl<K> Default for Due<K> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn they_are_taken_in_the_order_of_their_times() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let mut due = Due::default();
        for (key, seconds) in [("ada", 20), ("bob", 10), ("cyd", 30), ("dan", 10)] {
            due.put(key, at(seconds));
        }
        assert_eq!((due.next_at(), due.take(at(9))), (Some(at(10)), None));
        assert_eq!(due.take(at(10)), Some("bob"));
        due.remove("dan", at(10));
        due.remove("cyd", at(10));
        assert_eq!(due.take(at(25)), Some("ada"));
        assert_eq!((due.take(at(25)), due.next_at()), (None, Some(at(30))));
    }
}
