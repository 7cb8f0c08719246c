//! At the authorization server of Bluesky's servers: DPoP and its nonces are
//! compulsory, a nonce is good for three seconds here, and there is no grace.

use auth_accounts::Token;
use auth_core::{FailureKind, RefreshToken};

use super::{Ada, ROTATIONS, is_bound};
use crate::{
    clients::{Adapter, Network, endpoint},
    provider::ClientKind,
    proxy::Fault,
    world::World,
};

/// Longer than a nonce is good for, and shorter than an assertion.
const LATER_S: i64 = 30;

pub(in crate::scenarios) fn adapters(world: &World<'_>) {
    for adapter in Adapter::ALL {
        for client in ClientKind::OF_ATPROTO {
            let session = world.log_in(client);
            let endpoint = endpoint(&world.proxy.url(), &session);
            let mut token = RefreshToken::new(&session.refresh_token);
            for number in 0..ROTATIONS {
                let challenged = world.provider.stats().challenged;
                // The time of the nonce that was learned is over.
                let is_later = number == ROTATIONS / 2;
                world.provider.set_clock(if is_later { LATER_S } else { 0 });
                let tokens = world
                    .refresh_by(&endpoint, adapter, &session, &token, &Network::default())
                    .unwrap_or_else(|error| panic!("{adapter:?} {client:?} {number}: {error}"));
                is_bound(world, &session, tokens.access_token.expose());
                token = tokens.refresh_token.expect("a refresh token");
                let is_asked = world.provider.stats().challenged > challenged;
                assert!(is_asked || (number > 0 && !is_later), "{adapter:?} {client:?} {number}");
            }
        }
    }
    let stats = world.provider.stats();
    let sessions = (Adapter::ALL.len() * ClientKind::OF_ATPROTO.len()) as u64;
    assert_eq!((stats.refreshed, stats.refused, stats.replays), (ROTATIONS * sessions, 0, 0));
}

fn ada<'a>(world: &'a World<'a>, adapter: Adapter, client: ClientKind) -> Ada<'a> {
    Ada::logged_in_at(&world.proxy.url(), client, world, adapter, Network::default())
}

fn is_good(world: &World<'_>, token: &Token) {
    assert!(world.provider.binding(token.access_token().expose()).lives);
}

pub(in crate::scenarios) fn account(world: &World<'_>) {
    for adapter in Adapter::ALL {
        for client in ClientKind::OF_ATPROTO {
            let ada = ada(world, adapter, client);
            for number in 0..ROTATIONS {
                ada.refresh_now()
                    .unwrap_or_else(|error| panic!("{adapter:?} {client:?} {number}: {error}"));
            }
            is_good(world, &ada.as_another_process().refresh_now().expect("the current token"));
        }
    }
    assert_eq!(world.provider.stats().refused, 0);
}

/// What the network loses before the server sees it is sent again. Of a rotation
/// whose response is lost nothing can be saved.
pub(in crate::scenarios) fn lost(world: &World<'_>) {
    for adapter in Adapter::ALL {
        for client in ClientKind::OF_ATPROTO {
            let ada = ada(world, adapter, client);
            for fault in [Fault::ResetAtOnce, Fault::ResetAfterRequest, Fault::Page(502)] {
                world.proxy.script(&[fault, fault]);
                is_good(world, &ada.refresh_in_the_end());
            }
            // It is asked for a nonce first.
            world.proxy.script(&[Fault::None, Fault::LostAfterRotation]);
            let error = ada.as_another_process().refresh_now().expect_err("the token is spent");
            assert_eq!(
                error.kind(),
                Some(FailureKind::Rejected),
                "{adapter:?} {client:?}: {error}"
            );
            assert!(error.possibly_spent(), "{adapter:?} {client:?}: {error}");
            assert_eq!(world.proxy.requests(), 3, "{adapter:?} {client:?}");
        }
    }
}

/// Killed with nothing under way, and before its response.
pub(in crate::scenarios) fn restarts(world: &World<'_>) {
    let accounts = [
        ada(world, Adapter::Reqwest, ClientKind::AtprotoAssertion),
        ada(world, Adapter::Ureq, ClientKind::Atproto),
    ];
    for ada in &accounts {
        is_good(world, &ada.refresh_now().expect("a server"));
    }
    world.provider.kill();
    for ada in &accounts {
        ada.refresh_now().expect_err("there is no server");
    }
    world.provider.start_again();
    for ada in &accounts {
        is_good(world, &ada.refresh_in_the_end());
    }
    for ada in &accounts {
        world.provider.kill_at_next_success();
        let error = ada.refresh_now().expect_err("there is no server any more");
        assert!(error.possibly_spent(), "{error}");
        world.provider.wait_for_death();
        world.provider.start_again();
        let error = ada.as_another_process().in_the_end().expect_err("the token is spent");
        assert_eq!(error.kind(), Some(FailureKind::Rejected), "{error}");
        assert!(error.possibly_spent(), "{error}");
    }
}
