//! A server, two APIs that take its tokens, and an account that may go to the first.

use auth_sign::NewKey;
use auth_testkit::{
    ApiCall, FakeAuthServer, FakeDpop, ListeningApi, ListeningAuthServer, NonceRule,
};
use auth_ureq::{
    SystemClock, UreqTransport,
    auth_accounts::{
        BlockingAccount, BlockingAccounts, Login, MemoryStore,
        calls::{Calls, NotAgain},
    },
    auth_core::{Dpop, SigningKey},
    http::Response,
    ureq::{Agent, Body, config::ConfigBuilder, typestate::AgentScope},
};

pub(crate) struct World {
    pub(crate) auth: ListeningAuthServer,
    pub(crate) api: ListeningApi,
    /// Another port of the same host.
    pub(crate) elsewhere: ListeningApi,
    pub(crate) account: BlockingAccount,
}

impl World {
    pub(crate) fn new() -> Self {
        let server = FakeAuthServer::builder().real_time().build();
        let tokens = server.log_in("ada");
        let (api, elsewhere) = (server.api().listen(), server.api().listen());
        let auth = server.listen();
        let account = accounts(&auth, None).account("ada");
        account.store_login(tokens).unwrap();
        Self { auth, api, elsewhere, account }
    }

    /// Its tokens are bound to a key, and the API wants a nonce in each proof.
    pub(crate) fn with_dpop() -> Self {
        let key: SigningKey = NewKey::es256().unwrap().into_key().into();
        let asks = FakeDpop::new().nonces(NonceRule::Always);
        let server = FakeAuthServer::builder().real_time().dpop(FakeDpop::new()).build();
        let thumbprint = key.info().thumbprint().to_owned();
        let tokens = server.log_in_bound("ada", &thumbprint);
        let (api, elsewhere) = (server.api_with_dpop(&asks).listen(), server.api().listen());
        let auth = server.listen();
        let account = accounts(&auth, Some(Dpop::new(key).unwrap())).account("ada");
        account.store_login(Login::new(tokens).dpop_thumbprint(thumbprint)).unwrap();
        Self { auth, api, elsewhere, account }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        url(&self.api, path)
    }

    pub(crate) fn calls(&self) -> Calls<BlockingAccount> {
        Calls::new(self.account.clone(), [self.api.url()]).unwrap()
    }

    /// The API does not take the token that the account has.
    pub(crate) fn revoke(&self) {
        let token = self.account.token().unwrap();
        self.auth.server().revoke_access(token.access_token());
    }

    pub(crate) fn refreshes(&self) -> usize {
        self.auth.server().report().issued
    }

    /// Paths of the requests to the API, and what came of them.
    pub(crate) fn seen(&self) -> Vec<(String, u16)> {
        seen(&self.api)
    }
}

fn accounts(auth: &ListeningAuthServer, dpop: Option<Dpop>) -> BlockingAccounts {
    let transport = UreqTransport::builder().no_proxy().without_system_roots().build().unwrap();
    let endpoint = match dpop {
        Some(dpop) => auth.endpoint().dpop(dpop),
        None => auth.endpoint(),
    };
    BlockingAccounts::new(endpoint, transport, MemoryStore::new(), SystemClock)
}

pub(crate) fn url(api: &ListeningApi, path: &str) -> String {
    format!("http://{}{path}", api.socket().address())
}

pub(crate) fn seen(api: &ListeningApi) -> Vec<(String, u16)> {
    let call = |call: &ApiCall| (call.path().to_owned(), call.status().unwrap_or_default());
    api.api().calls().iter().map(call).collect()
}

/// An agent whose proxy is not that of the environment.
pub(crate) fn agent(
    set: impl FnOnce(ConfigBuilder<AgentScope>) -> ConfigBuilder<AgentScope>,
) -> Agent {
    set(Agent::config_builder().proxy(None)).build().into()
}

/// One that shows responses.
pub(crate) fn showing() -> Agent {
    agent(|settings| settings.http_status_as_error(false))
}

pub(crate) fn why(response: &Response<Body>) -> &NotAgain {
    response.extensions().get().unwrap()
}
