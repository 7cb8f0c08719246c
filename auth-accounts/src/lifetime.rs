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

use auth_core::TokenSet;

use crate::{record::Record, settings::Settings};

/// A difference between two clocks of up to this much is ignored: between
/// machines that share a store, and between a clock and itself after it was set
/// back. 5 min.
pub const CLOCK_JUMP: Duration = Duration::from_secs(300);

/// Whether `time` lies so far ahead that the clock must have been set back
/// since.
pub(crate) fn in_the_future(time: SystemTime, now: SystemTime) -> bool {
    time.duration_since(now).is_ok_and(|ahead| ahead > CLOCK_JUMP)
}

/// What is known of a token's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lifetime {
    /// What is left of it; `None` if it does not end as far as is known.
    left: Option<Duration>,
    /// All of it.
    whole: Option<Duration>,
    /// Whether its dates make sense at all.
    plausible: bool,
}

impl Lifetime {
    pub(crate) fn of(record: &Record, now: SystemTime) -> Self {
        Self::new(&record.tokens, record.obtained_at, now)
    }

    pub(crate) fn new(tokens: &TokenSet, obtained: Option<SystemTime>, now: SystemTime) -> Self {
        let plausible = !obtained.is_some_and(|obtained| in_the_future(obtained, now));
        let Some(expires_at) = tokens.expires_at else {
            return Self { left: None, whole: None, plausible: true };
        };
        let whole = obtained.map(|at| expires_at.duration_since(at).unwrap_or_default());
        let left = expires_at.duration_since(now).unwrap_or_default();
        Self { left: Some(whole.map_or(left, |whole| left.min(whole))), whole, plausible }
    }

    /// What is left of it; `None` if it does not end as far as is known.
    pub(crate) fn left(&self) -> Option<Duration> {
        self.left
    }

    /// Whether an API may still accept it.
    pub(crate) fn is_valid(&self) -> bool {
        self.left.is_none_or(|left| !left.is_zero())
    }

    /// Whether it is good for `ttl`, or for as long as can be asked of it.
    pub(crate) fn lasts(&self, ttl: Ttl, settings: &Settings) -> bool {
        self.spare(ttl, settings).is_none_or(|spare| !spare.is_zero())
    }

    /// For how much longer it will be good for `ttl`; `None` is for ever.
    pub(crate) fn spare(&self, ttl: Ttl, settings: &Settings) -> Option<Duration> {
        let left = self.left?;
        if !self.plausible {
            return Some(Duration::ZERO);
        }
        let (wanted, share) = match ttl {
            Ttl::Usual => (settings.min_ttl, 0.25),
            Ttl::AtLeast(ttl) => (ttl, 0.75),
        };
        let wanted = wanted.saturating_add(settings.clock_skew);
        let cap = self.whole.map_or(Duration::MAX, |whole| whole.mul_f64(share));
        Some(left.saturating_sub(wanted.min(cap)))
    }

    /// When to refresh it ahead of need, counted from now; `None` is never.
    /// `random` is in `0.0..1.0`.
    pub(crate) fn due_in(&self, settings: &Settings, random: f64) -> Option<Duration> {
        let left = self.left?;
        if !self.plausible {
            return Some(Duration::ZERO);
        }
        let whole = self.whole.unwrap_or(left);
        let ahead = settings.refresh_ahead.min(whole / 4).mul_f64(1.0 + random);
        let skew = settings.clock_skew.min(whole / 10);
        Some(left.saturating_sub(ahead).saturating_sub(skew))
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
    use auth_core::AccessToken;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn life(obtained: Option<u64>, expires: Option<u64>, now: u64) -> Lifetime {
        let mut tokens = TokenSet::new(AccessToken::new("at"));
        tokens.expires_at = expires.map(at);
        Lifetime::new(&tokens, obtained.map(at), at(now))
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
}
