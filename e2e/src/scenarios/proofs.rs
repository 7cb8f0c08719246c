//! Clients that prove anew in each request who asks: by assertions, by DPoP.

mod api;
mod atproto;
mod certificate;
mod lost;
mod restart;

use std::fs;

use auth_accounts::Reason;
use auth_core::{ClientAuth, Dpop, FailureKind, RefreshToken, SigningKey, Source};
use auth_sign::{AssertionFile, NewKey};

pub(super) use self::{
    api::tokens as tokens_at_an_api,
    atproto::{
        account as account_at_blueskys, adapters as adapters_at_blueskys, lost as lost_at_blueskys,
        restarts as restarts_at_blueskys,
    },
    certificate::{account as account_with_certificate, adapters as adapters_with_certificate},
    lost::{challenges, with_grace, without_grace},
    restart::{before_the_response, nonces_forgotten},
};
use super::ada::Ada;
use crate::{
    clients::{Adapter, Network, endpoint},
    provider::{Binding, ClientKind, Session},
    world::World,
};

const ROTATIONS: u64 = 6;

/// Each kind of client at an endpoint that keeps the server's nonces: it is asked
/// for one once.
pub(super) fn adapters(world: &World<'_>) {
    for adapter in Adapter::ALL {
        for client in ClientKind::PROVING {
            let before = world.provider.stats().challenged;
            let session = world.log_in(client);
            let endpoint = endpoint(&world.proxy.url(), &session);
            let mut token = RefreshToken::new(&session.refresh_token);
            for number in 0..ROTATIONS {
                let tokens = world
                    .refresh_by(&endpoint, adapter, &session, &token, &Network::default())
                    .unwrap_or_else(|error| panic!("{adapter:?} {client:?} {number}: {error}"));
                if number == 0 || number + 1 == ROTATIONS {
                    is_bound(world, &session, tokens.access_token.expose());
                }
                token = tokens.refresh_token.expect("a refresh token");
            }
            let challenges = world.provider.stats().challenged - before;
            assert_eq!(challenges, u64::from(client.needs_nonce()), "{adapter:?} {client:?}");
        }
    }
    let stats = world.provider.stats();
    let sessions = (Adapter::ALL.len() * ClientKind::PROVING.len()) as u64;
    assert_eq!((stats.refreshed, stats.refused, stats.replays), (ROTATIONS * sessions, 0, 0));
}

/// The same under an account; and a process that was started later goes on.
pub(super) fn account(world: &World<'_>) {
    for adapter in Adapter::ALL {
        for client in ClientKind::PROVING {
            let url = world.proxy.url();
            let ada = Ada::logged_in_at(&url, client, world, adapter, Network::default());
            for number in 0..ROTATIONS {
                ada.refresh_now()
                    .unwrap_or_else(|error| panic!("{adapter:?} {client:?} {number}: {error}"));
            }
            let token = ada.as_another_process().refresh_now().expect("the current token");
            assert!(world.provider.binding(token.access_token().expose()).lives);
        }
    }
    assert_eq!(world.provider.stats().refused, 0);
}

/// A process with another DPoP key. oidc-provider would say what it says of a session
/// that is over, where the client is public; the server of Bluesky would end it, for any
/// client. So neither is asked.
fn with_another_key(world: &World<'_>, client: ClientKind) {
    for adapter in Adapter::ALL {
        let url = world.proxy.url();
        let ada = Ada::logged_in_at(&url, client, world, adapter, Network::default());
        ada.refresh_now().unwrap_or_else(|error| panic!("{adapter:?}: {error}"));
        let key = NewKey::es256().expect("a key").into_key();
        let other = Dpop::new(SigningKey::new(key)).expect("a key pair");
        let process = ada.as_another_process_with(|endpoint| endpoint.dpop(other));
        world.proxy.script(&[]);
        let error = process.refresh_now().expect_err("it cannot prove to hold the key");
        assert!(matches!(error.reason(), Reason::OtherKey { .. }), "{adapter:?}: {error}");
        assert_eq!(world.proxy.requests(), 0, "{adapter:?}");
        ada.refresh_now().unwrap_or_else(|error| panic!("{adapter:?}: {error}"));
    }
    assert_eq!(world.provider.stats().refused, 0);
}

pub(super) fn another_key(world: &World<'_>) {
    for client in [ClientKind::Dpop, ClientKind::AssertionDpopNonce] {
        with_another_key(world, client);
    }
}

pub(super) fn another_key_at_blueskys(world: &World<'_>) {
    for client in [ClientKind::Atproto, ClientKind::AtprotoAssertion] {
        with_another_key(world, client);
    }
}

/// The server's clock is hours off. Where a nonce is not needed the server asks for
/// one then, and takes it in place of the time.
pub(super) fn clock_off(world: &World<'_>) {
    const HOURS_S: i64 = 5 * 3600;
    for adapter in Adapter::ALL {
        for (client, offset_s) in [
            (ClientKind::Dpop, HOURS_S),
            (ClientKind::Dpop, -HOURS_S),
            (ClientKind::DpopNonce, HOURS_S),
            (ClientKind::DpopNonce, -HOURS_S),
        ] {
            world.provider.set_clock(offset_s);
            let before = world.provider.stats().challenged;
            let session = world.log_in(client);
            let endpoint = endpoint(&world.proxy.url(), &session);
            let mut token = RefreshToken::new(&session.refresh_token);
            for _ in 0..3 {
                let tokens = world
                    .refresh_by(&endpoint, adapter, &session, &token, &Network::default())
                    .unwrap_or_else(|error| panic!("{adapter:?} {client:?} {offset_s}: {error}"));
                token = tokens.refresh_token.expect("a refresh token");
            }
            assert_eq!(world.provider.stats().challenged - before, 1, "{adapter:?} {client:?}");
        }
    }
    world.provider.set_clock(0);
}

/// An assertion from a file that something else replaces, and does not in time: the
/// server refuses one that it has seen, each in its words, and nobody is logged out.
fn ready_made(world: &World<'_>, client: ClientKind) {
    for adapter in Adapter::ALL {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("token");
        let replace = || {
            fs::write(&file, world.provider.ready_made_assertion(client)).expect("a file");
        };
        let session = world.log_in(client);
        let source = Source::new(AssertionFile::new(&file));
        let endpoint = endpoint(&world.proxy.url(), &session)
            .client_auth(ClientAuth::ready_made_assertion(source));
        let refresh = |token: &RefreshToken| {
            world.refresh_by(&endpoint, adapter, &session, token, &Network::default())
        };
        replace();
        let mut token = RefreshToken::new(&session.refresh_token);
        for _ in 0..2 {
            let tokens = refresh(&token).unwrap_or_else(|error| panic!("{adapter:?}: {error}"));
            token = tokens.refresh_token.expect("a refresh token");
            world.expect_refusal();
            let error = refresh(&token).expect_err("the assertion was used");
            assert_eq!(error.kind(), FailureKind::Misconfigured, "{adapter:?}: {error}");
            assert!(world.provider.lives(&session.family));
            replace();
        }
    }
}

pub(super) fn ready_made_assertion(world: &World<'_>) {
    ready_made(world, ClientKind::AssertionEs256);
}

pub(super) fn ready_made_assertion_at_blueskys(world: &World<'_>) {
    ready_made(world, ClientKind::AtprotoAssertion);
}

/// The access token is bound to the client's DPoP key, if it has one.
fn is_bound(world: &World<'_>, session: &Session, access_token: &str) {
    let key =
        endpoint(&world.proxy.url(), session).get_dpop().map(|dpop| dpop.thumbprint().to_owned());
    let expected = Binding { lives: true, dpop_key: key, certificate: None };
    assert_eq!(world.provider.binding(access_token), expected, "{:?}", session.client);
}
