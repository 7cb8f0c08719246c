//! A clock for tests.

mod shared;
mod sleep;
mod state;
mod tasks;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use auth_core::{BackgroundTask, BlockingClock, Clock, Now, Runtime, TimeSource};

use self::{
    shared::Shared,
    sleep::{Sleep, UntilSleeping},
    state::State,
};

/// A clock on which sleeping takes no time, for async code through [`Clock`] and
/// for blocking code through [`BlockingClock`], also both at once.
///
/// Clones show the same time. The clock needs no runtime, and is independent of
/// tokio's paused time.
///
/// # When time passes
///
/// A clock from [`VirtualClock::new`] moves by itself. When all code under test
/// waits, it jumps to the end of the shortest sleep:
///
/// - **Tasks on one executor.** Every ready task runs first. The clock jumps after
///   several rounds of the executor in which no task used the clock. This needs no
///   set-up. It does not wait for a task that waits for a socket or another
///   thread; use a participant or [`VirtualClock::manual`] for that.
/// - **A thread that blocks.** Each sleep ends at once and moves the clock.
/// - **[Participants](Self::participant)**, if there are any. The clock jumps when
///   all participants sleep, tasks and threads counted together. Use them for
///   threads that sleep at the same time, and for runtimes with several threads.
///
/// A clock from [`VirtualClock::manual`] moves only by [`advance`](Self::advance)
/// and [`advance_to_next`](Self::advance_to_next).
///
/// # What goes on in the background
///
/// The clock is a [`Runtime`]: a refresh whose callers were dropped goes on, as
/// in a program. There is no thread for it, so that it does so at the same
/// moments each time: when a later caller joins it, whenever code under test
/// sleeps on this clock or moves it, and by [`run_tasks`](Self::run_tasks).
/// [`drop_tasks`](Self::drop_tasks) breaks it off, as a runtime that shuts down.
/// A test in which a process dies does that, too: what it began would go on
/// otherwise.
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
    /// The first reading of the wall clock, 2026-01-01T00:00:00Z.
    pub const START: Duration = Duration::from_secs(1_767_225_600);

    /// A clock that jumps ahead when all code under test waits.
    pub fn new() -> Self {
        Self::with(true)
    }

    /// A clock that moves only when the test says so.
    pub fn manual() -> Self {
        Self::with(false)
    }

    fn with(auto: bool) -> Self {
        Self { shared: Arc::new(Shared::new(State::new(auto, Self::START))) }
    }

    /// The readings of both clocks.
    pub fn now(&self) -> Now {
        self.shared.lock().read()
    }

    /// The time that has passed on this clock since it was made.
    pub fn elapsed(&self) -> Duration {
        self.shared.lock().elapsed()
    }

    /// Moves the clock ahead and ends the sleeps that are over by then. Their
    /// tasks and threads all see the new time.
    pub fn advance(&self, by: Duration) {
        self.shared.change(|state| {
            let until = state.elapsed().saturating_add(by);
            state.move_to(until);
        });
        self.shared.tasks.run_woken();
    }

    /// Moves the clock to the end of the shortest sleep. Returns by how much, or
    /// `None` if there is no sleep.
    pub fn advance_to_next(&self) -> Option<Duration> {
        let by = self.shared.change(State::move_to_next);
        self.shared.tasks.run_woken();
        by
    }

    /// Sets the wall clock, as a user or NTP may. The monotonic clock and all
    /// sleeps are not affected.
    pub fn set_wall(&self, wall: SystemTime) {
        self.shared.change(|state| state.set_wall(wall));
    }

    /// The requested duration of every sleep so far, in the order of their start.
    pub fn sleeps(&self) -> Vec<Duration> {
        self.shared.lock().recorded().to_vec()
    }

    /// How many sleeps are under way.
    pub fn sleeping(&self) -> usize {
        self.shared.lock().sleeping()
    }

    /// Waits until at least `count` sleeps are under way. Use it with a
    /// [`manual`](Self::manual) clock, before moving it.
    pub async fn until_sleeping(&self, count: usize) {
        UntilSleeping::new(&self.shared, count).await;
    }

    /// As [`until_sleeping`](Self::until_sleeping), but blocks the thread.
    pub fn block_until_sleeping(&self, count: usize) {
        let mut state = self.shared.lock();
        while state.sleeping() < count {
            state = self.shared.wait(state);
        }
    }

    /// Polls what goes on in the background until all of it waits for something
    /// else. If that is this clock, and it moves by itself, time passes: an hour at
    /// most, for what tries again and again, in vain, has no end.
    pub fn run_tasks(&self) {
        let until = self.elapsed().saturating_add(Duration::from_secs(3600));
        while self.elapsed() < until && self.shared.tasks.run_woken() {}
    }

    /// How many tasks go on in the background.
    pub fn tasks(&self) -> usize {
        self.shared.tasks.count()
    }

    /// Drops the tasks that go on in the background, as a runtime that shuts
    /// down.
    pub fn drop_tasks(&self) {
        self.shared.tasks.drop_all();
    }

    /// Adds a participant, until the returned value is dropped. From now on time
    /// passes when as many sleeps are under way as there are participants.
    ///
    /// Make one for each thread or task before it starts, and move it there. Drop
    /// it when the thread ends, or waits for something other than this clock.
    ///
    /// ```
    /// use std::{thread, time::Duration};
    /// use auth_core::BlockingClock;
    /// use auth_testkit::VirtualClock;
    ///
    /// let clock = VirtualClock::new();
    /// let participants = [clock.participant(), clock.participant()];
    /// thread::scope(|scope| {
    ///     for (participant, minutes) in participants.into_iter().zip([1, 3]) {
    ///         let clock = &clock;
    ///         scope.spawn(move || {
    ///             BlockingClock::sleep_blocking(clock, Duration::from_secs(60 * minutes));
    ///             drop(participant);
    ///         });
    ///     }
    /// });
    /// // They slept at the same time.
    /// assert_eq!(clock.elapsed(), Duration::from_secs(180));
    /// ```
    pub fn participant(&self) -> Participant {
        self.shared.change(State::join);
        Participant { shared: Arc::clone(&self.shared) }
    }

    /// Lets time pass as a sleep does, without recording it in
    /// [`sleeps`](Self::sleeps): for waits that are not those of the client.
    pub(crate) async fn pass(&self, duration: Duration) {
        Sleep::new(&self.shared, duration).await;
    }

    /// As [`pass`](Self::pass), but blocks the thread.
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

impl Runtime for VirtualClock {
    fn spawn(&self, task: BackgroundTask) {
        let clock = Arc::downgrade(&self.shared);
        self.shared.tasks.spawn(task, move || {
            if let Some(clock) = clock.upgrade() {
                clock.change(State::wake_all);
            }
        });
    }
}

impl BlockingClock for VirtualClock {
    fn sleep_blocking(&self, duration: Duration) {
        self.shared.lock().record(duration);
        self.block_to_pass(duration);
    }
}

/// A participant of a [`VirtualClock`]; see [`VirtualClock::participant`].
#[must_use = "counts only until it is dropped"]
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
