//! Single flight: many callers, one piece of work.
//!
//! 1. The first caller starts the work; whoever comes while it is under way
//!    joins it.
//! 2. One of those aboard polls the work (the pilot); the others wait.
//! 3. When the work is done, all get a clone of what came of it. Who comes
//!    after that starts anew.
//! 4. A pilot that is dropped hands over: another polls the same work from
//!    where it stands. An exchange under way is not broken off for it.
//! 5. When the last one aboard is dropped, so is the work.
//! 6. Work that panics is lost; the pilot's panic goes its way, and the others
//!    are told to start anew.
//!
//! Callers may be tasks or blocked threads: both wait by a `Waker`. The work
//! is never polled with a lock held.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::PoisonError,
    task::{Context, Poll, Waker},
};

use crate::sync::{Arc, Mutex, MutexGuard};

pub(crate) type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The work that callers share, if there is any under way.
pub(crate) struct SingleFlight<T> {
    current: Mutex<Option<Arc<Flight<T>>>>,
}

impl<T: Clone> SingleFlight<T> {
    pub(crate) fn new() -> Self {
        Self { current: Mutex::new(None) }
    }

    /// Joins the work under way, or starts that of `start` if there is none.
    pub(crate) fn join(&self, start: impl FnOnce() -> Work<T>) -> Join<'_, T> {
        let mut current = lock(&self.current);
        if let Some(flight) = &*current
            && let Some(seat) = flight.board()
        {
            return Join { owner: self, flight: Arc::clone(flight), seat, started: false };
        }
        let (flight, seat) = Flight::start(start());
        *current = Some(Arc::clone(&flight));
        Join { owner: self, flight, seat, started: true }
    }

    /// Forgets a flight that is over. A newer one stays.
    fn clear(&self, flight: &Arc<Flight<T>>) {
        let mut current = lock(&self.current);
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, flight)) {
            *current = None;
        }
    }
}

struct Flight<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    phase: Phase<T>,
    /// The work, when nobody is polling it.
    work: Option<Work<T>>,
    /// The seat of whoever polls the work.
    pilot: Option<usize>,
    /// Those aboard, each with how to wake it if it waits.
    seats: Vec<Seat>,
    aboard: usize,
}

enum Phase<T> {
    UnderWay,
    Done(T),
    Lost,
}

enum Seat {
    Free,
    /// Taken by somebody who has yet to look, or who is polling the work.
    Taken,
    Waiting(Waker),
}

impl<T: Clone> Flight<T> {
    fn start(work: Work<T>) -> (Arc<Self>, usize) {
        let state = State {
            phase: Phase::UnderWay,
            work: Some(work),
            pilot: None,
            seats: vec![Seat::Taken],
            aboard: 1,
        };
        (Arc::new(Self { state: Mutex::new(state) }), 0)
    }

    /// Takes a seat, unless the flight is over.
    fn board(&self) -> Option<usize> {
        let mut state = lock(&self.state);
        if !matches!(state.phase, Phase::UnderWay) {
            return None;
        }
        state.aboard += 1;
        state.seats.push(Seat::Taken);
        Some(state.seats.len() - 1)
    }

    /// Ends the flight and wakes everyone. The lock is free by then.
    fn end(&self, phase: Phase<T>) {
        let mut state = lock(&self.state);
        state.phase = phase;
        let seats = std::mem::take(&mut state.seats);
        drop(state);
        for seat in seats {
            seat.wake();
        }
    }
}

impl Seat {
    fn wake(self) {
        if let Self::Waiting(waker) = self {
            waker.wake();
        }
    }
}

/// Somebody aboard. Resolves to what came of the work; to `None` if it was
/// lost and has to be started anew.
pub(crate) struct Join<'a, T: Clone> {
    owner: &'a SingleFlight<T>,
    flight: Arc<Flight<T>>,
    seat: usize,
    started: bool,
}

impl<T: Clone> Join<'_, T> {
    /// Whether this caller's own work is under way, and not somebody else's.
    pub(crate) fn started(&self) -> bool {
        self.started
    }
}

impl<T: Clone> Future for Join<'_, T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = lock(&self.flight.state);
        match &state.phase {
            Phase::Done(result) => return Poll::Ready(Some(result.clone())),
            Phase::Lost => return Poll::Ready(None),
            Phase::UnderWay => {}
        }
        if state.pilot.is_some_and(|pilot| pilot != self.seat) {
            let waiting = &mut state.seats[self.seat];
            match waiting {
                Seat::Waiting(waker) => waker.clone_from(context.waker()),
                _ => *waiting = Seat::Waiting(context.waker().clone()),
            }
            return Poll::Pending;
        }
        let Some(mut work) = state.work.take() else {
            // Only after a panic in this very task.
            return Poll::Ready(None);
        };
        state.pilot = Some(self.seat);
        state.seats[self.seat] = Seat::Taken;
        drop(state);
        // If this panics, `work` is gone, and the drop of `self` tells the
        // others.
        match work.as_mut().poll(context) {
            Poll::Ready(result) => {
                drop(work);
                self.flight.end(Phase::Done(result.clone()));
                self.owner.clear(&self.flight);
                Poll::Ready(Some(result))
            }
            Poll::Pending => {
                lock(&self.flight.state).work = Some(work);
                Poll::Pending
            }
        }
    }
}

impl<T: Clone> Drop for Join<'_, T> {
    fn drop(&mut self) {
        let mut state = lock(&self.flight.state);
        if !matches!(state.phase, Phase::UnderWay) {
            return;
        }
        state.aboard -= 1;
        state.seats[self.seat] = Seat::Free;
        if state.pilot == Some(self.seat) {
            state.pilot = None;
        }
        if state.pilot.is_some() {
            return;
        }
        let work = state.work.take();
        if state.aboard == 0 || work.is_none() {
            drop(state);
            self.flight.end(Phase::Lost);
            self.owner.clear(&self.flight);
            drop(work);
            return;
        }
        // Whoever is woken takes over, and if it is dropped before that, it
        // comes through here in its turn. From the back, where free seats are
        // taken away, so that a crowd that leaves is not searched again for
        // each of its members.
        state.work = work;
        while let Some(Seat::Free) = state.seats.last() {
            state.seats.pop();
        }
        let next = state.seats.iter_mut().rfind(|seat| matches!(seat, Seat::Waiting(_)));
        let next = next.map(|seat| std::mem::replace(seat, Seat::Taken));
        drop(state);
        if let Some(next) = next {
            next.wake();
        }
    }
}

impl<T> fmt::Debug for SingleFlight<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleFlight")
            .field("under_way", &lock(&self.current).is_some())
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic runs while it is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
