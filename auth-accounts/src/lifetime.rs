//! How long an access token is good for: arithmetic over its dates.
//!
//! All of it rests on the wall clock, for nothing else is shared by processes,
//! survives a restart, and goes on while a laptop sleeps. It may jump, and so:
//!
//! - no token is believed to live longer than it did when it was obtained;
//! - a token that was obtained in what is now the future is of unknown age,
//!   and is refreshed;
//! - what was found out is valid from that moment on, and looked at again if
//!   the clock shows an earlier one.

use std::time::{Duration, SystemTime};

use crate::{
    dates::{Dates, between},
    settings::Settings,
};

/// A difference between two clocks of up to this much is ignored: between
/// machines that share a store, and between a clock and itself after it was set
/// back. 5 min.
pub const CLOCK_JUMP: Duration = Duration::from_secs(300);

/// Whether `time` lies so far ahead that the clock must have been set back
/// since.
pub(crate) fn in_the_future(time: SystemTime, now: SystemTime) -> bool {
    time.duration_since(now).is_ok_and(|ahead| ahead > CLOCK_JUMP)
}

/// How long nothing is refreshed ahead of need after a refresh, lest a server
/// whose tokens do not live be asked without end. Tokens that live for less
/// than this are refreshed when they are needed.
const REST: Duration = Duration::from_secs(30);

/// What is left of that time, for all who share the record.
pub(crate) fn rest(obtained_at: Option<SystemTime>, now: SystemTime) -> Duration {
    match obtained_at {
        Some(at) if !in_the_future(at, now) => REST.saturating_sub(between(at, now)),
        _ => Duration::ZERO,
    }
}

/// How long before a refresh token expires it is exchanged at the latest: an
/// eighth of its life, and at most a day.
const REFRESH_TOKEN_AHEAD: Duration = Duration::from_secs(24 * 3600);

/// What is known of the life of a record's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lifetime {
    /// What is left of the access token's; `None` if it does not end as far as is
    /// known.
    left: Option<Duration>,
    /// All of it.
    whole: Option<Duration>,
    /// Whether its end is a guess.
    guessed: bool,
    /// Whether its dates make sense at all.
    plausible: bool,
    /// For how much longer it is used although it was born expired.
    used_for: Duration,
    /// How old the tokens are, if that is known.
    age: Option<Duration>,
    /// What is left of the refresh token's life, and all of it. Without a refresh
    /// token, there is none to keep alive.
    refresh_token: Option<Option<(Duration, Duration)>>,
}

impl Lifetime {
    pub(crate) fn new(dates: &Dates, now: SystemTime) -> Self {
        let Dates { obtained_at, expires_at, guessed, .. } = *dates;
        let in_order = !obtained_at.is_some_and(|obtained| in_the_future(obtained, now));
        let whole = dates.life();
        let most = |left: Duration, whole: Option<Duration>| whole.map_or(left, |w| left.min(w));
        let used_for = dates.used_until.filter(|_| in_order).map(|until| between(now, until));
        let end = dates.refresh_expires_at.and_then(|end| {
            let whole = obtained_at.map(|at| between(at, end));
            let left = most(between(now, end), whole);
            // Dates in the wrong order say nothing.
            Some((left, whole.unwrap_or(left))).filter(|(_, whole)| *whole > REST)
        });
        Self {
            left: expires_at.map(|end| most(between(now, end), whole)),
            whole,
            guessed,
            plausible: match expires_at {
                Some(_) => in_order,
                // Nobody knows how old it is.
                None => !guessed,
            },
            used_for: used_for.unwrap_or_default(),
            age: obtained_at.filter(|_| in_order).map(|at| between(at, now)),
            refresh_token: dates.has_refresh_token.then_some(end),
        }
    }

    /// What is left of it, be it a guess; `None` if it does not end as far as is
    /// known.
    pub(crate) fn left(&self) -> Option<Duration> {
        self.left
    }

    /// For how long it may be handed out if there is no other; `None` is for ever:
    /// a guess is no reason to give up a token that nobody has refused.
    pub(crate) fn valid_for(&self) -> Option<Duration> {
        self.left.filter(|_| !self.guessed).map(|left| left.max(self.used_for))
    }

    /// Whether an API may still accept it.
    pub(crate) fn is_valid(&self) -> bool {
        self.valid_for().is_none_or(|left| !left.is_zero())
    }

    /// Whether it is good for `ttl`, or for as long as can be asked of it.
    pub(crate) fn lasts(&self, ttl: Ttl, settings: &Settings) -> bool {
        self.spare(ttl, settings).is_none_or(|spare| !spare.is_zero())
    }

    /// For how much longer it will be good for `ttl`; `None` is for ever.
    pub(crate) fn spare(&self, ttl: Ttl, settings: &Settings) -> Option<Duration> {
        if !self.plausible {
            return Some(Duration::ZERO);
        }
        let (wanted, share, kept_alive) = match ttl {
            Ttl::Usual => (settings.min_ttl, 0.25, self.kept_alive(settings, 0.0)),
            Ttl::AtLeast(ttl) => (ttl, 0.75, None),
        };
        let wanted = wanted.saturating_add(settings.clock_skew);
        let cap = self.whole.map_or(Duration::MAX, |whole| whole.mul_f64(share));
        let good = self.left.map(|left| left.saturating_sub(wanted.min(cap)).max(self.used_for));
        good.into_iter().chain(kept_alive).min()
    }

    /// When to refresh it ahead of need, counted from now; `None` is never.
    /// `random` is in `0.0..1.0`.
    pub(crate) fn due_in(&self, settings: &Settings, random: f64) -> Option<Duration> {
        if !self.plausible {
            return Some(Duration::ZERO);
        }
        let due = self.left.map(|left| {
            let whole = self.whole.unwrap_or(left);
            let ahead = settings.refresh_ahead.min(whole / 4).mul_f64(1.0 + random);
            let skew = settings.clock_skew.min(whole / 10);
            left.saturating_sub(ahead).saturating_sub(skew)
        });
        due.into_iter().chain(self.kept_alive(settings, random)).min()
    }

    /// When to refresh for the sake of the refresh token, counted from now; `None`
    /// is never. Not within [`REST`] after the last refresh.
    fn kept_alive(&self, settings: &Settings, random: f64) -> Option<Duration> {
        let end = self.refresh_token?.map(|(left, whole)| {
            let ahead = REFRESH_TOKEN_AHEAD.min(whole / 8).mul_f64(1.0 + random);
            left.saturating_sub(ahead)
        });
        let every = settings.refresh_at_least_every.map(|every| match self.age {
            Some(age) => (every - (every / 10).mul_f64(random)).saturating_sub(age),
            None => Duration::ZERO,
        });
        let rest = self.age.map_or(Duration::ZERO, |age| REST.saturating_sub(age));
        end.into_iter().chain(every).min().map(|due| due.max(rest))
    }
}

/// How long a caller wants a token to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ttl {
    /// [`Settings::min_ttl`].
    Usual,
    /// What this very caller asked for.
    AtLeast(Duration),
}

#[cfg(test)]
mod tests;
