//! Tables of what is left of a life, and what holds of any.

use std::{
    sync::LazyLock,
    time::{Instant, SystemTime},
};

use proptest::prelude::*;

use super::*;
use crate::{
    dates::{count_born_expired, guess_expiry},
    record::{Guess, Record},
};

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn now_at(seconds: u64) -> Now {
    by_wall(at(seconds))
}

fn by_wall(wall: SystemTime) -> Now {
    static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);
    Now { monotonic: *STARTED, wall }
}

fn life(obtained: Option<u64>, expires: Option<u64>, now: u64) -> Lifetime {
    Lifetime::new(&dates(obtained, expires), now_at(now))
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
    let life = Lifetime::new(&guessed, now_at(10_000));
    assert_eq!(spare(life, Ttl::Usual), Some(3_600 - 70));
    let life = Lifetime::new(&guessed, now_at(99_999));
    assert_eq!((spare(life, Ttl::Usual), life.valid_for()), (Some(0), None));
    assert!(life.is_valid());
    // Of unknown age.
    let life = Lifetime::new(&Dates { guessed: true, ..Dates::default() }, now_at(99_999));
    assert_eq!((spare(life, Ttl::Usual), life.valid_for()), (Some(0), None));
    assert_eq!(life.due_in(&Settings::default(), 0.5), Some(Duration::ZERO));
}

#[test]
fn a_token_that_was_born_expired_is_used_until_it_is_said_to() {
    let used = Dates { used_until: Some(at(10_030)), ..dates(Some(10_000), Some(9_000)) };
    for (now, left) in [(10_000, 30), (10_020, 10), (10_030, 0), (10_040, 0)] {
        let life = Lifetime::new(&used, now_at(now));
        assert_eq!(spare(life, Ttl::Usual), Some(left), "{now}");
        assert_eq!(spare(life, Ttl::AtLeast(Duration::MAX)), Some(left), "{now}");
        assert_eq!(life.is_valid(), left > 0, "{now}");
    }
    // The clock was set back a lot.
    assert!(!Lifetime::new(&used, now_at(5_000)).lasts(Ttl::Usual, &Settings::default()));
}

/// Of tokens obtained at 10,000 that do not expire, whose refresh token
/// expires then.
fn kept(refresh_expires: Option<u64>, now: u64) -> Lifetime {
    let kept = Dates {
        has_refresh_token: true,
        refresh_expires_at: refresh_expires.map(at),
        ..dates(Some(10_000), None)
    };
    Lifetime::new(&kept, now_at(now))
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
    assert_eq!(Lifetime::new(&without, now_at(13_000)).due_in(&settings, 0.5), None);
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
    assert_eq!(spare(Lifetime::new(&undated, now_at(10_000))), 0);
    // Nothing to keep alive.
    let without = Lifetime::new(&dates(Some(10_000), None), now_at(20_000));
    assert_eq!(without.spare(Ttl::Usual, &settings), None);
    let rarely = Settings::default().refresh_at_least_every(Duration::MAX);
    assert!(kept(None, 10_100).due_in(&rarely, 1.0).unwrap() > Duration::from_secs(1 << 60));
}

/// Any time that a clock or a server may show, near and far.
fn any_time() -> impl Strategy<Value = Option<SystemTime>> {
    let seconds = prop_oneof![0..20_u64, 999_900..1_010_000_u64, any::<u64>()];
    let time = (seconds, any::<bool>()).prop_map(|(seconds, before)| {
        let (epoch, by) = (SystemTime::UNIX_EPOCH, Duration::from_secs(seconds));
        if before && seconds % 2 == 0 { epoch.checked_sub(by) } else { epoch.checked_add(by) }
    });
    prop_oneof![3 => time, 1 => Just(None)]
}

fn any_duration() -> impl Strategy<Value = Duration> {
    let any = (any::<u64>(), 0..1_000_000_000_u32).prop_map(|(s, n)| Duration::new(s, n));
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::MAX),
        (0..5_000_u64).prop_map(Duration::from_secs),
        any
    ]
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let durations = prop::collection::vec(any_duration(), 6);
    (durations, any::<bool>(), any::<bool>()).prop_map(|(mut all, lives, every)| {
        let mut next = || all.pop().unwrap_or_default();
        let mut settings = Settings::default()
            .min_ttl(next())
            .clock_skew(next())
            .refresh_ahead(next())
            .default_lifetime(lives.then_some(next()));
        if every {
            settings = settings.refresh_at_least_every(next());
        }
        settings
    })
}

prop_compose! {
    fn any_record()(
        times in prop::collection::vec(any_time(), 4),
        born_expired in 0..4_u32,
        guessed: bool,
    ) -> Record {
        let mut tokens = auth_core::TokenSet::new(auth_core::AccessToken::new("at"));
        tokens.refresh_token = Some(auth_core::RefreshToken::new("rt"));
        (tokens.expires_at, tokens.refresh_expires_at) = (times[0], times[1]);
        let guess = guessed.then_some(Guess { corrected_at: times[2] });
        Record { obtained_at: times[3], guess, born_expired, ..Record::new(tokens) }
    }
}

proptest! {
    #[test]
    fn any_dates_can_be_judged(
        record in any_record(),
        now in any_time(),
        settings in any_settings(),
        ttl in any_duration(),
        random in 0.0..1.0,
    ) {
        let now = now.unwrap_or(at(1_000_000));
        let life = Lifetime::new(&Dates::of(&record, true, &settings), by_wall(now));
        for ttl in [Ttl::Usual, Ttl::AtLeast(ttl)] {
            let spare = life.spare(ttl, &settings);
            prop_assert_eq!(life.lasts(ttl, &settings), spare.is_none_or(|spare| !spare.is_zero()));
        }
        // What will be needed will be due.
        let due = life.due_in(&settings, random);
        prop_assert_eq!(due.is_some(), life.spare(Ttl::Usual, &settings).is_some());
        let _ = (life.valid_for(), life.rest());
    }

    /// Whatever a server says, whatever was before: tokens that were obtained just
    /// now do for a moment, or are the first that were born expired.
    #[test]
    fn new_tokens_are_used(
        old in prop::option::of(any_record()),
        mut new in any_record(),
        now in any_time(),
        refused in any_time(),
        settings in any_settings(),
        ttl in any_duration(),
    ) {
        let now = now.unwrap_or(at(1_000_000));
        (new.obtained_at, new.guess, new.born_expired) = (Some(now), None, 0);
        guess_expiry(&mut new, old.as_ref(), refused, &settings);
        count_born_expired(&mut new, old.as_ref());
        let dates = Dates::of(&new, true, &settings);
        let life = Lifetime::new(&dates, by_wall(now));
        for ttl in [Ttl::Usual, Ttl::AtLeast(ttl)] {
            let spare = life.spare(ttl, &settings).unwrap_or(Duration::MAX);
            match new.born_expired {
                0 => prop_assert!(spare >= Duration::from_millis(375), "{spare:?} {dates:?}"),
                1 => prop_assert!(dates.life() < Some(Duration::from_millis(1_500))),
                _ => prop_assert_eq!(spare, REST),
            }
        }
    }
}
