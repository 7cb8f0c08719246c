//! What has been said of an account's store, so that a log is not filled with the
//! same: callers come by the thousand, and find the same store as it was.
#![cfg_attr(not(feature = "tracing"), allow(dead_code, reason = "without it nothing is said"))]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{id::AccountId, store_error::StoreErrorKind};

/// How soon the same is said loudly again.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// So many accounts are never too many to remember.
const FEW: usize = 1024;

/// What has been said of each account that is in trouble. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Repeats(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    said: HashMap<AccountId, Vec<Said>>,
    /// At how many accounts those are forgotten of which nothing is said any more:
    /// names may come from users, and never be asked for again.
    forget_at: usize,
}

struct Said {
    what: What,
    at: Instant,
    /// How often it was said in a low voice since.
    repeated: u64,
}

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// New tokens could not be saved.
    Unsaved(StoreErrorKind),
    /// A refresh failed for the store.
    Failed(StoreErrorKind),
    /// A logout did.
    NotLoggedOut,
    /// Work was broken off.
    BrokenOff,
}

/// How to say something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// Loudly, and how often it was said in a low voice since the last time.
    Loud(u64),
    Low,
}

impl Repeats {
    /// How to say this: loudly when it begins, and once a minute after that.
    pub(crate) fn voice(&self, account: &AccountId, what: What, now: Instant) -> Voice {
        let mut state = self.lock();
        state.forget(now);
        let of_account = state.said.entry(account.clone()).or_default();
        let Some(known) = of_account.iter_mut().find(|known| known.what == what) else {
            of_account.push(Said { what, at: now, repeated: 0 });
            return Voice::Loud(0);
        };
        if now.saturating_duration_since(known.at) < AGAIN_AFTER {
            known.repeated += 1;
            return Voice::Low;
        }
        known.at = now;
        Voice::Loud(std::mem::take(&mut known.repeated))
    }

    /// The store is in order again. Returns whether it was not.
    pub(crate) fn is_over(&self, account: &AccountId) -> bool {
        let said = &mut self.lock().said;
        let Some(of_account) = said.get_mut(account) else { return false };
        let is_of_store = |said: &Said| matches!(said.what, What::Unsaved(_) | What::Failed(_));
        let was_in_trouble = of_account.iter().any(is_of_store);
        of_account.retain(|said| !is_of_store(said));
        if of_account.is_empty() {
            said.remove(account);
        }
        was_in_trouble
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No panic can happen while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self, now: Instant) {
        if self.said.len() < self.forget_at.max(FEW) {
            return;
        }
        let is_news = |said: &Said| now.saturating_duration_since(said.at) < 2 * AGAIN_AFTER;
        self.said.retain(|_, said| said.iter().any(is_news));
        self.forget_at = 2 * self.said.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_any_more_is_forgotten() {
        let (repeats, start) = (Repeats::default(), Instant::now());
        for number in 0..100_000_u64 {
            let now = start + Duration::from_millis(number);
            repeats.voice(&number.to_string().into(), What::BrokenOff, now);
        }
        // Those of two minutes, which are a hundred and twenty thousand at this pace.
        assert_eq!(repeats.lock().said.len(), 100_000);
        let later = start + Duration::from_secs(3_600);
        for number in 0..100_000 {
            repeats.voice(&format!("later {number}").into(), What::BrokenOff, later);
        }
        assert!(repeats.lock().said.len() <= 100_000, "the others are forgotten");
    }

    #[test]
    fn the_same_is_said_once_a_minute() {
        let (repeats, start) = (Repeats::default(), Instant::now());
        let ada = AccountId::from("ada");
        let say = |what, seconds| repeats.voice(&ada, what, start + Duration::from_secs(seconds));
        let full = What::Failed(StoreErrorKind::Full);
        assert!(!repeats.is_over(&ada));
        assert_eq!(say(full, 0), Voice::Loud(0));
        for second in 0..59 {
            assert_eq!(say(full, second), Voice::Low);
        }
        // Another account, and other trouble, are something else.
        assert_eq!(repeats.voice(&"bob".into(), full, start), Voice::Loud(0));
        for what in [
            What::Failed(StoreErrorKind::Io),
            What::Unsaved(StoreErrorKind::Full),
            What::NotLoggedOut,
            What::BrokenOff,
        ] {
            assert_eq!(say(what, 59), Voice::Loud(0), "{what:?}");
            assert_eq!(say(what, 59), Voice::Low, "{what:?}");
        }
        assert_eq!(say(full, 60), Voice::Loud(59));
        assert_eq!(say(full, 61), Voice::Low);
        // When it is over, it begins anew.
        assert!(repeats.is_over(&ada));
        assert!(!repeats.is_over(&ada));
        assert_eq!(say(full, 62), Voice::Loud(0));
        assert_eq!(say(What::BrokenOff, 62), Voice::Low);
    }
}
