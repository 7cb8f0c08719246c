//! One account over time.

#[cfg(test)]
mod explore;
mod inner;
pub(crate) mod keep_fresh;
mod memory;
mod perform;

use std::{
    fmt,
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Waker},
    time::{Duration, SystemTime},
};

use auth_core::{AccessToken, TokenSet};

use self::inner::Inner;
use crate::{
    error::{AccountError, Reason},
    id::AccountId,
    lifetime::Ttl,
    login,
    outcome::{Ended, Ending},
    record::Record,
    refresh::{self, Want},
    shared::Shared,
    single_flight::{GiveWay, Lost, Work},
    status::AccountStatus,
    store_error::{StoreError, StoreErrorKind},
    token::{Cached, Token},
};

/// One account over time: always a token that is good, at most one refresh at
/// a time. Cloning shares it. Made by [`Accounts::account`](crate::Accounts).
///
/// Callers may be dropped at any point. While a refresh is under way and one
/// of the callers that wait for it remains, the refresh goes on from where it
/// stands; it is broken off when the last of them is dropped, unless there is
/// [a task that goes on](crate::Accounts::spawner). It runs on the runtime of
/// its callers, so that they should all be on the same one.
#[derive(Clone)]
pub struct Account(Arc<Inner>);

impl Account {
    pub(crate) fn new(shared: Arc<Shared>, id: AccountId) -> Self {
        Self(Arc::new(Inner::new(shared, id)))
    }

    /// The account's name.
    pub fn id(&self) -> &AccountId {
        &self.0.id
    }

    /// A token that is good for at least
    /// [`Settings::min_ttl`](crate::Settings::min_ttl), refreshed if need be.
    ///
    /// If a refresh is due and fails, the old token is handed out for as long
    /// as it is valid, with
    /// [`refresh_error`](Token::refresh_error) set.
    ///
    /// Dropping the future is safe for the account's state, but if nobody else
    /// waits for the same refresh it breaks off the exchange, whose answer, and
    /// with it a rotated refresh token, may be lost: the next call can then only
    /// find out whether the old one still works. So do not put this into a
    /// `timeout` or `select!` by itself: set
    /// [`Accounts::spawner`](crate::Accounts::spawner), or await a task that
    /// awaits this.
    ///
    /// # Errors
    ///
    /// [`AccountError`] if there is no valid token and none can be got now.
    pub async fn token(&self) -> Result<Token, AccountError> {
        match self.cached() {
            Some(token) => Ok(token),
            // Boxed, so that the common case stays small.
            None => Box::pin(self.obtain_or_keep(Want::Lasting(Ttl::Usual))).await,
        }
    }

    /// A token that is good for at least `ttl`, refreshed if need be. Three
    /// quarters of its whole life are the most that is asked of a token.
    ///
    /// # Errors
    ///
    /// [`AccountError`] if none can be got now; an old token that is valid,
    /// but not for so long, is not handed out.
    pub async fn token_valid_for(&self, ttl: Duration) -> Result<Token, AccountError> {
        let shared = &self.0.shared;
        let ttl = Ttl::AtLeast(ttl);
        match &*self.0.cached.load() {
            Some(cached) if cached.lasts(ttl, shared.clock.wall(), &shared.settings) => {
                return Ok(Token(Arc::clone(cached)));
            }
            _ => {}
        }
        Ok(self.obtain(Want::Lasting(ttl)).await?.0)
    }

    /// A token newer than what is on record now, whatever its expiry says: say
    /// because the user's rights have changed. A refresh by somebody else that
    /// ends after this call began is taken for it.
    ///
    /// # Errors
    ///
    /// [`AccountError`] if it fails, or a setback on record forbids to try.
    pub async fn refresh_now(&self) -> Result<Token, AccountError> {
        Ok(self.obtain(Want::Newer(None)).await?.0)
    }

    /// Says that an API refused `token` (401), and gives another. If it is no
    /// longer the current one, somebody has refreshed already, and nothing is
    /// sent. If none can be got, the refused one is not handed out again by
    /// this account either.
    ///
    /// # Errors
    ///
    /// [`AccountError`] if there is no other token and none can be got now.
    pub async fn rejected(&self, token: &AccessToken) -> Result<Token, AccountError> {
        match self.cached() {
            Some(current) if current.access_token() != token => Ok(current),
            _ => Ok(self.obtain(Want::Other(token.clone())).await?.0),
        }
    }

    /// Puts `tokens` in the place of whatever the account had: after a login.
    /// Any setback is over.
    ///
    /// A refresh of the old tokens by another process comes to nothing, now or
    /// later (while the login could not be saved, only if the old tokens came
    /// from a login, too). One that is under way in this `Account` is waited
    /// for, unless it has only begun to wait for the lease: its tokens would be
    /// lost for good if this future were dropped next. (A blocking one cannot be
    /// told to stop waiting, and is waited for.) Who asks for a token meanwhile
    /// may get an old one; whoever asks after this has returned gets the new
    /// one.
    ///
    /// `tokens.expires_at` is believed, and the tokens are taken to have been
    /// obtained just now. If they could not be saved, that is in
    /// [`Token::unsaved`]; they are kept in memory, and saving is tried again
    /// with every later call.
    ///
    /// If the future is dropped, the login may still happen: once its tokens
    /// are about to be saved it is carried on by whoever else waits for it, by
    /// [the task that goes on](crate::Accounts::spawner), or by the next call.
    /// Before that, nothing has changed.
    ///
    /// # Errors
    ///
    /// [`AccountError`] if the store cannot be read, say because what it holds
    /// for the account is damaged. Then nothing has changed.
    pub async fn login(&self, tokens: TokenSet) -> Result<Token, AccountError> {
        let record = Record::logged_in(tokens, self.0.shared.clock.wall());
        let counts = Arc::new(AtomicBool::new(false));
        let mut was_lost = false;
        loop {
            let (before, own) = self.0.flight.queue(|_| {
                let (inner, counts) = (Arc::clone(&self.0), Arc::clone(&counts));
                let record = record.clone();
                self.in_background(Box::pin(async move {
                    let (context, memory) = inner.begin();
                    inner.log_in(login::start(context, record, memory), &counts).await
                }))
            });
            for other in before {
                let _ = other.await;
            }
            match own.await {
                Ok(Ending::Ended(ended)) => return ended.result,
                // It was lost in somebody else's panic.
                _ if counts.load(Ordering::Acquire) => return Ok(self.broken_off(&record)),
                _ if was_lost => return Err(self.lost()),
                _ => was_lost = true,
            }
        }
    }

    /// How the account is doing, by its record: for a person, and as JSON.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the record cannot be read.
    pub async fn status(&self) -> Result<AccountStatus, StoreError> {
        let found = self.0.shared.store.load(&self.0.id).await?;
        let now = self.0.shared.clock.wall();
        let cached = self.0.cached.load();
        let unsaved = cached.as_ref().map(|cached| Token(Arc::clone(cached)));
        let unsaved = unsaved.as_ref().and_then(Token::unsaved);
        Ok(AccountStatus::new(&self.0.id, found.map(|(record, _)| record), unsaved, now))
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

    /// The token in memory, whatever its state. Nothing is read or refreshed.
    pub fn current(&self) -> Option<Token> {
        self.0.current()
    }

    async fn obtain_or_keep(&self, want: Want) -> Result<Token, AccountError> {
        let failed = match self.obtain(want).await {
            Ok((token, _)) => return Ok(token),
            Err(failed) => failed,
        };
        match failed.fallback {
            Some(old) if old.0.is_valid(self.wall()) => Ok(old),
            _ => Err(failed.error),
        }
    }

    /// Takes part in refreshes until one does what is wanted. Also says whether
    /// the token is a new one, and not only newly read.
    async fn obtain(&self, want: Want) -> Result<(Token, bool), Failed> {
        let mut tries = 0;
        let mut was_lost = false;
        loop {
            let participant =
                self.0.flight.join(|give_way| self.refresh_work(want.clone(), give_way));
            let own = participant.started();
            let Ended { result, fallback, is_new, is_login } = match participant.await {
                Ok(Ending::Ended(ended)) => ended,
                Ok(Ending::GaveWay) => continue,
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
                Err(error) if !own && want.outwaits(&error) => continue,
                // It has changed nothing, and need not be how a refresh ends.
                Err(_) if is_login => continue,
                result => result.map_err(|error| Failed { error, fallback })?,
            };
            let now = self.0.shared.clock.now();
            // The machine may have slept between the response and here.
            let alive = token.0.is_fresh(now.wall)
                || token.0.is_valid(now.wall)
                || matches!(want, Want::Ahead(_));
            tries += u32::from(own);
            if tries > 1 || (alive && (own || want.is_met_by(&token, is_new, now, &self.0.shared)))
            {
                return Ok((token, is_new));
            }
        }
    }

    fn refresh_work(&self, want: Want, give_way: GiveWay) -> Work<Ending> {
        if let Want::Other(refused) = &want {
            let current = self.current();
            self.0.memory().refuse(refused, current.as_ref());
        }
        let (context, memory) = self.0.begin();
        let step = refresh::start(context, want, memory);
        let inner = Arc::clone(&self.0);
        self.in_background(Box::pin(async move { inner.refresh(step, &give_way).await }))
    }

    /// The same work, with a background task as one more participant as soon as
    /// it has to wait, if there is a spawner.
    fn in_background(&self, mut work: Work<Ending>) -> Work<Ending> {
        let Some(spawner) = self.0.shared.spawner.clone() else { return work };
        let mut account = Some(self.clone());
        Box::pin(poll_fn(move |context| {
            let polled = work.as_mut().poll(context);
            if polled.is_pending()
                && let Some(account) = account.take()
            {
                let mut task: Work<()> = Box::pin(async move {
                    let usual =
                        |give_way| account.refresh_work(Want::Lasting(Ttl::Usual), give_way);
                    // Again, where that gives way to a login.
                    while let Ok(Ending::GaveWay) = account.0.flight.join(usual).await {}
                });
                // It joins now, lest the last caller leave before the task is
                // polled by whoever it is given to.
                let _ = task.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                spawner(task);
            }
            polled
        }))
    }

    /// The token of a login whose save was broken off by somebody else's panic.
    /// It is in memory, and will be saved by a later call.
    fn broken_off(&self, record: &Record) -> Token {
        let Shared { clock, settings, .. } = &*self.0.shared;
        let Record { tokens, obtained_at, .. } = record;
        let error = StoreError::new(StoreErrorKind::Unavailable, self.0.id.to_string());
        let cached = Cached::new(&self.0.id, tokens, *obtained_at, clock.now(), settings);
        Token(cached.unsaved(error).into())
    }

    fn lost(&self) -> AccountError {
        AccountError::new(&self.0.id, Reason::Panicked, None, self.wall())
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
