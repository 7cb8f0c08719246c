//! A transport with scripted outcomes.

mod call;
mod shared;
mod state;

use std::{
    fmt,
    panic::Location,
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use auth_core::{
    BlockingTransport, Request, Response, Transport, TransportError, TransportErrorKind,
};

use self::{
    call::ScriptedCall,
    shared::Shared,
    state::{State, When},
};
use crate::{CallOutcome, CannedResponse, Expect, Gate, RecordedRequest, VirtualClock};

/// A transport with scripted outcomes. It fails the test if it gets more or fewer
/// calls than it has outcomes.
///
/// It is a [`Transport`] and a [`BlockingTransport`]. Clones share the script, so
/// that a test can keep one and give one away.
///
/// ```
/// use auth_core::{Refresh, RefreshToken, TokenEndpoint, TransportErrorKind, refresh_blocking};
/// use auth_testkit::Script;
///
/// let script = Script::new()
///     .status(502)
///     .unknown(TransportErrorKind::Reset)
///     .tokens("at-2", "rt-2");
///
/// let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client")?;
/// let refresh = Refresh::new(endpoint, RefreshToken::new("rt-1"));
/// let tokens = refresh_blocking(refresh, &script, script.clock()).unwrap();
///
/// assert_eq!(tokens.access_token.expose(), "at-2");
/// assert_eq!(script.clock().elapsed().as_millis(), 1500);
/// script.request(2).assert_param("refresh_token", "rt-1");
/// script.finish();
/// # Ok::<(), auth_core::EndpointError>(())
/// ```
///
/// # Which outcome a call gets
///
/// 1. The first outcome added by [`when`](Self::when) or [`always`](Self::always)
///    whose conditions the request meets. One of `when` is used once.
/// 2. Otherwise the next outcome in order. If it was added by
///    [`expect`](Self::expect), the request must meet its conditions.
/// 3. Otherwise the call is unexpected.
///
/// # How it fails the test
///
/// An unexpected call panics at once. [`finish`](Self::finish) panics if an outcome
/// is left over or a call was unexpected. If a test does not call it, the last
/// handle does so when it is dropped.
///
/// The message shows all calls, what was expected and what happened, and where
/// each outcome was scripted. Secrets are numbered: the same number is the same
/// secret.
#[derive(Clone)]
pub struct Script {
    shared: Arc<Shared>,
}

impl Script {
    /// An empty script with its own [clock](Self::clock).
    #[track_caller]
    pub fn new() -> Self {
        Self::with_clock(&VirtualClock::new())
    }

    /// An empty script whose delays pass on this clock.
    #[track_caller]
    pub fn with_clock(clock: &VirtualClock) -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(State::new(Location::caller())),
                clock: clock.clone(),
                ended: Gate::new(),
            }),
        }
    }

    /// Adds an outcome.
    #[track_caller]
    #[must_use]
    pub fn then(self, outcome: impl Into<CallOutcome>) -> Self {
        self.add(When::Next(None), outcome.into())
    }

    /// Adds a response with new tokens that are valid for an hour.
    #[track_caller]
    #[must_use]
    pub fn tokens(self, access_token: impl Into<String>, refresh_token: impl Into<String>) -> Self {
        self.then(
            CannedResponse::tokens(access_token).refresh_token(refresh_token).expires_in(3600),
        )
    }

    /// Adds a response with status 400 and this error code.
    #[track_caller]
    #[must_use]
    pub fn oauth_error(self, code: impl Into<String>) -> Self {
        self.then(CannedResponse::oauth_error(code))
    }

    /// Adds a response with this status and no body.
    #[track_caller]
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        self.then(CannedResponse::status(status))
    }

    /// Adds a failure of the network before anything was sent.
    #[track_caller]
    #[must_use]
    pub fn not_sent(self, kind: TransportErrorKind) -> Self {
        self.then(TransportError::not_sent(kind))
    }

    /// Adds a failure of the network after which the request may have been
    /// processed.
    #[track_caller]
    #[must_use]
    pub fn unknown(self, kind: TransportErrorKind) -> Self {
        self.then(TransportError::unknown(kind))
    }

    /// Adds an outcome that never comes; see [`CallOutcome::never`].
    #[track_caller]
    #[must_use]
    pub fn never(self) -> Self {
        self.then(CallOutcome::never())
    }

    /// Adds an outcome whose request must meet these conditions.
    #[track_caller]
    #[must_use]
    pub fn expect(self, expect: Expect, outcome: impl Into<CallOutcome>) -> Self {
        self.add(When::Next(Some(expect)), outcome.into())
    }

    /// Adds an outcome for the first request that meets these conditions, whenever
    /// it comes.
    #[track_caller]
    #[must_use]
    pub fn when(self, expect: Expect, outcome: impl Into<CallOutcome>) -> Self {
        self.add(When::Once(expect), outcome.into())
    }

    /// Adds an outcome for every request that meets these conditions. It is never
    /// left over.
    #[track_caller]
    #[must_use]
    pub fn always(self, expect: Expect, outcome: impl Into<CallOutcome>) -> Self {
        self.add(When::Always(expect), outcome.into())
    }

    /// As [`then`](Self::then), for a script that is in use.
    #[track_caller]
    pub fn push(&self, outcome: impl Into<CallOutcome>) {
        let _ = self.clone().then(outcome);
    }

    #[track_caller]
    fn add(self, when: When, outcome: CallOutcome) -> Self {
        self.lock().add(when, outcome, Location::caller());
        self
    }

    /// The clock on which delays pass.
    pub fn clock(&self) -> &VirtualClock {
        &self.shared.clock
    }

    /// The number of calls so far.
    pub fn calls(&self) -> usize {
        self.lock().calls.len()
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.lock().calls.iter().map(|entry| entry.request.clone()).collect()
    }

    /// The request with this number, from 1.
    ///
    /// # Panics
    ///
    /// If there is none. The message shows all calls.
    #[track_caller]
    pub fn request(&self, number: usize) -> RecordedRequest {
        let found = self.requests().into_iter().nth(number.wrapping_sub(1));
        match found {
            Some(request) => request,
            None => {
                let message = self.lock().explain(&format!("there was no call {number}"), None);
                panic!("{message}")
            }
        }
    }

    /// All calls so far as text, with numbers for secrets.
    pub fn transcript(&self) -> String {
        self.lock().transcript()
    }

    /// Fails the test if an outcome is left over or a call was unexpected. Ends
    /// the waits for outcomes that [never](CallOutcome::never) come.
    ///
    /// # Panics
    ///
    /// If the test fails. The message shows all calls.
    #[track_caller]
    pub fn finish(&self) {
        self.shared.ended.open();
        let problem = self.lock().finish();
        if let Some(message) = problem {
            panic!("{message}");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.lock()
    }

    /// Records the request, and finds its outcome.
    fn receive(&self, request: Request) -> ScriptedCall<'_> {
        let mut request = RecordedRequest::from(request);
        request.at = self.shared.clock.elapsed();
        let chosen = self.lock().receive(request);
        match chosen {
            // Computed without the lock: the closure may look at the script.
            Ok((number, request, outcome)) => {
                ScriptedCall::new(&self.shared, number, outcome.resolved(&request))
            }
            Err(message) => panic!("{message}"),
        }
    }
}

impl Default for Script {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").field("calls", &self.calls()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let call = self.receive(request);
        self.shared.clock.pass(call.outcome.delay).await;
        if let Some(gate) = call.gate() {
            gate.pass().await;
        }
        call.end()
    }
}

impl BlockingTransport for Script {
    fn send_blocking(&self, request: Request) -> Result<Response, TransportError> {
        let call = self.receive(request);
        self.shared.clock.block_to_pass(call.outcome.delay);
        if let Some(gate) = call.gate() {
            gate.block_to_pass();
        }
        call.end()
    }
}

#[cfg(test)]
mod tests;
