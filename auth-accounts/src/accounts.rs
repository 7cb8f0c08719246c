//! What the accounts of one token endpoint share.

use std::{fmt, pin::Pin, sync::Arc};

use auth_core::{Backoff, Clock, RetrySchedule, TokenEndpoint, Transport};

use crate::{Account, AccountId, Settings, TokenStore, flight::Work};

/// What the accounts of one token endpoint share: the endpoint, the way there,
/// the store, the clock, the policy, the settings. Cloning shares it.
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

#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) endpoint: Arc<TokenEndpoint>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) store: Arc<dyn TokenStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) policy: Arc<dyn RetrySchedule>,
    pub(crate) settings: Settings,
    pub(crate) grant: GrantKind,
    pub(crate) spawner: Option<Spawner>,
}

/// Runs a future to its end.
pub(crate) type Spawner = Arc<dyn Fn(Work<()>) + Send + Sync>;

/// What new tokens are obtained with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GrantKind {
    RefreshToken,
    ClientCredentials,
}

impl Accounts {
    /// Accounts at `endpoint`, refreshed with their refresh tokens by the
    /// default policy, [`Backoff::default`].
    pub fn new(
        endpoint: impl Into<Arc<TokenEndpoint>>,
        transport: impl Transport + 'static,
        store: impl TokenStore + 'static,
        clock: impl Clock + 'static,
    ) -> Self {
        Self(Arc::new(Shared {
            endpoint: endpoint.into(),
            transport: Arc::new(transport),
            store: Arc::new(store),
            clock: Arc::new(clock),
            policy: Arc::new(Backoff::default()),
            settings: Settings::default(),
            grant: GrantKind::RefreshToken,
            spawner: None,
        }))
    }

    /// Retries within a refresh by `policy`.
    #[must_use]
    pub fn policy(mut self, policy: impl RetrySchedule + 'static) -> Self {
        self.shared().policy = Arc::new(policy);
        self
    }

    /// Everything else that can be set.
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

    /// Lets every refresh, and every login, that takes time be accompanied by a
    /// task of its own,
    /// so that it goes on when all who asked for it are dropped: by a timeout,
    /// say, or with the request that they served. Without one, an exchange
    /// that is broken off may have spent the refresh token, and its response is
    /// lost.
    ///
    /// `spawner` is called by whoever asks for a token, within its runtime, and
    /// is to see to it that the future that it is given is polled to its end: by
    /// somebody else, for it has to return at once. What panics in transport,
    /// store or clock may do so there.
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

    /// An account. Nothing is read until it is asked for a token.
    ///
    /// Clone what this returns to share it: two calls with the same name make
    /// two accounts that know of each other only through the store.
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
