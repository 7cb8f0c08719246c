//! An authorization server, its API, another origin, and an account.

use auth_accounts::{Account, Accounts, MemoryStore, Token, calls::NotAgain};
use auth_core::{CredentialError, Dpop, KeyInfo, Signer, SigningAlgorithm};
use auth_reqwest::{ReqwestTransport, TokioClock, redirects};
use auth_testkit::{ApiCall, FakeAuthServer, ListeningApi, ListeningAuthServer};

pub(crate) struct World {
    pub(crate) server: FakeAuthServer,
    pub(crate) api: ListeningApi,
    /// Another origin.
    pub(crate) elsewhere: ListeningApi,
    pub(crate) account: Account,
    pub(crate) accounts: Accounts,
    _auth: ListeningAuthServer,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(None, "Bearer").await
    }

    /// With an account whose tokens need a proof. The key is nobody's.
    pub(crate) async fn with_proofs() -> Self {
        Self::with(Some(Dpop::new(Key::new()).unwrap()), "DPoP").await
    }

    async fn with(dpop: Option<Dpop>, token_type: &str) -> Self {
        let server = FakeAuthServer::builder().real_time().build();
        let auth = server.listen();
        let mut endpoint = auth.endpoint();
        if let Some(dpop) = dpop {
            endpoint = endpoint.dpop(dpop);
        }
        let transport = ReqwestTransport::builder().no_proxy().without_system_roots();
        let accounts =
            Accounts::new(endpoint, transport.build().unwrap(), MemoryStore::new(), TokioClock);
        let world = Self {
            api: server.api().listen(),
            elsewhere: server.api().listen(),
            account: accounts.account("ada"),
            accounts,
            _auth: auth,
            server,
        };
        let mut tokens = world.server.log_in("ada");
        tokens.token_type = Some(token_type.to_owned());
        world.account.store_login(tokens).await.unwrap();
        world
    }

    /// A URL of the API.
    pub(crate) fn url(&self, path: &str) -> String {
        at(&self.api, path)
    }

    /// The token that the account hands out now.
    pub(crate) async fn token(&self) -> Token {
        self.account.token().await.unwrap()
    }

    /// The API does not take the account's token any more, and it does not know.
    pub(crate) async fn revoke_access(&self) {
        self.server.revoke_access(self.token().await.access_token());
    }

    /// How many refreshes there were.
    pub(crate) fn refreshes(&self) -> usize {
        self.server.report().issued
    }

    /// What the API was asked, and how it responded.
    pub(crate) fn statuses(&self) -> Vec<u16> {
        self.api.api().calls().iter().filter_map(ApiCall::status).collect()
    }
}

/// A URL there.
pub(crate) fn at(api: &ListeningApi, path: &str) -> String {
    format!("{}{path}", api.url().trim_end_matches('/'))
}

/// As the docs say.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().redirect(redirects()).build().unwrap()
}

/// Why the request was not sent again.
pub(crate) fn why(response: &reqwest::Response) -> Option<&NotAgain> {
    response.extensions().get()
}

/// Signs nothing worth while.
#[derive(Debug)]
struct Key(KeyInfo);

impl Key {
    fn new() -> Self {
        let jwk = r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#;
        Self(KeyInfo::of_pair(SigningAlgorithm::Es256, jwk, "thumbprint"))
    }
}

impl Signer for Key {
    fn key(&self) -> &KeyInfo {
        &self.0
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, CredentialError> {
        Ok(vec![1; 64])
    }
}
