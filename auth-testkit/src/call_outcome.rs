//! What comes back for a request: a response, a failure of the network, or
//! nothing.

use std::{
    fmt,
    future::poll_fn,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::Duration,
};

use auth_core::{Response, TransportError};

use crate::{CannedResponse, RecordedRequest};

/// The outcome of one call of a [`Script`](crate::Script).
///
/// [`CannedResponse`], [`http::Response`] and [`TransportError`] convert into it.
///
/// ```
/// use std::time::Duration;
/// use auth_testkit::{CallOutcome, CannedResponse};
///
/// let slow = CallOutcome::from(CannedResponse::status(504)).after(Duration::from_secs(9));
/// let echo = CallOutcome::computed(|request| {
///     CannedResponse::tokens("at-2").scope(request.param("scope").unwrap_or("none")).into()
/// });
/// ```
#[derive(Clone)]
pub struct CallOutcome {
    pub(crate) content: Content,
    pub(crate) delay: Duration,
    pub(crate) gate: Option<Gate>,
}

#[derive(Clone)]
pub(crate) enum Content {
    Response(CannedResponse),
    Failure(TransportError),
    Never,
    Computed(Arc<Compute>),
}

type Compute = dyn Fn(&RecordedRequest) -> CallOutcome + Send + Sync;

impl CallOutcome {
    fn new(content: Content) -> Self {
        Self { content, delay: Duration::ZERO, gate: None }
    }

    /// Nothing comes back. An async caller waits until it gives up. A blocked
    /// thread waits until the script is [finished](crate::Script::finish), and
    /// then gets the error `Cancelled`.
    pub fn never() -> Self {
        Self::new(Content::Never)
    }

    /// An outcome that is computed from the request when it arrives.
    pub fn computed(outcome: impl Fn(&RecordedRequest) -> Self + Send + Sync + 'static) -> Self {
        Self::new(Content::Computed(Arc::new(outcome)))
    }

    /// Delays the outcome by this time on the clock of the script.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Holds the outcome back until the gate is open.
    #[must_use]
    pub fn once_open(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Computes the outcome if necessary. The delay of the computed one is added.
    pub(crate) fn resolved(self, request: &RecordedRequest) -> Self {
        let mut outcome = self;
        while let Content::Computed(compute) = &outcome.content {
            let computed = compute(request);
            outcome = Self {
                delay: outcome.delay.saturating_add(computed.delay),
                gate: computed.gate.or(outcome.gate),
                content: computed.content,
            };
        }
        outcome
    }
}

impl From<CannedResponse> for CallOutcome {
    fn from(response: CannedResponse) -> Self {
        Self::new(Content::Response(response))
    }
}

impl From<Response> for CallOutcome {
    fn from(response: Response) -> Self {
        CannedResponse::from(response).into()
    }
}

impl From<TransportError> for CallOutcome {
    fn from(error: TransportError) -> Self {
        Self::new(Content::Failure(error))
    }
}

impl fmt::Debug for CallOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let content: &dyn fmt::Debug = match &self.content {
            Content::Response(response) => response,
            Content::Failure(error) => error,
            Content::Never => &"never",
            Content::Computed(_) => &"computed",
        };
        f.debug_struct("CallOutcome")
            .field("content", content)
            .field("delay", &self.delay)
            .field("gate", &self.gate)
            .finish()
    }
}

/// Holds [outcomes](CallOutcome::once_open) back until the test opens it, to see
/// what callers do while a request is under way.
///
/// ```
/// use std::thread;
/// use auth_core::{RefreshToken, Refresh, TokenEndpoint, refresh_blocking};
/// use auth_testkit::{CallOutcome, CannedResponse, Gate, Script};
///
/// let gate = Gate::new();
/// let outcome = CallOutcome::from(CannedResponse::tokens("at-2")).once_open(&gate);
/// let script = Script::new().then(outcome);
/// let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client")?;
/// thread::scope(|scope| {
///     let refresh = scope.spawn(|| {
///         let refresh = Refresh::new(endpoint, RefreshToken::new("rt-1"));
///         refresh_blocking(refresh, &script, script.clock())
///     });
///     gate.block_until_waiting(1);
///     // The request is under way. Here the test looks at the callers.
///     gate.open();
///     assert!(refresh.join().unwrap().is_ok());
/// });
/// # Ok::<(), auth_core::EndpointError>(())
/// ```
#[derive(Clone, Default)]
pub struct Gate {
    shared: Arc<GateShared>,
}

#[derive(Default)]
struct GateShared {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    open: bool,
    waiting: usize,
    wakers: Vec<Waker>,
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the gate. It cannot be closed again.
    pub fn open(&self) {
        self.change(|state| state.open = true);
    }

    /// How many outcomes the gate holds back now.
    pub fn waiting(&self) -> usize {
        self.lock().waiting
    }

    /// Waits until the gate holds back at least `count` outcomes.
    pub async fn until_waiting(&self, count: usize) {
        self.until(|state| state.waiting >= count).await;
    }

    /// As [`until_waiting`](Self::until_waiting), but blocks the thread.
    pub fn block_until_waiting(&self, count: usize) {
        self.block_until(|state| state.waiting >= count);
    }

    pub(crate) async fn pass(&self) {
        let _waiting = Waiting::at(self);
        self.until(|state| state.open).await;
    }

    pub(crate) fn block_to_pass(&self) {
        let _waiting = Waiting::at(self);
        self.block_until(|state| state.open);
    }

    /// As [`block_to_pass`](Self::block_to_pass), but looks after each `turn` whether to
    /// go on; false if it was not open by then.
    #[cfg(feature = "server")]
    pub(crate) fn block_to_pass_while(&self, turn: Duration, goes_on: impl Fn() -> bool) -> bool {
        let _waiting = Waiting::at(self);
        let mut state = self.lock();
        while !state.open {
            drop(state);
            if !goes_on() {
                return false;
            }
            let turned = self.shared.changed.wait_timeout_while(self.lock(), turn, |s| !s.open);
            state = turned.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    async fn until(&self, reached: impl Fn(&GateState) -> bool) {
        poll_fn(|context| {
            let mut state = self.lock();
            if reached(&state) {
                return Poll::Ready(());
            }
            if !state.wakers.iter().any(|known| known.will_wake(context.waker())) {
                state.wakers.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    fn block_until(&self, reached: impl Fn(&GateState) -> bool) {
        let mut state = self.lock();
        while !reached(&state) {
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn change(&self, act: impl FnOnce(&mut GateState)) {
        let mut state = self.lock();
        act(&mut state);
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.shared.changed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, GateState> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Gate")
            .field("open", &state.open)
            .field("waiting", &state.waiting)
            .finish_non_exhaustive()
    }
}

/// One outcome that is held back. A caller that gives up no longer counts.
struct Waiting<'a>(&'a Gate);

impl<'a> Waiting<'a> {
    fn at(gate: &'a Gate) -> Self {
        gate.change(|state| state.waiting += 1);
        Self(gate)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.change(|state| state.waiting -= 1);
    }
}
