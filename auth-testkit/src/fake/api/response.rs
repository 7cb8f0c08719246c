//! What a test tells an API to respond, and to which calls.

use std::collections::VecDeque;

use auth_core::AccessToken;

use crate::{CannedResponse, Gate};

/// A response that a [`FakeApi`](crate::FakeApi) gives in place of its own: see
/// [`FakeApi::respond_next`](crate::FakeApi::respond_next).
///
/// A [`CannedResponse`] converts into it: for the next call, whatever its token.
///
/// ```
/// use auth_testkit::{ApiResponse, CannedResponse, FakeAuthServer};
/// use std::time::Duration;
///
/// let server = FakeAuthServer::new();
/// let api = server.api();
/// let [ada, bob] = ["ada", "bob"].map(|name| server.log_in(name).access_token);
///
/// // The first account has no quota left, twice; the second one is served.
/// let exhausted = CannedResponse::status(429).retry_after(Duration::from_secs(60));
/// api.respond_next([ApiResponse::from(exhausted).to_subject("ada").times(2)]);
///
/// let statuses = [&ada, &bob, &ada, &ada]
///     .map(|token| api.call(Some(&token.authorization().unwrap())).status().as_u16());
/// assert_eq!(statuses, [429, 200, 429, 200]);
/// ```
#[derive(Debug, Clone)]
#[must_use = "`FakeApi::respond_next` takes it"]
pub struct ApiResponse {
    pub(super) response: CannedResponse,
    pub(super) gate: Option<Gate>,
    pub(super) early: bool,
    to: To,
    left: usize,
}

/// Which calls it is for.
#[derive(Debug, Clone)]
enum To {
    Any,
    Token(AccessToken),
    Subject(String),
}

/// Who calls.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) token: Option<&'a AccessToken>,
    /// Of a live token.
    pub(super) subject: Option<&'a str>,
}

impl ApiResponse {
    /// Only for a call that comes with this access token, by any scheme.
    pub fn to_token(mut self, token: &AccessToken) -> Self {
        self.to = To::Token(token.clone());
        self
    }

    /// Only for a call that comes with a live access token of this subject.
    pub fn to_subject(mut self, subject: impl Into<String>) -> Self {
        self.to = To::Subject(subject.into());
        self
    }

    /// For so many calls, not for one: `usize::MAX` is for all.
    pub fn times(mut self, calls: usize) -> Self {
        self.left = calls;
        self
    }

    /// Holds it back until the gate is open. Nothing sleeps: the test waits for the
    /// call by [`Gate::until_waiting`] or [`Gate::block_until_waiting`].
    pub fn once_open(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Sends it as soon as the head of the request is there, as servers do that look
    /// at the token first. A client may still be sending the body then. In process it
    /// makes no difference but for the [log](crate::ApiCall::body): the body is not
    /// read.
    pub fn before_body(mut self) -> Self {
        self.early = true;
        self
    }

    fn is_to(&self, caller: Caller<'_>) -> bool {
        match &self.to {
            To::Any => true,
            To::Token(token) => caller.token == Some(token),
            To::Subject(subject) => caller.subject == Some(subject),
        }
    }
}

impl From<CannedResponse> for ApiResponse {
    fn from(response: CannedResponse) -> Self {
        Self { response, gate: None, early: false, to: To::Any, left: 1 }
    }
}

/// Those that have not been given yet.
#[derive(Default)]
pub(super) struct Queue(VecDeque<ApiResponse>);

impl Queue {
    pub(super) fn extend(&mut self, responses: impl IntoIterator<Item = ApiResponse>) {
        self.0.extend(responses.into_iter().filter(|response| response.left > 0));
    }

    /// Takes the first that is for this caller. Where the body of the request may yet
    /// come, one that waits for it is left.
    pub(super) fn take(&mut self, caller: Caller<'_>, is_whole: bool) -> Option<ApiResponse> {
        let at = self.0.iter().position(|response| response.is_to(caller))?;
        let found = &mut self.0[at];
        if !is_whole && !found.early {
            return None;
        }
        found.left = found.left.saturating_sub(usize::from(found.left != usize::MAX));
        match found.left {
            0 => self.0.remove(at),
            _ => Some(found.clone()),
        }
    }

    /// How many calls are still to get one, of those that are not for all.
    pub(super) fn left(&self) -> usize {
        self.0.iter().map(|response| response.left).filter(|left| *left != usize::MAX).sum()
    }
}
