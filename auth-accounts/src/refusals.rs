//! How often a token that an API has refused is replaced.
//!
//! An API that refuses every token, for a wrong audience or a clock that is off,
//! would otherwise be answered with one exchange after another. The times of the
//! exchanges are on record, and so bind everybody who shares it.

use std::time::SystemTime;

use auth_core::Now;

use crate::{seen::Seen, settings::Settings};

/// Until when a refused token is not replaced, after exchanges for that reason at
/// `times`, which were first `seen` then; `None` if it may be replaced now.
pub(crate) fn braked_until(
    times: &[SystemTime],
    seen: Option<Seen>,
    now: Now,
    settings: &Settings,
) -> Option<SystemTime> {
    let (most, within) = settings.refusals;
    let recent: Vec<SystemTime> = recent(times, now.wall, settings).collect();
    let first = *recent.get(recent.len().checked_sub(most)?)?;
    let until = first.checked_add(within)?;
    let left = seen.unwrap_or(Seen::at(now)).left(Some(first), until, now);
    now.wall.checked_add(left).filter(|until| *until > now.wall)
}

/// The times that count after an exchange at `now`, which was made because a token
/// had been `refused` or for another reason.
pub(crate) fn times_after(
    times: &[SystemTime],
    refused: bool,
    now: SystemTime,
    settings: &Settings,
) -> Vec<SystemTime> {
    let mut times: Vec<SystemTime> = recent(times, now, settings).collect();
    times.extend(refused.then_some(now));
    times.split_off(times.len().saturating_sub(settings.refusals.0))
}

/// Those of `times` that count at `now`. What is ahead by more than the whole time
/// was noted by a clock that is off.
fn recent(
    times: &[SystemTime],
    now: SystemTime,
    settings: &Settings,
) -> impl Iterator<Item = SystemTime> {
    let (_, within) = settings.refusals;
    let counts = move |time: &SystemTime| match now.duration_since(*time) {
        Ok(ago) => ago < within,
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
            (&[80, 95, 100], 100, Some(105)),
            // Rounded up, or by a clock that is a little ahead: no longer than meant.
            (&[101, 101], 100, Some(110)),
            (&[109, 111], 100, None),
            (&[109, 110], 100, Some(110)),
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
        assert_eq!(braked(&[100; 16], set(1, 0)), None);
        let for_ever = Settings::default().refusals(1, Duration::MAX);
        assert_eq!(braked(&[100], for_ever), None, "there is no such time");
    }

    #[test]
    fn no_more_times_are_kept_than_count() {
        let settings = Settings::default();
        let after =
            |seconds: &[u64], refused| times_after(&times(seconds), refused, at(100), &settings);
        assert_eq!(after(&[], true), times(&[100]));
        assert_eq!(after(&[], false), times(&[]));
        assert_eq!(after(&[90, 91], true), times(&[91, 100]));
        assert_eq!(after(&[91, 92, 93], true), times(&[93, 100]));
        assert_eq!(after(&[91, 92, 93], false), times(&[92, 93]));
    }
}
