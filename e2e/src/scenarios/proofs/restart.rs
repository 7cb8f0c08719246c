//! The server is killed, and forgets its nonces.

use auth_core::{FailureKind, RefreshToken};

use super::Ada;
use crate::{
    clients::{Adapter, Network, endpoint},
    provider::ClientKind,
    timing::GRACE_MS,
    world::World,
};

/// Whoever has a nonce of the server's last life is asked for another, once; also
/// where none was needed.
pub(in crate::scenarios) fn nonces_forgotten(world: &World<'_>) {
    let mut sessions = Vec::new();
    for adapter in Adapter::ALL {
        for client in ClientKind::PROVING {
            let session = world.log_in(client);
            let endpoint = endpoint(&world.proxy.url(), &session);
            let token = RefreshToken::new(&session.refresh_token);
            sessions.push((adapter, session, endpoint, token));
        }
    }
    for killed in [false, true] {
        if killed {
            world.provider.kill();
            world.provider.start_again();
        }
        for (adapter, session, endpoint, token) in &mut sessions {
            let before = world.provider.stats().challenged;
            let context = format!("{adapter:?} {:?}, killed: {killed}", session.client);
            let tokens = world
                .refresh_by(endpoint, *adapter, session, token, &Network::default())
                .unwrap_or_else(|error| panic!("{context}: {error}"));
            assert!(world.provider.binding(tokens.access_token.expose()).lives, "{context}");
            *token = tokens.refresh_token.expect("a refresh token");
            let is_asked = match killed {
                true => session.client.dpop().is_some(),
                false => session.client.needs_nonce(),
            };
            let challenges = world.provider.stats().challenged - before;
            assert_eq!(challenges, u64::from(is_asked), "{context}");
        }
    }
    let stats = world.provider.stats();
    assert_eq!((stats.refused, stats.replays), (0, 0));
}

/// Killed once it has rotated the token, before its response leaves: the account
/// gives up, and a process that knows of it from the store goes on.
pub(in crate::scenarios) fn before_the_response(world: &World<'_>) {
    let clients = [
        (Adapter::Ureq, ClientKind::DpopNonce),
        (Adapter::Reqwest, ClientKind::AssertionDpopNonce),
    ];
    for grace_ms in [GRACE_MS, 0] {
        world.provider.set_grace(grace_ms);
        for (adapter, client) in clients {
            let context = format!("{adapter:?} {client:?}, grace {grace_ms} ms");
            let url = world.proxy.url();
            let ada = Ada::logged_in_at(&url, client, world, adapter, Network::default());
            ada.refresh_now().unwrap_or_else(|error| panic!("{context}: {error}"));
            world.provider.kill_at_next_success();
            let error = ada.refresh_now().expect_err("there is no server any more");
            assert_eq!(error.kind(), Some(FailureKind::Unavailable), "{context}: {error}");
            assert!(error.possibly_spent(), "{context}: {error}");
            world.provider.wait_for_death();
            world.provider.start_again();
            match ada.as_another_process().in_the_end() {
                Ok(token) => {
                    assert!(grace_ms > 0, "{context}");
                    let binding = world.provider.binding(token.access_token().expose());
                    assert!(binding.lives, "{context}");
                }
                Err(error) => {
                    assert_eq!(grace_ms, 0, "{context}: {error}");
                    assert_eq!(error.kind(), Some(FailureKind::Rejected), "{context}: {error}");
                    assert!(error.possibly_spent(), "{context}: {error}");
                }
            }
        }
    }
}
