//! What is carried on although nobody waits for it: tasks that are polled by
//! whoever uses the clock.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Wake, Waker},
};

use auth_core::BackgroundTask;

#[derive(Default)]
pub(super) struct Tasks(Mutex<Vec<Arc<Task>>>);

struct Task {
    /// `None` while it is polled.
    future: Mutex<Option<BackgroundTask>>,
    woken: AtomicBool,
    /// Tells the clock.
    tell: Box<dyn Fn() + Send + Sync>,
}

impl Tasks {
    /// `tell` is called when the task is to be polled.
    pub(super) fn spawn(&self, future: BackgroundTask, tell: impl Fn() + Send + Sync + 'static) {
        let future = Mutex::new(Some(future));
        let task = Task { future, woken: AtomicBool::new(false), tell: Box::new(tell) };
        let task = Arc::new(task);
        lock(&self.0).push(Arc::clone(&task));
        task.wake();
    }

    /// Polls every task that was woken, once. Whether there was one.
    pub(super) fn run_woken(&self) -> bool {
        let woken: Vec<_> = lock(&self.0).iter().filter(|task| task.is_woken()).cloned().collect();
        let mut any = false;
        for task in woken {
            // Otherwise it is being polled, perhaps by the caller's caller.
            let Some(mut future) = lock(&task.future).take() else { continue };
            any = true;
            task.woken.store(false, Ordering::SeqCst);
            let waker = Waker::from(Arc::clone(&task));
            let is_over = future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
            self.put_back(&task, future, is_over);
        }
        any
    }

    fn put_back(&self, task: &Arc<Task>, future: BackgroundTask, is_over: bool) {
        let mut list = lock(&self.0);
        match list.iter().position(|other| Arc::ptr_eq(other, task)) {
            Some(_) if !is_over => *lock(&task.future) = Some(future),
            place => {
                if let Some(place) = place {
                    list.remove(place);
                }
                // Whatever it owns may use the clock.
                drop(list);
                drop(future);
            }
        }
    }

    /// Whether one waits to be polled.
    pub(super) fn any_woken(&self) -> bool {
        lock(&self.0).iter().any(|task| task.is_woken())
    }

    pub(super) fn count(&self) -> usize {
        lock(&self.0).len()
    }

    pub(super) fn drop_all(&self) {
        // Without the lock: whatever they own may use the clock.
        let dropped = std::mem::take(&mut *lock(&self.0));
        for task in dropped {
            let future = lock(&task.future).take();
            drop(future);
        }
    }
}

impl Task {
    fn is_woken(&self) -> bool {
        self.woken.load(Ordering::SeqCst)
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::SeqCst) {
            (self.tell)();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
