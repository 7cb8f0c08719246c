//! The same for threads: everything decided above, driven on the thread of the
//! caller.
//!
//! Transport and clock stand behind the async traits and block within the poll.
//! Each call to the store has a thread (`auth-store`), so that it can be left. So a
//! future made of them waits for the store, or for another thread's refresh of the
//! same account. [`pollster`] polls it and parks the thread meanwhile.
//!
//! A refresh whose caller left with the old token has a thread (`auth-refresh`), and so
//! has the saving of [unsaved tokens](Accounts#unsaved-tokens) (`auth-save`). Others
//! are started by [`BlockingAccount::keep_fresh`], [`BlockingAccount::token_within`],
//! [`BlockingAccounts::refresh_due`], [`BlockingAccounts::keep_all_fresh`] and
//! [`BlockingAccounts::close`] only.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use auth_core::{
    AccessToken, Assertion, BlockingClock, BlockingTransport, ClaimsChallenge, EndpointError,
    RetrySchedule, SigningKey, TokenEndpoint, TokenExchange, TokenRequest,
};
use pollster::block_on;

use crate::{
    account::{Account, closing::Closing, keep_fresh::DueCheck},
    account_event::AccountEvent,
    accounts::Accounts,
    behind_async::{Blocking, OnThreads},
    closed::Closed,
    due_refreshes::DueRefreshes,
    error::AccountError,
    id::AccountId,
    logout_report::Logout,
    new_login::Login,
    settings::Settings,
    status::{AccountStatus, StatusPage},
    store::BlockingTokenStore,
    store_error::StoreError,
    token::Token,
};

/// [`Accounts`], for threads.
///
/// ```
/// use auth_accounts::{BlockingAccounts, MemoryStore};
/// use auth_core::{BlockingClock, BlockingTransport, TokenEndpoint};
///
/// # fn example(
/// #     transport: impl BlockingTransport + 'static,
/// #     clock: impl BlockingClock + 'static,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client")?;
/// let accounts = BlockingAccounts::new(endpoint, transport, MemoryStore::new(), clock);
/// let token = accounts.account("ada").token()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct BlockingAccounts(pub(crate) Accounts);

impl BlockingAccounts {
    /// See [`Accounts::new`]. Each call to the store has a thread (`auth-store`). So
    /// has a refresh whose caller left with the old token (`auth-refresh`), and the
    /// saving of [unsaved tokens](Accounts#unsaved-tokens) (`auth-save`).
    pub fn new(
        endpoint: impl Into<Arc<TokenEndpoint>>,
        transport: impl BlockingTransport + 'static,
        store: impl BlockingTokenStore + 'static,
        clock: impl BlockingClock + 'static,
    ) -> Self {
        let (transport, clock) = (Blocking(transport), Blocking(clock));
        let store = OnThreads::new(store);
        Self(Accounts::without_runtime(endpoint, transport, store, clock).of_threads())
    }

    /// See [`Accounts::policy`].
    #[must_use]
    pub fn policy(self, policy: impl RetrySchedule + 'static) -> Self {
        Self(self.0.policy(policy))
    }

    /// See [`Accounts::settings`].
    #[must_use]
    pub fn settings(self, settings: Settings) -> Self {
        Self(self.0.settings(settings))
    }

    /// See [`Accounts::client_credentials`].
    #[must_use]
    pub fn client_credentials(self) -> Self {
        Self(self.0.client_credentials())
    }

    /// See [`Accounts::jwt_bearer`].
    #[must_use]
    pub fn jwt_bearer(self, assertion: impl Into<Assertion>) -> Self {
        Self(self.0.jwt_bearer(assertion))
    }

    /// See [`Accounts::token_exchange`].
    #[must_use]
    pub fn token_exchange(self, exchange: TokenExchange) -> Self {
        Self(self.0.token_exchange(exchange))
    }

    /// See [`Accounts::keys`].
    #[must_use]
    pub fn keys<K: Into<SigningKey>>(self, keys: impl IntoIterator<Item = K>) -> Self {
        Self(self.0.keys(keys))
    }

    /// See [`Accounts::also_accepts`].
    ///
    /// # Errors
    ///
    /// See [`Accounts::also_accepts`].
    pub fn also_accepts(
        self,
        token_url: &str,
        client_id: impl Into<String>,
    ) -> Result<Self, EndpointError> {
        Ok(Self(self.0.also_accepts(token_url, client_id)?))
    }

    /// See [`Accounts::on_event`].
    #[must_use]
    pub fn on_event(self, listener: impl Fn(&AccountEvent) + Send + Sync + 'static) -> Self {
        Self(self.0.on_event(listener))
    }

    /// See [`Accounts::close`]. The deadline is real time, and this thread waits
    /// no longer, whatever blocks: what is unsaved is saved by another thread,
    /// which ends then, or when the store answers what it was asked before. If that
    /// cannot be started, nothing is waited for, and the
    /// result says what there would be to do.
    pub fn close(&self, deadline: Duration) -> Closed {
        let closing = Closing::begin(&self.0.registry);
        let is_idle = closing.is_idle();
        let (accounts, all) = closing.into_parts(deadline);
        if !is_idle {
            let (done, over) = mpsc::channel::<()>();
            let thread = thread::Builder::new().name("auth-close".into());
            let started = thread.spawn(move || {
                let _done = done;
                block_on(all);
            });
            if started.is_ok() {
                // It sends nothing, and ends.
                let _ = over.recv_timeout(deadline);
            }
        }
        Closed::of(&accounts)
    }

    /// See [`Accounts::refresh_due`]. Each of the accounts that are checked at the
    /// same time has a thread, which ends before this returns.
    pub fn refresh_due(&self, limit: usize) -> DueRefreshes {
        self.0.refresh_due_blocking(limit)
    }

    /// Refreshes ahead of expiry on a thread of its own, and on further ones for
    /// several accounts at the same time, as [`Accounts::keep_all_fresh`] does,
    /// until the returned value is dropped.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started.
    pub fn keep_all_fresh(&self, limit: usize) -> std::io::Result<KeepFresh> {
        let accounts = self.0.clone();
        KeepFresh::start(move |ended| accounts.keep_all_fresh_blocking(limit, ended))
    }

    /// See [`Accounts::statuses`].
    ///
    /// # Errors
    ///
    /// See [`Accounts::statuses`].
    pub fn statuses(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<StatusPage, StoreError> {
        block_on(self.0.statuses(after, most))
    }

    /// See [`Accounts::account`].
    pub fn account(&self, id: impl Into<AccountId>) -> BlockingAccount {
        BlockingAccount(self.0.account(id))
    }
}

/// [`Account`], for threads. Threads that ask at the same time share one
/// refresh, which one of them performs.
#[derive(Debug, Clone)]
pub struct BlockingAccount(pub(crate) Account);

impl BlockingAccount {
    /// The account's name.
    pub fn id(&self) -> &AccountId {
        self.0.id()
    }

    /// See [`Account::token`].
    ///
    /// # Errors
    ///
    /// See [`Account::token`].
    pub fn token(&self) -> Result<Token, AccountError> {
        match self.0.cached() {
            Some(token) => Ok(token),
            None => block_on(self.0.token()),
        }
    }

    /// As [`token`](Self::token), but this thread waits no longer than `patience`
    /// of real time.
    ///
    /// The refresh itself goes on in a thread of the account's own, and the next
    /// caller gets what comes of it. ([`token`](Self::token) performs the refresh
    /// on the thread that calls it.) If that thread cannot be started, this one
    /// performs the refresh, and waits until its end.
    ///
    /// # Errors
    ///
    /// See [`Account::token`]; and [`Reason::UnderWay`](crate::Reason::UnderWay)
    /// if the refresh takes longer, and the old token is not valid any more.
    pub fn token_within(&self, patience: Duration) -> Result<Token, AccountError> {
        self.0.token_within(patience)
    }

    /// See [`Account::token_valid_for`].
    ///
    /// # Errors
    ///
    /// See [`Account::token_valid_for`].
    pub fn token_valid_for(&self, ttl: Duration) -> Result<Token, AccountError> {
        block_on(self.0.token_valid_for(ttl))
    }

    /// See [`Account::refresh_now`].
    ///
    /// # Errors
    ///
    /// See [`Account::refresh_now`].
    pub fn refresh_now(&self) -> Result<Token, AccountError> {
        block_on(self.0.refresh_now())
    }

    /// See [`Account::token_refused`].
    ///
    /// # Errors
    ///
    /// See [`Account::token_refused`].
    pub fn token_refused(&self, token: &AccessToken) -> Result<Token, AccountError> {
        block_on(self.0.token_refused(token))
    }

    /// See [`Account::token_for`].
    ///
    /// # Errors
    ///
    /// See [`Account::token_for`].
    pub fn token_for(&self, request: &TokenRequest) -> Result<Token, AccountError> {
        block_on(self.0.token_for(request))
    }

    /// See [`Account::token_for_refused`].
    ///
    /// # Errors
    ///
    /// See [`Account::token_for_refused`].
    pub fn token_for_refused(
        &self,
        request: &TokenRequest,
        token: &AccessToken,
    ) -> Result<Token, AccountError> {
        block_on(self.0.token_for_refused(request, token))
    }

    /// See [`Account::claims_challenged`].
    ///
    /// # Errors
    ///
    /// See [`Account::claims_challenged`].
    pub fn claims_challenged(
        &self,
        request: &TokenRequest,
        token: &AccessToken,
        claims: &ClaimsChallenge,
    ) -> Result<Token, AccountError> {
        block_on(self.0.claims_challenged(request, token, claims))
    }

    /// See [`Account::mark_refused`].
    pub fn mark_refused(
        &self,
        request: &TokenRequest,
        token: &AccessToken,
        claims: Option<&ClaimsChallenge>,
    ) {
        self.0.mark_refused(request, token, claims);
    }

    /// See [`Account::store_login`].
    ///
    /// # Errors
    ///
    /// See [`Account::store_login`].
    pub fn store_login(&self, login: impl Into<Login> + Send) -> Result<Token, AccountError> {
        block_on(self.0.store_login(login))
    }

    /// See [`Account::peek`].
    pub fn peek(&self) -> Option<Token> {
        self.0.peek()
    }

    /// See [`Account::logout`].
    ///
    /// # Errors
    ///
    /// See [`Account::logout`].
    pub fn logout(&self) -> Result<Logout, AccountError> {
        block_on(self.0.logout())
    }

    /// See [`Account::current`].
    pub fn current(&self) -> Option<Token> {
        self.0.current()
    }

    /// See [`Account::refresh_if_due`].
    pub fn refresh_if_due(&self) -> DueCheck {
        block_on(self.0.refresh_if_due())
    }

    /// See [`Account::status`].
    ///
    /// # Errors
    ///
    /// See [`Account::status`].
    pub fn status(&self) -> Result<AccountStatus, StoreError> {
        block_on(self.0.status())
    }

    /// Refreshes ahead of expiry on a thread of its own, as
    /// [`Account::keep_fresh`] does, until the returned value is dropped.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started.
    pub fn keep_fresh(&self) -> std::io::Result<KeepFresh> {
        let account = self.0.clone();
        KeepFresh::start(move |ended| block_on(account.keep_fresh_until(ended)))
    }
}

/// The same account, for the async API. Each poll of its futures blocks the thread.
impl From<BlockingAccount> for Account {
    fn from(account: BlockingAccount) -> Self {
        account.0
    }
}

/// Keeps an account fresh, or all of them, until it is dropped. After that the
/// thread ends within a second, or when the refresh in progress ends.
#[must_use = "it ends when it is dropped"]
pub struct KeepFresh(Arc<AtomicBool>);

impl KeepFresh {
    /// Runs `work` on a thread. It is given what says whether to end.
    fn start(work: impl FnOnce(&dyn Fn() -> bool) + Send + 'static) -> std::io::Result<Self> {
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        thread::Builder::new()
            .name("auth-keep-fresh".into())
            .spawn(move || work(&|| seen.load(Ordering::Relaxed)))?;
        Ok(Self(ended))
    }
}

impl Drop for KeepFresh {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for KeepFresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeepFresh")
    }
}
