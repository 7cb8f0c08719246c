//! What a refresh or a login ends with.

use std::{sync::Arc, time::SystemTime};

use auth_core::Now;

use crate::{
    context::Context,
    error::{AccountError, Reason},
    known::Known,
    lifetime::Lifetime,
    logout_report::Logout,
    record::Record,
    standing::Standing,
    store::Lease,
    store_error::StoreError,
    token::{Cached, Token},
    told::Found,
    unsaved::{Unsaved, identity},
};

/// What a refresh or a login ends with.
pub(crate) struct Outcome {
    /// For the callers.
    pub(crate) ended: Ended,
    /// For the account's memory.
    pub(crate) unsaved: Option<Box<Unsaved>>,
    /// For those who are told of changes.
    pub(crate) found: Found,
    /// To be freed when the rest is in place.
    pub(crate) lease: Option<Arc<Lease>>,
}

/// What callers get who share a refresh or a login.
#[derive(Clone)]
pub(crate) enum Ending {
    Ended(Ended),
    /// A refresh ended early for a login or a logout. It had sent nothing.
    GaveWay,
    /// It was a logout. Who wanted a token has to look again.
    LoggedOut(Result<Logout, AccountError>),
}

/// How a refresh or a login ended.
#[derive(Clone)]
pub(crate) struct Ended {
    pub(crate) result: Result<Token, AccountError>,
    /// After a failure: the old token, if it is still valid.
    pub(crate) fallback: Option<Token>,
    /// Whether the tokens are new, and not only newly read.
    pub(crate) is_new: bool,
    pub(crate) is_login: bool,
    /// Whether it gave up earlier than somebody would who has no use for the old
    /// token.
    pub(crate) was_brief: bool,
}

impl Ended {
    fn without_new(result: Result<Token, AccountError>, fallback: Option<Token>) -> Self {
        Self { result, fallback, is_new: false, is_login: false, was_brief: false }
    }
}

/// Where tokens come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// They were on record, or in memory.
    Record,
    Refresh,
    Login,
}

impl Outcome {
    /// The tokens in use; with the store's error if they are not saved.
    pub(crate) fn token(
        context: &Context,
        known: Box<Known>,
        source: Source,
        error: Option<StoreError>,
        lease: Option<Arc<Lease>>,
        now: Now,
    ) -> Self {
        let Some(record) = &known.record else {
            return Self::failure(context, known, lease, Reason::NotLoggedIn, now);
        };
        let cached = cached(context, record, now);
        // Not after a login: its tokens may have expired long ago.
        let cached = if source == Source::Refresh { cached.just_obtained() } else { cached };
        let cached = match error {
            Some(error) => cached.unsaved(error),
            None => cached,
        };
        let ended = Ended {
            result: Ok(Token(cached.into())),
            fallback: None,
            is_new: source != Source::Record,
            is_login: source == Source::Login,
            was_brief: false,
        };
        let Context { account, shared, refused, .. } = context;
        let refused = refused.as_ref().map(|refused| &refused.token);
        let standing = Standing::of(&known, shared, refused, now.wall);
        let found = found(context, &known, &ended, standing.error(account, now.wall));
        Self { ended, unsaved: known.unsaved.boxed(), found, lease }
    }

    /// The token in use, although an API has refused it: so it has those before
    /// it, and there is to be no other until then.
    pub(crate) fn refused_again(
        context: &Context,
        known: Box<Known>,
        until: SystemTime,
        lease: Option<Arc<Lease>>,
        now: Now,
    ) -> Self {
        let Some(record) = &known.record else {
            return Self::failure(context, known, lease, Reason::NotLoggedIn, now);
        };
        let reason = Reason::RefusedAgain;
        let error = AccountError::new(&context.account, reason, Some(until), now.wall);
        let mut cached = cached(context, record, now).kept_despite(error.clone());
        if let Some(unsaved) = known.save_error() {
            cached = cached.unsaved(unsaved);
        }
        let result = Ok(Token(cached.into()));
        let ended = Ended::without_new(result, None);
        let found = found(context, &known, &ended, Some(error));
        Self { ended, unsaved: known.unsaved.boxed(), found, lease }
    }

    /// No token, but perhaps the old one to fall back on.
    pub(crate) fn failure(
        context: &Context,
        known: Box<Known>,
        lease: Option<Arc<Lease>>,
        reason: Reason,
        now: Now,
    ) -> Self {
        let retry_at = match &reason {
            Reason::Refresh(_) => known.setbacks().find_map(|setback| setback.retry_at),
            Reason::Setback(setback) => setback.retry_at,
            _ => None,
        };
        let registration = context.shared.registration_of(known.record.as_ref());
        let error =
            AccountError::new(&context.account, reason, retry_at, now.wall).by(registration);
        let fallback = fallback(context, known.record.as_ref(), &error, now);
        let ended = Ended::without_new(Err(error.clone()), fallback);
        let found = found(context, &known, &ended, Some(error));
        Self { ended, unsaved: known.unsaved.boxed(), found, lease }
    }
}

/// What those are told who are told of changes.
fn found(context: &Context, known: &Known, ended: &Ended, error: Option<AccountError>) -> Found {
    let record = known.record.as_ref();
    let was_on_record = match error.as_ref().map(AccountError::reason) {
        Some(Reason::Setback(setback)) => {
            record.and_then(|record| record.setback.as_ref()) == Some(setback)
        }
        _ => false,
    };
    let unsaved = known.unsaved.tokens.as_ref();
    Found {
        error,
        was_on_record,
        tokens: record.map(|record| record.fingerprint().unwrap_or_else(|| identity(record))),
        was_in_use: context.cached.is_some(),
        is_new: ended.is_new,
        is_login: ended.is_login,
        is_unsaved: unsaved.is_some(),
        unsaved: unsaved.and_then(|tokens| tokens.error.clone()),
    }
}

/// The old token, for as long as it is valid and no API has refused it. It is
/// that of the record; if that could not be read, the one in use before.
fn fallback(
    context: &Context,
    record: Option<&Record>,
    error: &AccountError,
    now: Now,
) -> Option<Token> {
    let (tokens, dates) = match (record, &context.cached, error.reason()) {
        (Some(record), ..) => (&record.tokens, context.dates(record)),
        (None, Some(cached), Reason::Store(_)) => cached.0.dated(),
        _ => return None,
    };
    if context.refused_at(&tokens.access_token).is_some() {
        return None;
    }
    Lifetime::new(&dates, now.wall).is_valid().then(|| {
        let settings = &context.shared.settings;
        let cached = Cached::new(&context.account, tokens, dates, now, settings);
        Token(cached.kept_despite(error.clone()).into())
    })
}

fn cached(context: &Context, record: &Record, now: Now) -> Cached {
    let Context { account, shared, .. } = context;
    Cached::new(account, &record.tokens, context.dates(record), now, &shared.settings)
}
