//! Two hundred rotations in a row.

use auth_core::RefreshToken;

use super::account::Ada;
use crate::{
    clients::{Adapter, Network, endpoint, run_example},
    provider::{ClientKind, Provider},
    proxy::Proxy,
    report::Counts,
};

const ROTATIONS: u64 = 200;

pub(super) fn adapters() -> Counts {
    let provider = Provider::start();
    let proxy = Proxy::before(provider.port());
    for adapter in Adapter::ALL {
        for client in ClientKind::ALL {
            let session = provider.log_in(client);
            let endpoint = endpoint(&proxy.url(), client, &session);
            let mut token = RefreshToken::new(session.refresh_token);
            for number in 0..ROTATIONS {
                let tokens = adapter
                    .renew(&endpoint, &token, &Network::default())
                    .unwrap_or_else(|error| panic!("{adapter:?} {client:?} {number}: {error}"));
                let next = tokens.refresh_token.expect("a refresh token");
                assert!(next != token, "the server rotates");
                token = next;
                if number % 50 == 0 {
                    assert!(provider.accepts(tokens.access_token.expose()));
                }
            }
        }
    }
    let stats = provider.stats();
    assert_eq!(stats.refreshed, 2 * 3 * ROTATIONS);
    assert_eq!((stats.refused, stats.replays, stats.families_revoked), (0, 0, 0));
    proxy.counts()
}

pub(super) fn examples() -> Counts {
    let provider = Provider::start();
    let proxy = Proxy::before(provider.port());
    for adapter in Adapter::ALL {
        let mut token = provider.log_in(ClientKind::Public).refresh_token;
        for number in 0..ROTATIONS {
            let ran = run_example(adapter, &proxy.url(), "public", &token, &["--show-tokens"], &[]);
            assert_eq!(ran.status, 0, "{adapter:?} {number}: {} {}", ran.json, ran.stderr);
            assert_eq!(ran.json["outcome"], "refreshed");
            assert_eq!(ran.json["rotated"], true);
            assert_eq!(ran.json["attempts"], 1);
            token = ran.json["refresh_token"].as_str().expect("a token").to_owned();
        }
        wrong_secret_is_no_logout(adapter, &proxy, &provider);
    }
    proxy.counts()
}

/// A wrong secret must not pass for a dead session, which goes on with the
/// right one.
fn wrong_secret_is_no_logout(adapter: Adapter, proxy: &Proxy, provider: &Provider) {
    let session = provider.log_in(ClientKind::Basic);
    let arguments = ["--client-secret-env", "SECRET"];
    for (secret, status, outcome) in
        [("wrong", 5, "misconfigured"), (session.client_secret.as_str(), 0, "")]
    {
        let ran = run_example(
            adapter,
            &proxy.url(),
            "basic",
            &session.refresh_token,
            &arguments,
            &[("SECRET", secret)],
        );
        assert_eq!(ran.status, status, "{} {}", ran.json, ran.stderr);
        assert_eq!(ran.json["kind"].as_str().unwrap_or_default(), outcome);
    }
}

pub(super) fn account() -> Counts {
    let provider = Provider::start();
    let proxy = Proxy::before(provider.port());
    for adapter in Adapter::ALL {
        let ada = Ada::logged_in(&provider, &proxy, adapter, Network::default());
        for number in 0..ROTATIONS {
            let token =
                ada.refresh_now().unwrap_or_else(|error| panic!("{adapter:?} {number}: {error}"));
            assert!(token.unsaved().is_none());
            if number % 50 == 0 {
                assert!(provider.accepts(token.access_token().expose()));
            }
        }
        // A process started later finds the last token of all.
        let later = ada.as_another_process(&proxy);
        let token = later.refresh_now().expect("the stored token is the current one");
        assert!(provider.accepts(token.access_token().expose()));
    }
    let stats = provider.stats();
    assert_eq!(stats.refreshed, 2 * (ROTATIONS + 1));
    assert_eq!((stats.refused, stats.replays, stats.families_revoked), (0, 0, 0));
    proxy.counts()
}
