//! Time in a tokio program.

use std::time::{Duration, Instant, SystemTime};

use auth_core::{Clock, Now, TimeSource};

/// The system's clocks; sleeps by tokio's timer.
///
/// Needs a tokio runtime with time enabled, as reqwest does.
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
