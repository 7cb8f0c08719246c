//! What a refresh or a login ends with.

use std::{sync::Arc, time::SystemTime};

use auth_core::Now;

use crate::{
    context::Context,
    error::{AccountError, Reason},
    further::Which,
    known::Known,
    lifetime::Lifetime,
    logout_report::Logout,
    past::Past,
    record::{Fingerprint, Record},
    seen::Sights,
    standing::Standing,
    store::Lease,
    store_error::{StoreError, StoreErrorKind},
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
    /// The same: since when the record has been as it is.
    pub(crate) sights: Sights,
    /// The same: what became of the refresh tokens before.
    pub(crate) past: Past,
    /// The same: which login the record in use comes of, if it says.
    pub(crate) login: Option<Fingerprint>,
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
    /// Which token it was about.
    pub(crate) which: Which,
}

impl Outcome {
    /// The same: the lease was waited for only briefly, since the old token is of use.
    pub(crate) fn after_a_brief_wait(mut self, was_brief: bool) -> Self {
        self.ended.was_brief = was_brief;
        self.found.was_busy = self.ended.was_busy();
        self
    }
}

impl Ended {
    /// Whether the record is somebody else's. What was there before is gone.
    pub(crate) fn is_of_another(&self) -> bool {
        let reason = self.result.as_ref().err().map(AccountError::reason);
        matches!(reason, Some(Reason::OtherEndpoint { .. }))
    }

    /// Whether nothing is wrong but that somebody else had the lease for a moment.
    pub(crate) fn was_busy(&self) -> bool {
        let is_timeout = |error: &AccountError| match error.reason() {
            Reason::Store(error) => error.kind() == StoreErrorKind::LeaseTimeout,
            _ => false,
        };
        self.was_brief && self.fallback.is_some() && self.result.as_ref().is_err_and(is_timeout)
    }

    fn without_new(
        context: &Context,
        result: Result<Token, AccountError>,
        fallback: Option<Token>,
    ) -> Self {
        let which = context.which.clone();
        Self { result, fallback, is_new: false, is_login: false, was_brief: false, which }
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
    fn new(
        context: &Context,
        known: Box<Known>,
        ended: Ended,
        found: Found,
        lease: Option<Arc<Lease>>,
        now: Now,
    ) -> Self {
        let sights = sights(context, &known, now);
        let login = known.record.as_ref().and_then(|record| record.login);
        Self {
            ended,
            unsaved: known.unsaved.boxed(),
            sights,
            past: known.past,
            login,
            found,
            lease,
        }
    }

    /// The tokens in use. `error` is the store's if they are not saved and memory
    /// does not keep them; of what it keeps it knows the error.
    pub(crate) fn token(
        context: &Context,
        known: Box<Known>,
        source: Source,
        error: Option<StoreError>,
        lease: Option<Arc<Lease>>,
        now: Now,
    ) -> Self {
        let Some(record) = context.which.of(known.record.as_ref()) else {
            return Self::failure(context, known, lease, Reason::NotLoggedIn, now);
        };
        let cached = cached(context, &record, now);
        // Not after a login: its tokens may have expired long ago.
        let cached = if source == Source::Refresh { cached.just_obtained() } else { cached };
        let cached = told(cached, error.or_else(|| known.save_error(&context.account)));
        let ended = Ended {
            result: Ok(Token(cached.into())),
            fallback: None,
            is_new: source != Source::Record,
            is_login: source == Source::Login,
            was_brief: false,
            which: context.which.clone(),
        };
        let error = Standing::of(&known, context, now).error(&context.account, now.wall);
        let found = found(context, &known, &ended, error, now);
        Self::new(context, known, ended, found, lease, now)
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
        let Some(record) = context.which.of(known.record.as_ref()) else {
            return Self::failure(context, known, lease, Reason::NotLoggedIn, now);
        };
        let reason = Reason::RefusedAgain;
        let error = AccountError::new(&context.account, reason, Some(until), now.wall);
        let cached = cached(context, &record, now).kept_despite(error.clone());
        let cached = told(cached, known.save_error(&context.account));
        let result = Ok(Token(cached.into()));
        let ended = Ended::without_new(context, result, None);
        let found = found(context, &known, &ended, Some(error), now);
        Self::new(context, known, ended, found, lease, now)
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
            Reason::Refresh(_) => {
                let alone = context.which.setback(known.record.as_ref());
                let setbacks = known.setbacks().chain(alone);
                let last = match context.which {
                    Which::Main => None,
                    // It is the last, be it about all tokens or this one alone.
                    Which::Further(_) => {
                        known.setbacks().chain(alone).map(|one| one.failed_at).max()
                    }
                };
                setbacks
                    .filter(|setback| last.is_none_or(|last| setback.failed_at == last))
                    .find_map(|setback| context.sights.retry_at(setback, now))
            }
            Reason::Setback(setback) => context.sights.retry_at(setback, now),
            _ => None,
        };
        let registration = context.shared.registration_of(known.record.as_ref());
        let error = AccountError::new(&context.account, reason, retry_at, now.wall)
            .by(registration)
            .after_reading(known.unread.as_ref());
        let fallback = fallback(context, &known, &error, now);
        let ended = Ended::without_new(context, Err(error.clone()), fallback);
        let found = found(context, &known, &ended, Some(error), now);
        Self::new(context, known, ended, found, lease, now)
    }
}

/// What was read, and what came of it, has been seen now at the latest.
fn sights(context: &Context, known: &Known, now: Now) -> Sights {
    let mut sights = context.sights;
    if let Some(record) = &known.record {
        sights.see(record, now);
    }
    sights
}

/// What those are told who are told of changes.
fn found(
    context: &Context,
    known: &Known,
    ended: &Ended,
    error: Option<AccountError>,
    now: Now,
) -> Found {
    let record = known.record.as_ref();
    let error = of_account(context, known, error, now);
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
        is_served: ended.result.is_ok()
            || ended.fallback.is_some()
            || is_served(context, known, now),
        was_busy: false,
        tokens: record.map(|record| record.fingerprint().unwrap_or_else(|| identity(record))),
        was_in_use: context.cached.is_some(),
        is_new: ended.is_new,
        is_login: ended.is_login,
        is_unsaved: unsaved.is_some(),
        unsaved: unsaved.map(|tokens| tokens.why(&context.account)),
    }
}

/// What ails the account, if that is not what ails a further token.
fn of_account(
    context: &Context,
    known: &Known,
    error: Option<AccountError>,
    now: Now,
) -> Option<AccountError> {
    let alone = context.which.setback(known.record.as_ref());
    let is_alone = |error: &AccountError| match error.reason() {
        Reason::Refresh(error) => context.which.is_alone(error),
        Reason::Setback(setback) => alone == Some(setback),
        Reason::RefusedAgain => context.which.asked().is_some(),
        _ => false,
    };
    match error.as_ref().is_some_and(is_alone) {
        true => Standing::of(known, context, now).error(&context.account, now.wall),
        false => error,
    }
}

/// Whether the account has its own token, whatever became of a further one.
fn is_served(context: &Context, known: &Known, now: Now) -> bool {
    let is_valid = |record| context.life(record, now).is_valid();
    context.which.asked().is_some() && known.record.as_ref().is_some_and(is_valid)
}

/// The old token, for as long as it is valid and no API has refused it. It is
/// that of the record; if that could not be read, the one in memory, or the one in
/// use before.
fn fallback(context: &Context, known: &Known, error: &AccountError, now: Now) -> Option<Token> {
    let mut unsaved = known.save_error(&context.account);
    let in_memory = known.unsaved.tokens.as_ref().map(|tokens| &tokens.record);
    let in_memory = context.which.of(in_memory);
    let on_record = context.which.of(known.record.as_ref());
    let shared = &context.shared;
    let record = match error.reason() {
        Reason::Store(_) => on_record.or(in_memory),
        _ => on_record,
    };
    let ((tokens, dates), prover) = match (&record, error.reason(), &context.cached) {
        (Some(record), ..) if !shared.can_prove(record) => return None,
        (Some(record), ..) => {
            ((&record.tokens, context.dates(record)), shared.prover(Some(record)))
        }
        (None, Reason::Store(_), Some(cached)) => {
            // What memory keeps no more may never have been saved.
            unsaved = cached.unsaved().cloned();
            (cached.0.dated(), cached.0.prover())
        }
        _ => return None,
    };
    if context.refused_at(&tokens.access_token).is_some() {
        return None;
    }
    Lifetime::new(&dates, now).is_valid().then(|| {
        let cached = Cached::new(&context.account, tokens, dates, now, &shared.settings);
        let cached = cached.proved_by(prover);
        Token(told(cached.kept_despite(error.clone()), unsaved).into())
    })
}

/// The same, which says why it is in memory only, if it is.
fn told(cached: Cached, unsaved: Option<StoreError>) -> Cached {
    match unsaved {
        Some(error) => cached.unsaved(error),
        None => cached,
    }
}

fn cached(context: &Context, record: &Record, now: Now) -> Cached {
    let Context { account, shared, .. } = context;
    Cached::new(account, &record.tokens, context.dates(record), now, &shared.settings)
        .proved_by(shared.prover(Some(record)))
}
