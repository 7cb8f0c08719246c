//! When something dated was first seen by this process.
//!
//! Dates are by the clock of whoever wrote them. Where that clock is ahead, they
//! lie in the future, and would keep a token alive or a wait going until this
//! clock has caught up. So nothing lasts longer than it was meant to, counted from
//! when it was first seen. That is counted by both clocks here: the wall clock
//! stands still when it is set back, the monotonic one while the machine sleeps.
//!
//! An account remembers it for as long as the program has the account.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use auth_core::Now;

use crate::record::{Fingerprint, Note, Record, Setback};

/// When something was first seen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen(Now);

impl Seen {
    pub(crate) fn at(now: Now) -> Self {
        Self(now)
    }

    /// What is left of something until `end`: no more than of the time that it was
    /// meant to last, from when it `began`, if that is known.
    pub(crate) fn left(&self, began: Option<SystemTime>, end: SystemTime, now: Now) -> Duration {
        let at_first = between(self.0.wall, end);
        let meant = began.map_or(at_first, |began| at_first.min(between(began, end)));
        between(now.wall, end).min(meant.saturating_sub(self.since(now)))
    }

    /// How old something is that `began` then.
    pub(crate) fn age(&self, began: SystemTime, now: Now) -> Duration {
        let at_first = between(began, self.0.wall);
        between(began, now.wall).max(at_first.saturating_add(self.since(now)))
    }

    fn since(&self, now: Now) -> Duration {
        now.since(self.0).max(between(self.0.wall, now.wall))
    }

    /// Whether it was seen by a clock that was behind and has been put right: what
    /// `began` then lay further ahead than clocks differ, and does so no more, for
    /// the wall clock has got ahead of the monotonic one by as much.
    fn is_of_a_wrong_clock(&self, began: Option<SystemTime>, now: Now) -> bool {
        let set = between(self.0.wall, now.wall).saturating_sub(now.since(self.0));
        set > CLOCK_JUMP
            && began.is_some_and(|began| in_the_future(began, self.0.wall) && began <= now.wall)
    }
}

/// It says nothing of when: that is another time in each run.
impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seen")
    }
}

/// What an account has seen last of its record.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sights {
    tokens: Option<(Key, Seen)>,
    setback: Option<(Key, Seen)>,
    note: Option<(Key, Seen)>,
}

/// What something is, when it began, and how many there were in a row. Stores keep
/// whole seconds, in which there may be several.
type Key = (Fingerprint, Option<u64>, u32);

fn of_tokens(record: &Record) -> Key {
    (Fingerprint::of_tokens(&record.tokens), record.obtained_at.map(seconds), 0)
}

fn of_setback(setback: &Setback) -> Key {
    (setback.refresh_token, Some(seconds(setback.failed_at)), setback.count)
}

fn of_note(note: &Note) -> Key {
    (note.refresh_token, Some(seconds(note.at)), 0)
}

fn seconds(time: SystemTime) -> u64 {
    between(SystemTime::UNIX_EPOCH, time).as_secs()
}

impl Sights {
    /// The record was seen: for the first time, if its tokens, its setback or its note
    /// are others than before.
    pub(crate) fn see(&mut self, record: &Record, now: Now) {
        renew(&mut self.tokens, Some(of_tokens(record)), record.obtained_at, now);
        let setback = record.setback.as_ref();
        let failed_at = setback.map(|setback| setback.failed_at);
        renew(&mut self.setback, setback.map(of_setback), failed_at, now);
        let note = record.note.as_ref();
        renew(&mut self.note, note.map(of_note), note.map(|note| note.at), now);
    }

    /// When the tokens of `record` were first seen, if they are those that were seen
    /// last.
    pub(crate) fn tokens(&self, record: &Record) -> Option<Seen> {
        let (tokens, seen) = self.tokens?;
        (tokens == of_tokens(record)).then_some(seen)
    }

    /// How much longer a refresh that lasts `most` may be under way, of which `note` is
    /// about, if its process lives. Its date only tells whether it is an old story.
    pub(crate) fn may_last(&self, note: &Note, most: Duration, now: Now) -> Duration {
        let known = self.note.filter(|(known, _)| *known == of_note(note));
        let seen = known.map_or(Seen::at(now), |(_, seen)| seen);
        if between(note.at, seen.0.wall) > most.max(CLOCK_JUMP) {
            return Duration::ZERO;
        }
        // Not by the wall clock, which may be set ahead: that must not cut a wait short.
        most.saturating_sub(now.since(seen.0))
    }

    /// When a refresh may be tried again after `setback`, as this process sees it at
    /// `now`; `None` if time does not help.
    pub(crate) fn retry_at(&self, setback: &Setback, now: Now) -> Option<SystemTime> {
        let retry_at = setback.retry_at?;
        let known = self.setback.filter(|(known, _)| *known == of_setback(setback));
        let seen = known.map_or(Seen::at(now), |(_, seen)| seen);
        let left = match in_the_future(setback.failed_at, now.wall) {
            true => Duration::ZERO,
            false => seen.left(Some(setback.failed_at), retry_at, now),
        };
        // Where nothing is left, the date on record says since when.
        match left {
            Duration::ZERO => Some(retry_at.min(now.wall)),
            left => now.wall.checked_add(left),
        }
    }
}

fn renew(known: &mut Option<(Key, Seen)>, found: Option<Key>, began: Option<SystemTime>, now: Now) {
    let is_known = known.as_ref().is_some_and(|(known, seen)| {
        Some(known) == found.as_ref() && !seen.is_of_a_wrong_clock(began, now)
    });
    if !is_known {
        *known = found.map(|found| (found, Seen::at(now)));
    }
}

/// How far two clocks may differ, 5 min: those of machines that share a store, and a
/// clock and itself after it was set back. What lies further ahead has no known age.
pub const CLOCK_JUMP: Duration = Duration::from_secs(300);

/// Whether `time` lies so far ahead that the clock must have been set back
/// since.
pub(crate) fn in_the_future(time: SystemTime, now: SystemTime) -> bool {
    time.duration_since(now).is_ok_and(|ahead| ahead > CLOCK_JUMP)
}

/// From `start` to `end`; nothing if they are in the wrong order.
pub(crate) fn between(start: SystemTime, end: SystemTime) -> Duration {
    end.duration_since(start).unwrap_or_default()
}

#[cfg(test)]
mod tests;
