//! The account of one user, on a file store.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::{Duration, SystemTime},
};

use auth_accounts::{Account, AccountError, Accounts, BlockingAccount, BlockingAccounts, Token};
use auth_core::{AccessToken, RefreshToken, TokenEndpoint, TokenSet};
use auth_reqwest::TokioClock;
use auth_store::FileStore;
use auth_ureq::SystemClock;
use tempfile::TempDir;

use crate::{
    clients::{Adapter, Network, RUNTIME, endpoint},
    provider::{ClientKind, Session},
    timing::short_setbacks,
    world::World,
};

/// The account in one process, in either world. What it says of its session is
/// compared with what the server thinks of that.
pub(super) struct Ada<'a> {
    world: &'a World<'a>,
    adapter: Adapter,
    network: Network,
    user: Arc<User>,
    account: Either,
}

/// What her processes share.
struct User {
    url: String,
    client: ClientKind,
    directory: TempDir,
    /// Her latest session, by the server's name for it.
    family: Mutex<String>,
}

enum Either {
    Async(Account),
    Blocking(BlockingAccount),
}

impl<'a> Ada<'a> {
    pub(super) fn logged_in(world: &'a World<'a>, adapter: Adapter, network: Network) -> Self {
        Self::logged_in_at(&world.proxy.url(), ClientKind::Basic, world, adapter, network)
    }

    /// With a client of another kind, at `url`.
    pub(super) fn logged_in_at(
        url: &str,
        client: ClientKind,
        world: &'a World<'a>,
        adapter: Adapter,
        network: Network,
    ) -> Self {
        let session = world.log_in(client);
        let user = Arc::new(User {
            url: url.to_owned(),
            client,
            directory: tempfile::tempdir().expect("a directory"),
            family: Mutex::default(),
        });
        let endpoint = endpoint(url, &session);
        let account = open(adapter, &network, &user.directory, endpoint);
        let ada = Self { world, adapter, network, user, account };
        ada.log_in(&session);
        ada
    }

    /// As a process would that was started later: what it knows is on disk.
    pub(super) fn as_another_process(&self) -> Self {
        self.as_another_process_with(|endpoint| endpoint)
    }

    /// The same, where the endpoint is set up in another way.
    pub(super) fn as_another_process_with(
        &self,
        set: impl FnOnce(TokenEndpoint) -> TokenEndpoint,
    ) -> Self {
        let Self { world, adapter, network, user, .. } = self;
        // For what the client has, which is the same in every session.
        let endpoint = set(endpoint(&user.url, &world.log_in(user.client)));
        Self {
            world,
            adapter: *adapter,
            network: network.clone(),
            user: Arc::clone(user),
            account: open(*adapter, network, &user.directory, endpoint),
        }
    }

    /// Stores a refresh token with an access token that nobody takes.
    pub(super) fn log_in(&self, session: &Session) {
        let mut tokens = TokenSet::new(AccessToken::new("expired"));
        tokens.refresh_token = Some(RefreshToken::new(&session.refresh_token));
        tokens.expires_at = Some(SystemTime::UNIX_EPOCH);
        self.log_in_with(session, tokens);
    }

    /// Stores tokens that came of `session`.
    pub(super) fn log_in_with(&self, session: &Session, tokens: TokenSet) {
        self.user.family.lock().expect("no panic").clone_from(&session.family);
        match &self.account {
            Either::Async(account) => RUNTIME.block_on(account.store_login(tokens)),
            Either::Blocking(account) => account.store_login(tokens),
        }
        .expect("a login");
    }

    pub(super) fn token(&self) -> Result<Token, AccountError> {
        self.said(match &self.account {
            Either::Async(account) => RUNTIME.block_on(account.token()),
            Either::Blocking(account) => account.token(),
        })
    }

    pub(super) fn refresh_now(&self) -> Result<Token, AccountError> {
        self.said(match &self.account {
            Either::Async(account) => RUNTIME.block_on(account.refresh_now()),
            Either::Blocking(account) => account.refresh_now(),
        })
    }

    /// Until it succeeds, waiting as long as the error says.
    pub(super) fn refresh_in_the_end(&self) -> Token {
        self.in_the_end().unwrap_or_else(|error| panic!("logged out: {error}"))
    }

    /// Until it succeeds, or there is nothing more to wait for.
    pub(super) fn in_the_end(&self) -> Result<Token, AccountError> {
        for _ in 0..50 {
            let error = match self.refresh_now() {
                Ok(token) => return Ok(token),
                Err(error) => error,
            };
            let Some(at) = error.retry_at() else { return Err(error) };
            let wait = at.duration_since(SystemTime::now()).unwrap_or_default();
            assert!(wait < Duration::from_secs(5), "{error}");
            thread::sleep(wait);
        }
        panic!("fifty refreshes failed in a row");
    }

    fn said(&self, result: Result<Token, AccountError>) -> Result<Token, AccountError> {
        if let Some(kind) = result.as_ref().err().and_then(AccountError::kind) {
            let family = self.user.family.lock().expect("no panic").clone();
            self.world.hear(kind, &family);
        }
        result
    }
}

fn open(
    adapter: Adapter,
    network: &Network,
    directory: &TempDir,
    endpoint: TokenEndpoint,
) -> Either {
    let store = FileStore::open(directory.path().join("tokens")).expect("a store");
    match adapter {
        Adapter::Reqwest => Either::Async(
            Accounts::new(endpoint, network.reqwest(), store, TokioClock)
                .policy(network.policy)
                .settings(short_setbacks())
                .account("ada"),
        ),
        Adapter::Ureq => Either::Blocking(
            BlockingAccounts::new(endpoint, network.ureq(), store, SystemClock)
                .policy(network.policy)
                .settings(short_setbacks())
                .account("ada"),
        ),
    }
}
