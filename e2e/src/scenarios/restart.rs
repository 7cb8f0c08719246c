//! The server killed and started again.

use std::{thread, time::Duration};

use auth_core::{Backoff, FailureKind, RefreshError, RefreshToken, TokenSet};

use super::ada::Ada;
use crate::{
    clients::{Adapter, Network},
    provider::{ClientKind, Session},
    timing::GRACE_MS,
    world::World,
};

/// Patient enough for a server that is started again on the busiest machine.
fn network() -> Network {
    let policy = Backoff::default().max_retries(150).base_delay(Duration::from_millis(100));
    Network { policy: policy.max_delay(Duration::from_millis(300)), ..Network::default() }
}

/// Through the proxy, which responds with a 502 while there is no server, and
/// directly: the connection is then refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Proxy,
    Direct,
}

impl Way {
    const ALL: [Self; 2] = [Self::Proxy, Self::Direct];

    fn url(self, world: &World<'_>) -> String {
        match self {
            Self::Proxy => world.proxy.url(),
            Self::Direct => format!("http://127.0.0.1:{}/token", world.provider.port()),
        }
    }
}

/// Killed while nothing is under way.
pub(super) fn adapters(world: &World<'_>) {
    for adapter in Adapter::ALL {
        for way in Way::ALL {
            let session = world.log_in(ClientKind::Basic);
            let mut token = RefreshToken::new(&session.refresh_token);
            for _ in 0..3 {
                world.provider.kill();
                let impatient = Network::default();
                let error = world
                    .refresh_at(&way.url(world), adapter, &session, &token, &impatient)
                    .expect_err("there is no server");
                let kind = match way {
                    Way::Proxy => FailureKind::Unavailable,
                    Way::Direct => FailureKind::Unreachable,
                };
                assert_eq!(error.kind(), kind, "{error}");
                let result = while_refreshing(world, way, adapter, &session, &token, || {
                    thread::sleep(Duration::from_millis(500));
                    world.provider.start_again();
                });
                let tokens = result.unwrap_or_else(|error| panic!("{adapter:?} {way:?}: {error}"));
                assert!(world.provider.accepts(tokens.access_token.expose()));
                token = tokens.refresh_token.expect("a refresh token");
                if way == Way::Direct {
                    world.refreshed_beside();
                }
            }
        }
    }
}

/// Killed in the middle of a refresh: it has rotated the token, and put that
/// on disk, and its response does not leave. With grace the retry mends it; without
/// there is nothing to be saved, and the error says so.
pub(super) fn before_the_response(world: &World<'_>) {
    for grace_ms in [GRACE_MS, 0] {
        // Kept by the server over its death.
        world.provider.set_grace(grace_ms);
        for adapter in Adapter::ALL {
            for way in Way::ALL {
                let context = format!("{adapter:?} {way:?}, grace {grace_ms} ms");
                let session = world.log_in(ClientKind::Basic);
                let token = RefreshToken::new(&session.refresh_token);
                world.provider.kill_at_next_success();
                let result = while_refreshing(world, way, adapter, &session, &token, || {
                    world.provider.wait_for_death();
                    world.provider.start_again();
                });
                if way == Way::Direct {
                    world.refreshed_beside();
                    world.replayed_beside();
                }
                if grace_ms > 0 {
                    let tokens = result.unwrap_or_else(|error| panic!("{context}: {error}"));
                    assert!(world.provider.accepts(tokens.access_token.expose()), "{context}");
                    if way == Way::Direct {
                        world.refreshed_beside();
                    }
                } else {
                    let error = result.expect_err("the token is spent");
                    assert_eq!(error.kind(), FailureKind::Rejected, "{context}: {error}");
                    assert!(error.possibly_spent(), "{context}: {error}");
                    if way == Way::Direct {
                        world.refused_beside();
                    }
                }
            }
        }
    }
    let stats = world.provider.stats();
    let each = (Adapter::ALL.len() * Way::ALL.len()) as u64;
    assert_eq!((stats.refreshed, stats.replays), (3 * each, 2 * each));
    assert_eq!((stats.refused, stats.families_revoked), (each, each));
}

/// The same, and the account gives up before there is a server again. What it
/// wrote down then is what it says in the end.
pub(super) fn before_the_response_to_an_account(world: &World<'_>) {
    for grace_ms in [GRACE_MS, 0] {
        world.provider.set_grace(grace_ms);
        for adapter in Adapter::ALL {
            let context = format!("{adapter:?}, grace {grace_ms} ms");
            let ada = Ada::logged_in(world, adapter, Network::default());
            world.provider.kill_at_next_success();
            let error = ada.refresh_now().expect_err("there is no server any more");
            assert_eq!(error.kind(), Some(FailureKind::Unavailable), "{context}: {error}");
            assert!(error.possibly_spent(), "{context}: {error}");
            world.provider.wait_for_death();
            world.provider.start_again();
            // By a process that knows of it from the store.
            match ada.as_another_process().in_the_end() {
                Ok(token) => {
                    assert!(grace_ms > 0, "{context}");
                    assert!(world.provider.accepts(token.access_token().expose()), "{context}");
                }
                Err(error) => {
                    assert_eq!(grace_ms, 0, "{context}: {error}");
                    assert_eq!(error.kind(), Some(FailureKind::Rejected), "{context}: {error}");
                    assert!(error.possibly_spent(), "{context}: {error}");
                }
            }
        }
    }
    let stats = world.provider.stats();
    let each = Adapter::ALL.len() as u64;
    assert_eq!((stats.refreshed, stats.replays), (3 * each, 2 * each));
    assert_eq!((stats.refused, stats.families_revoked), (each, each));
}

/// The example programs wait for the server to come back, if told to.
pub(super) fn examples(world: &World<'_>) {
    // Twenty milliseconds, doubled twelve times: more than a minute in all.
    let patient = ["--show-tokens", "--max-retries", "12", "--base-delay-ms", "20"];
    for adapter in Adapter::ALL {
        let session = world.log_in(ClientKind::Public);
        let mut token = session.refresh_token.clone();
        for _ in 0..3 {
            world.provider.kill();
            let ran = thread::scope(|scope| {
                let running =
                    scope.spawn(|| world.run_example(adapter, &session, &token, &patient, &[]));
                thread::sleep(Duration::from_millis(500));
                world.provider.start_again();
                running.join().expect("no panic")
            });
            assert_eq!(ran.status, 0, "{adapter:?}: {} {}", ran.json, ran.stderr);
            assert!(ran.json["attempts"].as_u64() > Some(1), "{}", ran.json);
            token = ran.json["refresh_token"].as_str().expect("a token").to_owned();
        }
    }
}

/// An account asked without a pause while the server comes and goes. It serves
/// its valid token all the while, and refreshes when it can.
pub(super) fn account(world: &World<'_>) {
    for adapter in Adapter::ALL {
        let ada = Ada::logged_in(world, adapter, Network::default());
        let first = ada.refresh_in_the_end();
        for _ in 0..3 {
            world.provider.kill();
            let before = ada.token().expect("the token is valid, server or not");
            ada.refresh_now().expect_err("there is no server");
            let meanwhile = ada.token().expect("the token is valid, server or not");
            assert!(meanwhile.access_token() == before.access_token());
            world.provider.start_again();
            let token = ada.refresh_in_the_end();
            assert!(token.access_token() != first.access_token());
            assert!(world.provider.accepts(token.access_token().expose()));
        }
    }
}

/// Refreshes, with patience, and does `deed` meanwhile.
fn while_refreshing(
    world: &World<'_>,
    way: Way,
    adapter: Adapter,
    session: &Session,
    token: &RefreshToken,
    deed: impl FnOnce(),
) -> Result<TokenSet, RefreshError> {
    thread::scope(|scope| {
        let url = way.url(world);
        let refresh =
            scope.spawn(move || world.refresh_at(&url, adapter, session, token, &network()));
        deed();
        refresh.join().expect("no panic")
    })
}
