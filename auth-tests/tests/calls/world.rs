//! The servers, and who is logged in.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use auth_accounts::{Account, Accounts, BlockingAccount, BlockingAccounts, MemoryStore};
use auth_core::{Dpop, TokenSet};
use auth_pool::{AccountPool, BlockingAccountPool, PoolSettings};
use auth_sign::NewKey;
use auth_testkit::{
    ApiCall, FakeApi, FakeAuthServer, FakeDpop, ListeningApi, NonceRule, VirtualClock,
};
use http::StatusCode;

use crate::{
    asked::{Asked, Body, numbered},
    case::{AtRedirect, Client, Kind, Redirect},
    grpc_server::listen,
};

/// What the API speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// No socket is there.
    InProcess,
    Http,
    /// Its verdict is in trailers, or in headers.
    Grpc {
        in_trailers: bool,
    },
}

/// An account, for both sorts of clients. A case uses one of them only.
#[derive(Clone)]
pub(crate) struct Named {
    pub(crate) account: Account,
    pub(crate) blocking: BlockingAccount,
}

/// What gives a client its tokens.
#[derive(Clone)]
pub(crate) enum Source {
    Account(Named),
    Pool(Vec<Named>),
    /// Each request says it.
    Requests,
}

/// How a client is to be set up.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) source: Source,
    pub(crate) origins: Vec<String>,
    pub(crate) also_refused_at: Vec<StatusCode>,
    /// The servers in process, by the origin.
    pub(crate) apis: HashMap<String, FakeApi>,
}

pub(crate) fn pool(members: &[Named]) -> AccountPool {
    let members = members.iter().map(|named| named.account.clone());
    AccountPool::new(members, PoolSettings::default())
}

pub(crate) fn blocking_pool(members: &[Named]) -> BlockingAccountPool {
    let members = members.iter().map(|named| named.blocking.clone());
    BlockingAccountPool::new(members, PoolSettings::default())
}

pub(crate) struct World {
    kind: &'static dyn Kind,
    has_proofs: bool,
    pub(crate) server: FakeAuthServer,
    /// The API that the tokens are for.
    pub(crate) api: FakeApi,
    /// Another origin.
    pub(crate) elsewhere: FakeApi,
    /// Host and port of both.
    authorities: [SocketAddr; 2],
    _listening: Vec<ListeningApi>,
    accounts: Accounts,
    blocking: BlockingAccounts,
    logins: HashMap<&'static str, TokenSet>,
}

impl World {
    pub(crate) async fn new(kind: &'static dyn Kind, proofs: Option<NonceRule>) -> Self {
        let mut builder = FakeAuthServer::builder();
        let dpop = FakeDpop::new().nonces(proofs.unwrap_or(NonceRule::Never));
        if proofs.is_some() {
            builder = builder.dpop(dpop.clone());
        }
        let server = builder.build();
        let api = match proofs {
            Some(_) => server.api_with_dpop(&dpop),
            None => server.api(),
        };
        let elsewhere = server.api();
        let mut listening = Vec::new();
        let mut authorities = Vec::new();
        for api in [&api, &elsewhere] {
            authorities.push(match kind.protocol() {
                Protocol::Grpc { in_trailers } => listen(api.clone(), in_trailers).await,
                Protocol::InProcess => {
                    ([127, 0, 0, 1], if authorities.is_empty() { 1 } else { 2 }).into()
                }
                Protocol::Http => {
                    listening.push(api.listen());
                    listening[listening.len() - 1].socket().address()
                }
            });
        }
        let authorities = [authorities[0], authorities[1]];
        let mut endpoint = server.endpoint();
        let mut thumbprint = None;
        if proofs.is_some() {
            let dpop = Dpop::new(NewKey::es256().unwrap().into_key()).unwrap();
            thumbprint = Some(dpop.thumbprint().to_owned());
            endpoint = endpoint.dpop(dpop);
        }
        let (clock, store) = (server.clock().clone(), MemoryStore::new());
        let accounts =
            Accounts::new(endpoint.clone(), server.clone(), store.clone(), clock.clone());
        let blocking = BlockingAccounts::new(endpoint, server.clone(), store, clock);
        let mut logins = HashMap::new();
        for name in ["ada", "bob"] {
            let tokens = match &thumbprint {
                Some(thumbprint) => server.log_in_bound(name, thumbprint),
                None => server.log_in(name),
            };
            accounts.account(name).store_login(tokens.clone()).await.unwrap();
            logins.insert(name, tokens);
        }
        let has_proofs = proofs.is_some();
        Self {
            kind,
            has_proofs,
            server,
            api,
            elsewhere,
            authorities,
            _listening: listening,
            accounts,
            blocking,
            logins,
        }
    }

    pub(crate) fn clock(&self) -> &VirtualClock {
        self.server.clock()
    }

    pub(crate) fn account(&self, name: &str) -> Named {
        Named { account: self.accounts.account(name), blocking: self.blocking.account(name) }
    }

    /// A URL at the API.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.authorities[0])
    }

    /// The same server by another name.
    pub(crate) fn other_name(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.authorities[0].port())
    }

    /// A URL at the other origin.
    pub(crate) fn elsewhere_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.authorities[1])
    }

    pub(crate) fn get(&self) -> Asked {
        Asked::get(&self.url("/notes"))
    }

    pub(crate) fn post(&self, body: Body) -> Asked {
        Asked::post(&self.url("/notes"), body)
    }

    /// A client with the tokens of ada.
    pub(crate) fn client(&self) -> Arc<dyn Client> {
        self.client_of(Source::Account(self.account("ada")), |plan| plan)
    }

    /// A client with the tokens of ada and bob.
    pub(crate) fn client_of_pool(&self, names: &[&str]) -> Arc<dyn Client> {
        let members = names.iter().map(|name| self.account(name)).collect();
        self.client_of(Source::Pool(members), |plan| plan)
    }

    #[track_caller]
    pub(crate) fn client_of(
        &self,
        source: Source,
        change: impl FnOnce(Plan) -> Plan,
    ) -> Arc<dyn Client> {
        let apis = self.apis();
        let origins = vec![self.url("")];
        let plan = Plan { source, origins, also_refused_at: Vec::new(), apis };
        match self.kind.make(change(plan)) {
            Ok(client) => client,
            Err(why) => panic!("it has no way for this: {why}"),
        }
    }

    /// The servers, by the origin.
    pub(crate) fn apis(&self) -> HashMap<String, FakeApi> {
        let origins = [self.url(""), self.other_name(""), self.elsewhere_url("")];
        let apis = [&self.api, &self.api, &self.elsewhere];
        origins.into_iter().zip(apis.into_iter().cloned()).collect()
    }

    pub(crate) fn at_redirect(&self, status: u16, body: Body) -> AtRedirect {
        let (has_body, has_proof) = (body != Body::Empty, self.has_proofs);
        self.kind.at_redirect(Redirect { status, has_body, has_proof })
    }

    /// The access token of this login dies before its time.
    pub(crate) fn kill_token(&self, name: &str) {
        self.server.revoke_access(&self.logins[name].access_token);
    }

    /// The access tokens of both logins reach their end.
    pub(crate) fn expire(&self) {
        self.clock().advance(Duration::from_secs(3600));
    }

    /// Whether the refresh token of this login is still good, as far as the server says:
    /// it was not sent, or to no avail.
    pub(crate) fn is_unspent(&self, name: &str) -> bool {
        self.logins[name].refresh_token.as_ref().is_some_and(|token| self.server.is_live(token))
    }

    pub(crate) fn subject_at(&self, call: usize) -> Option<String> {
        self.api.calls().get(call).and_then(|call| call.subject().map(str::to_owned))
    }

    /// The statuses that the API responded with.
    pub(crate) fn statuses(&self) -> Vec<u16> {
        self.api.calls().iter().filter_map(ApiCall::status).collect()
    }

    /// The tokens that the API saw, each as a number; 0 is none.
    pub(crate) fn tokens(&self) -> Vec<usize> {
        numbered(&self.api.calls().iter().map(|call| call.token().cloned()).collect::<Vec<_>>())
    }

    /// How often the API and the token endpoint were asked. No refresh token was sent
    /// again that was spent.
    #[track_caller]
    pub(crate) fn expect_counts(&self, api: usize, refreshes: usize) {
        let is = (self.api.report().calls, self.server.report().requests);
        assert_eq!(is, (api, refreshes), "requests to the API, and to the token endpoint");
        self.server.assert_never_replayed();
    }

    /// Nobody at the other origin has seen a token or a proof.
    #[track_caller]
    pub(crate) fn expect_nothing_elsewhere(&self) {
        self.elsewhere.assert_saw_no_token();
    }
}
