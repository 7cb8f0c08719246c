//! What most scenarios need: a server, the proxy before it, and a comparison of
//! what both have counted.

use std::sync::atomic::{AtomicU64, Ordering};

use auth_core::{FailureKind, RefreshError, RefreshToken, TokenEndpoint, TokenSet};

use crate::{
    clients::{Adapter, Network, Ran, endpoint, run_example},
    provider::{ClientKind, Provider, Server, Session},
    proxy::Proxy,
    tally::Tally,
};

pub(crate) struct World<'a> {
    pub(crate) provider: Provider,
    pub(crate) proxy: Proxy,
    tally: &'a Tally,
    beside: Beside,
    refusals: AtomicU64,
}

/// What the server counts and the proxy cannot.
#[derive(Default)]
struct Beside {
    refreshes: AtomicU64,
    replays: AtomicU64,
    refused: AtomicU64,
}

impl<'a> World<'a> {
    pub(crate) fn start(server: Server, tally: &'a Tally) -> Self {
        let mut proxy = None;
        let provider = Provider::start(server, |port| {
            proxy.insert(Proxy::before(port, server.token_path())).origin()
        });
        let proxy = proxy.expect("it stands before the server");
        tally.watch(&proxy);
        Self { provider, proxy, tally, beside: Beside::default(), refusals: AtomicU64::new(0) }
    }

    pub(crate) fn log_in(&self, client: ClientKind) -> Session {
        self.provider.log_in(client)
    }

    /// A refresh through the proxy.
    pub(crate) fn refresh(
        &self,
        adapter: Adapter,
        session: &Session,
        refresh_token: &RefreshToken,
        network: &Network,
    ) -> Result<TokenSet, RefreshError> {
        self.refresh_at(&self.proxy.url(), adapter, session, refresh_token, network)
    }

    /// A refresh at `url`.
    pub(crate) fn refresh_at(
        &self,
        url: &str,
        adapter: Adapter,
        session: &Session,
        refresh_token: &RefreshToken,
        network: &Network,
    ) -> Result<TokenSet, RefreshError> {
        self.refresh_by(&endpoint(url, session), adapter, session, refresh_token, network)
    }

    /// A refresh at an endpoint, which keeps the nonces that it gets.
    pub(crate) fn refresh_by(
        &self,
        endpoint: &TokenEndpoint,
        adapter: Adapter,
        session: &Session,
        refresh_token: &RefreshToken,
        network: &Network,
    ) -> Result<TokenSet, RefreshError> {
        let result = adapter.refresh(endpoint, refresh_token, network);
        if let Err(error) = &result {
            self.hear(error.kind(), &session.family);
        }
        result
    }

    /// A refresh through the proxy, by the example program of `adapter`.
    pub(crate) fn run_example(
        &self,
        adapter: Adapter,
        session: &Session,
        refresh_token: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Ran {
        let url = self.proxy.url();
        let client = session.client.id();
        let ran = run_example(adapter, &url, client, refresh_token, arguments, environment);
        if ran.json["kind"] == "rejected" {
            self.hear(FailureKind::Rejected, &session.family);
        }
        ran
    }

    /// A client says what its refresh failed with. If that is that the session
    /// is over, the server is asked.
    pub(crate) fn hear(&self, kind: FailureKind, family: &str) {
        if kind == FailureKind::Rejected {
            self.logged_out(family, self.provider.lives(family));
        }
    }

    /// A client said that the session is over, and has asked the server itself.
    pub(crate) fn logged_out(&self, family: &str, lives: bool) {
        self.tally.logged_out(family, lives);
    }

    /// Something to print with the counts.
    pub(crate) fn note(&self, note: &str) {
        self.tally.note(note);
    }

    /// The server traded a token that did not come through the proxy.
    pub(crate) fn refreshed_beside(&self) {
        self.beside.refreshes.fetch_add(1, Ordering::Relaxed);
        self.tally.refreshed(1);
    }

    /// The server has seen a spent token that did not come through the proxy.
    pub(crate) fn replayed_beside(&self) {
        self.beside.replays.fetch_add(1, Ordering::Relaxed);
    }

    /// The server refused a request that did not come through the proxy.
    pub(crate) fn refused_beside(&self) {
        self.beside.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// The server refuses a request though no session is over.
    pub(crate) fn expect_refusal(&self) {
        self.refusals.fetch_add(1, Ordering::Relaxed);
    }

    /// Compares what the server has counted with what passed by the proxy, and
    /// with what the clients said.
    pub(crate) fn finish(self) {
        self.proxy.settle();
        let (server, uses) = (self.provider.stats(), self.proxy.uses());
        let Beside { refreshes, replays, refused } = &self.beside;
        let [refreshes, replays, refused, refusals] = [refreshes, replays, refused, &self.refusals]
            .map(|count| count.load(Ordering::Relaxed));
        let over = self.tally.counts().unavoidable_logouts;
        let compared = [
            ("challenges", server.challenged, uses.challenged, 0),
            // With those that it died with, once it had counted them.
            ("refreshes", server.refreshed, uses.refreshes + uses.vanished + refreshes, 0),
            ("replays", server.replays, uses.replays_arrived + replays, uses.given_up),
            ("refusals", server.refused, uses.refused + refused, 0),
            ("refusals, and those that are accounted for", server.refused, over + refusals, 0),
            ("sessions ended, and those reported as over", server.families_revoked, over, 0),
        ];
        let different: Vec<String> = compared
            .iter()
            .filter(|(_, server, here, slack)| server.abs_diff(*here) > *slack)
            .map(|(what, server, here, _)| format!("{what}: {server} at the server, {here} here"))
            .collect();
        assert!(different.is_empty(), "{different:#?} {server:?} {uses:?}");
        // More is no busy machine, but a client that does not wait.
        let few = 2 + server.refreshed / 50;
        assert!(uses.given_up <= few, "{} attempts were given up", uses.given_up);
    }
}
