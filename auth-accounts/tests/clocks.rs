//! Clocks that differ, are set back, or jump ahead.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use auth_accounts::store::Record;
use auth_core::Backoff;
use auth_testkit::{CannedResponse, Expect, Script, VirtualClock};
use pollster::block_on;
use support::{ADA, World, record, tokens};

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

/// Another process over the same store and server, whose clock is ahead by so many
/// seconds, or behind.
fn other(world: &World, ahead: i64) -> World {
    let clock = VirtualClock::new();
    let by = Duration::from_secs(ahead.unsigned_abs());
    clock.set_wall(if ahead < 0 { world.now() - by } else { world.now() + by });
    World {
        script: world.script.clone(),
        store: world.store.clone(),
        clock,
        settings: world.settings.clone(),
        busy: Arc::clone(&world.busy),
        endpoint: world.endpoint.clone(),
    }
}

/// How far clocks may be apart: not at all, by less than is put up with, by as much,
/// and by more.
const APART: [i64; 14] = [0, 1, 9, 10, 11, 60, 240, 280, 299, 300, 301, 3_600, 86_400 * 365, -280];

#[test]
fn who_fails_bars_the_others_for_no_longer_than_itself_whatever_its_clock_shows() {
    for ahead in APART {
        let script = Script::new().status(503).tokens("at-2", "rt-2");
        let world = World::new(script).with_record(0);
        // By any clock.
        world.pass(300);
        let other = other(&world, ahead);
        let failed = other.accounts().policy(Backoff::never()).account(ADA);
        let meant = block_on(failed.token()).unwrap_err().retry_after(other.now()).unwrap();
        assert!(meant <= Duration::from_secs(5));

        let account = world.account();
        if let Err(error) = block_on(account.token()) {
            let wait = error.retry_after(world.now()).unwrap();
            assert!(wait <= meant, "{ahead}: {wait:?} of {meant:?}");
            let status = block_on(account.status()).unwrap();
            assert_eq!(status.setback.unwrap().retry_at, error.retry_at());
            // Looking again makes it no longer.
            world.clock.advance(wait / 2);
            let error = block_on(account.token()).unwrap_err();
            assert_eq!(error.retry_after(world.now()), Some(wait - wait / 2), "{ahead}");
            world.clock.advance(wait - wait / 2);
        }
        let token = block_on(account.token());
        assert_eq!(token.unwrap().access_token().expose(), "at-2", "{ahead}");
        world.script.finish();
    }
}

#[test]
fn a_token_is_handed_out_for_no_longer_than_its_life_whoever_obtained_it() {
    for ahead in APART {
        for (life, used) in [(4_u64, 3_u64), (100, 75), (3_600, 3_530)] {
            let script = Script::new().always(
                Expect::no_param("nonsense"),
                CannedResponse::tokens("at-2").refresh_token("rt-2"),
            );
            let world = World::new(script);
            let other = other(&world, ahead);
            let now = other.now();
            let tokens = tokens("at-1", "rt-1", now, life);
            world.store.inner.put(ADA, Record::obtained(tokens, now));
            let account = world.account();
            let mut seconds = 0;
            while block_on(account.token()).unwrap().access_token().expose() == "at-1" {
                seconds += 1;
                assert!(seconds <= used, "{ahead}: {life} s");
                world.pass(1);
            }
            // Nor is it cut short, where the clocks are close.
            let expected = if ahead > 300 { 0 } else { used.saturating_sub(behind(ahead)) };
            assert_eq!(seconds, expected, "{ahead}: {life} s");
        }
    }
}

fn behind(ahead: i64) -> u64 {
    ahead.min(0).unsigned_abs()
}

/// The old token serves while there is no other; for no longer than it lives.
#[test]
fn an_old_token_serves_for_no_longer_than_its_life() {
    for ahead in APART {
        let script =
            Script::new().always(Expect::no_param("nonsense"), CannedResponse::status(503));
        let world = World::new(script);
        let other = other(&world, ahead);
        let now = other.now();
        world.store.inner.put(ADA, Record::obtained(tokens("at-1", "rt-1", now, 400), now));
        let account = world.accounts().policy(Backoff::never()).account(ADA);
        let mut seconds = 0;
        while block_on(account.token()).is_ok() {
            seconds += 1;
            world.pass(1);
        }
        assert_eq!(seconds, 400 - behind(ahead), "{ahead}");
    }
}

/// A clock that was set back is no reason to hand a token out for longer.
#[test]
fn a_clock_set_back_between_two_looks_adds_nothing() {
    for by in [1, 60, 299, 301, 5_000] {
        let script =
            Script::new().always(Expect::no_param("nonsense"), CannedResponse::status(503));
        let world = World::new(script);
        let now = world.now();
        world.store.inner.put(ADA, Record::obtained(tokens("at-1", "rt-1", now, 400), now));
        let account = world.accounts().policy(Backoff::never()).account(ADA);
        block_on(account.token()).unwrap();
        world.pass(350);
        // It is about to expire; a second thought is due.
        assert!(block_on(account.token()).unwrap().refresh_error().is_some());
        set_clock(&world, world.now() - Duration::from_secs(by));
        let mut seconds = 0;
        while block_on(account.token()).is_ok() {
            seconds += 1;
            world.pass(1);
            assert!(seconds <= 50, "{by}");
        }
    }
}

/// Processes whose clocks are apart refresh no more often for that: each sees the
/// others' tokens as older or younger than they are.
#[test]
fn clocks_that_are_apart_lead_to_no_storm() {
    for apart in
        [vec![0, 280], vec![0, -280], vec![0, 240, -240, 5], vec![0, 7_200], vec![0, -7_200]]
    {
        let script = Script::new().always(
            Expect::no_param("nonsense"),
            CannedResponse::tokens("at-2").refresh_token("rt-2").expires_in(600),
        );
        let world = World::new(script).with_record(0);
        let worlds: Vec<_> = apart.iter().map(|ahead| other(&world, *ahead)).collect();
        let accounts: Vec<_> = worlds.iter().map(World::account).collect();
        for _ in 0..3_600 {
            for (world, account) in worlds.iter().zip(&accounts) {
                block_on(account.token()).unwrap();
                world.pass(1);
            }
        }
        // Once in nine minutes each, at most.
        let calls = world.script.calls();
        assert!(calls <= 8 * apart.len(), "{apart:?}: {calls}");
    }
}
