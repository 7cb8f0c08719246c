//! The clock of a tokio program.

use std::time::{Duration, Instant, SystemTime};

use auth_core::{BackgroundTask, Clock, Now, Runtime, TimeSource};
use tokio::runtime::Handle;

/// Reads the system's clocks, sleeps on tokio's timer, and carries work on as a
/// task of the tokio runtime that it is called in.
///
/// It needs a tokio runtime with time enabled, as reqwest does. Outside of one
/// nothing is carried on: the work ends with those who wait for it. A runtime
/// that shuts down breaks off what it carries on.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioClock;

impl TimeSource for TokioClock {
    fn now(&self) -> Now {
        Now { monotonic: Instant::now(), wall: SystemTime::now() }
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
}

#[async_trait::async_trait]
impl Clock for TokioClock {
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

impl Runtime for TokioClock {
    fn spawn(&self, task: BackgroundTask) {
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(task);
        }
    }
}
