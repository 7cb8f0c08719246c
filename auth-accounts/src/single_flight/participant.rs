//! Those who take part in shared work.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll, Wake, Waker},
};

use super::{Arc, Lost, MutexGuard, Phase, SharedWork, SingleFlight, State, Work, lock, wake_all};

/// Where work is forgotten when it is over.
pub(crate) trait Owner<T> {
    /// Calls this with the owner's work, unless the owner is gone.
    fn with_flight(&self, call: impl FnOnce(&SingleFlight<T>));
}

impl<T> Owner<T> for &SingleFlight<T> {
    fn with_flight(&self, call: impl FnOnce(&SingleFlight<T>)) {
        call(self);
    }
}

/// A caller that takes part in work. Resolves to the work's result.
pub(crate) struct Participant<O: Owner<T>, T: Clone + Send + 'static> {
    owner: O,
    work: Arc<SharedWork<T>>,
    slot: usize,
    started: bool,
    /// Whether it carries the work on, and is no caller.
    carries: bool,
    has_left: bool,
}

impl<O: Owner<T>, T: Clone + Send + 'static> Participant<O, T> {
    pub(super) fn new(owner: O, work: Arc<SharedWork<T>>, slot: usize, started: bool) -> Self {
        Self { owner, work, slot, started, carries: false, has_left: false }
    }

    /// Whether this caller's own work is under way, and not somebody else's.
    pub(crate) fn started(&self) -> bool {
        self.started
    }

    /// Whether it takes part in this work.
    pub(super) fn is_of(&self, work: &Arc<SharedWork<T>>) -> bool {
        Arc::ptr_eq(&self.work, work)
    }

    /// Asks the work to end as soon as it can.
    pub(super) fn ask_to_give_way(&self) {
        self.work.give_way.ask();
        self.work.wake_by_ref();
    }

    /// Another participant, for whoever sees to it that the work is polled when
    /// all who take part only [watch](Self::watch). `None` if there is one
    /// already, or the work is over.
    pub(crate) fn claim<P: Owner<T>>(&self, owner: P) -> Option<Participant<P, T>> {
        let mut state = lock(&self.work.state);
        if state.carriers > 0 {
            return None;
        }
        let slot = state.join()?;
        drop(state);
        Some(Participant::new(owner, Arc::clone(&self.work), slot, false).carrying())
    }

    /// The same participant, which carries the work on from now on: while it takes
    /// part, callers may leave.
    pub(crate) fn carrying(mut self) -> Self {
        lock(&self.work.state).carriers += 1;
        self.carries = true;
        self
    }

    /// Leaves, unless that would end the work, or would leave it to callers alone, and
    /// `may_end` does not allow that. Says whether it has left: then it is only to be
    /// dropped. `may_end` is called with the work locked.
    pub(crate) fn leave_if(&mut self, may_end: impl FnOnce() -> bool) -> bool {
        let state = lock(&self.work.state);
        if !state.is_under_way() || state.carriers == 0 && !may_end() {
            return false;
        }
        // Under the same lock: if it is the last one, nobody polls the work.
        self.leave(state);
        self.has_left = true;
        true
    }

    fn leave(&self, mut state: MutexGuard<'_, State<T>>) {
        if !state.is_under_way() {
            return;
        }
        let waker = state.slots[self.slot].take();
        state.free.push(self.slot);
        state.participants -= 1;
        state.carriers -= usize::from(self.carries);
        let is_last = state.participants == 0 && !state.abandoned;
        state.abandoned |= is_last;
        let work = if is_last { state.work.take() } else { None };
        // Those who only watch have to find somebody else who polls.
        let is_left_alone = self.carries && state.carriers == 0;
        let waiting = if is_left_alone { state.waiting() } else { Vec::new() };
        drop(state);
        drop(waker);
        wake_all(waiting);
        if is_last {
            let _end = EndOnDrop { participant: self, phase: Some(Phase::Lost) };
            // Before others start anew. Whoever comes meanwhile waits for it.
            drop(work);
        }
    }

    /// Waits for the work to end, without polling it. `None` if nobody carries it on.
    pub(crate) async fn watch(&self) -> Option<Result<T, Lost>> {
        poll_fn(|context| {
            // Dropped after the lock is free.
            let _old;
            let mut state = lock(&self.work.state);
            match &state.phase {
                Phase::Done(result) => return Poll::Ready(Some(Ok(result.clone()))),
                Phase::Lost => return Poll::Ready(Some(Err(Lost))),
                Phase::UnderWay if state.carriers == 0 => return Poll::Ready(None),
                Phase::UnderWay => {}
            }
            _old = state.slots[self.slot].replace(context.waker().clone());
            drop(state);
            Poll::Pending
        })
        .await
    }

    /// Leaves word how to be woken, and sees what there is to do.
    fn look(&self, waker: &Waker) -> Look<T> {
        // Dropped after the lock is free, for it may own a task that owns a
        // participant.
        let _old;
        let mut state = lock(&self.work.state);
        match &state.phase {
            Phase::Done(result) => return Look::Over(Ok(result.clone())),
            Phase::Lost => return Look::Over(Err(Lost)),
            Phase::UnderWay => {}
        }
        let slot = &mut state.slots[self.slot];
        if !slot.as_ref().is_some_and(|known| known.will_wake(waker)) {
            _old = slot.replace(waker.clone());
        }
        if !state.woken {
            return Look::Wait;
        }
        let Some(work) = state.work.take() else { return Look::Wait };
        state.woken = false;
        Look::Poll(work)
    }
}

enum Look<T> {
    Over(Result<T, Lost>),
    Wait,
    Poll(Work<T>),
}

impl<O: Owner<T> + Unpin, T: Clone + Send + 'static> Future for Participant<O, T> {
    type Output = Result<T, Lost>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let work = match self.look(context.waker()) {
            Look::Poll(work) => work,
            Look::Over(result) => return Poll::Ready(result),
            Look::Wait => return Poll::Pending,
        };
        // Lost, if there is a panic from here on.
        let mut end = EndOnDrop { participant: &self, phase: Some(Phase::Lost) };
        // Dropped before others start anew.
        let mut work = work;
        let waker = Waker::from(Arc::clone(&self.work));
        match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => {
                drop(work);
                end.phase = Some(Phase::Done(result.clone()));
                Poll::Ready(Ok(result))
            }
            Poll::Pending => {
                end.phase = None;
                self.work.put_back(work);
                Poll::Pending
            }
        }
    }
}

/// Ends the work with this phase, if there is one, when it is dropped.
struct EndOnDrop<'a, O: Owner<T>, T: Clone + Send + 'static> {
    participant: &'a Participant<O, T>,
    phase: Option<Phase<T>>,
}

impl<O: Owner<T>, T: Clone + Send + 'static> Drop for EndOnDrop<'_, O, T> {
    fn drop(&mut self) {
        if let Some(phase) = self.phase.take() {
            let Participant { owner, work, .. } = self.participant;
            work.end(phase);
            owner.with_flight(|flight| flight.remove(work));
        }
    }
}

impl<O: Owner<T>, T: Clone + Send + 'static> Drop for Participant<O, T> {
    fn drop(&mut self) {
        if !self.has_left {
            self.leave(lock(&self.work.state));
        }
    }
}
