//! Work that is done at the same time: by tasks for an async store, by threads for
//! a blocking one. The cases do not depend on which.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

#[derive(Debug, Clone, Copy)]
pub(super) enum Concurrency {
    /// Polled in turn by the task of the caller.
    Tasks,
    /// A thread for each.
    Threads,
}

pub(super) type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl Concurrency {
    /// Does all of it at the same time.
    pub(super) async fn together<T: Send + 'static>(self, work: Vec<Work<T>>) -> Vec<T> {
        match self {
            Self::Tasks => {
                let mut slots: Vec<_> = work.into_iter().map(Slot::Busy).collect();
                poll_fn(|context| {
                    let mut busy = 0;
                    for slot in &mut slots {
                        busy += usize::from(slot.is_busy(context));
                    }
                    if busy == 0 { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
                slots.into_iter().filter_map(Slot::into_result).collect()
            }
            Self::Threads => {
                let threads: Vec<_> =
                    work.into_iter().map(|work| thread::spawn(|| block_on(work))).collect();
                threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
            }
        }
    }

    /// Lets the others proceed, if only to begin to wait.
    pub(super) async fn pause(self) {
        match self {
            Self::Tasks => {
                let mut rounds = 10;
                poll_fn(|context| {
                    context.waker().wake_by_ref();
                    rounds -= 1;
                    if rounds == 0 { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
            }
            // Whether they wait by then does not matter for the result.
            Self::Threads => thread::sleep(Duration::from_millis(20)),
        }
    }
}

enum Slot<T> {
    Busy(Work<T>),
    Done(T),
}

impl<T> Slot<T> {
    fn is_busy(&mut self, context: &mut Context<'_>) -> bool {
        let Self::Busy(work) = self else { return false };
        match work.as_mut().poll(context) {
            Poll::Ready(result) => {
                *self = Self::Done(result);
                false
            }
            Poll::Pending => true,
        }
    }

    fn into_result(self) -> Option<T> {
        match self {
            Self::Busy(_) => None,
            Self::Done(result) => Some(result),
        }
    }
}

/// Drives a future on this thread.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
            return result;
        }
        thread::park();
    }
}
