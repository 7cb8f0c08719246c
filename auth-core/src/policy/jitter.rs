//! Spreading waits, so that a fleet does not come back in step.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// How a wait is spread at random. `d` is the wait that the backoff came to.
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
    /// longest.
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
