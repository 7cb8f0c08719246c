//! How often a token that an API has refused is replaced.
//!
//! An API that refuses every token, for a wrong audience or a clock that is off,
//! would otherwise be answered with one exchange after another. The times of the
//! exchanges are on record, and so bind everybody who shares it.
//!
//! At first there are so many exchanges within a time. While each new token is refused as
//! soon as it is used, each exchange beyond those doubles the time: somebody who calls such
//! an API once in a while would make an exchange each time for ever.

use std::time::{Duration, SystemTime};

use auth_core::Now;

use crate::{seen::Seen, settings::Settings};

/// How often the time doubles.
const DOUBLINGS: u8 = 6;

/// How many of the longest times an exchange counts for.
const COUNTS_FOR: u32 = 16;

/// A token that is refused when it is younger was never good.
const NEVER_GOOD: Duration = Duration::from_secs(10);

/// Until when a refused token is not replaced, after exchanges for that reason at
/// `times`, which were first `seen` then; `None` if it may be replaced now.
pub(crate) fn braked_until(
    times: &[SystemTime],
    seen: Option<Seen>,
    now: Now,
    settings: &Settings,
) -> Option<SystemTime> {
    let (most, within) = settings.refusals;
    let counted: Vec<SystemTime> = recent(times, now.wall, longest(within), within).collect();
    let beyond = counted.len().checked_sub(most)?;
    let first = *counted.get(beyond)?;
    let doublings = u32::try_from(beyond).unwrap_or(u32::MAX).min(DOUBLINGS.into());
    let until = first.checked_add(within.checked_mul(1 << doublings)?)?;
    let left = seen.unwrap_or(Seen::at(now)).left(Some(first), until, now);
    now.wall.checked_add(left).filter(|until| *until > now.wall)
}

/// The times that count after an exchange at `now`, which was made because a token had
/// been refused at that `age`, or for another reason.
pub(crate) fn times_after(
    times: &[SystemTime],
    refused: Option<Refused>,
    now: SystemTime,
    settings: &Settings,
) -> Vec<SystemTime> {
    let (most, within) = settings.refusals;
    let counts_for = match refused {
        Some(Refused { age: Some(age) }) if age < NEVER_GOOD => longest(within),
        // It was good, or nobody knows.
        _ => within,
    };
    let mut times: Vec<SystemTime> = recent(times, now, counts_for, within).collect();
    times.extend(refused.is_some().then_some(now));
    times.split_off(times.len().saturating_sub(most + usize::from(DOUBLINGS)))
}

/// A token that an API has refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refused {
    /// How old it was then, if that is known.
    pub(crate) age: Option<Duration>,
}

fn longest(within: Duration) -> Duration {
    within.saturating_mul(COUNTS_FOR << DOUBLINGS)
}

/// Those of `times` that count at `now`. What is ahead by more than the whole time
/// was noted by a clock that is off.
fn recent(
    times: &[SystemTime],
    now: SystemTime,
    counts_for: Duration,
    within: Duration,
) -> impl Iterator<Item = SystemTime> {
    let counts = move |time: &SystemTime| match now.duration_since(*time) {
        Ok(ago) => ago < counts_for,
        Err(error) => error.duration() <= within,
    };
    times.iter().copied().filter(counts)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn now_at(seconds: u64) -> Now {
        Now { monotonic: Instant::now(), wall: at(seconds) }
    }

    fn times(seconds: &[u64]) -> Vec<SystemTime> {
        seconds.iter().copied().map(at).collect()
    }

    #[test]
    fn two_in_ten_seconds_are_enough() {
        let settings = Settings::default();
        for (seconds, now, until) in [
            (&[][..], 100, None),
            (&[100], 100, None),
            (&[100, 100], 100, Some(110)),
            (&[95, 100], 100, Some(105)),
            (&[95, 100], 104, Some(105)),
            (&[95, 100], 105, None),
            (&[80, 100], 100, None),
            // Rounded up, or by a clock that is a little ahead: no longer than meant.
            (&[101, 101], 100, Some(110)),
            (&[109, 111], 100, None),
            (&[109, 110], 100, Some(110)),
            // Each one beyond these doubles the time.
            (&[80, 95, 100], 100, Some(115)),
            (&[80, 95, 100], 115, None),
            (&[70, 80, 95, 100], 100, Some(135)),
            (&[10, 20, 30, 40, 50, 60, 70, 80], 100, Some(710)),
            (&[1, 10, 20, 30, 40, 50, 60, 70, 80], 100, Some(710)),
            (&[1_000, 1_001, 1_002], 11_239, None),
        ] {
            let braked = braked_until(&times(seconds), None, now_at(now), &settings);
            assert_eq!(braked, until.map(at), "{seconds:?} {now}");
        }
    }

    #[test]
    fn the_brake_can_be_set() {
        let braked = |seconds: &[u64], settings: Settings| {
            braked_until(&times(seconds), None, now_at(100), &settings)
        };
        let set = |most, within| Settings::default().refusals(most, Duration::from_secs(within));
        assert_eq!(braked(&[100], set(1, 60)), Some(at(160)));
        assert_eq!(braked(&[100], set(0, 60)), Some(at(160)));
        assert_eq!(braked(&[100; 15], set(99, 60)), None);
        assert_eq!(braked(&[100; 16], set(99, 60)), Some(at(160)));
        assert_eq!(braked(&[100; 18], set(99, 60)), Some(at(340)));
        assert_eq!(braked(&[100; 16], set(1, 0)), None);
        let for_ever = Settings::default().refusals(1, Duration::MAX);
        assert_eq!(braked(&[100], for_ever), None, "there is no such time");
    }

    #[test]
    fn no_more_times_are_kept_than_count() {
        let settings = Settings::default();
        let after = |seconds: &[u64], age: Option<u64>| {
            let refused = age.map(|age| Refused { age: Some(Duration::from_secs(age)) });
            times_after(&times(seconds), refused, at(100), &settings)
        };
        assert_eq!(after(&[], Some(0)), times(&[100]));
        assert_eq!(after(&[], None), times(&[]));
        assert_eq!(after(&[90, 91], Some(10)), times(&[91, 100]), "it was good for a while");
        assert_eq!(after(&[90, 91], Some(9)), times(&[90, 91, 100]));
        assert_eq!(after(&[91, 92, 93], Some(10)), times(&[91, 92, 93, 100]));
        assert_eq!(after(&[10, 91, 92, 93], None), times(&[91, 92, 93]));
        let unknown = Some(Refused { age: None });
        assert_eq!(times_after(&times(&[90, 91]), unknown, at(100), &settings), times(&[91, 100]));
        let many: Vec<u64> = (10..30).collect();
        assert_eq!(after(&many, Some(0)), times(&[23, 24, 25, 26, 27, 28, 29, 100]));
    }
}
