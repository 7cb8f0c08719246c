//! Time. The core never reads a clock: each reading is passed in.

use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;

/// One reading of the monotonic clock and of the wall clock.
///
/// Durations are measured by the monotonic clock, which never jumps. The wall
/// clock may jump; it is used only for the expiry of tokens and for
/// `Retry-After` dates.
///
/// ```
/// use std::time::{Duration, Instant, SystemTime};
/// use auth_core::Now;
///
/// let now = Now { monotonic: Instant::now(), wall: SystemTime::now() };
/// let later = now.plus(Duration::from_secs(3));
/// assert_eq!(later.since(now), Duration::from_secs(3));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// For durations.
    pub monotonic: Instant,
    /// For token expiry and `Retry-After` dates.
    pub wall: SystemTime,
}

impl Now {
    /// Both readings, later by `by`. A reading that would overflow stays as it
    /// is.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self {
            monotonic: self.monotonic.checked_add(by).unwrap_or(self.monotonic),
            wall: self.wall.checked_add(by).unwrap_or(self.wall),
        }
    }

    /// The time since `earlier`, by the monotonic clock. Zero if `earlier` is
    /// later than this reading.
    pub fn since(self, earlier: Self) -> Duration {
        self.monotonic.saturating_duration_since(earlier.monotonic)
    }
}

/// Reads both clocks.
///
/// [`Clock`] and [`BlockingClock`] add waiting.
pub trait TimeSource: Send + Sync {
    /// Reads both clocks.
    fn now(&self) -> Now;

    /// Reads the wall clock alone. Override it if that is cheaper than reading
    /// both clocks.
    fn wall(&self) -> SystemTime {
        self.now().wall
    }
}

/// A clock for async drivers.
///
/// An async adapter has one for its runtime, such as `TokioClock` in
/// `auth-reqwest`. Sleeping takes no time on the `VirtualClock` of the testkit.
#[async_trait]
pub trait Clock: TimeSource {
    /// Returns after `duration`, which may be zero. Dropping the future ends
    /// the sleep and has no other effect.
    async fn sleep(&self, duration: Duration);
}

/// A clock for blocking drivers.
pub trait BlockingClock: TimeSource {
    /// Blocks the thread for `duration`, which may be zero.
    fn sleep_blocking(&self, duration: Duration);
}

/// A shared or borrowed clock is a clock. (Written once for both worlds; the
/// methods only forward.)
macro_rules! forward {
    ($($holder:ty),*) => {$(
        impl<T: TimeSource + ?Sized> TimeSource for $holder {
            fn now(&self) -> Now { (**self).now() }
            fn wall(&self) -> SystemTime { (**self).wall() }
        }
        #[async_trait]
        impl<T: Clock + ?Sized> Clock for $holder {
            async fn sleep(&self, duration: Duration) { (**self).sleep(duration).await }
        }
        impl<T: BlockingClock + ?Sized> BlockingClock for $holder {
            fn sleep_blocking(&self, duration: Duration) { (**self).sleep_blocking(duration) }
        }
    )*};
}
forward!(&T, std::sync::Arc<T>, Box<T>);
