//! Single flight: many callers, one piece of work.
//!
//! 1. The first caller starts the work; whoever comes while it is under way
//!    joins it.
//! 2. Whoever aboard is polled polls the work, if there is something for it to
//!    do and nobody is polling it at this very moment. There is no leader: a
//!    caller that is alive but is not polled, such as the loser of a `select!`
//!    that is still in scope, holds up nobody.
//! 3. When the work is done, all get a clone of what came of it. Who comes
//!    after that starts anew.
//! 4. When the work is woken, all who wait are woken, since nobody can know
//!    which of them will be polled. The first polls the work; the others find
//!    that it has been polled since, and wait again. So no caller that is
//!    dropped has to hand anything over, and an exchange under way is not
//!    broken off for it. The price is a look by each caller for each time that
//!    the work is woken, which is a few times an exchange.
//! 5. When the last one aboard is dropped, so is the work. Work is never under
//!    way while there is other work that was not dropped yet.
//! 6. Other work may be queued behind that under way, which is asked to hurry:
//!    to end where it does no more than wait for others.
//!    The queued work is current as soon as the other is over: who comes then
//!    joins it. Until then nobody is aboard but who queued it, and who queued
//!    behind that: if they leave, it is as if it had never been.
//! 7. Work that panics is lost; the panic goes the way of whoever polled it,
//!    and the others are told to start anew.
//!
//! Callers may be tasks or blocked threads: both wait by a `Waker`. While work
//! blocks within a poll, the others wait. The work is never polled, and nobody
//! is woken, with a lock held.

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
    line: Mutex<VecDeque<Arc<Flight<T>>>>,
}

impl<T: Clone + Send + 'static> SingleFlight<T> {
    pub(crate) fn new() -> Self {
        Self { line: Mutex::new(VecDeque::new()) }
    }

    /// Joins the work under way, or starts that of `start` if there is none.
    pub(crate) fn join(&self, start: impl FnOnce(Hurry) -> Work<T>) -> Join<'_, T> {
        let mut line = lock(&self.line);
        while let Some(flight) = line.front() {
            if let Some(join) = self.board(flight) {
                return join;
            }
            line.pop_front();
        }
        self.start(&mut line, start)
    }

    /// Queues the work of `start` behind all there is, which is asked to hurry,
    /// and has to be awaited first, in this order.
    pub(crate) fn queue(
        &self,
        start: impl FnOnce(Hurry) -> Work<T>,
    ) -> (Vec<Join<'_, T>>, Join<'_, T>) {
        let mut line = lock(&self.line);
        let before: Vec<_> = line.iter().filter_map(|flight| self.board(flight)).collect();
        let join = self.start(&mut line, start);
        drop(line);
        for other in &before {
            other.flight.hurry.ask();
            other.flight.wake_by_ref();
        }
        (before, join)
    }

    /// Somebody aboard, unless the flight is over.
    fn board(&self, flight: &Arc<Flight<T>>) -> Option<Join<'_, T>> {
        let seat = flight.board()?;
        Some(Join { owner: self, flight: Arc::clone(flight), seat, started: false })
    }

    fn start(
        &self,
        line: &mut VecDeque<Arc<Flight<T>>>,
        start: impl FnOnce(Hurry) -> Work<T>,
    ) -> Join<'_, T> {
        let (flight, seat) = Flight::start(start);
        line.push_back(Arc::clone(&flight));
        Join { owner: self, flight, seat, started: true }
    }

    /// Forgets a flight that is over.
    fn clear(&self, flight: &Arc<Flight<T>>) {
        lock(&self.line).retain(|other| !Arc::ptr_eq(other, flight));
    }
}

/// Whether the work is to end as soon as it can, since other work is waiting.
#[derive(Clone)]
pub(crate) struct Hurry(Arc<AtomicBool>);

impl Hurry {
    pub(crate) fn ask(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn is_asked_for(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

struct Flight<T> {
    hurry: Hurry,
    state: Mutex<State<T>>,
}

struct State<T> {
    phase: Phase<T>,
    /// The work, when nobody is polling it.
    work: Option<Work<T>>,
    /// Whether the work was woken, or is new, and was not polled since.
    woken: bool,
    /// The seats, each with how to wake who sits there, if that waits.
    seats: Vec<Option<Waker>>,
    free: Vec<usize>,
    aboard: usize,
    /// Whether the work is being dropped.
    leaving: bool,
}

enum Phase<T> {
    UnderWay,
    Done(T),
    Lost,
}

impl<T> Flight<T> {
    fn start(start: impl FnOnce(Hurry) -> Work<T>) -> (Arc<Self>, usize) {
        let hurry = Hurry(Arc::new(AtomicBool::new(false)));
        let state = State {
            phase: Phase::UnderWay,
            work: Some(start(hurry.clone())),
            woken: true,
            seats: vec![None],
            free: Vec::new(),
            aboard: 1,
            leaving: false,
        };
        (Arc::new(Self { hurry, state: Mutex::new(state) }), 0)
    }

    /// Takes a seat, unless the flight is over.
    fn board(&self) -> Option<usize> {
        let mut state = lock(&self.state);
        if !matches!(state.phase, Phase::UnderWay) {
            return None;
        }
        state.aboard += 1;
        Some(state.free.pop().unwrap_or_else(|| {
            state.seats.push(None);
            state.seats.len() - 1
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

    /// Ends the flight and wakes everyone.
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
        self.seats.iter_mut().filter_map(Option::take).collect()
    }
}

/// Wakes the work.
impl<T: Send + 'static> Wake for Flight<T> {
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

/// Somebody aboard. Resolves to what came of the work; to `None` if it was
/// lost and has to be started anew.
pub(crate) struct Join<'a, T: Clone + Send + 'static> {
    owner: &'a SingleFlight<T>,
    flight: Arc<Flight<T>>,
    seat: usize,
    started: bool,
}

impl<T: Clone + Send + 'static> Join<'_, T> {
    /// Whether this caller's own work is under way, and not somebody else's.
    pub(crate) fn started(&self) -> bool {
        self.started
    }

    /// Leaves word how to be woken, and sees what there is to do.
    fn look(&self, waker: &Waker) -> Look<T> {
        // Dropped after the lock is free, for it may own a task that owns
        // somebody aboard.
        let _old;
        let mut state = lock(&self.flight.state);
        match &state.phase {
            Phase::Done(result) => return Look::Over(Some(result.clone())),
            Phase::Lost => return Look::Over(None),
            Phase::UnderWay => {}
        }
        let seat = &mut state.seats[self.seat];
        if !seat.as_ref().is_some_and(|known| known.will_wake(waker)) {
            _old = seat.replace(waker.clone());
        }
        if !state.woken {
            return Look::Wait;
        }
        let Some(work) = state.work.take() else { return Look::Wait };
        state.woken = false;
        Look::Turn(work)
    }
}

enum Look<T> {
    Over(Option<T>),
    Wait,
    Turn(Work<T>),
}

impl<T: Clone + Send + 'static> Future for Join<'_, T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let work = match self.look(context.waker()) {
            Look::Turn(work) => work,
            Look::Over(result) => return Poll::Ready(result),
            Look::Wait => return Poll::Pending,
        };
        // Lost, if there is a panic from here on.
        let mut landing = Landing { join: &self, phase: Some(Phase::Lost) };
        // Dropped before others start anew.
        let mut work = work;
        let waker = Waker::from(Arc::clone(&self.flight));
        match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => {
                drop(work);
                landing.phase = Some(Phase::Done(result.clone()));
                Poll::Ready(Some(result))
            }
            Poll::Pending => {
                landing.phase = None;
                self.flight.put_back(work);
                Poll::Pending
            }
        }
    }
}

/// Ends the flight with this phase, if there is one, when it is dropped.
struct Landing<'a, T: Clone + Send + 'static> {
    join: &'a Join<'a, T>,
    phase: Option<Phase<T>>,
}

impl<T: Clone + Send + 'static> Drop for Landing<'_, T> {
    fn drop(&mut self) {
        if let Some(phase) = self.phase.take() {
            self.join.flight.end(phase);
            self.join.owner.clear(&self.join.flight);
        }
    }
}

impl<T: Clone + Send + 'static> Drop for Join<'_, T> {
    fn drop(&mut self) {
        let mut state = lock(&self.flight.state);
        if !matches!(state.phase, Phase::UnderWay) {
            return;
        }
        let waker = state.seats[self.seat].take();
        state.free.push(self.seat);
        state.aboard -= 1;
        let left = state.aboard == 0 && !state.leaving;
        state.leaving |= left;
        let work = if left { state.work.take() } else { None };
        drop(state);
        drop(waker);
        if left {
            let _landing = Landing { join: self, phase: Some(Phase::Lost) };
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
            .field("under_way", &!lock(&self.line).is_empty())
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic runs while it is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
