//! An account on a file store.

use std::time::Duration;

use auth_accounts::{
    Account, AccountError, Accounts, BlockingAccount, BlockingAccounts, Settings, Token,
};
use auth_core::{AccessToken, FailureKind, RefreshToken, TokenEndpoint, TokenSet};
use auth_reqwest::TokioClock;
use auth_store::FileStore;
use auth_ureq::SystemClock;
use tempfile::TempDir;

use super::TIMEOUT;
use crate::{
    clients::{Adapter, Network, RUNTIME, endpoint},
    provider::{ClientKind, Provider},
    proxy::{Fault, Proxy},
    report::Counts,
};

/// The account of one user, in either world.
pub(super) struct Ada {
    adapter: Adapter,
    network: Network,
    session: crate::provider::Session,
    directory: std::sync::Arc<TempDir>,
    account: Either,
}

enum Either {
    Async(Account),
    Blocking(BlockingAccount),
}

/// Setbacks shorter than a scenario.
pub(crate) fn settings() -> Settings {
    Settings::default()
        .setback_base(Duration::from_millis(20))
        .setback_max(Duration::from_millis(200))
}

impl Ada {
    pub(super) fn logged_in(
        provider: &Provider,
        proxy: &Proxy,
        adapter: Adapter,
        network: Network,
    ) -> Self {
        let session = provider.log_in(ClientKind::Basic);
        let directory = std::sync::Arc::new(tempfile::tempdir().expect("a directory"));
        let account = open(adapter, &network, &directory, endpoint_of(proxy, &session));
        let ada = Self { adapter, network, session, directory, account };
        ada.log_in(&ada.session.refresh_token);
        ada
    }

    /// As a process would that was started later: what it knows is on disk.
    pub(super) fn as_another_process(&self, proxy: &Proxy) -> Self {
        let endpoint = endpoint_of(proxy, &self.session);
        Self {
            adapter: self.adapter,
            network: self.network.clone(),
            session: crate::provider::Session {
                refresh_token: String::new(),
                client_secret: self.session.client_secret.clone(),
            },
            directory: std::sync::Arc::clone(&self.directory),
            account: open(self.adapter, &self.network, &self.directory, endpoint),
        }
    }

    /// Stores a refresh token with an access token that nobody takes.
    pub(super) fn log_in(&self, refresh_token: &str) {
        let mut tokens = TokenSet::new(AccessToken::new("expired"));
        tokens.refresh_token = Some(RefreshToken::new(refresh_token));
        tokens.expires_at = Some(std::time::SystemTime::UNIX_EPOCH);
        match &self.account {
            Either::Async(account) => RUNTIME.block_on(account.login(tokens)),
            Either::Blocking(account) => account.login(tokens),
        }
        .expect("a login");
    }

    pub(super) fn token(&self) -> Result<Token, AccountError> {
        match &self.account {
            Either::Async(account) => RUNTIME.block_on(account.token()),
            Either::Blocking(account) => account.token(),
        }
    }

    pub(super) fn refresh_now(&self) -> Result<Token, AccountError> {
        match &self.account {
            Either::Async(account) => RUNTIME.block_on(account.refresh_now()),
            Either::Blocking(account) => account.refresh_now(),
        }
    }

    /// Until it succeeds, waiting as long as the error says; counts logouts
    /// that were not called for.
    pub(super) fn refresh_in_the_end(&self, counts: &mut Counts) -> Token {
        for _ in 0..50 {
            match self.refresh_now() {
                Ok(token) => return token,
                Err(error) if error.kind() == Some(FailureKind::Rejected) => {
                    counts.false_logouts += 1;
                    panic!("logged out: {error}");
                }
                Err(error) => {
                    let wait = error.retry_at().map(|at| {
                        at.duration_since(std::time::SystemTime::now()).unwrap_or_default()
                    });
                    let wait = wait.unwrap_or_else(|| panic!("no end to {error}"));
                    assert!(wait < Duration::from_secs(5), "{error}");
                    std::thread::sleep(wait);
                }
            }
        }
        panic!("fifty renewals failed in a row");
    }
}

fn endpoint_of(proxy: &Proxy, session: &crate::provider::Session) -> TokenEndpoint {
    endpoint(&proxy.url(), ClientKind::Basic, session)
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
                .settings(settings())
                .account("ada"),
        ),
        Adapter::Ureq => Either::Blocking(
            BlockingAccounts::new(endpoint, network.ureq(), store, SystemClock)
                .policy(network.policy)
                .settings(settings())
                .account("ada"),
        ),
    }
}

/// All faults in turn, with a server that lets a used refresh token pass for a
/// few seconds, as most that rotate do.
pub(super) fn lives_through_faults() -> Counts {
    let faults = [
        Fault::ResetAtOnce,
        Fault::ResetAfterRequest,
        Fault::Stall,
        Fault::Page(502),
        Fault::Page(503),
        Fault::Page(504),
        Fault::PageAfterRotation(502),
        Fault::PageAfterRotation(504),
        Fault::LostAfterRotation,
        Fault::StalledAfterRotation,
        Fault::CutAnswer,
    ];
    let provider = Provider::start();
    provider.set_grace(10_000);
    let proxy = Proxy::before(provider.port());
    let mut counts = Counts::default();
    for adapter in Adapter::ALL {
        let network = Network::timeout(TIMEOUT);
        let ada = Ada::logged_in(&provider, &proxy, adapter, network);
        // Once, so that a retry mends it; and for longer than the retries
        // last, so that a setback is put on record.
        for (fault, times) in faults.iter().flat_map(|fault| [(fault, 1), (fault, 4)]) {
            proxy.script(&vec![*fault; times]);
            let token = ada.refresh_in_the_end(&mut counts);
            assert!(provider.accepts(token.access_token().expose()), "{adapter:?} {fault:?}");
            assert!(proxy.requests() > times as u64, "{fault:?} did not happen");
        }
    }
    assert_eq!(provider.stats().families_revoked, 0);
    counts.add(&proxy.counts());
    counts
}

/// A server without grace, and the answer lost: the session is over, and the
/// account says why; it asks no more, and a new login mends it.
pub(super) fn lost_without_grace() -> Counts {
    let provider = Provider::start();
    let proxy = Proxy::before(provider.port());
    let mut counts = Counts::default();
    for adapter in Adapter::ALL {
        let network = Network::timeout(TIMEOUT);
        let ada = Ada::logged_in(&provider, &proxy, adapter, network);
        ada.refresh_now().expect("no fault yet");
        proxy.script(&[Fault::LostAfterRotation]);
        // The access token is good for an hour yet.
        let old = ada.token().expect("the current token");
        let error = ada.refresh_now().expect_err("the server ended the session");
        assert_eq!(error.kind(), Some(FailureKind::Rejected), "{error}");
        assert!(error.after_unknown(), "{error}");
        assert!(error.to_string().contains("whose answer was lost"), "{error}");
        counts.unavoidable_logouts += 1;
        assert_eq!(proxy.requests(), 2, "the lost one and one retry");

        let kept = ada.token().expect("a refused refresh token spoils no access token");
        assert!(kept.access_token() == old.access_token());
        ada.refresh_now().expect_err("a dead token is not tried again");
        ada.as_another_process(&proxy).refresh_now().expect_err("nor by another process");
        assert_eq!(proxy.requests(), 2, "nothing more was sent");

        ada.log_in(&provider.log_in(ClientKind::Basic).refresh_token);
        let token = ada.token().expect("after a login");
        assert!(
            provider.accepts(token.access_token().expose()),
            "{adapter:?}: {token:?}, expires at {:?}, {:?}",
            token.expires_at(),
            token.renewal_error()
        );
    }
    counts.add(&proxy.counts());
    counts
}
