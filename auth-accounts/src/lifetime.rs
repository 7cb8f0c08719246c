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
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn life(obtained: Option<u64>, expires: Option<u64>, now: u64) -> Lifetime {
        Lifetime::new(&dates(obtained, expires), at(now))
    }

    fn dates(obtained: Option<u64>, expires: Option<u64>) -> Dates {
        Dates { obtained_at: obtained.map(at), expires_at: expires.map(at), ..Dates::default() }
    }

    fn spare(life: Lifetime, ttl: Ttl) -> Option<u64> {
        life.spare(ttl, &Settings::default()).map(|spare| spare.as_secs())
    }

    #[test]
    fn a_token_is_good_for_min_ttl_and_skew() {
        let hour = |now| life(Some(10_000), Some(13_600), now);
        assert_eq!(spare(hour(10_000), Ttl::Usual), Some(3_600 - 70));
        assert_eq!(spare(hour(13_529), Ttl::Usual), Some(1));
        assert!(hour(13_529).lasts(Ttl::Usual, &Settings::default()));
        assert!(!hour(13_530).lasts(Ttl::Usual, &Settings::default()));
        assert!(hour(13_599).is_valid());
        assert!(!hour(13_600).is_valid());
        let long = Ttl::AtLeast(Duration::from_secs(1_000));
        assert_eq!(spare(hour(10_000), long), Some(3_600 - 1_010));
    }

    #[test]
    fn no_more_is_asked_of_a_token_than_a_share_of_its_life() {
        let short = life(Some(10_000), Some(10_100), 10_000);
        assert_eq!(spare(short, Ttl::Usual), Some(75));
        assert_eq!(spare(short, Ttl::AtLeast(Duration::from_secs(1_000))), Some(25));
        assert_eq!(spare(short, Ttl::AtLeast(Duration::MAX)), Some(25));
        // Of unknown age: what is asked for is asked for.
        assert_eq!(spare(life(None, Some(10_100), 10_000), Ttl::Usual), Some(30));
    }

    #[test]
    fn a_token_without_expiry_lasts() {
        let life = life(Some(10_000), None, 1);
        assert_eq!(spare(life, Ttl::AtLeast(Duration::MAX)), None);
        assert!(life.is_valid());
        assert_eq!(life.due_in(&Settings::default(), 0.5), None);
    }

    #[test]
    fn a_clock_set_back_makes_no_token_younger() {
        // A little: no longer than it ever lived.
        let little = life(Some(10_000), Some(13_600), 9_800);
        assert_eq!(spare(little, Ttl::Usual), Some(3_600 - 70));
        // A lot: of unknown age, to be refreshed, but handed out if that fails.
        let lot = life(Some(10_000), Some(13_600), 9_000);
        assert_eq!(spare(lot, Ttl::Usual), Some(0));
        assert_eq!(lot.due_in(&Settings::default(), 0.0), Some(Duration::ZERO));
        assert!(lot.is_valid());
    }

    #[test]
    fn dates_in_the_wrong_order_are_an_expired_token() {
        let life = life(Some(10_000), Some(9_000), 9_999);
        assert!(!life.is_valid());
        assert_eq!(life.due_in(&Settings::default(), 0.0), Some(Duration::ZERO));
    }

    #[test]
    fn refresh_ahead_of_need_is_spread() {
        let settings = Settings::default();
        let due = |life: Lifetime, random| life.due_in(&settings, random).unwrap().as_secs();
        let hour = life(Some(10_000), Some(13_600), 10_000);
        assert_eq!(due(hour, 0.0), 3_600 - 10 - 300);
        assert_eq!(due(hour, 1.0), 3_600 - 10 - 600);
        let short = life(Some(10_000), Some(10_040), 10_000);
        assert_eq!(due(short, 0.0), 40 - 4 - 10);
        assert_eq!(due(short, 1.0), 40 - 4 - 20);
        // Before `token` would refresh it in the way of its caller.
        for whole in [1, 4, 40, 90, 300, 600, 3_600, 86_400] {
            let life = life(Some(10_000), Some(10_000 + whole), 10_000);
            let needed = life.spare(Ttl::Usual, &settings).unwrap();
            assert!(life.due_in(&settings, 0.0).unwrap() <= needed, "{whole}");
        }
    }

    #[test]
    fn a_guess_is_no_reason_to_give_a_token_up() {
        let guessed = Dates { guessed: true, ..dates(Some(10_000), Some(13_600)) };
        let life = Lifetime::new(&guessed, at(10_000));
        assert_eq!(spare(life, Ttl::Usual), Some(3_600 - 70));
        let life = Lifetime::new(&guessed, at(99_999));
        assert_eq!((spare(life, Ttl::Usual), life.valid_for()), (Some(0), None));
        assert!(life.is_valid());
        // Of unknown age.
        let life = Lifetime::new(&Dates { guessed: true, ..Dates::default() }, at(99_999));
        assert_eq!((spare(life, Ttl::Usual), life.valid_for()), (Some(0), None));
        assert_eq!(life.due_in(&Settings::default(), 0.5), Some(Duration::ZERO));
    }

    #[test]
    fn a_token_that_was_born_expired_is_used_until_it_is_said_to() {
        let used = Dates { used_until: Some(at(10_030)), ..dates(Some(10_000), Some(9_000)) };
        for (now, left) in [(10_000, 30), (10_020, 10), (10_030, 0), (10_040, 0)] {
            let life = Lifetime::new(&used, at(now));
            assert_eq!(spare(life, Ttl::Usual), Some(left), "{now}");
            assert_eq!(spare(life, Ttl::AtLeast(Duration::MAX)), Some(left), "{now}");
            assert_eq!(life.is_valid(), left > 0, "{now}");
        }
        // The clock was set back a lot.
        assert!(!Lifetime::new(&used, at(5_000)).lasts(Ttl::Usual, &Settings::default()));
    }

    /// Of tokens obtained at 10,000 that do not expire, whose refresh token
    /// expires then.
    fn kept(refresh_expires: Option<u64>, now: u64) -> Lifetime {
        let kept = Dates {
            has_refresh_token: true,
            refresh_expires_at: refresh_expires.map(at),
            ..dates(Some(10_000), None)
        };
        Lifetime::new(&kept, at(now))
    }

    #[test]
    fn a_refresh_token_is_used_before_it_expires() {
        let day = 24 * 3600;
        let settings = Settings::default();
        for (life, earliest, latest) in [
            // An eighth of its life, to twice that.
            (3_600, 2_700, 3_150),
            (8 * day, 6 * day, 7 * day),
            // A day, to twice that.
            (100 * day, 98 * day, 99 * day),
            // Not in the first 30 s.
            (32, 30, 30),
        ] {
            let kept = kept(Some(10_000 + life), 10_000);
            let due = |random| kept.due_in(&settings, random).unwrap().as_secs();
            assert_eq!((due(1.0), due(0.0)), (earliest, latest), "{life}");
            assert_eq!(spare(kept, Ttl::Usual), Some(latest), "{life}");
            assert_eq!(spare(kept, Ttl::AtLeast(Duration::MAX)), None, "{life}");
            assert!(kept.is_valid());
        }
        // What was over when it was obtained says nothing, nor does nothing.
        for says_nothing in [None, Some(9_000), Some(10_030)] {
            assert_eq!(kept(says_nothing, 20_000).due_in(&settings, 0.5), None);
        }
        // Without a refresh token there is nothing to use.
        let without = Dates { refresh_expires_at: Some(at(13_600)), ..dates(Some(10_000), None) };
        assert_eq!(Lifetime::new(&without, at(13_000)).due_in(&settings, 0.5), None);
        // Once it is over there is nothing to lose by a try.
        assert_eq!(spare(kept(Some(13_600), 20_000), Ttl::Usual), Some(0));
    }

    #[test]
    fn idle_tokens_are_refreshed_every_so_often() {
        let settings = Settings::default().refresh_at_least_every(Duration::from_secs(1_000));
        let due = |life: Lifetime, random| life.due_in(&settings, random).unwrap().as_secs();
        let spare = |life: Lifetime| life.spare(Ttl::Usual, &settings).unwrap().as_secs();
        let idle = kept(None, 10_100);
        assert_eq!((due(idle, 0.0), due(idle, 1.0), spare(idle)), (900, 800, 900));
        assert_eq!(spare(kept(None, 11_000)), 0);
        // Whatever comes first.
        assert_eq!(spare(kept(Some(10_800), 10_100)), 600);
        // Of unknown age.
        let undated = Dates { has_refresh_token: true, ..dates(None, Some(90_000)) };
        assert_eq!(spare(Lifetime::new(&undated, at(10_000))), 0);
        // Nothing to keep alive.
        let without = Lifetime::new(&dates(Some(10_000), None), at(20_000));
        assert_eq!(without.spare(Ttl::Usual, &settings), None);
        let rarely = Settings::default().refresh_at_least_every(Duration::MAX);
        assert!(kept(None, 10_100).due_in(&rarely, 1.0).unwrap() > Duration::from_secs(1 << 60));
    }
}
