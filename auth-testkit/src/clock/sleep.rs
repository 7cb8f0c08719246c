//! The futures of a virtual clock.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use super::{shared::Shared, state::Key};

/// After this many rounds of an executor in which no task used the clock, all
/// tasks are taken to wait. In a round each ready task runs once, but tokio lets
/// a task that called `yield_now` rest for 61 rounds.
const QUIET_ROUNDS: u32 = 1024;

/// One sleep. The task of the shortest sleep polls itself in every round until no
/// task uses the clock, and then moves it. The other tasks wait.
pub(super) struct Sleep<'a> {
    shared: &'a Shared,
    duration: Duration,
    key: Option<Key>,
    seen_activity: u64,
    quiet_rounds: u32,
}

impl<'a> Sleep<'a> {
    pub(super) fn new(shared: &'a Shared, duration: Duration) -> Self {
        Self { shared, duration, key: None, seen_activity: 0, quiet_rounds: 0 }
    }
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.shared.tasks.run_woken();
        let (done, watch) = this.shared.change(|state| {
            let key = *this.key.get_or_insert_with(|| state.fall_asleep(this.duration));
            state.set_waker(key, context.waker());
            let is_next = state.is_next(key);
            if is_next {
                if state.activity() != this.seen_activity {
                    this.seen_activity = state.activity();
                    this.quiet_rounds = 0;
                }
                this.quiet_rounds += 1;
            }
            let jumped = state.jump_if_all_wait(is_next && this.quiet_rounds > QUIET_ROUNDS);
            (!state.is_asleep(key), is_next && !jumped && state.jumps_for_lone_sleepers())
        });
        if done {
            return Poll::Ready(());
        }
        if watch || this.shared.tasks.any_woken() {
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.shared.change(|state| state.forget(key));
        }
    }
}

/// Ready once `count` sleeps are under way.
pub(super) struct UntilSleeping<'a> {
    shared: &'a Shared,
    count: usize,
}

impl<'a> UntilSleeping<'a> {
    pub(super) fn new(shared: &'a Shared, count: usize) -> Self {
        Self { shared, count }
    }
}

impl Future for UntilSleeping<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.shared.tasks.run_woken();
        let mut state = self.shared.lock();
        if state.sleeping() >= self.count {
            return Poll::Ready(());
        }
        state.watch(context.waker());
        drop(state);
        if self.shared.tasks.any_woken() {
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }
}
