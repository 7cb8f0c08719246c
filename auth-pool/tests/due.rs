//! Pools: which accounts are due for a refresh ahead of their expiry.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

#[path = "../../auth-accounts/tests/support/mod.rs"]
mod support;

use std::{collections::BTreeSet, time::Duration};

use auth_accounts::AccountId;
use auth_pool::{AccountPool, PoolSettings};
use auth_testkit::{FakeAuthServer, Rotation, VirtualClock};
use pollster::block_on;
use support::World;

/// So many accounts at a server, which logged in one second after the other.
fn many(count: u64) -> (AccountPool, World<FakeAuthServer>, Vec<AccountId>) {
    let clock = VirtualClock::manual();
    let server = FakeAuthServer::builder().rotation(Rotation::EachUse).clock(&clock).build();
    let world = World::of(server);
    let ids: Vec<AccountId> =
        (0..count).map(|number| format!("account {number:03}").into()).collect();
    for id in &ids {
        let tokens = world.script.log_in(id.as_str());
        world.store.inner.put(id, auth_accounts::store::Record::obtained(tokens, world.now()));
        world.pass(1);
    }
    let accounts = world.accounts();
    let members = ids.iter().map(|id| accounts.account(id));
    let pool = AccountPool::new(members, PoolSettings::default().batch(10));
    (pool, world, ids)
}

#[test]
fn those_that_are_due_are_refreshed_and_nobody_else_is_looked_at() {
    let (pool, world, ids) = many(30);
    // Everybody is looked at once, a batch at a time.
    for round in 1..=3 {
        let refreshed = block_on(pool.refresh_due());
        assert!(refreshed.refreshed.is_empty() && refreshed.failed.is_empty());
        assert_eq!(refreshed.next_at.unwrap() <= world.now(), round < 3, "round {round}");
    }
    assert_eq!(world.store.log.take().split(' ').count(), 30);
    assert!(block_on(pool.refresh_due()).refreshed.is_empty());
    assert_eq!(world.store.log.take(), "");

    // From then on each is refreshed when its time has come.
    let mut seen = BTreeSet::new();
    while seen.len() < ids.len() {
        let refreshed = block_on(pool.refresh_due());
        assert!(refreshed.failed.is_empty(), "{:?}", refreshed.failed);
        let looked = world.store.log.take();
        assert_eq!(looked.matches("tokens").count(), refreshed.refreshed.len());
        for id in refreshed.refreshed {
            let elapsed = world.clock.elapsed().as_secs();
            assert!((2_990..=3_320).contains(&elapsed), "at {elapsed} s");
            assert!(seen.insert(id), "twice");
        }
        let next = refreshed.next_at.unwrap();
        world.clock.advance(next.duration_since(world.now()).unwrap_or_default());
    }
    world.script.assert_never_replayed();
}

#[test]
fn what_others_have_refreshed_is_not_refreshed_again() {
    let (pool, world, ids) = many(5);
    block_on(pool.refresh_due());
    world.pass(3500);
    for id in &ids {
        block_on(pool.account(id).unwrap().refresh_now()).unwrap();
    }
    let refreshed = block_on(pool.refresh_due());
    assert!(refreshed.refreshed.is_empty());
    assert!(refreshed.next_at.unwrap() > world.now() + Duration::from_secs(2_000));
    assert_eq!(world.script.report().issued, 5);
}

#[test]
fn what_cannot_be_refreshed_is_told_and_tried_again_in_time() {
    let (pool, world, ids) = many(3);
    block_on(pool.refresh_due());
    world.script.revoke(ids[1].as_str());
    world.pass(3400);
    let refreshed = block_on(pool.refresh_due());
    assert_eq!(refreshed.refreshed.len(), 2);
    assert_eq!(refreshed.failed.len(), 1);
    assert_eq!(refreshed.failed[0].account(), &ids[1]);
    let requests = world.script.report().requests;
    for _ in 0..100 {
        world.pass(60);
        block_on(pool.refresh_due());
    }
    // The dead one is not asked for again.
    assert!(world.script.report().requests <= requests + 2 * 2 + 2);
}
