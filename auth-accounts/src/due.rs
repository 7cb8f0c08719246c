//! When each of many accounts is due: for a check ahead of its expiry, for example.

use std::{collections::BTreeSet, time::SystemTime};

/// Accounts, by the time of their next check. Those that were taken out and are
/// being checked are not in it.
#[derive(Debug)]
pub struct Due<K, T = SystemTime>(BTreeSet<(T, K)>);

impl<K: Ord, T: Ord + Copy> Due<K, T> {
    /// Takes out the first one if its time has come.
    pub fn take(&mut self, now: T) -> Option<K> {
        let (at, _) = self.0.first()?;
        if *at > now {
            return None;
        }
        self.0.pop_first().map(|(_, key)| key)
    }

    /// Puts in an account, to be checked at this time.
    pub fn put(&mut self, key: K, at: T) {
        self.0.insert((at, key));
    }

    /// Removes an account that is to be checked at this time.
    pub fn remove(&mut self, key: K, at: T) {
        self.0.remove(&(at, key));
    }

    /// The time of the next check.
    pub fn next_at(&self) -> Option<T> {
        self.0.first().map(|(at, _)| *at)
    }
}

impl<K, T> Default for Due<K, T> {
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
