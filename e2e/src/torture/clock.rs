//! The clock of a worker: off by so much, and it knows when it was last read.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use auth_core::{BackgroundTask, BlockingClock, Clock, Now, Runtime, TimeSource, async_trait};
use auth_reqwest::TokioClock;
use auth_ureq::SystemClock;

use super::messages::Time;

tokio::task_local! {
    static READ_BY_TASK: Cell<Time>;
}

thread_local! {
    static READ_BY_THREAD: Cell<Time> = const { Cell::new(Time(0)) };
}

/// The clocks of the machine, the wall clock off by what the program says.
#[derive(Debug, Clone, Default)]
pub(super) struct OffClock(Arc<AtomicI64>);

impl OffClock {
    pub(super) fn set(&self, off_ms: i64) {
        self.0.store(off_ms, Ordering::Relaxed);
    }
}

impl TimeSource for OffClock {
    fn now(&self) -> Now {
        let read = Time::now();
        if READ_BY_TASK.try_with(|cell| cell.set(read)).is_err() {
            READ_BY_THREAD.set(read);
        }
        let now = TokioClock.now();
        let off = self.0.load(Ordering::Relaxed);
        let by = Duration::from_millis(off.unsigned_abs());
        let wall: SystemTime = if off < 0 { now.wall - by } else { now.wall + by };
        Now { wall, ..now }
    }
}

#[async_trait]
impl Clock for OffClock {
    async fn sleep(&self, duration: Duration) {
        TokioClock.sleep(duration).await;
    }
}

impl Runtime for OffClock {
    fn spawn(&self, task: BackgroundTask) {
        TokioClock.spawn(task);
    }
}

impl BlockingClock for OffClock {
    fn sleep_blocking(&self, duration: Duration) {
        SystemClock.sleep_blocking(duration);
    }
}

/// What `call` came to, and when this task last read an [`OffClock`] in it: not
/// before `began`.
pub(super) async fn last_read<T>(began: Time, call: impl Future<Output = T>) -> (T, Time) {
    READ_BY_TASK
        .scope(Cell::new(began), async {
            let result = call.await;
            (result, READ_BY_TASK.with(Cell::get))
        })
        .await
}

/// The same for a thread.
pub(super) fn last_read_blocking<T>(began: Time, call: impl FnOnce() -> T) -> (T, Time) {
    READ_BY_THREAD.set(began);
    let result = call();
    (result, READ_BY_THREAD.get())
}
