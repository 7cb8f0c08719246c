//! How long an access token is good for: arithmetic over its dates.
//!
//! All of it rests on the wall clock, for nothing else is shared by processes,
//! survives a restart, and goes on while a laptop sleeps. It may jump, and so:
//!
//! - no token is believed to live longer than it did when it was obtained, counted
//!   from when this process first saw it: see [`seen`](crate::seen);
//! - a token that was obtained in what is now the future is of unknown age,
//!   and is refreshed;
//! - what was found out is valid from that moment on, and looked at again if
//!   the clock shows an earlier one.

use std::time::Duration;

use auth_core::Now;

use crate::{
    dates::Dates,
    seen::{Seen, between, in_the_future},
    settings::Settings,
};

/// How long nothing is refreshed ahead of need after a refresh, lest a server
/// whose tokens do not live be asked without end. Tokens that live for less
/// than this are refreshed when they are needed.
const REST: Duration = Duration::from_secs(30);

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
    pub(crate) fn new(dates: &Dates, now: Now) -> Self {
        let Dates { obtained_at, expires_at, guessed, .. } = *dates;
        let in_order = !obtained_at.is_some_and(|obtained| in_the_future(obtained, now.wall));
        let seen = dates.seen.unwrap_or(Seen::at(now));
        let left = |end| seen.left(obtained_at, end, now);
        let end = dates.refresh_expires_at.and_then(|end| {
            let (whole, left) = (obtained_at.map(|at| between(at, end)), left(end));
            // Dates in the wrong order say nothing.
            Some((left, whole.unwrap_or(left))).filter(|(_, whole)| *whole > REST)
        });
        Self {
            left: expires_at.map(left),
            whole: dates.life(),
            guessed,
            plausible: match expires_at {
                Some(_) => in_order,
                // Nobody knows how old it is.
                None => !guessed,
            },
            used_for: dates.used_until.filter(|_| in_order).map(left).unwrap_or_default(),
            age: obtained_at.filter(|_| in_order).map(|at| seen.age(at, now)),
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
        end.into_iter().chain(every).min().map(|due| due.max(self.rest()))
    }

    /// What is left of the time after a refresh in which nothing is refreshed ahead
    /// of need, for all who share the record.
    pub(crate) fn rest(&self) -> Duration {
        self.age.map_or(Duration::ZERO, |age| REST.saturating_sub(age))
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
