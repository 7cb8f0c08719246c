//! No secret leaves a pool unasked.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

#[path = "../../auth-accounts/tests/support/mod.rs"]
mod support;

use std::error::Error;

use auth_core::FailureKind;
use auth_pool::{AccountPool, PoolSettings};
use auth_testkit::{CannedResponse, Script};
use pollster::block_on;
use support::{ADA, World, record};

const SECRETS: [&str; 2] = ["at-secret-1", "rt-secret-1"];

fn silent(what: &str, text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{what} tells {secret}: {text}");
    }
}

fn pool(script: Script) -> (AccountPool, World) {
    let world = World::new(script);
    world.store.inner.put(ADA, record("at-secret-1", "rt-secret-1", world.now(), 3600));
    (AccountPool::new([world.account()], PoolSettings::default()), world)
}

#[test]
fn debug_does_not_tell_it() {
    let (pool, _world) = pool(Script::new());
    let shown = format!("{pool:?}");
    assert!(shown.starts_with("AccountPool { accounts: 1, settings: PoolSettings"), "{shown}");
    silent("a pool", &shown);
    silent("a pool's token", &format!("{:?}", block_on(pool.token()).unwrap()));
}

#[test]
fn errors_do_not_tell_it() {
    let echo = "no such token: rt-secret-1";
    for (response, kind) in [
        (CannedResponse::oauth_error("invalid_grant").description(echo), FailureKind::Rejected),
        (CannedResponse::status(403).body(echo), FailureKind::Unavailable),
    ] {
        let (pool, world) = pool(Script::new().then(response));
        world.pass(3600);
        let error = block_on(pool.token()).unwrap_err();
        let mut text = format!("{error} {error:?}");
        let mut source = error.source();
        while let Some(cause) = source {
            text += &format!(" {cause} {cause:?}");
            source = cause.source();
        }
        silent("the pool's error", &text);
        assert!(text.contains(&format!("{kind:?}")), "{text}");
    }
}
