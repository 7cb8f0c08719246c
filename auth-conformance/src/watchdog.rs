//! A time limit for a call that may never end. It needs no timer of a runtime,
//! since the author of a transport chooses the runtime.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{Arc, Condvar, Mutex, PoisonError, mpsc},
    task::{Poll, Waker},
    thread,
    time::Duration,
};

/// The output of `future`, unless it takes longer than `limit`; then it is
/// dropped.
pub(super) async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let deadline = Deadline::set(limit);
    let mut future = pin!(future);
    poll_fn(|context| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        if deadline.has_passed_or_wakes(context.waker()) {
            Poll::Ready(None)
        } else {
            Poll::Pending
        }
    })
    .await
}

/// What `call` returns, unless it takes longer than `limit`; then its thread is
/// left to itself.
pub(super) fn within_blocking<T: Send + 'static>(
    limit: Duration,
    call: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || {
        let _ = sender.send(call());
    });
    match receiver.recv_timeout(limit) {
        Ok(output) => Some(output),
        Err(mpsc::RecvTimeoutError::Timeout) => None,
        Err(mpsc::RecvTimeoutError::Disconnected) => match thread.join() {
            Ok(()) => None,
            Err(panic) => std::panic::resume_unwind(panic),
        },
    }
}

struct Deadline(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    passed: bool,
    off: bool,
    waker: Option<Waker>,
}

impl Deadline {
    fn set(limit: Duration) -> Self {
        let shared = Arc::new(Shared::default());
        let shared_with_thread = Arc::clone(&shared);
        thread::spawn(move || {
            let state = shared_with_thread.state.lock().unwrap_or_else(PoisonError::into_inner);
            let (mut state, _) = shared_with_thread
                .changed
                .wait_timeout_while(state, limit, |state| !state.off)
                .unwrap_or_else(PoisonError::into_inner);
            state.passed = true;
            if let Some(waker) = state.waker.take() {
                waker.wake();
            }
        });
        Self(shared)
    }

    fn has_passed_or_wakes(&self, waker: &Waker) -> bool {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waker = Some(waker.clone());
        state.passed
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.off = true;
        state.waker = None;
        self.0.changed.notify_all();
    }
}
