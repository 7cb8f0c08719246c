//! One call of a script, from its request to its outcome.

use auth_core::{Response, TransportError, TransportErrorKind};

use super::shared::Shared;
use crate::{CallOutcome, Gate, call_outcome::Content, transcript::CallState};

/// A call under way. If it is dropped before its end, it was given up.
pub(super) struct ScriptedCall<'a> {
    shared: &'a Shared,
    call: usize,
    pub(super) outcome: CallOutcome,
    ended: bool,
}

impl<'a> ScriptedCall<'a> {
    pub(super) fn new(shared: &'a Shared, call: usize, outcome: CallOutcome) -> Self {
        Self { shared, call, outcome, ended: false }
    }

    pub(super) fn gate(&self) -> Option<Gate> {
        match self.outcome.content {
            Content::Never => Some(self.shared.ended.clone()),
            _ => self.outcome.gate.clone(),
        }
    }

    pub(super) fn end(mut self) -> Result<Response, TransportError> {
        let result = match &self.outcome.content {
            Content::Response(response) => Ok(response.build()),
            Content::Failure(error) => Err(error.clone()),
            // Computed outcomes were resolved at the start.
            Content::Never | Content::Computed(_) => {
                Err(TransportError::unknown(TransportErrorKind::Cancelled))
            }
        };
        self.ended = true;
        self.record(match &result {
            Ok(response) => CallState::Responded(response.clone()),
            Err(error) => CallState::Failed(error.clone()),
        });
        result
    }

    fn record(&self, new: CallState) {
        let now = self.shared.clock.elapsed();
        let mut script = self.shared.lock();
        let entry = &mut script.calls[self.call];
        entry.state = new;
        entry.ended = Some(now);
    }
}

impl Drop for ScriptedCall<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.record(CallState::GivenUp);
        }
    }
}
