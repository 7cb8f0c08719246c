//! Single flight: many callers, one piece of work.
//!
//! 1. The first caller starts the work. Whoever comes while it is under way
//!    joins it.
//! 2. A participant that is polled polls the work, if it was woken and nobody is
//!    polling it. There is no leader: a caller that is alive but is not polled,
//!    such as the loser of a `select!` that is still in scope, holds up nobody.
//! 3. When the work is done, all get a clone of the result. Who comes after that
//!    starts anew.
//! 4. When the work is woken, all who wait are woken, since nobody can know
//!    which of them will be polled. The first polls the work. The others find
//!    that it has been polled since, and wait again. So a caller that is dropped
//!    has nothing to hand over, and a request under way is not broken off for it.
//!    The price is one look by each caller for each time that the work is woken,
//!    which is a few times a refresh.
//! 5. When the last participant is dropped, so is the work. No other work begins
//!    before it is dropped.
//! 6. Other work may be queued behind it. Then the work under way is asked to
//!    give way: to end where it only waits for others. The queued work becomes
//!    current when the other is over, and callers join it from then on. Until
//!    then it has no participants but the callers who queued it, or queued more
//!    behind it. If they leave, it is gone.
//! 7. Work that panics is lost. The panic reaches whoever polled it, and the
//!    others are told to start anew.
//!
//! Callers may be tasks or blocked threads: both wait by a `Waker`. While work
//! blocks within a poll, the others wait. The work is never polled, and nobody
//! is woken, with a lock held.
//!
//! Why not `futures::future::Shared`: it has no queue, and poisons all its clones
//! when the work panics, where here the others start anew.

use std::{
    collections::VecDeque,
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::{PoisonError, atomic::Ordering},
    task::{Context, Poll, Wake, Waker},
};

use crate::sync::{Arc, AtomicBool, Mutex, MutexGuard};

pub(crate) type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The work that callers share, if there is any under way.
pub(crate) struct SingleFlight<T> {
    /// What is under way, and what is queued behind it. Any of them may be
    /// over already.
    queue: Mutex<VecDeque<Arc<SharedWork<T>>>>,
}

impl<T: Clone + Send + 'static> SingleFlight<T> {
    pub(crate) fn new() -> Self {
        Self { queue: Mutex::new(VecDeque::new()) }
    }

    /// Joins the work under way, or starts that of `start` if there is none.
    pub(crate) fn join(&self, start: impl FnOnce(GiveWay) -> Work<T>) -> Participant<'_, T> {
        let mut queue = lock(&self.queue);
        while let Some(work) = queue.front() {
            if let Some(participant) = self.participate(work) {
                return participant;
            }
            queue.pop_front();
        }
        self.start(&mut queue, start)
    }

    /// Queues the work of `start` behind all there is. That is asked to give
    /// way, and has to be awaited first, in this order.
    pub(crate) fn queue(
        &self,
        start: impl FnOnce(GiveWay) -> Work<T>,
    ) -> (Vec<Participant<'_, T>>, Participant<'_, T>) {
        let mut queue = lock(&self.queue);
        let before: Vec<_> = queue.iter().filter_map(|work| self.participate(work)).collect();
        let participant = self.start(&mut queue, start);
        drop(queue);
        for other in &before {
            other.work.give_way.ask();
            other.work.wake_by_ref();
        }
        (before, participant)
    }

    /// Joins `work`, unless it is over.
    fn participate(&self, work: &Arc<SharedWork<T>>) -> Option<Participant<'_, T>> {
        let slot = work.join()?;
        Some(Participant { owner: self, work: Arc::clone(work), slot, started: false })
    }

    fn start(
        &self,
        queue: &mut VecDeque<Arc<SharedWork<T>>>,
        start: impl FnOnce(GiveWay) -> Work<T>,
    ) -> Participant<'_, T> {
        let (work, slot) = SharedWork::start(start);
        queue.push_back(Arc::clone(&work));
        Participant { owner: self, work, slot, started: true }
    }

    /// Forgets work that is over.
    fn remove(&self, work: &Arc<SharedWork<T>>) {
        lock(&self.queue).retain(|other| !Arc::ptr_eq(other, work));
    }
}

/// Whether the work is to end as soon as it can, since other work is queued.
#[derive(Clone)]
pub(crate) struct GiveWay(Arc<AtomicBool>);

impl GiveWay {
    pub(crate) fn ask(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

struct SharedWork<T> {
    give_way: GiveWay,
    state: Mutex<State<T>>,
}

struct State<T> {
    phase: Phase<T>,
    /// The work, when nobody is polling it.
    work: Option<Work<T>>,
    /// Whether the work was woken, or is new, and was not polled since.
    woken: bool,
    /// One for each participant: how to wake it, if it waits.
    slots: Vec<Option<Waker>>,
    free: Vec<usize>,
    participants: usize,
    /// Whether the last participant has left, and the work is being dropped.
    abandoned: bool,
}

enum Phase<T> {
    UnderWay,
    Done(T),
    Lost,
}

impl<T> SharedWork<T> {
    fn start(start: impl FnOnce(GiveWay) -> Work<T>) -> (Arc<Self>, usize) {
        let give_way = GiveWay(Arc::new(AtomicBool::new(false)));
        let state = State {
            phase: Phase::UnderWay,
            work: Some(start(give_way.clone())),
            woken: true,
            slots: vec![None],
            free: Vec::new(),
            participants: 1,
            abandoned: false,
        };
        (Arc::new(Self { give_way, state: Mutex::new(state) }), 0)
    }

    /// Takes a slot, unless the work is over.
    fn join(&self) -> Option<usize> {
        let mut state = lock(&self.state);
        if !matches!(state.phase, Phase::UnderWay) {
            return None;
        }
        state.participants += 1;
        Some(state.free.pop().unwrap_or_else(|| {
            state.slots.push(None);
            state.slots.len() - 1
        }))
    }

    /// Puts the work back after it was polled. If it was woken meanwhile,
    /// those who came while it was away have to look again.
    fn put_back(&self, work: Work<T>) {
        let mut state = lock(&self.state);
        state.work = Some(work);
        let waiting = if state.woken { state.waiting() } else { Vec::new() };
        drop(state);
        wake_all(waiting);
    }

    /// Ends the work and wakes everyone.
    fn end(&self, phase: Phase<T>) {
        let mut state = lock(&self.state);
        state.phase = phase;
        let waiting = state.waiting();
        drop(state);
        wake_all(waiting);
    }
}

impl<T> State<T> {
    /// Takes out the wakers of all who wait.
    fn waiting(&mut self) -> Vec<Waker> {
        self.slots.iter_mut().filter_map(Option::take).collect()
    }
}

/// Wakes the work.
impl<T: Send + 'static> Wake for SharedWork<T> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = lock(&self.state);
        let was_woken = mem::replace(&mut state.woken, true);
        // If it was, all have been told, and whoever came since has polled the
        // work. If it is being polled, `put_back` tells them.
        if was_woken || state.work.is_none() {
            return;
        }
        let waiting = state.waiting();
        drop(state);
        wake_all(waiting);
    }
}

/// A caller that takes part in work. Resolves to the work's result.
pub(crate) struct Participant<'a, T: Clone + Send + 'static> {
    owner: &'a SingleFlight<T>,
    work: Arc<SharedWork<T>>,
    slot: usize,
    started: bool,
}

/// The work was lost in a panic of somebody else, and has to be started anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost;

impl<T: Clone + Send + 'static> Participant<'_, T> {
    /// Whether this caller's own work is under way, and not somebody else's.
    pub(crate) fn started(&self) -> bool {
        self.started
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

impl<T: Clone + Send + 'static> Future for Participant<'_, T> {
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
struct EndOnDrop<'a, T: Clone + Send + 'static> {
    participant: &'a Participant<'a, T>,
    phase: Option<Phase<T>>,
}

impl<T: Clone + Send + 'static> Drop for EndOnDrop<'_, T> {
    fn drop(&mut self) {
        if let Some(phase) = self.phase.take() {
            self.participant.work.end(phase);
            self.participant.owner.remove(&self.participant.work);
        }
    }
}

impl<T: Clone + Send + 'static> Drop for Participant<'_, T> {
    fn drop(&mut self) {
        let mut state = lock(&self.work.state);
        if !matches!(state.phase, Phase::UnderWay) {
            return;
        }
        let waker = state.slots[self.slot].take();
        state.free.push(self.slot);
        state.participants -= 1;
        let is_last = state.participants == 0 && !state.abandoned;
        state.abandoned |= is_last;
        let work = if is_last { state.work.take() } else { None };
        drop(state);
        drop(waker);
        if is_last {
            let _end = EndOnDrop { participant: self, phase: Some(Phase::Lost) };
            // Before others start anew. Whoever comes meanwhile waits for it.
            drop(work);
        }
    }
}

fn wake_all(waiting: Vec<Waker>) {
    for waker in waiting {
        waker.wake();
    }
}

impl<T> fmt::Debug for SingleFlight<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleFlight")
            .field("under_way", &!lock(&self.queue).is_empty())
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic runs while it is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
