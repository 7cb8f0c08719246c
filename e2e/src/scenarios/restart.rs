//! The server killed and started again in the middle.

use std::time::Duration;

use auth_core::{Backoff, FailureKind, RefreshToken};

use super::account::Ada;
use crate::{
    clients::{Adapter, Network, endpoint, run_example},
    provider::{ClientKind, Provider},
    proxy::Proxy,
    report::Counts,
};

/// Patient enough for a server that is started again, half a second later.
fn network() -> Network {
    let policy = Backoff::default().max_retries(30).base_delay(Duration::from_millis(100));
    Network { policy: policy.max_delay(Duration::from_millis(300)), ..Network::default() }
}

pub(super) fn adapters() -> Counts {
    let mut provider = Provider::start();
    let proxy = Proxy::before(provider.port());
    // Directly too: the connection is then refused, where the proxy answers
    // with a 502.
    let direct = format!("http://127.0.0.1:{}/token", provider.port());
    let mut counts = Counts::default();
    for adapter in Adapter::ALL {
        for url in [proxy.url(), direct.clone()] {
            let session = provider.log_in(ClientKind::Basic);
            let endpoint = endpoint(&url, ClientKind::Basic, &session);
            let mut token = RefreshToken::new(session.refresh_token);
            for _ in 0..3 {
                provider.kill();
                let impatient = Network::default();
                let error =
                    adapter.renew(&endpoint, &token, &impatient).expect_err("there is no server");
                assert!(
                    matches!(error.kind(), FailureKind::Unavailable | FailureKind::Unreachable),
                    "{error}"
                );
                let waiting = {
                    let (endpoint, token) = (endpoint.clone(), token.clone());
                    std::thread::spawn(move || adapter.renew(&endpoint, &token, &network()))
                };
                std::thread::sleep(Duration::from_millis(500));
                provider.start_again();
                let tokens = waiting
                    .join()
                    .expect("no panic")
                    .unwrap_or_else(|error| panic!("{adapter:?} {url}: {error}"));
                assert!(provider.accepts(tokens.access_token.expose()));
                token = tokens.refresh_token.expect("a refresh token");
                counts.exchanges += u64::from(url == direct);
            }
        }
    }
    counts.add(&proxy.counts());
    counts
}

/// The example programs wait for the server to come back, if told to.
pub(super) fn examples() -> Counts {
    let mut provider = Provider::start();
    let proxy = Proxy::before(provider.port());
    let patient = ["--show-tokens", "--max-retries", "8", "--base-delay-ms", "20"];
    for adapter in Adapter::ALL {
        let mut token = provider.log_in(ClientKind::Public).refresh_token;
        for _ in 0..3 {
            provider.kill();
            let running = {
                let (url, token) = (proxy.url(), token.clone());
                std::thread::spawn(move || {
                    run_example(adapter, &url, "public", &token, &patient, &[])
                })
            };
            std::thread::sleep(Duration::from_millis(500));
            provider.start_again();
            let ran = running.join().expect("no panic");
            assert_eq!(ran.status, 0, "{adapter:?}: {} {}", ran.json, ran.stderr);
            assert!(ran.json["attempts"].as_u64() > Some(1), "{}", ran.json);
            token = ran.json["refresh_token"].as_str().expect("a token").to_owned();
        }
    }
    proxy.counts()
}

/// An account asked without a pause while the server comes and goes. It serves
/// its valid token all the while, and renews when it can.
pub(super) fn account() -> Counts {
    let mut provider = Provider::start();
    let proxy = Proxy::before(provider.port());
    let mut counts = Counts::default();
    for adapter in Adapter::ALL {
        let ada = Ada::logged_in(&provider, &proxy, adapter, Network::default());
        let first = ada.refresh_in_the_end(&mut counts);
        for _ in 0..3 {
            provider.kill();
            let before = ada.token().expect("the token is valid, server or not");
            ada.refresh_now().expect_err("there is no server");
            let meanwhile = ada.token().expect("the token is valid, server or not");
            assert!(meanwhile.access_token() == before.access_token());
            provider.start_again();
            let token = ada.refresh_in_the_end(&mut counts);
            assert!(token.access_token() != first.access_token());
            assert!(provider.accepts(token.access_token().expose()));
        }
    }
    counts.add(&proxy.counts());
    counts
}
