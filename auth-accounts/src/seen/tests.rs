use std::time::Instant;

use auth_core::{AccessToken, FailureKind, RefreshToken, TokenSet};
use proptest::prelude::*;

use super::*;
use crate::{dates::Dates, lifetime::Lifetime, settings::Settings};

const BASE: i64 = 1_000_000;

fn wall(seconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs())
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The clocks of one process, which need not agree.
struct Clocks(Now);

impl Clocks {
    fn new() -> Self {
        Self(Now { monotonic: Instant::now(), wall: wall(BASE) })
    }

    /// So many seconds later, by a wall clock that was set by so many.
    fn after(&self, seconds: u64, set: i64) -> Now {
        let later = self.0.plus(secs(seconds));
        Now { wall: wall(BASE + set) + secs(seconds), ..later }
    }
}

/// A record whose tokens and setback a clock wrote that was ahead by so much.
fn written(ahead: i64, life: u64, wait: u64) -> Record {
    let at = wall(BASE + ahead);
    let mut tokens = TokenSet::new(AccessToken::new("at-1"));
    tokens.refresh_token = Some(RefreshToken::new("rt-1"));
    tokens.expires_at = Some(at + secs(life));
    let mut record = Record::obtained(tokens, at);
    record.setback = Some(Setback {
        refresh_token: record.fingerprint().unwrap(),
        kind: FailureKind::Unavailable,
        code: None,
        status: None,
        possibly_spent: false,
        since: at,
        failed_at: at,
        retry_at: Some(at + secs(wait)),
        count: 1,
        client: None,
        credential: None,
    });
    record
}

fn left(record: &Record, sights: &Sights, now: Now) -> Duration {
    let dates = Dates { seen: sights.tokens(record), ..Dates::on_record(record) };
    Lifetime::new(&dates, now).valid_for().unwrap()
}

fn wait(record: &Record, sights: &Sights, now: Now) -> Duration {
    let retry_at = sights.retry_at(record.setback.as_ref().unwrap(), now).unwrap();
    between(now.wall, retry_at)
}

#[test]
fn nothing_lasts_longer_than_it_was_meant_to() {
    let clocks = Clocks::new();
    // How far the writer was ahead; what is left of a life of 100 s and of a wait of
    // 5 s after 0, 3 and 50 s; and the same where the clock here was set back by 60 s
    // after the first look.
    for (ahead, life, wait_for) in [
        (0, [100, 97, 50], [5, 2, 0]),
        (1, [100, 97, 50], [5, 2, 0]),
        (10, [100, 97, 50], [5, 2, 0]),
        (240, [100, 97, 50], [5, 2, 0]),
        (280, [100, 97, 50], [5, 2, 0]),
        (300, [100, 97, 50], [5, 2, 0]),
        // Of unknown age: what is left of it serves if there is no other.
        (301, [100, 97, 50], [0, 2, 0]),
        (3_600, [100, 97, 50], [0, 0, 0]),
        // By one that was behind it is older than it is, and never younger.
        (-3, [97, 94, 47], [2, 0, 0]),
        (-240, [0, 0, 0], [0, 0, 0]),
    ] {
        let record = written(ahead, 100, 5);
        let mut sights = Sights::default();
        for set_back in [0, 60] {
            for (at, seconds) in [0, 3, 50].into_iter().enumerate() {
                let set = if at == 0 { 0 } else { -set_back };
                let now = clocks.after(seconds, set);
                // However often it is looked at.
                sights.see(&record, now);
                sights.see(&record, now);
                assert_eq!(left(&record, &sights, now), secs(life[at]), "{ahead} {now:?}");
                let expected = match in_the_future(wall(BASE + ahead), now.wall) {
                    true => 0,
                    false => wait_for[at],
                };
                assert_eq!(wait(&record, &sights, now), secs(expected), "{ahead} {now:?}");
            }
        }
    }
}

#[test]
fn what_is_another_is_seen_anew() {
    let clocks = Clocks::new();
    let mut sights = Sights::default();
    let first = written(200, 100, 5);
    sights.see(&first, clocks.0);
    // Other tokens, the same setback.
    let now = clocks.after(4, 0);
    let mut second = written(200, 100, 5);
    second.tokens.access_token = AccessToken::new("at-2");
    sights.see(&second, now);
    assert_eq!(left(&second, &sights, now), secs(100));
    assert_eq!(wait(&second, &sights, now), secs(1));
    // The same tokens, another failure.
    second.setback = written(203, 100, 5).setback;
    let now = clocks.after(10, 0);
    sights.see(&second, now);
    assert_eq!(left(&second, &sights, now), secs(94));
    assert_eq!(wait(&second, &sights, now), secs(5));
    // The next failure in the same second.
    let now = clocks.after(12, 0);
    second.setback.as_mut().unwrap().count = 2;
    sights.see(&second, now);
    assert_eq!(wait(&second, &sights, now), secs(5));
    // What was never seen is seen now.
    assert_eq!(left(&first, &sights, now), secs(100));
    assert_eq!(wait(&first, &sights, now), secs(5));
}

/// As that of a machine without a battery, until it has asked for the time.
#[test]
fn a_clock_that_is_put_right_is_believed() {
    let clocks = Clocks::new();
    let mut sights = Sights::default();
    let record = written(1_000, 3_600, 600);
    sights.see(&record, clocks.0);
    let now = clocks.after(20, 1_300);
    sights.see(&record, now);
    assert_eq!(left(&record, &sights, now), secs(3_600 - 320));
    assert_eq!(wait(&record, &sights, now), secs(600 - 320));
}

proptest! {
    /// Whatever the clock of the writer shows, and whatever is done to the clock
    /// here: counted from the first look, no wait takes longer than it was meant to,
    /// and no token is valid for longer than it was given.
    #[test]
    fn no_clock_makes_anything_last(
        ahead in prop_oneof![-400..400_i64, -900_000..900_000_i64],
        life in 0..5_000_u64,
        delay in 0..5_000_u64,
        looks in prop::collection::vec((0..2_000_u64, prop_oneof![
            3 => Just(0_i64),
            1 => -400..400_i64,
            1 => -900_000..900_000_i64,
        ]), 1..8),
    ) {
        let clocks = Clocks::new();
        let record = written(ahead, life, delay);
        let mut sights = Sights::default();
        sights.see(&record, clocks.0);
        let (mut passed, mut set) = (0, 0);
        for (seconds, by) in looks {
            passed += seconds;
            set += by;
            let now = clocks.after(passed, set.max(-BASE));
            // The clock was wrong at the first look, and this is the first right one.
            let put_right = in_the_future(wall(BASE + ahead), clocks.0.wall)
                && wall(BASE + ahead) <= now.wall
                && set > 300;
            sights.see(&record, now);
            if put_right {
                break;
            }
            prop_assert!(left(&record, &sights, now) <= secs(life.saturating_sub(passed)));
            prop_assert!(wait(&record, &sights, now) <= secs(delay.saturating_sub(passed)));
        }
    }

    /// A clock that is off by less than is put up with, and that is not touched,
    /// shortens nothing by more than it is off.
    #[test]
    fn nor_does_it_cut_short(
        ahead in -300..=300_i64,
        life in 0..5_000_u64,
        passed in 0..5_000_u64,
    ) {
        let clocks = Clocks::new();
        let record = written(ahead, life, 0);
        let mut sights = Sights::default();
        sights.see(&record, clocks.0);
        let now = clocks.after(passed, 0);
        let behind = (-ahead).max(0).unsigned_abs();
        let least = life.saturating_sub(passed + behind);
        prop_assert_eq!(left(&record, &sights, now), secs(least));
        let usual = Lifetime::new(
            &Dates { seen: sights.tokens(&record), ..Dates::on_record(&record) },
            now,
        );
        prop_assert_eq!(usual.lasts(crate::lifetime::Ttl::Usual, &Settings::default()), {
            let wanted = secs(70).min(secs(life).mul_f64(0.25));
            secs(least) > wanted
        });
    }
}

/// Whoever noted it may have another clock. Its date only tells whether it is old.
#[test]
fn a_refresh_may_be_under_way_for_so_long_after_it_was_first_seen() {
    for (what, noted, left_at_first, left_later) in [
        ("now", 0, 60, 20),
        ("a while ago, or by a clock behind", -70, 60, 20),
        ("by a clock far behind", -300, 60, 20),
        ("long over", -301, 0, 0),
        ("by a clock ahead", 280, 60, 20),
        ("by a clock far ahead", 100_000, 60, 20),
    ] {
        let mut record = written(0, 3600, 5);
        let note = Note::new(record.fingerprint().unwrap(), wall(BASE + noted));
        record.note = Some(note.clone());
        let clocks = Clocks::new();
        let mut sights = Sights::default();
        assert_eq!(sights.may_last(&note, secs(60), clocks.0), secs(left_at_first), "{what}");
        sights.see(&record, clocks.0);
        for set in [-280, 0, 280] {
            let later = clocks.after(40, set);
            sights.see(&record, later);
            assert_eq!(sights.may_last(&note, secs(60), later), secs(left_later), "{what} {set}");
        }
        assert_eq!(sights.may_last(&note, secs(60), clocks.after(61, 0)), secs(0), "{what}");
        // Another attempt counts anew.
        let again = Note::new(note.refresh_token, wall(BASE + noted.min(0) + 39));
        record.note = Some(again.clone());
        if noted > -300 {
            sights.see(&record, clocks.after(40, 0));
            assert_eq!(sights.may_last(&again, secs(60), clocks.after(41, 0)), secs(59), "{what}");
        }
    }
}
