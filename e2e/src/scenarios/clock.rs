//! The server's clock ahead and behind.

use std::time::{Duration, SystemTime};

use auth_core::RefreshToken;

use super::ada::Ada;
use crate::{
    clients::{Adapter, Network},
    provider::ClientKind,
    world::World,
};

const HOUR_S: i64 = 3600;

/// How far the server's clock is off: seconds, hours, ten years.
const OFFSETS_S: [i64; 7] =
    [0, 30, -30, 2 * HOUR_S, -2 * HOUR_S, 10 * 365 * 24 * HOUR_S, -10 * 365 * 24 * HOUR_S];

/// `expires_at` is by the local clock, whatever the server's says.
pub(super) fn adapters(world: &World<'_>) {
    let provider = &world.provider;
    for adapter in Adapter::ALL {
        for offset_s in OFFSETS_S {
            provider.set_clock(offset_s);
            let session = world.log_in(ClientKind::Public);
            let mut token = RefreshToken::new(&session.refresh_token);
            for _ in 0..3 {
                let before = SystemTime::now();
                let tokens = world
                    .refresh(adapter, &session, &token, &Network::default())
                    .unwrap_or_else(|error| panic!("{adapter:?} {offset_s}: {error}"));
                let after = SystemTime::now();
                let expires_at = tokens.expires_at.expect("a date");
                let life = Duration::from_secs(3600);
                // A millisecond for two clocks that are read one after the other.
                let slack = Duration::from_millis(1);
                assert!(expires_at + slack >= before + life, "{adapter:?} {offset_s}");
                assert!(expires_at <= after + life + slack, "{adapter:?} {offset_s}");
                assert!(provider.accepts(tokens.access_token.expose()));
                token = tokens.refresh_token.expect("a refresh token");
            }
        }
    }
}

/// What the example programs tell of a new token's life.
pub(super) fn examples(world: &World<'_>) {
    for adapter in Adapter::ALL {
        for offset_s in OFFSETS_S {
            world.provider.set_clock(offset_s);
            let session = world.log_in(ClientKind::Public);
            let ran = world.run_example(adapter, &session, &session.refresh_token, &[], &[]);
            assert_eq!(ran.status, 0, "{adapter:?} {offset_s}: {} {}", ran.json, ran.stderr);
            // What is left of an hour when it is printed.
            let left = ran.json["expires_in_s"].as_u64().expect("a number");
            let spent = ran.took.as_secs() + 1;
            assert!((3600 - spent..=3600).contains(&left), "{adapter:?} {offset_s}: {left}");
        }
    }
}

/// An account while the server's clock is set back and forth: one refresh and
/// no more, as long as the server takes the token.
pub(super) fn account(world: &World<'_>) {
    let provider = &world.provider;
    for adapter in Adapter::ALL {
        provider.set_clock(0);
        let ada = Ada::logged_in(world, adapter, Network::default());
        for offset_s in [600, -600, 0, 2 * HOUR_S, -2 * HOUR_S, 0] {
            provider.set_clock(offset_s);
            ada.refresh_in_the_end();
            let refreshes = provider.stats().refreshed;
            for _ in 0..100 {
                let token = ada.token().expect("the current token");
                assert!(token.refresh_error().is_none());
            }
            let token = ada.token().expect("the current token");
            assert!(provider.accepts(token.access_token().expose()), "{adapter:?} {offset_s}");
            assert_eq!(provider.stats().refreshed, refreshes, "refreshed without need");
        }
    }
}
