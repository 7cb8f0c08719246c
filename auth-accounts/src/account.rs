//! One account over time.

mod fresh;
mod memory;

use std::{
    fmt,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Waker},
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwapOption;
use auth_core::{AccessToken, TokenSet};

use self::memory::Memory;
use crate::{
    AccountError, AccountId, AccountStatus, Record, StoreError, Token,
    accounts::{Shared, Spawner},
    flight::{SingleFlight, Work},
    life::Ttl,
    renewal::{Ahead, Begin, Landed, Outcome, Renewal, Step, Unsaved, Want},
    token::Cached,
};

/// One account over time: always a token that is good, at most one renewal at
/// a time. Cloning shares it. Made by [`Accounts::account`](crate::Accounts).
///
/// Callers may be dropped at any point. While a renewal is under way and one
/// of the callers that wait for it remains, the renewal goes on from where it
/// stands; it is broken off when the last of them is dropped, unless there is
/// [a task that goes on](crate::Accounts::spawner). It runs on the runtime of
/// its callers, so that they should all be on the same one.
#[derive(Clone)]
pub struct Account(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    id: AccountId,
    cached: ArcSwapOption<Cached>,
    flight: SingleFlight<Landed>,
    memory: Mutex<Memory>,
}

impl Account {
    pub(crate) fn new(shared: Arc<Shared>, id: AccountId) -> Self {
        Self(Arc::new(Inner {
            shared,
            id,
            cached: ArcSwapOption::empty(),
            flight: SingleFlight::new(),
            memory: Mutex::new(Memory::default()),
        }))
    }

    /// The account's name.
    pub fn id(&self) -> &AccountId {
        &self.0.id
    }

    /// A token that is good for at least
    /// [`Settings::min_ttl`](crate::Settings::min_ttl), renewed if need be.
    ///
    /// If a renewal is due and fails, the old token is handed out for as long
    /// as it is valid, with
    /// [`renewal_error`](Token::renewal_error) set.
    ///
    /// Dropping the future is safe for the account's state, but if nobody else
    /// waits for the same renewal it breaks off the exchange, whose answer, and
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

    /// A token that is good for at least `ttl`, renewed if need be. Three
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
    /// because the user's rights have changed. A renewal by somebody else that
    /// ends after this call began is taken for it.
    ///
    /// # Errors
    ///
    /// [`AccountError`] if it fails, or a setback on record forbids to try.
    pub async fn refresh_now(&self) -> Result<Token, AccountError> {
        Ok(self.obtain(Want::Newer(None)).await?.0)
    }

    /// Says that an API refused `token` (401), and gives another. If it is no
    /// longer the current one, somebody has renewed already, and nothing is
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
    /// Any setback is over, and a renewal of the old tokens that is under way
    /// comes to nothing.
    ///
    /// `tokens.expires_at` is believed, and the tokens are taken to have been
    /// obtained just now. If they could not be saved, that is in
    /// [`Token::unsaved`], and saving is tried again later.
    ///
    /// # Errors
    ///
    /// [`AccountError`] if the store cannot be read, say because what it holds
    /// for the account is damaged. Then nothing has changed.
    pub async fn login(&self, tokens: TokenSet) -> Result<Token, AccountError> {
        let record = Record::obtained(tokens, self.0.shared.clock.wall());
        let step = Renewal::replace(self.begin(Want::Lasting(Ttl::Usual)), record);
        self.0.carry_out(step, None).await.result
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
    pub(crate) fn wall(&self) -> SystemTime {
        self.0.shared.clock.wall()
    }

    /// The current token, whatever its state.
    pub(crate) fn current(&self) -> Option<Token> {
        self.0.cached.load_full().map(Token)
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

    /// Takes part in renewals until one does what is wanted. Also says whether
    /// the token is a new one, and not only newly found.
    async fn obtain(&self, want: Want) -> Result<(Token, bool), Failed> {
        let mut tries = 0;
        loop {
            let join = self.0.flight.join(|| self.renewal(want.clone()));
            let own = join.started();
            // `None`: it was lost in somebody else's panic.
            let Some(landed) = join.await else { continue };
            let Landed { result, fallback, exchanged } = landed;
            let token = match result {
                Err(error) if !own && want.outwaits(&error) => continue,
                result => result.map_err(|error| Failed { error, fallback })?,
            };
            let now = self.0.shared.clock.now();
            // The machine may have slept between the answer and here.
            let alive = token.0.is_fresh(now.wall)
                || token.0.is_valid(now.wall)
                || matches!(want, Want::Ahead(_));
            tries += u32::from(own);
            if tries > 1
                || (alive && (own || want.is_met_by(&token, exchanged, now, &self.0.shared)))
            {
                return Ok((token, exchanged));
            }
        }
    }

    fn renewal(&self, want: Want) -> Work<Landed> {
        if let Want::Other(refused) = &want {
            let current = self.current();
            self.0.memory().refuse(refused, current.as_ref());
        }
        let logins = self.0.memory().logins;
        let step = Renewal::start(self.begin(want));
        let inner = Arc::clone(&self.0);
        let work = Box::pin(async move { inner.carry_out(step, Some(logins)).await });
        match &self.0.shared.spawner {
            Some(spawner) => self.accompanied(work, Arc::clone(spawner)),
            None => work,
        }
    }

    /// The same work, with one more passenger as soon as it has to wait.
    fn accompanied(&self, mut work: Work<Landed>, spawner: Spawner) -> Work<Landed> {
        let mut account = Some(self.clone());
        Box::pin(poll_fn(move |context| {
            let polled = work.as_mut().poll(context);
            if polled.is_pending()
                && let Some(account) = account.take()
            {
                let mut passenger: Work<()> = Box::pin(async move {
                    let usual = || account.renewal(Want::Lasting(Ttl::Usual));
                    account.0.flight.join(usual).await;
                });
                // It takes its seat now, lest the last caller leave before it
                // is polled by whoever it is given to.
                let _ = passenger.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                spawner(passenger);
            }
            polled
        }))
    }

    fn begin(&self, want: Want) -> Begin {
        let memory = self.0.memory();
        Begin {
            shared: Arc::clone(&self.0.shared),
            account: self.0.id.clone(),
            want,
            memory: memory.unsaved(),
            cached: self.current(),
            refused: memory.refused.clone(),
        }
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

impl Inner {
    /// The driver: does what each step says, after so many logins. `None` is
    /// for a login: it counts when it ends, or is dropped after it began to
    /// save, and until then a renewal goes on as if there were none. (Were its
    /// tokens there for a renewal before, they might be spent when it saves.)
    async fn carry_out(&self, mut step: Step, logins: Option<u32>) -> Landed {
        let Shared { store, clock, transport, .. } = &*self.shared;
        let mut leaving = Leaving { inner: self, login: None };
        loop {
            step = match step {
                Step::Load(loading) => {
                    let loaded = store.load(&self.id).await;
                    loading.resolve(loaded, clock.now())
                }
                Step::Lease(wait, leasing) => {
                    let leased = store.lease(&self.id, wait).await;
                    leasing.resolve(leased, clock.now())
                }
                Step::Save(saving) => {
                    // Before the first await after the tokens arrived: from
                    // here on a dropped caller loses nothing.
                    match logins {
                        Some(logins) => self.memory().keep(&saving, logins),
                        None => leaving.login = saving.ahead().cloned(),
                    }
                    let expected = saving.expected();
                    let saved = store.save(&self.id, saving.record(), expected).await;
                    saving.resolve(saved, clock.now())
                }
                Step::Send(request, sending) => {
                    let reply = transport.send(request).await;
                    sending.resolve(reply, clock.now())
                }
                Step::Sleep(delay, sleeping) => {
                    clock.sleep(delay).await;
                    sleeping.resume(clock.now())
                }
                Step::Done(outcome) => {
                    // A login without a save has failed, and changes nothing.
                    let logins = match leaving.login.take() {
                        Some(_) => Some(self.memory().next_login()),
                        None => logins,
                    };
                    return self.publish(outcome, logins);
                }
            };
        }
    }

    /// Puts an outcome in place, then frees the lease.
    fn publish(&self, outcome: Outcome, logins: Option<u32>) -> Landed {
        let Outcome { landed, unsaved, lease } = outcome;
        let mut memory = self.memory();
        if Some(memory.logins) == logins {
            let token = landed.result.as_ref().ok().or(landed.fallback.as_ref());
            // A renewal that began before it was refused may have found it.
            let token = token.filter(|token| landed.exchanged || !memory.refuses(token));
            if token.is_some() {
                memory.refused = None;
            }
            self.cached.store(token.map(|token| Arc::clone(&token.0)));
            memory.replace(unsaved);
        }
        drop(memory);
        drop(lease);
        landed
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // No panic can happen while it is held.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What happens when a renewal or a login ends, or is dropped wherever it
/// stands: tokens that are not saved by then may never be.
struct Leaving<'a> {
    inner: &'a Inner,
    /// The tokens of a login that may not be saved.
    login: Option<Ahead>,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let Shared { clock, settings, .. } = &*self.inner.shared;
        let now = clock.wall();
        let mut memory = self.inner.memory();
        if let Some(login) = self.login.take() {
            memory.next_login();
            memory.replace(Unsaved { ahead: Some(login), setback: None });
            self.inner.cached.store(None);
        }
        if let Some(ahead) = memory.unsaved().ahead {
            drop(memory);
            ahead.leave(now, settings);
        }
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
