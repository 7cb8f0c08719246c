//! How long anything is waited for. Nothing waits for ever.

use std::{
    process,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// No program of the suite takes longer to start or to respond, on the busiest
/// machine.
pub(crate) const LONG_ENOUGH: Duration = Duration::from_secs(60);

/// Until `done`, which is `what`.
pub(crate) fn until(what: &str, done: impl Fn() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < LONG_ENOUGH, "not after {LONG_ENOUGH:?}: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Does `work`, and ends this program if that takes longer than `limit`.
pub(crate) fn within<T>(limit: Duration, name: &'static str, work: impl FnOnce() -> T) -> T {
    let (done, is_done) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        if is_done.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
            println!("\nno end of {name} after {limit:?}");
            process::exit(1);
        }
    });
    let result = work();
    drop(done);
    let _ = watchdog.join();
    result
}
