//! One account over time.

mod background;
pub(crate) mod closing;
mod commitment;
#[cfg(test)]
mod explore;
mod further;
mod further_memory;
mod inner;
pub(crate) mod keep_fresh;
mod logging_in;
mod logging_out;
mod memory;
mod patience;
mod perform;
mod registry;
mod saving_late;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use auth_core::AccessToken;

use self::{inner::Inner, patience::Driver};
use crate::{
    error::{AccountError, Reason},
    further::Which,
    id::AccountId,
    known::Known,
    lifetime::Ttl,
    outcome::{Ended, Ending},
    refresh::{self, Want},
    shared::Shared,
    single_flight::{GiveWay, Lost, Open, Work},
    standing::Standing,
    status::AccountStatus,
    store_error::StoreError,
    token::Token,
};

/// One account over time: a token that is good, and at most one refresh at a
/// time. Cloning shares the account.
/// [`Accounts::account`](crate::Accounts::account) makes one.
///
/// Callers may be dropped at any point: a refresh that has begun goes on to its
/// end, save included, by the runtime that the accounts were
/// [made with](crate::Accounts::new). (Where they were made
/// [without one](crate::Accounts::without_runtime), it is broken off when the
/// last caller who waits for it is dropped.) It runs on the runtime of its
/// callers, so they should all be on the same one.
#[derive(Clone)]
pub struct Account(Arc<Inner>);

/// Which accounts there are.
pub(crate) type Registry = registry::Registry<Inner>;

impl Account {
    pub(crate) fn of(registry: &Arc<Registry>, shared: &Arc<Shared>, id: AccountId) -> Self {
        Self(registry.account(id, |id, closed| {
            let inner = Arc::new(Inner::new(Arc::clone(shared), registry, id));
            if closed {
                inner.flight.close(Arc::downgrade(&inner));
            }
            inner
        }))
    }

    /// The account's name.
    pub fn id(&self) -> &AccountId {
        &self.0.id
    }

    /// Returns a token that is good for at least
    /// [`Settings::min_ttl`](crate::Settings::min_ttl), and refreshes if needed.
    ///
    /// If a refresh fails while the old token is still valid, returns the old
    /// token with [`refresh_error`](Token::refresh_error) set. So it does if the store
    /// does not answer within a second.
    ///
    /// The future may be dropped, for example by a `timeout`: the refresh goes
    /// on, and the next caller gets what comes of it. What breaks a refresh off
    /// is the end of the runtime; [`Accounts::close`](crate::Accounts::close)
    /// waits for it. See [`Accounts::without_runtime`](crate::Accounts::without_runtime)
    /// for clocks that cannot carry work on.
    ///
    /// # Errors
    ///
    /// [`AccountError`] if there is no valid token and none can be obtained now.
    pub async fn token(&self) -> Result<Token, AccountError> {
        match self.cached() {
            Some(token) => Ok(token),
            // Boxed, so that the common case stays small.
            None => {
                let want = Want::Lasting(Ttl::Usual);
                Box::pin(self.obtain_or_keep(&Which::Main, want, Driver::Caller)).await
            }
        }
    }

    /// Returns a token that is good for at least `ttl`, and refreshes if needed.
    /// A `ttl` of more than three quarters of the token's lifetime counts as
    /// three quarters.
    ///
    /// # Errors
    ///
    /// [`AccountError`] if no such token can be obtained now. An old token that
    /// is valid for less than `ttl` is not returned.
    pub async fn token_valid_for(&self, ttl: Duration) -> Result<Token, AccountError> {
        let shared = &self.0.shared;
        let ttl = Ttl::AtLeast(ttl);
        match &*self.0.cached.load() {
            Some(cached) if cached.lasts(ttl, shared.clock.now(), &shared.settings) => {
                return Ok(Token(Arc::clone(cached)));
            }
            _ => {}
        }
        Ok(self.obtain(Want::Lasting(ttl)).await?.0)
    }

    /// Refreshes regardless of expiry, for example because the user's rights
    /// have changed. Returns a token newer than the one that was on record when
    /// this call began; a refresh by somebody else since then will do.
    ///
    /// # Errors
    ///
    /// [`AccountError`] if the refresh fails, or a setback on record forbids one.
    pub async fn refresh_now(&self) -> Result<Token, AccountError> {
        Ok(self.obtain(Want::Newer(None)).await?.0)
    }

    /// Reports that an API refused `token` (401), and returns another one. If
    /// `token` is no longer the current one, somebody has refreshed already, and
    /// nothing is sent. [Calls](crate::calls) do it by themselves. This account does not hand out `token` again, even if no
    /// other can be obtained.
    ///
    /// The exception is an API that refuses every new token: after
    /// [`Settings::refusals`](crate::Settings::refusals) exchanges, the latest
    /// token is returned with [`refresh_error`](Token::refresh_error) set to
    /// [`Reason::RefusedAgain`], and nothing is sent until its `retry_at`. That
    /// holds for all who share the store.
    ///
    /// If the token's expiry was [a guess](Token::expiry_is_guessed), and it is at
    /// least a minute old, those after it are taken to live no longer than it did.
    ///
    /// # Errors
    ///
    /// [`AccountError`] if there is no other token and none can be obtained now.
    pub async fn token_refused(&self, token: &AccessToken) -> Result<Token, AccountError> {
        self.refused(&Which::Main, token, None).await
    }

    /// Returns how the account is doing according to its record, for people and
    /// as JSON. [`AccountStatus::unsaved`] is what this process knows beside it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the record cannot be read, and memory holds no tokens that
    /// are newer. If the store does not answer, it may come only after
    /// [`lease_wait`](crate::Settings::lease_wait).
    pub async fn status(&self) -> Result<AccountStatus, StoreError> {
        let loaded = self.0.look().await;
        let (mut context, unsaved) = self.0.begin(&Which::Main);
        let mut known = Known::new(context.shared.grant, unsaved).remembering(&context.past);
        let (record, unsaved) = match loaded {
            Ok(found) => {
                known.read(found.clone());
                // Others may have moved on: then what memory holds is no newer.
                let is_newer = known.unsaved.tokens.is_some();
                let error = self.0.save_failure().filter(|_| is_newer);
                (found.map(|(record, _)| record), error.map(|error| error.to_string()))
            }
            Err(error) => {
                let Some(tokens) = &known.unsaved.tokens else { return Err(error) };
                let why = tokens.why(&self.0.id);
                known.record = Some(tokens.record.clone());
                (known.record.clone(), Some(format!("{why}; the record cannot be read: {error}")))
            }
        };
        let now = self.0.shared.clock.now();
        if let Some(record) = &record {
            context.sights.see(record, now);
        }
        let Standing { state, .. } = Standing::of(&known, &context, now);
        let record = record.map(|mut record| {
            if let Some(setback) = &mut record.setback {
                setback.retry_at = context.sights.retry_at(setback, now);
            }
            let dates = context.dates(&record);
            (record, dates)
        });
        Ok(AccountStatus::new(&self.0.id, record, state, unsaved, now.wall))
    }

    /// The token that [`token`](Self::token) would return at once, without reading
    /// or refreshing anything. `None` if it would have to: the first time, when
    /// the token is about to expire or was refused, and from time to time while
    /// it comes with a warning. For interceptors that cannot wait: if there is
    /// none, let the request wait for `token` elsewhere, or fail.
    ///
    /// [`current`](Self::current) is no substitute: it returns a token in any
    /// state, for comparing and showing it.
    ///
    /// A task that keeps the account fresh ([`keep_fresh`](Self::keep_fresh)) has
    /// one ready as long as refreshes succeed.
    pub fn peek(&self) -> Option<Token> {
        self.cached()
    }

    /// The current token, if it may be handed out without a second thought.
    pub(crate) fn cached(&self) -> Option<Token> {
        let cached = self.0.cached.load();
        let cached = cached.as_ref()?;
        cached.is_fresh(self.0.shared.clock.wall()).then(|| Token(Arc::clone(cached)))
    }

    /// The wall clock that the account goes by.
    pub fn wall(&self) -> SystemTime {
        self.0.shared.clock.wall()
    }

    /// The token in memory, whatever its state: it may have expired, and an API
    /// may have refused it. Nothing is read or refreshed.
    pub fn current(&self) -> Option<Token> {
        self.0.current()
    }

    async fn obtain_or_keep(
        &self,
        which: &Which,
        want: Want,
        driver: Driver,
    ) -> Result<Token, AccountError> {
        let failed = match self.obtain_by(which, want, driver).await {
            Ok((token, _)) => return Ok(token),
            Err(failed) => failed,
        };
        match failed.fallback {
            Some(old) if old.0.is_valid(self.0.shared.clock.now()) => Ok(old),
            _ => Err(failed.error),
        }
    }

    /// Takes part in refreshes until one does what is wanted. Also says whether
    /// the token is a new one, and not only newly read.
    async fn obtain(&self, want: Want) -> Result<(Token, bool), Failed> {
        self.obtain_by(&Which::Main, want, Driver::Caller).await
    }

    async fn obtain_by(
        &self,
        which: &Which,
        want: Want,
        driver: Driver,
    ) -> Result<(Token, bool), Failed> {
        let mut tries = 0;
        let mut was_lost = false;
        loop {
            let joined =
                self.0.flight.join(|give_way| self.refresh_work(which, want.clone(), give_way));
            let Some(participant) = joined else {
                let error = self.closed();
                return Err(Failed { fallback: self.despite(which, &error), error });
            };
            let own = participant.started();
            let Ended { result, fallback, is_new, is_login, was_brief, .. } =
                match self.wait(participant, driver, which, &want).await? {
                    Ok(Ending::Ended(ended)) if !ended.which.is(which) => {
                        match self.for_another(which, ended) {
                            Some(failed) => return Err(failed),
                            None => continue,
                        }
                    }
                    Ok(Ending::Ended(ended)) => ended,
                    Ok(Ending::GaveWay | Ending::LoggedOut(_)) => continue,
                    // It was lost in somebody else's panic. Once may be chance; each
                    // time, something may have been sent.
                    Err(Lost) if was_lost => {
                        return Err(Failed { error: self.lost(), fallback: None });
                    }
                    Err(Lost) => {
                        was_lost = true;
                        continue;
                    }
                };
            let token = match result {
                Err(error) if !own && want.outwaits(&error, was_brief) => continue,
                // It has changed nothing, and need not be how a refresh ends.
                Err(_) if is_login => continue,
                result => result.map_err(|error| Failed { error, fallback })?,
            };
            let now = self.0.shared.clock.now();
            // The machine may have slept between the response and here.
            let alive = token.0.is_fresh(now.wall)
                || token.0.is_valid(now)
                || matches!(want, Want::Ahead(_));
            // What somebody else obtained meanwhile counts as well, if less: if each
            // tried for itself, they would do so one after another.
            tries += if own { 2 } else { u32::from(is_new) };
            if tries >= 4 || (alive && (own || want.is_met_by(&token, is_new, now, &self.0.shared)))
            {
                return Ok((token, is_new));
            }
        }
    }

    /// Does the work of `start` when all that is under way is over, which is asked to
    /// give way. Whoever comes with an `open` may share the work of another.
    async fn take_turn(
        &self,
        open: Option<Open>,
        start: impl FnOnce() -> Work<Ending>,
    ) -> Result<Result<Ending, Lost>, AccountError> {
        let queued = self.0.flight.queue(open, |_| self.in_background(start()));
        let Some((before, own)) = queued else { return Err(self.closed()) };
        for other in before {
            let _ = other.await;
        }
        Ok(own.await)
    }

    /// Saves what memory holds.
    fn save_work(&self, give_way: GiveWay) -> Work<Ending> {
        self.refresh_work(&Which::Main, Want::Saved, give_way)
    }

    fn refresh_work(&self, which: &Which, want: Want, give_way: GiveWay) -> Work<Ending> {
        let (context, memory) = self.0.begin(which);
        let step = refresh::start(context, want, memory);
        let inner = Arc::clone(&self.0);
        self.in_background(Box::pin(async move { inner.refresh(step, &give_way).await }))
    }

    fn closed(&self) -> AccountError {
        self.failed(Reason::Closed)
    }

    fn lost(&self) -> AccountError {
        self.failed(Reason::Panicked)
    }

    fn failed(&self, reason: Reason) -> AccountError {
        AccountError::new(&self.0.id, reason, None, self.wall())
    }
}

struct Failed {
    error: AccountError,
    fallback: Option<Token>,
}

impl From<Failed> for AccountError {
    fn from(failed: Failed) -> Self {
        failed.error
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.0.id)
            .field("token", &self.current())
            .finish_non_exhaustive()
    }
}
