//! The state of a virtual clock, and its transitions.

use std::{
    collections::BTreeMap,
    task::Waker,
    time::{Duration, Instant, SystemTime},
};

use auth_core::Now;

/// Identifies a sleep. Sleeps are ordered by their end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    ends: Duration,
    id: u64,
}

pub(super) struct State {
    /// The two clocks when `elapsed` was zero.
    origin: Now,
    elapsed: Duration,
    /// The sleeps under way, the shortest first. A blocked thread has no waker.
    sleepers: BTreeMap<Key, Option<Waker>>,
    next_id: u64,
    participants: usize,
    auto: bool,
    /// Counts every use of the clock: a task that uses it is still busy.
    activity: u64,
    record: Vec<Duration>,
    /// Futures that wait for a number of sleepers.
    watchers: Vec<Waker>,
    /// To be woken once the lock is free.
    woken: Vec<Waker>,
}

impl State {
    /// `start` is the first reading of the wall clock, counted from the epoch.
    pub(super) fn new(auto: bool, start: Duration) -> Self {
        Self {
            origin: Now { monotonic: Instant::now(), wall: SystemTime::UNIX_EPOCH + start },
            elapsed: Duration::ZERO,
            sleepers: BTreeMap::new(),
            next_id: 0,
            participants: 0,
            auto,
            activity: 0,
            record: Vec::new(),
            watchers: Vec::new(),
            woken: Vec::new(),
        }
    }

    pub(super) fn read(&mut self) -> Now {
        self.touch();
        self.origin.plus(self.elapsed)
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.elapsed
    }

    pub(super) fn recorded(&self) -> &[Duration] {
        &self.record
    }

    pub(super) fn record(&mut self, duration: Duration) {
        self.record.push(duration);
    }

    pub(super) fn sleeping(&self) -> usize {
        self.sleepers.len()
    }

    pub(super) fn set_wall(&mut self, wall: SystemTime) {
        self.touch();
        self.origin.wall = wall.checked_sub(self.elapsed).unwrap_or(wall);
    }

    fn touch(&mut self) {
        self.activity = self.activity.wrapping_add(1);
    }

    pub(super) fn activity(&self) -> u64 {
        self.activity
    }

    pub(super) fn fall_asleep(&mut self, duration: Duration) -> Key {
        self.touch();
        let key = Key { ends: self.elapsed.saturating_add(duration), id: self.next_id };
        self.next_id += 1;
        if !duration.is_zero() {
            self.sleepers.insert(key, None);
        }
        self.woken.append(&mut self.watchers);
        key
    }

    pub(super) fn is_asleep(&self, key: Key) -> bool {
        self.sleepers.contains_key(&key)
    }

    pub(super) fn is_next(&self, key: Key) -> bool {
        self.sleepers.first_key_value().is_some_and(|(first, _)| *first == key)
    }

    pub(super) fn set_waker(&mut self, key: Key, waker: &Waker) {
        if let Some(slot) = self.sleepers.get_mut(&key) {
            match slot {
                Some(old) => old.clone_from(waker),
                None => *slot = Some(waker.clone()),
            }
        }
    }

    pub(super) fn watch(&mut self, waker: &Waker) {
        if !self.watchers.iter().any(|known| known.will_wake(waker)) {
            self.watchers.push(waker.clone());
        }
    }

    /// A sleep was dropped before its end.
    pub(super) fn forget(&mut self, key: Key) {
        self.touch();
        self.sleepers.remove(&key);
        self.wake_next();
    }

    pub(super) fn join(&mut self) {
        self.touch();
        self.participants += 1;
    }

    pub(super) fn leave(&mut self) {
        self.touch();
        self.participants = self.participants.saturating_sub(1);
        self.wake_next();
    }

    /// Whether the clock has to find out by itself when all tasks wait, since
    /// there are no participants.
    pub(super) fn jumps_for_lone_sleepers(&self) -> bool {
        self.auto && self.participants == 0
    }

    /// Lets time pass if all wait. Without participants, `quiet` says whether
    /// they do.
    pub(super) fn jump_if_all_wait(&mut self, quiet: bool) -> bool {
        let all_wait = match self.participants {
            0 => quiet,
            count => self.sleeping() >= count,
        };
        self.auto && all_wait && self.move_to_next().is_some()
    }

    pub(super) fn move_to_next(&mut self) -> Option<Duration> {
        let ends = self.sleepers.first_key_value()?.0.ends;
        let by = ends.saturating_sub(self.elapsed);
        self.move_to(ends);
        Some(by)
    }

    pub(super) fn move_to(&mut self, elapsed: Duration) {
        self.touch();
        self.elapsed = self.elapsed.max(elapsed);
        while let Some(first) = self.sleepers.first_entry() {
            if first.key().ends > self.elapsed {
                break;
            }
            self.woken.extend(first.remove());
        }
        self.wake_next();
    }

    /// Wakes the task of the shortest sleep, which decides about the jump.
    fn wake_next(&mut self) {
        if let Some((_, Some(waker))) = self.sleepers.first_key_value() {
            self.woken.push(waker.clone());
        }
    }

    /// Wakes all who wait: a task of the clock has something to do, and one of
    /// them is to poll it.
    pub(super) fn wake_all(&mut self) {
        self.woken.extend(self.sleepers.values().flatten().cloned());
        self.woken.append(&mut self.watchers);
    }

    pub(super) fn take_wakers(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.woken)
    }
}
