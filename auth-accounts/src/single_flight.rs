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
//!    before it is dropped. Work can have a participant that nobody can drop by
//!    leaving, a background task: it joins as soon as the work has to wait, while
//!    somebody polls it, so that there is no moment at which all could leave.
//! 6. Other work may be queued behind it. Then the work under way is asked to
//!    give way: to end where it only waits for others. The queued work becomes
//!    current when the other is over, and callers join it from then on. Until
//!    then it has no participants but the callers who queued it, or queued more
//!    behind it. If they leave, it is gone. Work that says that it is open, for
//!    it has begun nothing yet, is joined by those who would queue its equal
//!    behind it.
//! 7. Work that panics is lost. The panic reaches whoever polled it, and the
//!    others are told to start anew.
//! 8. When it is closed, no work begins any more. What is under way can be
//!    joined until it is over.
//! 9. A thread that must not block longer than it wants to watches: it takes part
//!    and waits, and never polls. Somebody else has to; see
//!    [`Participant::claim`].
//! 10. Who carries the work on, a background task or such a thread, is no caller. A
//!     participant can ask to leave unless that would end the work:
//!     [`Participant::leave_if`].
//!
//! Callers may be tasks or blocked threads: both wait by a `Waker`. While work
//! blocks within a poll, the others wait. The work is never polled, and nobody
//! is woken, with a lock held.
//!
//! Why not `futures::future::Shared`: it has no queue, and poisons all its clones
//! when the work panics, where here the others start anew.

mod participant;

use std::{
    collections::VecDeque,
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::{PoisonError, atomic::Ordering},
    task::{Wake, Waker},
};

pub(crate) use self::participant::{Owner, Participant};
use crate::sync::{Arc, AtomicBool, Mutex, MutexGuard};

pub(crate) type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The work that callers share, if there is any under way.
pub(crate) struct SingleFlight<T> {
    queue: Mutex<Queue<T>>,
}

struct Queue<T> {
    /// What is under way, and what is queued behind it. Any of them may be
    /// over already.
    works: VecDeque<Arc<SharedWork<T>>>,
    closed: bool,
}

/// The work was lost in a panic of somebody else, and has to be started anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost;

/// A caller of the account that the work is about.
pub(crate) type Caller<'a, T> = Participant<&'a SingleFlight<T>, T>;

impl<T: Clone + Send + 'static> SingleFlight<T> {
    pub(crate) fn new() -> Self {
        Self { queue: Mutex::new(Queue { works: VecDeque::new(), closed: false }) }
    }

    /// Joins the work under way, or starts that of `start` if there is none.
    /// `None` if it is closed, and there is none.
    pub(crate) fn join(&self, start: impl FnOnce(GiveWay) -> Work<T>) -> Option<Caller<'_, T>> {
        let mut queue = lock(&self.queue);
        if let Some(participant) = queue.join_current(self) {
            return Some(participant);
        }
        (!queue.closed).then(|| queue.start(self, start))
    }

    /// Joins the work under way, or starts the very last one.
    pub(crate) fn join_last(&self, start: impl FnOnce(GiveWay) -> Work<T>) -> Caller<'_, T> {
        let mut queue = lock(&self.queue);
        queue.join_current(self).unwrap_or_else(|| queue.start(self, start))
    }

    /// Joins the work under way.
    pub(crate) fn join_current<O: Owner<T>>(&self, owner: O) -> Option<Participant<O, T>> {
        lock(&self.queue).join_current(owner)
    }

    /// Queues the work of `start` behind all there is. That is asked to give
    /// way, and has to be awaited first, in this order. `None` if it is closed.
    ///
    /// Work with an `open` is equal to all other such work. If the last one there
    /// is has one that says so, that is joined, and `start` is not called.
    #[allow(clippy::type_complexity, reason = "two names would say less")]
    pub(crate) fn queue(
        &self,
        open: Option<Open>,
        start: impl FnOnce(GiveWay) -> Work<T>,
    ) -> Option<(Vec<Caller<'_, T>>, Caller<'_, T>)> {
        let mut queue = lock(&self.queue);
        if queue.closed {
            return None;
        }
        let last = queue.works.back().filter(|last| open.is_some() && last.is_open()).cloned();
        let mut before = queue.join_all(&self);
        if last.is_some_and(|last| before.last().is_some_and(|before| before.is_of(&last)))
            && let Some(participant) = before.pop()
        {
            return Some((before, participant));
        }
        let participant = queue.start_open(self, open, start);
        drop(queue);
        for other in &before {
            other.ask_to_give_way();
        }
        Some((before, participant))
    }

    /// Lets no work begin from now on. Returns who takes part in what there is,
    /// in the order in which it is to be awaited.
    pub(crate) fn close<O: Owner<T> + Clone>(&self, owner: O) -> Vec<Participant<O, T>> {
        let mut queue = lock(&self.queue);
        queue.closed = true;
        queue.join_all(&owner)
    }

    pub(crate) fn is_closed(&self) -> bool {
        lock(&self.queue).closed
    }

    /// Whether there is work that is not over.
    pub(crate) fn is_under_way(&self) -> bool {
        lock(&self.queue).works.iter().any(|work| work.is_under_way())
    }

    /// Forgets work that is over.
    fn remove(&self, work: &Arc<SharedWork<T>>) {
        lock(&self.queue).works.retain(|other| !Arc::ptr_eq(other, work));
    }
}

impl<T: Clone + Send + 'static> Queue<T> {
    fn join_current<O: Owner<T>>(&mut self, owner: O) -> Option<Participant<O, T>> {
        while let Some(work) = self.works.front() {
            if let Some(slot) = work.join() {
                return Some(Participant::new(owner, Arc::clone(work), slot, false));
            }
            self.works.pop_front();
        }
        None
    }

    fn join_all<O: Owner<T> + Clone>(&self, owner: &O) -> Vec<Participant<O, T>> {
        let join = |work: &Arc<SharedWork<T>>| {
            let slot = work.join()?;
            Some(Participant::new(owner.clone(), Arc::clone(work), slot, false))
        };
        self.works.iter().filter_map(join).collect()
    }

    fn start<'a>(
        &mut self,
        owner: &'a SingleFlight<T>,
        start: impl FnOnce(GiveWay) -> Work<T>,
    ) -> Caller<'a, T> {
        self.start_open(owner, None, start)
    }

    fn start_open<'a>(
        &mut self,
        owner: &'a SingleFlight<T>,
        open: Option<Open>,
        start: impl FnOnce(GiveWay) -> Work<T>,
    ) -> Caller<'a, T> {
        let (work, slot) = SharedWork::start(open, start);
        self.works.push_back(Arc::clone(&work));
        Participant::new(owner, work, slot, true)
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

/// Whether work has begun nothing yet that would be another if it began later.
#[derive(Clone)]
pub(crate) struct Open(Arc<AtomicBool>);

impl Open {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    pub(crate) fn end(&self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Work, and who takes part in it.
pub(crate) struct SharedWork<T> {
    give_way: GiveWay,
    open: Option<Open>,
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
    /// How many participants carry it on, whom no caller can drop by leaving.
    carriers: usize,
}

enum Phase<T> {
    UnderWay,
    Done(T),
    Lost,
}

impl<T> SharedWork<T> {
    fn start(open: Option<Open>, start: impl FnOnce(GiveWay) -> Work<T>) -> (Arc<Self>, usize) {
        let give_way = GiveWay(Arc::new(AtomicBool::new(false)));
        let state = State {
            phase: Phase::UnderWay,
            work: Some(start(give_way.clone())),
            woken: true,
            slots: vec![None],
            free: Vec::new(),
            participants: 1,
            abandoned: false,
            carriers: 0,
        };
        (Arc::new(Self { give_way, open, state: Mutex::new(state) }), 0)
    }

    fn is_open(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.0.load(Ordering::Acquire))
    }

    /// Takes a slot, unless the work is over.
    fn join(&self) -> Option<usize> {
        lock(&self.state).join()
    }

    fn is_under_way(&self) -> bool {
        lock(&self.state).is_under_way()
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
    fn is_under_way(&self) -> bool {
        matches!(self.phase, Phase::UnderWay)
    }

    /// Takes a slot, unless the work is over.
    fn join(&mut self) -> Option<usize> {
        if !self.is_under_way() {
            return None;
        }
        self.participants += 1;
        Some(self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        }))
    }

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

fn wake_all(waiting: Vec<Waker>) {
    for waker in waiting {
        waker.wake();
    }
}

impl<T> fmt::Debug for SingleFlight<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleFlight")
            .field("under_way", &!lock(&self.queue).works.is_empty())
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic runs while it is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
