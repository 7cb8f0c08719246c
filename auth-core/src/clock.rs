//! Time. The core never reads a clock: each reading is passed in.

mod difference;

use std::{
    pin::Pin,
    time::{Duration, Instant, SystemTime},
};

use async_trait::async_trait;

pub(crate) use self::difference::ClockDifference;

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

/// Work that goes on when those who wait for it have left.
pub type BackgroundTask = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A clock whose runtime carries work on when nobody waits for it any more.
///
/// A request that is broken off may have spent the refresh token, and its
/// response is lost. So whatever shares a refresh, login or logout gives the
/// runtime a task that sees it through. `TokioClock` in `auth-reqwest` is a
/// runtime, and so is the `VirtualClock` of the testkit.
///
/// ```
/// use auth_core::{BackgroundTask, Clock, Now, Runtime, TimeSource};
/// # use std::time::{Duration, Instant, SystemTime};
///
/// struct MyClock;
/// # impl TimeSource for MyClock {
/// #     fn now(&self) -> Now {
/// #         Now { monotonic: Instant::now(), wall: SystemTime::now() }
/// #     }
/// # }
/// # #[auth_core::async_trait]
/// # impl Clock for MyClock {
/// #     async fn sleep(&self, _: Duration) {}
/// # }
/// # mod my_executor { pub fn spawn(_: impl Future<Output = ()> + Send + 'static) {} }
///
/// impl Runtime for MyClock {
///     fn spawn(&self, task: BackgroundTask) {
///         my_executor::spawn(task);
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    note = "`auth_reqwest::TokioClock` is one; a program that blocks takes `BlockingAccounts` and `auth_ureq::SystemClock`"
)]
pub trait Runtime: Clock {
    /// Has the task polled to its end, by somebody other than the caller. It is
    /// called within the runtime of whoever waits for the work, and must return
    /// at once. Where the task cannot be run it is dropped: then the work is
    /// carried on by those who wait for it, and ends with them.
    fn spawn(&self, task: BackgroundTask);
}

/// A clock for blocking drivers.
#[diagnostic::on_unimplemented(
    note = "`auth_ureq::SystemClock` is one; an async program takes `Accounts` and `auth_reqwest::TokioClock`"
)]
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
        impl<T: Runtime + ?Sized> Runtime for $holder {
            fn spawn(&self, task: BackgroundTask) { (**self).spawn(task) }
        }
        impl<T: BlockingClock + ?Sized> BlockingClock for $holder {
            fn sleep_blocking(&self, duration: Duration) { (**self).sleep_blocking(duration) }
        }
    )*};
}
forward!(&T, std::sync::Arc<T>, Box<T>);
