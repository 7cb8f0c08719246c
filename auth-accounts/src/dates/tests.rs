//! Tables of what is guessed, and of what was born expired.

use auth_core::{AccessToken, RefreshToken, TokenSet};

use super::*;

const OBTAINED: u64 = 1_000_000;
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// A record of tokens of this age at `OBTAINED`, that live so long.
fn record(age: Option<u64>, life: Option<u64>) -> Record {
    let obtained = age.map(|age| OBTAINED - age);
    let mut tokens = TokenSet::new(AccessToken::new("at"));
    tokens.refresh_token = Some(RefreshToken::new("rt"));
    tokens.expires_at = life.map(|life| at(obtained.unwrap_or(OBTAINED) + life));
    Record { obtained_at: obtained.map(at), ..Record::new(tokens) }
}

fn guessed(age: u64, life: u64, corrected: Option<u64>) -> Record {
    let corrected_at = corrected.map(|ago| at(OBTAINED - ago));
    Record { guess: Some(Guess { corrected_at }), ..record(Some(age), Some(life)) }
}

/// How long the tokens after `old` are taken to live, whose token was refused so
/// long ago, and how long ago that was corrected.
fn next(
    old: Option<&Record>,
    refused: Option<u64>,
    settings: &Settings,
) -> Option<(u64, Option<u64>)> {
    let mut new = record(Some(0), None);
    guess_expiry(&mut new, old, refused.map(|ago| at(OBTAINED - ago)), settings);
    assert_eq!(new.guess.is_some(), new.tokens.expires_at.is_some());
    let dates = Dates::of(&new, true, settings);
    assert_eq!(dates.guessed, new.guess.is_some());
    let corrected = new.guess?.corrected_at;
    Some((dates.life()?.as_secs(), corrected.map(|at_| between(at_, at(OBTAINED)).as_secs())))
}

#[test]
fn what_is_guessed_comes_from_the_first_that_knows() {
    let settings = Settings::default();
    let never = Settings::default().default_lifetime(None);
    for (old, with_default, without) in [
        // The life of the tokens before.
        (Some(record(Some(500), Some(7_200))), Some(7_200), Some(7_200)),
        (Some(record(Some(99_999), Some(30))), Some(30), Some(30)),
        (Some(guessed(500, 900, None)), Some(900), Some(900)),
        // They had none, or it is not known.
        (Some(record(Some(500), Some(1))), Some(HOUR), None),
        (Some(record(Some(500), Some(2))), Some(2), Some(2)),
        (Some(record(Some(500), Some(0))), Some(HOUR), None),
        (Some(record(None, Some(7_200))), Some(HOUR), None),
        (Some(record(Some(500), None)), Some(HOUR), None),
        (Some(record(None, None)), Some(HOUR), None),
        (None, Some(HOUR), None),
    ] {
        let life = |settings| next(old.as_ref(), None, settings).map(|(life, _)| life);
        assert_eq!(life(&settings), with_default, "{old:?}");
        assert_eq!(life(&never), without, "{old:?}");
    }
}

#[test]
fn what_was_said_is_not_guessed() {
    let settings = Settings::default();
    let mut said = record(Some(0), Some(500));
    guess_expiry(&mut said, Some(&guessed(0, 900, None)), None, &settings);
    assert_eq!(said, record(Some(0), Some(500)));
    assert!(!Dates::of(&said, true, &settings).guessed);
}

#[test]
fn a_refusal_corrects_a_guess() {
    let hour = || guessed(2 * HOUR, HOUR, None);
    let age_at = |age| Some(2 * HOUR - age);
    for (what, old, refused, expected) in [
        ("after 20 min", hour(), age_at(1_200), (1_200, age_at(1_200))),
        ("at the bound", hour(), age_at(60), (60, age_at(60))),
        ("right after it was issued", hour(), age_at(59), (HOUR, None)),
        ("in the moment", hour(), age_at(0), (HOUR, None)),
        ("later than guessed", hour(), age_at(HOUR), (HOUR, None)),
        ("not at all", hour(), None, (HOUR, None)),
        // It was no guess.
        ("one with an expiry", record(Some(2 * HOUR), Some(HOUR)), age_at(1_200), (HOUR, None)),
        // Nor on record as one, but treated as one.
        ("one without", record(Some(2 * HOUR), None), age_at(1_200), (1_200, age_at(1_200))),
        ("of unknown age", record(None, None), Some(100), (HOUR, None)),
        // What was learnt stays,
        ("no more", guessed(500, 900, Some(600)), None, (900, Some(600))),
        ("again", guessed(500, 900, Some(600)), Some(0), (500, Some(0))),
        // for a day.
        ("a day ago", guessed(500, 900, Some(DAY)), None, (900, Some(DAY))),
        ("long ago", guessed(500, 900, Some(DAY + 1)), None, (HOUR, None)),
        ("long ago, of more", guessed(500, 9_000, Some(DAY + 1)), None, (9_000, None)),
    ] {
        assert_eq!(next(Some(&old), refused, &Settings::default()), Some(expected), "{what}");
    }
    // Without a default what was learnt is all there is.
    let never = Settings::default().default_lifetime(None);
    assert_eq!(next(Some(&guessed(500, 900, Some(DAY + 1))), None, &never), Some((900, None)));
    assert_eq!(next(Some(&record(Some(5_000), None)), Some(0), &never), None);
}

#[test]
fn a_record_without_expiry_is_dated_when_it_is_read() {
    let settings = Settings::default();
    let dates = Dates::of(&record(Some(500), None), true, &settings);
    assert_eq!((dates.expires_at, dates.guessed), (Some(at(OBTAINED - 500 + HOUR)), true));
    // Of unknown age: it is due, and from then on there is a date.
    let dates = Dates::of(&record(None, None), true, &settings);
    assert_eq!((dates.expires_at, dates.guessed), (None, true));
    // If it cannot be replaced, or is not to be, it lasts.
    let never = settings.clone().default_lifetime(None);
    for (record, renews, settings) in [
        (record(Some(500), None), false, &settings),
        (guessed(500, 900, None), false, &settings),
        (record(Some(500), None), true, &never),
    ] {
        let dates = Dates::of(&record, renews, settings);
        assert_eq!((dates.expires_at, dates.guessed), (None, false));
    }
    // A guess on record stays one.
    let dates = Dates::of(&guessed(500, 900, None), true, &never);
    assert_eq!((dates.life(), dates.guessed), (Some(Duration::from_secs(900)), true));
}

#[test]
fn no_default_is_shorter_than_a_minute() {
    let settings = Settings::default().default_lifetime(Some(Duration::ZERO));
    assert_eq!(next(None, None, &settings), Some((60, None)));
    let settings = Settings::default().default_lifetime(Some(Duration::MAX));
    assert_eq!(next(None, None, &settings), None, "it does not end");
}

#[test]
fn the_second_in_a_row_that_is_born_expired_is_used() {
    let counted = |life, before: Option<u32>| {
        let mut new = record(Some(0), life);
        let old = before.map(|count| Record { born_expired: count, ..record(Some(9), life) });
        count_born_expired(&mut new, old.as_ref());
        (new.born_expired, Dates::on_record(&new).used_until)
    };
    let used = Some(at(OBTAINED + 30));
    for (life, before, expected) in [
        (Some(0), None, (1, None)),
        (Some(0), Some(0), (1, None)),
        (Some(1), Some(1), (2, used)),
        (Some(0), Some(7), (8, used)),
        (Some(0), Some(u32::MAX), (u32::MAX, used)),
        (Some(2), Some(7), (0, None)),
        (Some(3_600), Some(1), (0, None)),
        (None, Some(1), (0, None)),
    ] {
        assert_eq!(counted(life, before), expected, "{life:?} {before:?}");
    }
    // The server's clock is an hour behind.
    let mut past = record(Some(0), None);
    past.tokens.expires_at = Some(at(OBTAINED - 60));
    count_born_expired(&mut past, None);
    assert_eq!(past.born_expired, 1);
    // Of unknown age, nobody knows.
    let mut undated = record(None, Some(0));
    count_born_expired(&mut undated, None);
    assert_eq!(undated.born_expired, 0);
}
