//! The clock of a blocking program.

use std::time::{Duration, Instant, SystemTime};

use auth_core::{BlockingClock, Now, TimeSource};

/// Reads the system's clocks and sleeps by blocking the thread.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl TimeSource for SystemClock {
    fn now(&self) -> Now {
        Now { monotonic: Instant::now(), wall: SystemTime::now() }
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
}

impl BlockingClock for SystemClock {
    fn sleep_blocking(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}
