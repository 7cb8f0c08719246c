//! Randomised waits, so that many clients do not retry at the same moments.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// How a wait is randomised. `d` is the wait that the backoff gives.
///
/// The names are those of "Exponential Backoff And Jitter"
/// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Jitter {
    /// `d` itself.
    #[default]
    None,
    /// Between zero and `d`.
    Full,
    /// Between half of `d` and `d`.
    Equal,
    /// Between the base delay and three times the previous wait, up to the
    /// longest wait.
    Decorrelated,
}

impl Jitter {
    /// Spreads `delay`; `random` is asked for a number in `0.0..1.0` if one is
    /// needed.
    pub(super) fn apply(
        self,
        delay: Duration,
        base: Duration,
        previous: Option<Duration>,
        random: impl FnOnce() -> f64,
    ) -> Duration {
        match self {
            Self::None => delay,
            Self::Full => between(Duration::ZERO, delay, random()),
            Self::Equal => between(delay / 2, delay, random()),
            Self::Decorrelated => {
                let high = previous.unwrap_or(base).saturating_mul(3);
                between(base, high.max(base), random())
            }
        }
    }
}

fn between(low: Duration, high: Duration, random: f64) -> Duration {
    let span = high.saturating_sub(low).as_secs_f64() * random;
    // Rounding may carry the sum past `high`.
    low.saturating_add(Duration::try_from_secs_f64(span).unwrap_or_default()).min(high)
}

/// A number in `0.0..1.0`: from `seed` and `draw` if there is a seed, otherwise
/// from the keys that the standard library draws for its hash maps, which
/// differ from process to process and from call to call.
pub(super) fn random(seed: Option<u64>, draw: u32) -> f64 {
    let bits = match seed {
        Some(seed) => split_mix(split_mix(seed) ^ u64::from(draw)),
        None => RandomState::new().hash_one(draw),
    };
    // The 53 bits that a double holds.
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// One step of `SplitMix64` (Steele, Lea, Flood 2014).
fn split_mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_jitter_uses_the_whole_of_its_span() {
        let ms = Duration::from_millis;
        for (jitter, previous, low, middle, high) in [
            (Jitter::None, None, 400, 400, 400),
            (Jitter::Full, None, 0, 200, 400),
            (Jitter::Equal, None, 200, 300, 400),
            (Jitter::Decorrelated, None, 100, 200, 300),
            (Jitter::Decorrelated, Some(ms(300)), 100, 500, 900),
            (Jitter::Decorrelated, Some(ms(10)), 100, 100, 100),
        ] {
            for (random, expected) in [(0.0, low), (0.5, middle), (1.0, high)] {
                let delay = jitter.apply(ms(400), ms(100), previous, || random);
                assert_eq!(delay, ms(expected), "{jitter:?} after {previous:?}, {random}");
            }
        }
    }

    /// The first number that SplitMix64's authors give for this seed.
    #[test]
    fn split_mix_is_the_published_one() {
        assert_eq!(split_mix(1_234_567), 6_457_827_717_110_365_317);
        assert_eq!(split_mix(0), 16_294_208_416_658_607_535);
    }

    #[test]
    fn a_seed_decides_each_draw() {
        let bits = |draw| (random(Some(7), draw) * (1_u64 << 53) as f64) as u64;
        assert_eq!(bits(1), 2_155_282_925_591_136);
        assert_eq!(bits(2), 2_485_828_767_786_068);
        assert_eq!(bits(3), 3_788_157_078_426_431);
        let draws: Vec<f64> = (0..100).map(|draw| random(None, draw)).collect();
        assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
        assert!(draws.iter().any(|draw| *draw != draws[0]));
    }
}
