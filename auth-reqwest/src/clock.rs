//! The clock of a tokio program.

use std::time::{Duration, Instant, SystemTime};

use auth_core::{Clock, Now, TimeSource};

/// Reads the system's clocks and sleeps on tokio's timer.
///
/// It needs a tokio runtime with time enabled, as reqwest does.
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
