//! Clocks that differ, are set back, or jump ahead.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::time::{Duration, SystemTime};

use auth_testkit::{CannedResponse, Script};
use pollster::block_on;
use support::{ADA, World, record};

fn hours(hours: u64) -> Duration {
    Duration::from_secs(3600 * hours)
}

/// As a user or NTP sets it; nothing else notices.
fn set_clock(world: &World, wall: SystemTime) {
    world.clock.set_wall(wall);
}

#[test]
fn a_token_is_taken_to_expire_a_little_early() {
    // 60 s of life demanded, and 10 s for clocks that differ.
    for (left, refreshed) in [(71, false), (70, true)] {
        let script = Script::new();
        let script = if refreshed { script.tokens("at-2", "rt-2") } else { script };
        let world = World::new(script).with_record(left);
        let token = block_on(world.account().token()).unwrap();
        assert_eq!(token.access_token().expose() == "at-2", refreshed, "{left} s");
        world.script.finish();
    }
}

#[test]
fn another_machines_clock_may_be_ahead_or_behind() {
    for ahead in [Duration::from_secs(240), Duration::ZERO] {
        let world = World::new(Script::new());
        // Written by a machine whose clock is so far ahead.
        world.store.inner.put(ADA, record("at-1", "rt-1", world.now() + ahead, 3600));
        let account = world.account();
        assert!(block_on(account.token()).is_ok());
        // It is good for an hour all the same, and no longer.
        world.pass(3600 - 70 - 1);
        assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-1");
        world.script.finish();
    }
}

#[test]
fn a_clock_set_back_a_little_changes_nothing_but_a_look() {
    let world = World::new(Script::new()).with_record(3600);
    let account = world.account();
    block_on(account.token()).unwrap();
    world.store.log.take();
    set_clock(&world, world.now() - Duration::from_secs(2));
    for _ in 0..3 {
        assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-1");
    }
    assert_eq!(world.store.log.take(), "load");
}

#[test]
fn a_clock_set_back_by_hours_makes_no_old_token_young() {
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(3600);
    let account = world.account();
    block_on(account.token()).unwrap();
    set_clock(&world, world.now() - hours(5));
    // Its age is not known any more.
    assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-2");
    // From now on time is counted by the new clock.
    world.pass(1800);
    assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-2");
    world.script.finish();
}

#[test]
fn if_the_age_is_not_known_and_no_new_token_can_be_had_the_old_one_serves() {
    let world = World::new(Script::new().status(503).status(503).status(503)).with_record(3600);
    let account = world.account();
    block_on(account.token()).unwrap();
    set_clock(&world, world.now() - hours(5));
    let token = block_on(account.token()).unwrap();
    assert_eq!(token.access_token().expose(), "at-1");
    assert!(token.refresh_error().is_some());
}

#[test]
fn a_clock_that_jumps_ahead_costs_a_refresh() {
    let script = Script::new().tokens("at-2", "rt-2").tokens("at-3", "rt-3");
    let world = World::new(script).with_record(3600);
    let account = world.account();
    block_on(account.token()).unwrap();
    let right = world.now();
    set_clock(&world, right + hours(24 * 365));
    assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-2");
    // And back: what was obtained in the future is of unknown age.
    set_clock(&world, right);
    assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-3");
    assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-3");
    world.script.finish();
}

#[test]
fn a_setback_of_the_future_binds_nobody() {
    let script = Script::new()
        .then(CannedResponse::status(429).retry_after(hours(2)))
        .tokens("at-2", "rt-2");
    let world = World::new(script).with_record(1);
    world.pass(2);
    let right = world.now();
    set_clock(&world, right + hours(24 * 365));
    block_on(world.account().token()).unwrap_err();
    // A year and two hours would be too long a wait.
    set_clock(&world, right);
    assert!(block_on(world.account().token()).is_ok());
}

#[test]
fn a_setback_of_a_machine_whose_clock_is_a_little_ahead_binds() {
    let script = Script::new().then(CannedResponse::status(429).retry_after(hours(1)));
    let world = World::new(script).with_record(1);
    world.pass(300);
    block_on(world.account().token()).unwrap_err();
    set_clock(&world, world.now() - Duration::from_secs(120));
    block_on(world.account().token()).unwrap_err();
    world.script.finish();
}

/// The monotonic clock stands still while a laptop sleeps; the wall clock
/// does not.
#[test]
fn a_machine_that_slept_refreshes_when_it_wakes() {
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(3600);
    let account = world.account();
    block_on(account.token()).unwrap();
    set_clock(&world, world.now() + hours(8));
    assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-2");
}
