//! What the accounts of one token endpoint share.

mod batch;
mod repeating;

use std::{fmt, sync::Arc, time::Duration};

use auth_core::{
    BackgroundTask, Backoff, Clock, EndpointError, Grant, KeyRing, RetrySchedule, Runtime,
    SigningKey, TokenEndpoint, Transport,
};

use crate::{
    account::{Account, Registry, closing::Closing},
    account_event::AccountEvent,
    binding::Binding,
    closed::Closed,
    counters,
    id::AccountId,
    registration::Registration,
    repeats::Repeats,
    roster::SharedRoster,
    settings::Settings,
    shared::{GrantKind, Shared},
    silence::Silence,
    store::TokenStore,
    watch::Watch,
};

/// What the accounts of one token endpoint share: endpoint, transport, store,
/// clock, policy and settings. Cloning shares it, and the accounts.
///
/// Make one for a program, and set it up before the first account is asked for:
/// a setter makes other `Accounts`, whose accounts are others than those that
/// were there before, and know of them only through the store.
///
/// ```
/// use auth_accounts::{Accounts, MemoryStore};
/// use auth_core::{Runtime, TokenEndpoint, Transport};
///
/// # fn example(
/// #     transport: impl Transport + 'static,
/// #     runtime: impl Runtime + 'static,
/// # ) -> Result<(), auth_core::EndpointError> {
/// let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client")?;
/// let accounts = Accounts::new(endpoint, transport, MemoryStore::new(), runtime);
/// let ada = accounts.account("ada");
/// # Ok(())
/// # }
/// ```
///
/// # Unsaved tokens
///
/// New tokens that cannot be saved are kept in memory, and saved by themselves,
/// though nobody asks for them: after a quarter of a second, then at distances that
/// double up to half a minute, each at random between half of that and all of it.
/// One task of the runtime sees to all accounts of these `Accounts` and their clones,
/// while there are such; it tries at most 16 at the same time, and rests for a second
/// when 16 in a row have failed. For threads ([`BlockingAccounts`]) it is a thread,
/// `auth-save`, which does the same, and looks at the clock at least once a second of
/// real time. [Without a runtime or spawner](Self::without_runtime), the next call for
/// a token, or the next check of a keep-fresh loop, saves them.
///
/// The lease stays taken meanwhile, so that no other process sends the spent refresh
/// token: until the new access token expires, but at least for five minutes (and for
/// [`Settings::lease_wait`]), and at most for a day. The last try before that is a
/// second before its end. After it the tokens are saved as soon as the store works
/// again, unless somebody else has refreshed or logged in meanwhile. A logout,
/// [`close`](Self::close), and the end of the last `Accounts` and [`Account`] end it.
///
/// [`BlockingAccounts`]: crate::BlockingAccounts
#[derive(Clone)]
pub struct Accounts {
    pub(crate) shared: Arc<Shared>,
    pub(crate) registry: Arc<Registry>,
}

impl Accounts {
    /// Accounts at `endpoint`, refreshed with their refresh tokens by the
    /// default policy, [`Backoff::default`].
    ///
    /// `runtime` is the clock, and carries refreshes and logins on to their end
    /// when all their callers are dropped, for example by a timeout: `TokioClock`
    /// of `auth-reqwest`, or a [`Runtime`] of your own.
    pub fn new(
        endpoint: impl Into<Arc<TokenEndpoint>>,
        transport: impl Transport + 'static,
        store: impl TokenStore + 'static,
        runtime: impl Runtime + 'static,
    ) -> Self {
        let runtime = Arc::new(runtime);
        let spawner = Arc::clone(&runtime);
        Self::without_runtime(endpoint, transport, store, runtime)
            .spawner(move |task| spawner.spawn(task))
    }

    /// The same with a clock that cannot carry work on.
    ///
    /// A refresh then ends when the last caller who waits for it is dropped. If
    /// its request was sent by then, the refresh token may be spent, and the
    /// response, with the only token that follows it, is lost. So do not put
    /// [`Account::token`] by itself into a `timeout` or `select!`: await a task
    /// that awaits it, or set a [`spawner`](Self::spawner).
    ///
    /// Without a runtime or spawner, the next call for a token, or the next check of a
    /// keep-fresh loop, saves [unsaved tokens](Self#unsaved-tokens). While there are such,
    /// and once a request was sent, [`Account::token`] waits for a store that hangs for
    /// [`lease_wait`](Settings::lease_wait), whatever the old token is good for.
    pub fn without_runtime(
        endpoint: impl Into<Arc<TokenEndpoint>>,
        transport: impl Transport + 'static,
        store: impl TokenStore + 'static,
        clock: impl Clock + 'static,
    ) -> Self {
        counters::describe_metrics();
        let endpoint = endpoint.into();
        let shared = Shared {
            binding: Binding::new(&endpoint),
            endpoint,
            transport: Arc::new(transport),
            store: Arc::new(store),
            clock: Arc::new(clock),
            policy: Arc::new(Backoff::default()),
            settings: Settings::default(),
            keys: KeyRing::default(),
            grant: GrantKind::RefreshToken,
            repeatable: Grant::ClientCredentials,
            spawner: None,
            of_threads: false,
            silence: Silence::default(),
            repeats: Repeats::default(),
            watch: Watch::default(),
            roster: SharedRoster::default(),
        };
        Self { shared: Arc::new(shared), registry: Arc::default() }
    }

    /// Retries within a refresh by `policy`.
    #[must_use]
    pub fn policy(mut self, policy: impl RetrySchedule + 'static) -> Self {
        self.shared().policy = Arc::new(policy);
        self
    }

    /// Replaces all other settings.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.shared().settings = settings;
        self
    }

    /// Has these keys ready for the accounts whose logins [brought an
    /// endpoint](crate::Login::endpoint) with a key, and for the endpoint of all, if it was
    /// stored: to sign assertions by, or to bind
    /// tokens to (DPoP). A store keeps their thumbprints and never the keys. So give all
    /// that are in use, and those of before for as long as there are sessions by them.
    ///
    /// Without its key an account says [`Reason::SetUp`](crate::Reason::SetUp) with
    /// [`EndpointError::MissingKey`], nothing is sent, and nothing is lost: once it is
    /// there, the account goes on.
    #[must_use]
    pub fn keys<K: Into<SigningKey>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        let shared = self.shared();
        shared.keys = KeyRing::new(keys);
        if shared.endpoint.check_keys().is_err() {
            let endpoint = TokenEndpoint::clone(&shared.endpoint);
            shared.endpoint = endpoint.keys(&shared.keys).into();
        }
        self
    }

    /// Obtains tokens with the client's own credentials (RFC 6749 section 4.4)
    /// instead of refresh tokens. No login is needed.
    #[must_use]
    pub fn client_credentials(self) -> Self {
        self.repeating(Grant::ClientCredentials)
    }

    /// Takes over records of another registration, after a provider has moved or
    /// the client was registered anew. They are refreshed at the endpoint that
    /// these accounts were made with, and belong to it from then on. May be called
    /// several times.
    ///
    /// Without it such a record is left alone:
    /// [`Reason::OtherEndpoint`](crate::Reason::OtherEndpoint).
    ///
    /// ```
    /// # use auth_accounts::Accounts;
    /// # fn example(accounts: Accounts) -> Result<(), auth_core::EndpointError> {
    /// let accounts = accounts.also_accepts("https://old.example.com/token", "my-client")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Registration::new`].
    pub fn also_accepts(
        mut self,
        token_url: &str,
        client_id: impl Into<String>,
    ) -> Result<Self, EndpointError> {
        let other = Registration::new(token_url, client_id)?;
        self.shared().binding.also_accept(other);
        Ok(self)
    }

    /// Carries refreshes, logins and logouts on by `spawner`, and saves
    /// [unsaved tokens](Self#unsaved-tokens) by it, and not by the runtime that these
    /// accounts were made with.
    ///
    /// `spawner` is called by the caller who starts the refresh, login or logout,
    /// as soon as it has to wait, within that caller's runtime; and by whoever polls
    /// one that ends with unsaved tokens. It must return at
    /// once, and have the future polled to completion elsewhere. A panic in
    /// transport, store or clock may happen there. If it drops the future, the
    /// work ends with its callers.
    ///
    /// ```
    /// # use auth_accounts::Accounts;
    /// # fn example(accounts: Accounts, runtime: tokio::runtime::Handle) {
    /// let accounts = accounts.spawner(move |refresh| {
    ///     runtime.spawn(refresh);
    /// });
    /// # }
    /// ```
    #[must_use]
    pub fn spawner(mut self, spawner: impl Fn(BackgroundTask) + Send + Sync + 'static) -> Self {
        self.shared().spawner = Some(Arc::new(spawner));
        self
    }

    /// Calls `listener` at each change of an account: when it was refreshed, was
    /// set back, has recovered, needs a login. Further calls add listeners.
    ///
    /// It is called by whoever polls the refresh, when the change is in place: it
    /// must return at once, and must not wait for an account. A panic in it is
    /// caught, and changes nothing.
    ///
    /// Each change is told once by each process and set of `Accounts` (with its
    /// clones), however many callers meet it, and only when somebody asks for a
    /// token or refreshes: nothing watches the store. In particular
    /// [`LoginNeeded`](crate::EventKind::LoginNeeded) is told once for each login.
    /// If the rejection was on record, because another process met it, or this
    /// one before it was started anew, the event says
    /// [`was_on_record`](AccountEvent::was_on_record): all processes together
    /// have told it once without that. A process that dies between the rejection
    /// and the call has told nobody; the status has it all the same.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use auth_accounts::{Accounts, EventKind, MemoryStore};
    /// use auth_testkit::FakeAuthServer;
    ///
    /// # pollster::block_on(async {
    /// # let server = FakeAuthServer::new();
    /// # let clock = server.clock().clone();
    /// # let accounts =
    /// #     Accounts::new(server.endpoint(), server.clone(), MemoryStore::new(), clock.clone());
    /// // Whoever sends the messages reads them from here.
    /// let (sender, messages) = mpsc::channel();
    /// let accounts = accounts.on_event(move |event| {
    ///     if event.kind() == EventKind::LoginNeeded && !event.was_on_record() {
    ///         let _ = sender.send(format!("Dear {}, please log in again.", event.account()));
    ///     }
    /// });
    ///
    /// let ada = accounts.account("ada");
    /// ada.store_login(server.log_in("ada")).await?;
    /// server.revoke("ada");
    /// clock.advance(std::time::Duration::from_secs(3600));
    /// for _ in 0..10 {
    ///     assert!(ada.token().await.is_err());
    /// }
    /// assert_eq!(messages.try_recv().as_deref(), Ok("Dear ada, please log in again."));
    /// assert!(messages.try_recv().is_err(), "one is enough");
    /// # Ok::<(), auth_accounts::AccountError>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn on_event(mut self, listener: impl Fn(&AccountEvent) + Send + Sync + 'static) -> Self {
        self.shared().watch.listen(listener);
        self
    }

    /// Returns the account of this name. Nothing is read until it is asked for a
    /// token.
    ///
    /// Equal names are the same account, for these `Accounts` and their clones:
    /// one cached token, one refresh at a time, one memory of what is unsaved or
    /// was refused. Keep the [`Account`] while you serve its user: when nobody
    /// has it any more, its cached token is forgotten, and the next call reads
    /// the store. What the store does not have is kept all the same until it is
    /// saved, or there is another token than the refused one.
    pub fn account(&self, id: impl Into<AccountId>) -> Account {
        Account::of(&self.registry, &self.shared, id.into())
    }

    /// Ends the use of these accounts, in order: for the end of a program, on
    /// SIGTERM for example.
    ///
    /// From now on no refresh, login or logout begins. Whoever asks for a token
    /// gets the cached one while it is valid, else [`Reason::Closed`]. What is
    /// under way is waited for, and it is tried to save unsaved tokens, at once and
    /// again after 250 ms, then at distances that double up to 4 s, until they are saved
    /// or `deadline` has passed by the clock. A store that does not answer a try is
    /// waited for as long as ever, within the deadline. After that nothing tries, and
    /// [`Closed`] names what is not on record: end with another exit code then. What is
    /// still under way then goes on while the program runs;
    /// [without a runtime](Self::without_runtime), only while others wait for it. A
    /// second call waits for what is left.
    ///
    /// Take a deadline of more than the transport's timeout: what is not finished
    /// by then may be lost with the program. If the request of a refresh was about
    /// to be sent, the next program finds the note on record, and tries the
    /// refresh token promptly.
    ///
    /// It concerns these `Accounts` and their clones, and every [`Account`] of
    /// theirs. The cached token is that of an [`Account`] that somebody has: for
    /// one that nobody has, nothing is cached.
    ///
    /// [`Reason::Closed`]: crate::Reason::Closed
    pub async fn close(&self, deadline: Duration) -> Closed {
        Closing::begin(&self.registry).finish(&self.shared, deadline).await
    }

    /// Says that whatever waits here may be polled by any thread.
    pub(crate) fn of_threads(mut self) -> Self {
        self.shared().of_threads = true;
        self
    }

    /// Accounts that were made before keep their settings, and are others.
    fn shared(&mut self) -> &mut Shared {
        self.registry = Arc::default();
        let shared = Arc::make_mut(&mut self.shared);
        shared.watch.forget();
        shared
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts")
            .field("endpoint", &self.shared.endpoint)
            .field("grant", &self.shared.grant)
            .field("settings", &self.shared.settings)
            .finish_non_exhaustive()
    }
}
