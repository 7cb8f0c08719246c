//! Replies, one after the other, for a client under test.

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

/// A transport that replies as it was told, and fails the test if it is asked
/// more or less than that.
///
/// It is a [`Transport`] and a [`BlockingTransport`]. Clones share the script,
/// so that a test can keep one and give one away.
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
/// # Which reply a call gets
///
/// 1. The first reply whose [`when`](Self::when) or
///    [`always`](Self::always) fits the request and is not used up.
/// 2. Otherwise the next one of those in order. If it was scripted with
///    [`expect`](Self::expect), the request must fit.
/// 3. Otherwise the call is unexpected.
///
/// # How it fails the test
///
/// An unexpected call panics at once. So does [`finish`](Self::finish), at the
/// caller's line, if a reply is left over or a call was unexpected; without it
/// the last handle does so when it is dropped, so that a test cannot pass by
/// forgetting. The message shows the whole exchange, expected against actual,
/// and where each reply was scripted. Secrets are shown by number: the same
/// number is the same secret.
#[derive(Clone)]
pub struct Script {
    shared: Arc<Shared>,
}

impl Script {
    /// An empty script with a [clock](Self::clock) of its own.
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

    /// Next, this reply.
    #[track_caller]
    #[must_use]
    pub fn then(self, outcome: impl Into<CallOutcome>) -> Self {
        self.add(When::Next(None), outcome.into())
    }

    /// Next, new tokens, good for an hour.
    #[track_caller]
    #[must_use]
    pub fn tokens(self, access_token: impl Into<String>, refresh_token: impl Into<String>) -> Self {
        self.then(
            CannedResponse::tokens(access_token).refresh_token(refresh_token).expires_in(3600),
        )
    }

    /// Next, an error code with status 400.
    #[track_caller]
    #[must_use]
    pub fn oauth_error(self, code: impl Into<String>) -> Self {
        self.then(CannedResponse::oauth_error(code))
    }

    /// Next, a status without a body.
    #[track_caller]
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        self.then(CannedResponse::status(status))
    }

    /// Next, the network fails before anything was sent.
    #[track_caller]
    #[must_use]
    pub fn not_sent(self, kind: TransportErrorKind) -> Self {
        self.then(TransportError::not_sent(kind))
    }

    /// Next, the network fails, and the request may have been processed.
    #[track_caller]
    #[must_use]
    pub fn unknown(self, kind: TransportErrorKind) -> Self {
        self.then(TransportError::unknown(kind))
    }

    /// Next, nothing comes back, ever; see [`CallOutcome::never`].
    #[track_caller]
    #[must_use]
    pub fn never(self) -> Self {
        self.then(CallOutcome::never())
    }

    /// Next, this reply, and the request must look so.
    #[track_caller]
    #[must_use]
    pub fn expect(self, expect: Expect, outcome: impl Into<CallOutcome>) -> Self {
        self.add(When::Next(Some(expect)), outcome.into())
    }

    /// This reply, once, to the first request that looks so, whenever it comes.
    #[track_caller]
    #[must_use]
    pub fn when(self, expect: Expect, outcome: impl Into<CallOutcome>) -> Self {
        self.add(When::Once(expect), outcome.into())
    }

    /// This reply to every request that looks so. It is not left over if there
    /// is none.
    #[track_caller]
    #[must_use]
    pub fn always(self, expect: Expect, outcome: impl Into<CallOutcome>) -> Self {
        self.add(When::Always(expect), outcome.into())
    }

    /// As [`then`](Self::then), later in the test.
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

    /// How many calls there were.
    pub fn calls(&self) -> usize {
        self.lock().calls.len()
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.lock().calls.iter().map(|entry| entry.request.clone()).collect()
    }

    /// The request with this number, counted from 1.
    ///
    /// # Panics
    ///
    /// If there was none; the message shows the entry.
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

    /// The whole exchange so far as text, secrets by number.
    pub fn transcript(&self) -> String {
        self.lock().transcript()
    }

    /// Fails the test if a reply is left over or a call was unexpected. Ends
    /// replies that [never](CallOutcome::never) come.
    ///
    /// # Panics
    ///
    /// See above.
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

    /// Records the request, and finds its reply.
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
        if let Some(gate) = call.holds_back() {
            gate.pass().await;
        }
        call.end()
    }
}

impl BlockingTransport for Script {
    fn send_blocking(&self, request: Request) -> Result<Response, TransportError> {
        let call = self.receive(request);
        self.shared.clock.block_to_pass(call.outcome.delay);
        if let Some(gate) = call.holds_back() {
            gate.block_to_pass();
        }
        call.end()
    }
}

#[cfg(test)]
mod tests;
