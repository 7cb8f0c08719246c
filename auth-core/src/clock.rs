//! Time as the core sees it: handed in, never read.

use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;

/// One reading of the two clocks that a refresh needs.
///
/// The monotonic one measures how long a refresh has been under way; it never
/// jumps. The wall clock dates tokens and reads `Retry-After` dates; it may
/// jump, and nothing but these two rests on it.
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
    /// What measures durations.
    pub monotonic: Instant,
    /// What dates tokens.
    pub wall: SystemTime,
}

impl Now {
    /// Both clocks `by` later. A clock that cannot go that far stands still.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self {
            monotonic: self.monotonic.checked_add(by).unwrap_or(self.monotonic),
            wall: self.wall.checked_add(by).unwrap_or(self.wall),
        }
    }

    /// The time from `earlier` to this reading by the monotonic clock; zero if
    /// `earlier` is in fact later.
    pub fn since(self, earlier: Self) -> Duration {
        self.monotonic.saturating_duration_since(earlier.monotonic)
    }
}

/// What time it is: both clocks, read at once.
///
/// [`Clock`] and [`BlockingClock`] add the two ways to wait.
pub trait TimeSource: Send + Sync {
    /// Both clocks, now.
    fn now(&self) -> Now;

    /// The wall clock alone, for a caller that asks often. Worth overriding
    /// where reading both costs more.
    fn wall(&self) -> SystemTime {
        self.now().wall
    }
}

/// Time for async drivers: sleeps without blocking.
///
/// An adapter brings one for its runtime (`TokioClock` in `auth-reqwest`), the
/// testkit one in which sleeping takes no time.
#[async_trait]
pub trait Clock: TimeSource {
    /// Returns after `duration`, which may be zero. Dropping the future ends
    /// the sleep and has no other effect.
    async fn sleep(&self, duration: Duration);
}

/// Time for blocking drivers: blocks the thread.
pub trait BlockingClock: TimeSource {
    /// Returns after `duration`, which may be zero.
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
