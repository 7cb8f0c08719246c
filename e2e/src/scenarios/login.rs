//! One process stands in an attempt, and the user logs in at another: what is
//! in the store then is what counts.

use std::thread;

use auth_accounts::{AccountError, Token};
use auth_core::RefreshToken;

use super::ada::Ada;
use crate::{
    clients::{Adapter, Network},
    provider::{ClientKind, Session},
    proxy::Fault,
    world::World,
};

/// An attempt of which nothing is heard, because it was cut or because its
/// response was. The retry uses the new refresh token, never again the old one.
pub(super) fn meanwhile(world: &World<'_>) {
    let World { provider, proxy, .. } = world;
    for adapter in Adapter::ALL {
        for fault in [Fault::HeldThenReset, Fault::HeldThenLost] {
            let old = world.log_in(ClientKind::Basic);
            let ada = Ada::logged_in(world, adapter, Network::default());
            ada.log_in(&old);
            let new = world.log_in(ClientKind::Basic);
            let result = while_held(world, &ada, fault, || ada.as_another_process().log_in(&new));
            let token = result.unwrap_or_else(|error| panic!("{adapter:?} {fault:?}: {error}"));
            assert!(provider.accepts(token.access_token().expose()), "{adapter:?} {fault:?}");
            assert_sent(world, &[&old, &new]);
        }
    }
    assert_eq!(proxy.uses().unavoidable_replays, 0);
}

/// The same, and the login's access token is good: there is no need of a retry.
pub(super) fn adopted(world: &World<'_>) {
    for adapter in Adapter::ALL {
        let old = world.log_in(ClientKind::Basic);
        let ada = Ada::logged_in(world, adapter, Network::default());
        ada.log_in(&old);
        let new = world.log_in(ClientKind::Basic);
        let refresh_token = RefreshToken::new(&new.refresh_token);
        let tokens = world
            .refresh(adapter, &new, &refresh_token, &Network::default())
            .expect("a first access token");
        let token = while_held(world, &ada, Fault::HeldThenReset, || {
            ada.as_another_process().log_in_with(&new, tokens.clone());
        });
        let token = token.unwrap_or_else(|error| panic!("{adapter:?}: {error}"));
        assert!(*token.access_token() == tokens.access_token, "{adapter:?}");
        assert_sent(world, &[&old]);
    }
}

/// The server refuses the old refresh token, and before that is heard of there
/// is a new one: the refusal says nothing about that.
pub(super) fn before_a_refusal(world: &World<'_>) {
    for adapter in Adapter::ALL {
        let old = world.log_in(ClientKind::Basic);
        let ada = Ada::logged_in(world, adapter, Network::default());
        ada.log_in(&old);
        world.provider.revoke(&old);
        world.expect_refusal();
        let new = world.log_in(ClientKind::Basic);
        let result = while_held(world, &ada, Fault::HeldResponse, || {
            ada.as_another_process().log_in(&new);
        });
        let token = result.unwrap_or_else(|error| panic!("{adapter:?}: {error}"));
        assert!(world.provider.accepts(token.access_token().expose()), "{adapter:?}");
        assert_sent(world, &[&old, &new]);
    }
}

/// Refreshes, and does `deed` while the request is held.
fn while_held(
    world: &World<'_>,
    ada: &Ada<'_>,
    fault: Fault,
    deed: impl FnOnce(),
) -> Result<Token, AccountError> {
    world.proxy.script(&[fault]);
    thread::scope(|scope| {
        let refresh = scope.spawn(|| ada.refresh_now());
        world.proxy.wait_until_held();
        deed();
        world.proxy.release();
        refresh.join().expect("no panic")
    })
}

fn assert_sent(world: &World<'_>, sessions: &[&Session]) {
    let name = |token: &String| {
        let position = sessions.iter().position(|session| session.refresh_token == *token);
        position.map_or_else(|| "another".to_owned(), |at| format!("that of login {at}"))
    };
    let seen: Vec<String> = world.proxy.seen().iter().map(name).collect();
    let expected: Vec<String> =
        sessions.iter().map(|session| name(&session.refresh_token)).collect();
    assert_eq!(seen, expected, "the refresh tokens that were sent");
}
