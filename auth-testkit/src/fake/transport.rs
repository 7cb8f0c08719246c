//! The server in process.

use std::time::Duration;

use async_trait::async_trait;
use auth_core::{
    BlockingTransport, Request, Response, Transport, TransportError, TransportErrorKind,
};

use super::{
    fault::Fault,
    ledger::TokenId,
    model::Handled,
    server::{FakeAuthServer, Shared},
    settings::Time,
};
use crate::{CannedResponse, Gate, RecordedRequest, transcript::CallState};

#[async_trait]
impl Transport for FakeAuthServer {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let call = self.receive(request);
        if let Some(gate) = call.gate() {
            gate.pass().await;
        }
        self.shared.clock.pass(call.delay).await;
        call.end()
    }
}

impl BlockingTransport for FakeAuthServer {
    fn send_blocking(&self, request: Request) -> Result<Response, TransportError> {
        let call = self.receive(request);
        if let Some(gate) = call.gate() {
            gate.block_to_pass();
        }
        self.shared.clock.block_to_pass(call.delay);
        call.end()
    }
}

impl FakeAuthServer {
    fn receive(&self, request: Request) -> PendingCall<'_> {
        let now = self.shared.elapsed();
        let wall = self.shared.now().wall;
        let handled = self.lock().handle(RecordedRequest::from(request), now, wall);
        let delay = match (self.shared.time, handled.fault) {
            (Time::Virtual, Fault::Delay(delay) | Fault::StallAfter(delay)) => delay,
            _ => Duration::ZERO,
        };
        PendingCall { shared: &self.shared, handled: Some(handled), delay }
    }
}

/// A call under way. If it is dropped before its end, its response is lost.
struct PendingCall<'a> {
    shared: &'a Shared,
    handled: Option<Handled>,
    delay: Duration,
}

impl PendingCall<'_> {
    fn gate(&self) -> Option<Gate> {
        self.handled.as_ref()?.gate.clone()
    }

    fn end(mut self) -> Result<Response, TransportError> {
        let Some(handled) = self.handled.take() else {
            return Err(TransportError::unknown(TransportErrorKind::Cancelled));
        };
        let result = handled.result();
        let state = match &result {
            Ok(response) => CallState::Responded(response.clone()),
            Err(error) => CallState::Failed(error.clone()),
        };
        self.shared.close(handled.call, state, handled.unsettled(), true);
        result
    }
}

impl Drop for PendingCall<'_> {
    fn drop(&mut self) {
        if let Some(handled) = self.handled.take() {
            self.shared.close(handled.call, CallState::GivenUp, handled.unsettled(), false);
        }
    }
}

impl Handled {
    /// What the client gets.
    fn result(&self) -> Result<Response, TransportError> {
        let unknown = |kind| Err(TransportError::unknown(kind));
        match self.fault {
            Fault::None | Fault::Delay(_) => Ok(self.response.build()),
            Fault::Refused => Err(TransportError::not_sent(TransportErrorKind::Refused)),
            Fault::LostBefore | Fault::LostAfter => unknown(TransportErrorKind::Reset),
            Fault::CutResponse => unknown(TransportErrorKind::Truncated),
            Fault::StallAfter(_) => unknown(TransportErrorKind::Timeout),
            Fault::Status(status) | Fault::StatusAfter(status) => Ok(proxy_page(status).build()),
        }
    }

    /// The token that this request spent, unless it is settled already that the
    /// response is lost.
    pub(super) fn unsettled(&self) -> Option<TokenId> {
        self.spent_token.filter(|_| self.fault.delivers_response())
    }
}

impl Shared {
    /// Records what became of a call.
    pub(super) fn close(
        &self,
        call: usize,
        state: CallState,
        spent_token: Option<TokenId>,
        arrived: bool,
    ) {
        let now = self.elapsed();
        let mut model = self.lock();
        if let Some(spent_token) = spent_token {
            model.settle(spent_token, arrived);
        }
        let entry = &mut model.calls[call];
        entry.state = state;
        entry.ended = Some(now);
    }
}

/// The kind of page that proxies send with their own errors.
pub(super) fn proxy_page(status: u16) -> CannedResponse {
    let response = CannedResponse::status(status);
    let reason = response.build().status().canonical_reason().unwrap_or("Error");
    response
        .header("content-type", "text/html")
        .body(format!("<html><head><title>{status} {reason}</title></head></html>\n"))
}
