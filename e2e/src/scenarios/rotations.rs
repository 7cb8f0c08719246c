//! Two hundred rotations in a row.

use auth_core::RefreshToken;

use super::ada::Ada;
use crate::{
    clients::{Adapter, Network},
    provider::ClientKind,
    world::World,
};

const ROTATIONS: u64 = 200;

pub(super) fn adapters(world: &World<'_>) {
    for adapter in Adapter::ALL {
        for client in ClientKind::FIXED {
            let session = world.log_in(client);
            let mut token = RefreshToken::new(&session.refresh_token);
            for number in 0..ROTATIONS {
                let tokens = world
                    .refresh(adapter, &session, &token, &Network::default())
                    .unwrap_or_else(|error| panic!("{adapter:?} {client:?} {number}: {error}"));
                let next = tokens.refresh_token.expect("a refresh token");
                assert!(next != token, "the server rotates");
                token = next;
                if number % 50 == 0 {
                    assert!(world.provider.accepts(tokens.access_token.expose()));
                }
            }
        }
    }
    let stats = world.provider.stats();
    assert_eq!((stats.refreshed, stats.replays), (2 * 3 * ROTATIONS, 0));
}

pub(super) fn examples(world: &World<'_>) {
    for adapter in Adapter::ALL {
        let session = world.log_in(ClientKind::Public);
        let mut token = session.refresh_token.clone();
        for number in 0..ROTATIONS {
            let ran = world.run_example(adapter, &session, &token, &["--show-tokens"], &[]);
            assert_eq!(ran.status, 0, "{adapter:?} {number}: {} {}", ran.json, ran.stderr);
            assert_eq!(ran.json["outcome"], "refreshed");
            assert_eq!(ran.json["rotated"], true);
            assert_eq!(ran.json["attempts"], 1);
            token = ran.json["refresh_token"].as_str().expect("a token").to_owned();
        }
        wrong_secret_is_no_logout(adapter, world);
    }
    let stats = world.provider.stats();
    assert_eq!((stats.refreshed, stats.replays), (2 * (ROTATIONS + 1), 0));
}

/// A wrong secret must not pass for a dead session, which goes on with the
/// right one.
fn wrong_secret_is_no_logout(adapter: Adapter, world: &World<'_>) {
    let session = world.log_in(ClientKind::Basic);
    let arguments = ["--client-secret-env", "SECRET"];
    world.expect_refusal();
    for (secret, status, outcome) in
        [("wrong", 5, "misconfigured"), (session.client_secret.as_str(), 0, "")]
    {
        let environment = [("SECRET", secret)];
        let token = &session.refresh_token;
        let ran = world.run_example(adapter, &session, token, &arguments, &environment);
        assert_eq!(ran.status, status, "{} {}", ran.json, ran.stderr);
        assert_eq!(ran.json["kind"].as_str().unwrap_or_default(), outcome);
    }
}

pub(super) fn account(world: &World<'_>) {
    for adapter in Adapter::ALL {
        let ada = Ada::logged_in(world, adapter, Network::default());
        for number in 0..ROTATIONS {
            let token =
                ada.refresh_now().unwrap_or_else(|error| panic!("{adapter:?} {number}: {error}"));
            assert!(token.unsaved().is_none());
            if number % 50 == 0 {
                assert!(world.provider.accepts(token.access_token().expose()));
            }
        }
        // A process started later finds the last token of all.
        let later = ada.as_another_process();
        let token = later.refresh_now().expect("the stored token is the current one");
        assert!(world.provider.accepts(token.access_token().expose()));
    }
    let stats = world.provider.stats();
    assert_eq!((stats.refreshed, stats.replays), (2 * (ROTATIONS + 1), 0));
}
