//! What the accounts of one token endpoint share.

use std::{fmt, pin::Pin, sync::Arc};

use auth_core::{Backoff, Clock, RetrySchedule, TokenEndpoint, Transport};

use crate::{
    account::Account,
    account_event::AccountEvent,
    counters,
    id::AccountId,
    settings::Settings,
    shared::{GrantKind, Shared},
    store::TokenStore,
    watch::Watch,
};

/// What the accounts of one token endpoint share: endpoint, transport, store,
/// clock, policy and settings. Cloning shares it.
///
/// ```
/// use auth_accounts::{Accounts, MemoryStore};
/// use auth_core::{Clock, TokenEndpoint, Transport};
///
/// # fn example(
/// #     transport: impl Transport + 'static,
/// #     clock: impl Clock + 'static,
/// # ) -> Result<(), auth_core::EndpointError> {
/// let endpoint = TokenEndpoint::new("https://auth.example.com/token", "my-client")?;
/// let accounts = Accounts::new(endpoint, transport, MemoryStore::new(), clock);
/// let ada = accounts.account("ada");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Accounts(pub(crate) Arc<Shared>);

impl Accounts {
    /// Accounts at `endpoint`, refreshed with their refresh tokens by the
    /// default policy, [`Backoff::default`].
    pub fn new(
        endpoint: impl Into<Arc<TokenEndpoint>>,
        transport: impl Transport + 'static,
        store: impl TokenStore + 'static,
        clock: impl Clock + 'static,
    ) -> Self {
        counters::describe_metrics();
        Self(Arc::new(Shared {
            endpoint: endpoint.into(),
            transport: Arc::new(transport),
            store: Arc::new(store),
            clock: Arc::new(clock),
            policy: Arc::new(Backoff::default()),
            settings: Settings::default(),
            grant: GrantKind::RefreshToken,
            spawner: None,
            watch: Watch::default(),
        }))
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

    /// Obtains tokens with the client's own credentials (RFC 6749 section 4.4)
    /// instead of refresh tokens. No login is needed.
    #[must_use]
    pub fn client_credentials(mut self) -> Self {
        self.shared().grant = GrantKind::ClientCredentials;
        self
    }

    /// Gives every refresh and every login that has to wait a background task. It
    /// then continues when all its callers are dropped, for example by a timeout.
    /// Without one, a cancelled request may have spent the refresh token, and its
    /// response is lost.
    ///
    /// `spawner` is called by the caller who starts the refresh, within that
    /// caller's runtime. It must return at once, and have the future polled to
    /// completion elsewhere. A panic in transport, store or clock may happen
    /// there.
    ///
    /// ```
    /// # use auth_accounts::Accounts;
    /// # fn example(accounts: Accounts) {
    /// let accounts = accounts.spawner(|refresh| {
    ///     tokio::spawn(refresh);
    /// });
    /// # }
    /// ```
    #[must_use]
    pub fn spawner(
        mut self,
        spawner: impl Fn(Pin<Box<dyn Future<Output = ()> + Send>>) + Send + Sync + 'static,
    ) -> Self {
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

    /// Returns an account. Nothing is read until it is asked for a token.
    ///
    /// Clone the account to share it. Two calls with the same name make two
    /// accounts that know of each other only through the store.
    pub fn account(&self, id: impl Into<AccountId>) -> Account {
        Account::new(Arc::clone(&self.0), id.into())
    }

    fn shared(&mut self) -> &mut Shared {
        Arc::make_mut(&mut self.0)
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts")
            .field("endpoint", &self.0.endpoint)
            .field("grant", &self.0.grant)
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}
