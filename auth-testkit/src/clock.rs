//! Time that passes only in the test.

mod shared;
mod sleep;
mod state;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use auth_core::{BlockingClock, Clock, Now, TimeSource};

use self::{
    shared::Shared,
    sleep::{Sleep, UntilSleeping},
    state::State,
};

/// A clock on which sleeping takes no time: for async users through [`Clock`],
/// for blocking users through [`BlockingClock`], for both at once if need be.
///
/// Clones show the same time. It needs no runtime, and is independent of
/// tokio's paused time where both are in use.
///
/// # When time passes
///
/// [`VirtualClock::new`] moves by itself: once everyone waits, it jumps to the
/// end of the shortest sleep. Who "everyone" is:
///
/// - **Tasks on one executor**: the clock lets every task that is ready run,
///   round by round, and jumps when several rounds have passed in which nobody
///   looked at it. Nothing needs to be set up. A task that waits for a real
///   socket or another thread meanwhile does not hold it up; use a participant
///   or [`VirtualClock::manual`] there.
/// - **A thread that blocks**: each sleep ends at once, and moves the clock.
/// - **[Participants](Self::participant)**, if there are any: the clock jumps
///   when as many sleep as take part, tasks and threads counted together. For
///   threads that sleep at the same time, and for runtimes with several
///   threads.
///
/// [`VirtualClock::manual`] moves only when told, by [`advance`](Self::advance)
/// and [`advance_to_next`](Self::advance_to_next).
///
/// ```
/// use std::time::Duration;
/// use auth_core::BlockingClock;
/// use auth_testkit::VirtualClock;
///
/// let clock = VirtualClock::new();
/// BlockingClock::sleep_blocking(&clock, Duration::from_secs(3600));
///
/// assert_eq!(clock.elapsed(), Duration::from_secs(3600));
/// assert_eq!(clock.sleeps(), [Duration::from_secs(3600)]);
/// ```
#[derive(Clone)]
pub struct VirtualClock {
    shared: Arc<Shared>,
}

impl VirtualClock {
    /// The wall clock's first reading: 2026-01-01T00:00:00Z.
    pub const START: Duration = Duration::from_secs(1_767_225_600);

    /// A clock that jumps ahead when everyone waits.
    pub fn new() -> Self {
        Self::with(true)
    }

    /// A clock that moves only when told.
    pub fn manual() -> Self {
        Self::with(false)
    }

    fn with(auto: bool) -> Self {
        Self { shared: Arc::new(Shared::new(State::new(auto, Self::START))) }
    }

    /// Both clocks, now.
    pub fn now(&self) -> Now {
        self.shared.lock().read()
    }

    /// The time that has passed since this clock was made.
    pub fn elapsed(&self) -> Duration {
        self.shared.lock().elapsed()
    }

    /// Moves the clock ahead, and wakes whoever has slept long enough. They
    /// all find the clock at its new time.
    pub fn advance(&self, by: Duration) {
        self.shared.change(|state| {
            let until = state.elapsed().saturating_add(by);
            state.move_to(until);
        });
    }

    /// Moves the clock to the end of the shortest sleep, and says by how much;
    /// `None` if nobody sleeps.
    pub fn advance_to_next(&self) -> Option<Duration> {
        self.shared.change(State::move_to_next)
    }

    /// Sets the wall clock, as a user or NTP may; the monotonic clock and all
    /// sleeps go on undisturbed.
    pub fn set_wall(&self, wall: SystemTime) {
        self.shared.change(|state| state.set_wall(wall));
    }

    /// Every sleep begun so far, in the order they began, as long as was asked
    /// for.
    pub fn sleeps(&self) -> Vec<Duration> {
        self.shared.lock().recorded().to_vec()
    }

    /// How many sleep right now.
    pub fn sleeping(&self) -> usize {
        self.shared.lock().sleeping()
    }

    /// Returns once at least `count` sleep at the same time; for a
    /// [`manual`](Self::manual) clock, before it is moved.
    pub async fn until_sleeping(&self, count: usize) {
        UntilSleeping::new(&self.shared, count).await;
    }

    /// As [`until_sleeping`](Self::until_sleeping), blocking the thread.
    pub fn block_until_sleeping(&self, count: usize) {
        let mut state = self.shared.lock();
        while state.sleeping() < count {
            state = self.shared.wait(state);
        }
    }

    /// Takes part until the returned value is dropped: from now on time passes
    /// when as many sleep as take part.
    ///
    /// Take one for each thread or task before it starts, and hand it over.
    /// Drop it when the thread ends, or waits for something other than this
    /// clock.
    ///
    /// ```
    /// use std::{thread, time::Duration};
    /// use auth_core::BlockingClock;
    /// use auth_testkit::VirtualClock;
    ///
    /// let clock = VirtualClock::new();
    /// let takers = [clock.participant(), clock.participant()];
    /// thread::scope(|scope| {
    ///     for (taker, minutes) in takers.into_iter().zip([1, 3]) {
    ///         let clock = &clock;
    ///         scope.spawn(move || {
    ///             BlockingClock::sleep_blocking(clock, Duration::from_secs(60 * minutes));
    ///             drop(taker);
    ///         });
    ///     }
    /// });
    /// // At the same time, and not one after the other.
    /// assert_eq!(clock.elapsed(), Duration::from_secs(180));
    /// ```
    pub fn participant(&self) -> Participant {
        self.shared.change(State::join);
        Participant { shared: Arc::clone(&self.shared) }
    }

    /// Lets time pass as a sleep does, but leaves it out of
    /// [`sleeps`](Self::sleeps): for whatever is not the client's own wait.
    pub(crate) async fn pass(&self, duration: Duration) {
        Sleep::new(&self.shared, duration).await;
    }

    /// As [`pass`](Self::pass), blocking the thread.
    pub(crate) fn block_to_pass(&self, duration: Duration) {
        let key = self.shared.change(|state| state.fall_asleep(duration));
        let mut state = self.shared.lock();
        while state.is_asleep(key) {
            if state.jump_if_all_wait(true) {
                drop(state);
                self.shared.change(|_| ());
                state = self.shared.lock();
            } else {
                state = self.shared.wait(state);
            }
        }
    }
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.lock();
        f.debug_struct("VirtualClock")
            .field("elapsed", &state.elapsed())
            .field("sleeping", &state.sleeping())
            .finish_non_exhaustive()
    }
}

impl TimeSource for VirtualClock {
    fn now(&self) -> Now {
        Self::now(self)
    }
}

#[async_trait]
impl Clock for VirtualClock {
    async fn sleep(&self, duration: Duration) {
        self.shared.lock().record(duration);
        self.pass(duration).await;
    }
}

impl BlockingClock for VirtualClock {
    fn sleep_blocking(&self, duration: Duration) {
        self.shared.lock().record(duration);
        self.block_to_pass(duration);
    }
}

/// One who takes part in a [`VirtualClock`]; see
/// [`VirtualClock::participant`].
#[must_use = "takes part only until it is dropped"]
pub struct Participant {
    shared: Arc<Shared>,
}

impl Drop for Participant {
    fn drop(&mut self) {
        self.shared.change(State::leave);
    }
}

impl fmt::Debug for Participant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Participant")
    }
}

#[cfg(test)]
mod tests;
