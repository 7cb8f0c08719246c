//! What every state of a refresh carries along.

use std::sync::Arc;

use auth_core::{Grant, Now};

use super::want::Want;
use crate::{
    context::Context,
    error::Reason,
    known::Known,
    outcome::{Outcome, Source},
    record::Fingerprint,
    shared::GrantKind,
    store::Lease,
    store_error::{StoreError, StoreErrorKind},
};

/// How often somebody else's save may send us back. Each time somebody got
/// further, so that more than this is the sign of a broken store.
const MAX_ROUNDS: u32 = 8;

/// What every state of a refresh carries along.
pub(crate) struct Run {
    pub(super) context: Context,
    pub(super) want: Want,
    /// Whether it was tried to save what memory holds. Once is enough, unless
    /// somebody else saved at the same time.
    pub(super) caught_up: bool,
    rounds: u32,
}

impl Run {
    pub(super) fn new(context: Context, want: Want) -> Box<Self> {
        Box::new(Self { context, want, caught_up: false, rounds: 0 })
    }

    /// Whether somebody else's save may send us back once more.
    pub(super) fn another_round(&mut self) -> bool {
        self.rounds += 1;
        self.rounds <= MAX_ROUNDS
    }

    pub(super) fn conflict(&self) -> StoreError {
        StoreError::new(StoreErrorKind::Conflict, self.context.account.to_string())
    }

    /// The fingerprint of the refresh token in use; `None` for a grant without
    /// one.
    pub(super) fn refresh_token(&self, known: &Known) -> Option<Fingerprint> {
        match self.context.shared.grant {
            GrantKind::RefreshToken => known.refresh_token().map(Fingerprint::of),
            GrantKind::ClientCredentials => None,
        }
    }

    pub(super) fn grant(&self, known: &Known) -> Grant {
        match (self.context.shared.grant, known.refresh_token()) {
            (GrantKind::RefreshToken, Some(token)) => Grant::RefreshToken(token.clone()),
            _ => Grant::ClientCredentials,
        }
    }

    /// Whether the record in use has what is wanted.
    pub(super) fn is_served(&self, known: &Known, now: Now) -> bool {
        let record = known.record.as_ref();
        record.is_some_and(|record| self.want.is_served_by(record, &self.context, now))
    }

    /// What forbids an attempt.
    pub(super) fn obstacle(&self, known: &Known, now: Now) -> Option<Reason> {
        let Context { shared, .. } = &self.context;
        if shared.grant == GrantKind::RefreshToken {
            match &known.record {
                None => return Some(Reason::NotLoggedIn),
                Some(record) if record.tokens.refresh_token.is_none() => {
                    return Some(Reason::NoRefreshToken);
                }
                Some(_) => {}
            }
        }
        let mut setbacks = known.setbacks().peekable();
        setbacks.peek()?;
        let token = self.refresh_token(known).unwrap_or(Fingerprint::NO_REFRESH_TOKEN);
        setbacks
            .find(|setback| setback.bars(token, &shared.endpoint, now.wall))
            .map(|setback| Reason::Setback(setback.clone()))
    }

    /// Ends with the record in use.
    pub(super) fn succeed(
        &self,
        known: Box<Known>,
        source: Source,
        error: Option<StoreError>,
        lease: Option<Arc<Lease>>,
        now: Now,
    ) -> Outcome {
        let known = *known;
        match &known.record {
            Some(record) => {
                Outcome::token(&self.context, record, source, known.unsaved, error, lease, now)
            }
            None => self.fail(Box::new(known), lease, Reason::NotLoggedIn, now),
        }
    }

    pub(super) fn fail(
        &self,
        known: Box<Known>,
        lease: Option<Arc<Lease>>,
        reason: Reason,
        now: Now,
    ) -> Outcome {
        Outcome::failure(&self.context, known, lease, reason, now)
    }
}
