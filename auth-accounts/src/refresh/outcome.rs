//! What comes of a refresh.

use std::sync::Arc;

use auth_core::Now;

use super::flow::{Flow, Unsaved};
use crate::{
    AccountError, Lease, Reason, StoreError,
    lifetime::Lifetime,
    token::{Cached, Token},
};

/// What a refresh ends with: for the callers, for the memory, and the lease,
/// to be freed when the rest is in place.
pub(crate) struct Outcome {
    pub(crate) landed: Landed,
    pub(crate) unsaved: Unsaved,
    pub(crate) lease: Option<Arc<Lease>>,
}

/// What the callers get of it.
#[derive(Clone)]
pub(crate) struct Landed {
    pub(crate) result: Result<Token, AccountError>,
    /// After a failure: the old token, if it is still valid.
    pub(crate) fallback: Option<Token>,
    /// Whether the tokens are new, and not only newly found.
    pub(crate) exchanged: bool,
    /// Whether it was a login.
    pub(crate) of_login: bool,
}

impl Outcome {
    pub(super) fn success(flow: Flow, unsaved: Option<StoreError>, now: Now) -> Self {
        let Some(record) = &flow.current else {
            return Self::failure(flow, Reason::NotLoggedIn, now);
        };
        let settings = &flow.shared.settings;
        let cached = Cached::new(&flow.account, &record.tokens, record.obtained_at, now, settings);
        // Not after a login: its tokens may have expired long ago.
        let obtained = flow.exchanged && flow.sent.is_some();
        let cached = if obtained { cached.just_obtained() } else { cached };
        let cached = match unsaved {
            Some(error) => cached.unsaved(error),
            None => cached,
        };
        let landed = Landed {
            result: Ok(Token(cached.into())),
            fallback: None,
            exchanged: flow.exchanged,
            of_login: false,
        };
        Self::new(landed, flow)
    }

    pub(super) fn failure(flow: Flow, reason: Reason, now: Now) -> Self {
        let retry_at = match &reason {
            Reason::Refresh(_) => flow.setbacks().find_map(|setback| setback.retry_at),
            Reason::Setback(setback) => setback.retry_at,
            _ => None,
        };
        let error = AccountError::new(&flow.account, reason, retry_at, now.wall);
        let fallback = fallback(&flow, &error, now);
        let landed = Landed { result: Err(error), fallback, exchanged: false, of_login: false };
        Self::new(landed, flow)
    }

    fn new(landed: Landed, flow: Flow) -> Self {
        let unsaved = Unsaved { ahead: flow.ahead, setback: flow.setback };
        Self { landed, unsaved, lease: flow.lease }
    }
}

/// The old token, for as long as it is valid and no API has refused it: that of the record, or the one
/// that was in use if the record could not be read.
fn fallback(flow: &Flow, error: &AccountError, now: Now) -> Option<Token> {
    let settings = &flow.shared.settings;
    let (tokens, obtained_at) = match (&flow.current, &flow.cached, error.reason()) {
        (Some(record), ..) => (&record.tokens, record.obtained_at),
        (None, Some(cached), Reason::Store(_)) => cached.0.dated(),
        _ => return None,
    };
    if flow.refused.as_ref() == Some(&tokens.access_token) {
        return None;
    }
    let life = Lifetime::new(tokens, obtained_at, now.wall);
    life.is_valid().then(|| {
        let cached = Cached::new(&flow.account, tokens, obtained_at, now, settings);
        Token(cached.kept_despite(error.clone(), &life).into())
    })
}
