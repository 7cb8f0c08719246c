//! What comes back for a request: a response, the network's failure, or
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

/// What a [`Script`](crate::Script) replies.
///
/// An [`CannedResponse`], an [`http::Response`] and a [`TransportError`] become one by
/// themselves.
///
/// ```
/// use std::time::Duration;
/// use auth_testkit::{CannedResponse, CallOutcome};
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

    /// A reply that never comes. An async caller waits until it gives up; a
    /// blocked thread until the script is [finished](crate::Script::finish),
    /// and is then told that the call was cancelled.
    pub fn never() -> Self {
        Self::new(Content::Never)
    }

    /// A reply made from the request, when it arrives.
    pub fn computed(outcome: impl Fn(&RecordedRequest) -> Self + Send + Sync + 'static) -> Self {
        Self::new(Content::Computed(Arc::new(outcome)))
    }

    /// Lets the reply take this long on the script's clock.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Holds the reply back until the gate is open.
    #[must_use]
    pub fn once_open(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Computes the reply if it has to be; its own delay and gate come on top.
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

/// Holds [replies](CallOutcome::once_open) back until the test opens it: to look at
/// what callers do while a request is on its way.
///
/// ```
/// use std::thread;
/// use auth_core::{RefreshToken, Refresh, TokenEndpoint, refresh_blocking};
/// use auth_testkit::{CannedResponse, Gate, CallOutcome, Script};
///
/// let gate = Gate::new();
/// let script = Script::new().then(CallOutcome::from(CannedResponse::tokens("at-2")).once_open(&gate));
/// let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client")?;
/// thread::scope(|scope| {
///     let refresh = scope.spawn(|| {
///         let refresh = Refresh::new(endpoint, RefreshToken::new("rt-1"));
///         refresh_blocking(refresh, &script, script.clock())
///     });
///     gate.block_until_waiting(1);
///     // The request is on its way. Whatever the test wants to see now, and then:
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

    /// Opens it, for good.
    pub fn open(&self) {
        self.change(|state| state.open = true);
    }

    /// How many replies it holds back right now.
    pub fn waiting(&self) -> usize {
        self.lock().waiting
    }

    /// Returns once it holds back at least `count` replies.
    pub async fn until_waiting(&self, count: usize) {
        self.until(|state| state.waiting >= count).await;
    }

    /// As [`until_waiting`](Self::until_waiting), blocking the thread.
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

/// One reply that is held back; whoever gives it up no longer counts.
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
