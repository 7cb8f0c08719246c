//! What the tests of the recipes share: a session at a fake authorization server that
//! listens on loopback, a service that takes its tokens, and the three things that
//! each recipe has to get right.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "only tests link it")]

use std::{
    error::Error,
    time::{Duration, SystemTime},
};

use auth_accounts::{
    Account, AccountError, AccountState, Accounts, BlockingAccount, BlockingAccounts, MemoryStore,
    auth_core::TokenSet, store::TokenStore,
};
use auth_reqwest::{ReqwestTransport, TokioClock};
use auth_testkit::{
    FakeApi, FakeAuthServer, ListeningAuthServer,
    fault_server::{FaultServer, ReceivedRequest},
};
use auth_ureq::{SystemClock, UreqTransport};

/// Installs what `reqwest::Client::new` needs where its own features bring none.
pub fn install_crypto() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Whose session it is.
pub const ADA: &str = "ada";

/// A session of Ada's at an authorization server on loopback.
#[derive(Debug)]
pub struct Session {
    listening: ListeningAuthServer,
    api: FakeApi,
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

impl Session {
    /// At a server of its own.
    pub fn new() -> Self {
        install_crypto();
        let server = FakeAuthServer::builder().real_time().build();
        Self { listening: server.listen(), api: server.api() }
    }

    /// The authorization server.
    pub fn server(&self) -> &FakeAuthServer {
        self.listening.server()
    }

    /// The URL of its token endpoint.
    pub fn token_url(&self) -> &str {
        self.listening.url()
    }

    /// A login whose access token has expired.
    pub fn expired_login(&self) -> TokenSet {
        let tokens = self.server().log_in(ADA);
        self.server().revoke_access(&tokens.access_token);
        tokens.expires_at(SystemTime::now() - Duration::from_secs(1))
    }

    /// Accounts over this store, whose refreshes go to the server's socket.
    pub fn accounts(&self, store: impl TokenStore + 'static) -> Accounts {
        let transport = ReqwestTransport::new().unwrap();
        Accounts::new(self.listening.endpoint(), transport, store, TokioClock)
    }

    /// Ada's account. Its access token has expired.
    pub async fn account(&self) -> Account {
        let account = self.accounts(MemoryStore::new()).account(ADA);
        account.store_login(self.expired_login()).await.unwrap();
        account
    }

    /// As [`account`](Self::account), for a program that blocks.
    pub fn blocking_account(&self) -> BlockingAccount {
        let (transport, store) = (UreqTransport::new().unwrap(), MemoryStore::new());
        let endpoint = self.listening.endpoint();
        let account = BlockingAccounts::new(endpoint, transport, store, SystemClock).account(ADA);
        account.store_login(self.expired_login()).unwrap();
        account
    }

    /// A service that gives this answer to requests with a live token, and else 401.
    pub fn service(
        &self,
        answer: impl Fn(&ReceivedRequest) -> http::Response<Vec<u8>> + Send + Sync + 'static,
    ) -> FaultServer {
        let api = self.api.clone();
        FaultServer::with_handler(move |received| {
            let mut request = http::Request::new(());
            *request.headers_mut() = received.headers.clone();
            let verdict = api.respond(&request);
            if verdict.status() == 200 { answer(received).into() } else { verdict.into() }
        })
    }

    /// How many refreshes the server has seen and answered with tokens.
    pub fn refreshes(&self) -> usize {
        self.server().report().issued
    }

    /// Makes the account's access token die before its time.
    pub fn revoke_access(&self, account: &Account) {
        self.server().revoke_access(account.current().unwrap().access_token());
    }

    /// The three things that a recipe has to get right, of an account whose access
    /// token has expired: each request is one of its service.
    pub async fn is_served<T, E: Into<Box<dyn Error + Send + Sync>>>(
        &self,
        account: &Account,
        request: impl AsyncFn() -> Result<T, E>,
    ) {
        let request = async || request().await.map_err(Into::into);
        request().await.expect("an expired token is refreshed before the request");
        request().await.expect("the token is used again");
        assert_eq!(self.refreshes(), 1, "refreshes for an expired token");

        self.revoke_access(account);
        request().await.expect("a refused token is refreshed, and the request sent again");
        assert_eq!(self.refreshes(), 2, "refreshes for a refused token");

        self.server().revoke(ADA);
        self.revoke_access(account);
        let error = request().await.err().expect("the session is over");
        let found = AccountError::find(&*error).map(AccountError::state);
        assert_eq!(found, Some(AccountState::LoginNeeded), "in {error:?}");
        assert_eq!(self.refreshes(), 2, "refreshes in all");
    }
}
