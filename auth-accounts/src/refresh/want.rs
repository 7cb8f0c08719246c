//! What a caller wants.

use std::time::{Duration, SystemTime};

use auth_core::{AccessToken, Now};

use crate::{
    context::Context,
    error::{AccountError, Reason},
    lifetime::Ttl,
    record::Record,
    shared::Shared,
    silence::BRIEFLY,
    store_error::StoreErrorKind,
    token::Token,
};

/// What a caller wants.
#[derive(Debug, Clone)]
pub(crate) enum Want {
    /// A token that lasts.
    Lasting(Ttl),
    /// Any but this one, which an API has refused.
    Other(AccessToken),
    /// Any but this one, ahead of need. None if the last one was obtained a
    /// moment ago.
    Ahead(Option<AccessToken>),
    /// A token newer than the one on record when it is first read, which is put
    /// here then.
    Newer(Option<AccessToken>),
    /// Nothing but that what memory holds is saved. Nothing is sent.
    Saved,
}

impl Want {
    /// Whether the old token is of no use.
    fn is_strict(&self) -> bool {
        !matches!(self, Self::Lasting(Ttl::Usual) | Self::Ahead(_))
    }

    /// Whether the old token is of use, and its caller rather goes on with it than
    /// waits for a store.
    pub(crate) fn is_in_a_hurry(&self) -> bool {
        matches!(self, Self::Lasting(Ttl::Usual))
    }

    /// The record was read.
    pub(super) fn record_read(&mut self, record: Option<&Record>) {
        if let (Self::Newer(seen @ None), Some(record)) = (self, record) {
            *seen = Some(record.tokens.access_token.clone());
        }
    }

    /// Whether the tokens of `record` are what is wanted.
    pub(super) fn is_served_by(
        &self,
        record: Option<&Record>,
        context: &Context,
        now: Now,
    ) -> bool {
        if matches!(self, Self::Saved) {
            return true;
        }
        let Some(record) = context.which.of(record) else { return false };
        let (ttl, unwanted) = match self {
            Self::Lasting(ttl) => (*ttl, None),
            Self::Other(token) => (Ttl::Usual, Some(token)),
            Self::Newer(token) | Self::Ahead(token) => (Ttl::Usual, token.as_ref()),
            Self::Saved => (Ttl::Usual, None),
        };
        let token = &record.tokens.access_token;
        if context.refused_at(token).is_some() || !context.shared.can_prove(&record) {
            return false;
        }
        let life = context.life(&record, now);
        let is_wanted = unwanted != Some(token) && life.lasts(ttl, &context.shared.settings);
        is_wanted || matches!(self, Self::Ahead(_)) && !life.rest().is_zero()
    }

    /// Until when the token of `record` is to do although an API has refused it,
    /// since those before it were refused as well.
    pub(super) fn makes_do_until(
        &self,
        record: Option<&Record>,
        context: &Context,
        now: Now,
    ) -> Option<SystemTime> {
        let record = &*context.which.of(record)?;
        let settings = &context.shared.settings;
        let ttl = match self {
            Self::Lasting(ttl) => *ttl,
            Self::Other(_) | Self::Ahead(_) => Ttl::Usual,
            Self::Newer(_) | Self::Saved => return None,
        };
        self.refused_at(record, context, now)?;
        if !context.life(record, now).lasts(ttl, settings) {
            return None;
        }
        context.braked_until(record, now)
    }

    /// When it was reported that an API has refused the token of `record`, if it
    /// was. That is [the record](crate::further::Which::of) as far as this token is concerned.
    pub(super) fn refused_at(
        &self,
        record: &Record,
        context: &Context,
        now: Now,
    ) -> Option<SystemTime> {
        let token = &record.tokens.access_token;
        let is_unwanted = matches!(self, Self::Other(unwanted) if unwanted == token);
        context.refused_at(token).or(is_unwanted.then_some(now.wall))
    }

    /// How long to wait for the lease: briefly while the old token is of use.
    pub(super) fn lease_wait(
        &self,
        record: Option<&Record>,
        context: &Context,
        now: Now,
    ) -> Duration {
        let lease_wait = context.shared.settings.lease_wait;
        let is_of_use = |record: &Record| {
            let left = context.life(record, now).left();
            context.refused_at(&record.tokens.access_token).is_none()
                && left.is_none_or(|left| left > 2 * BRIEFLY)
        };
        let record = context.which.of(record);
        if !self.is_strict() && record.as_deref().is_some_and(is_of_use) {
            lease_wait.min(BRIEFLY)
        } else {
            lease_wait
        }
    }

    /// Whether to try again after `error`, with which somebody less strict ended
    /// who waited less long. One who waited to the end has the answer for all who
    /// joined: if each waited anew, they would do so one after another.
    pub(crate) fn outwaits(&self, error: &AccountError, was_brief: bool) -> bool {
        let Reason::Store(error) = error.reason() else { return false };
        was_brief && self.is_strict() && error.kind() == StoreErrorKind::LeaseTimeout
    }

    /// Whether `token`, which came of somebody else's refresh, is what is wanted.
    pub(crate) fn is_met_by(&self, token: &Token, is_new: bool, now: Now, shared: &Shared) -> bool {
        match self {
            Self::Other(_) if token.0.is_refused_again() => true,
            Self::Lasting(ttl) => is_new || token.0.lasts(*ttl, now, &shared.settings),
            Self::Other(unwanted) => is_new || token.access_token() != unwanted,
            Self::Ahead(unwanted) => is_new || unwanted.as_ref() != Some(token.access_token()),
            Self::Newer(_) => is_new,
            Self::Saved => true,
        }
    }
}
