//! Refresh ahead of need.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Waker},
    time::Duration,
};

use auth_accounts::{Account, Settings};
use auth_testkit::{FakeAuthServer, Fault, Rotation, Script, VirtualClock};
use pollster::block_on;
use support::{ADA, World, record};

/// Keeps accounts fresh, and lets time pass.
struct Keeper {
    running: Vec<Pin<Box<dyn Future<Output = Infallible>>>>,
    clock: VirtualClock,
}

impl Keeper {
    fn of(accounts: &[Account], clock: &VirtualClock) -> Self {
        let running = accounts.iter().cloned().map(|account| {
            let keep: Pin<Box<dyn Future<Output = Infallible>>> =
                Box::pin(async move { account.keep_fresh().await });
            keep
        });
        Self { running: running.collect(), clock: clock.clone() }
    }

    /// Lets so much time pass.
    fn run(&mut self, time: Duration) {
        let until = self.clock.elapsed() + time;
        let mut context = Context::from_waker(Waker::noop());
        while self.clock.elapsed() < until {
            for _ in 0..30 {
                for keep in &mut self.running {
                    assert!(keep.as_mut().poll(&mut context).is_pending());
                }
            }
            let next = self.clock.advance_to_next();
            assert!(next.is_some(), "nobody sleeps");
        }
    }
}

fn server() -> World<FakeAuthServer> {
    let clock = VirtualClock::manual();
    World::logged_in(FakeAuthServer::builder().rotation(Rotation::EachUse).clock(&clock).build())
}

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_token_is_refreshed_before_anybody_needs_it() {
    let mut world = server();
    world.settings = Settings::default();
    let account = world.account();
    let mut keeper = Keeper::of(std::slice::from_ref(&account), &world.clock);
    keeper.run(HOUR * 10);
    let exchanges = world.script.report().issued;
    // Each is refreshed when 5 to 10 min and 10 s of an hour are left.
    assert!((10..=12).contains(&exchanges), "{exchanges}");
    world.store.log.take();
    assert!(block_on(account.token()).is_ok());
    assert_eq!(world.store.log.take(), "", "nobody had to wait");
    world.script.assert_never_replayed();
}

#[test]
fn the_moment_is_chosen_at_random_within_bounds() {
    let mut moments = Vec::new();
    for seed in 0..30 {
        let mut world = server();
        world.settings = Settings::default().seed(seed);
        let first = world.now();
        let mut keeper = Keeper::of(&[world.account()], &world.clock);
        while world.script.report().issued == 0 {
            keeper.run(Duration::from_secs(1));
        }
        let since = world.record().obtained_at.unwrap().duration_since(first).unwrap();
        let left = (HOUR - since).as_secs();
        assert!((310..=610).contains(&left), "{left} s were left");
        moments.push(left);
    }
    moments.sort_unstable();
    moments.dedup();
    assert!(moments.len() > 15, "{moments:?}");
}

#[test]
fn of_several_processes_one_refreshes() {
    let mut world = server();
    world.settings = Settings::default();
    let processes: Vec<Account> = (0..5).map(|_| world.account()).collect();
    let mut keeper = Keeper::of(&processes, &world.clock);
    keeper.run(HOUR * 10);
    let exchanges = world.script.report().issued;
    assert!((10..=13).contains(&exchanges), "{exchanges}");
    world.script.assert_never_replayed();
}

#[test]
fn it_ends_when_it_is_dropped() {
    let world = server();
    let mut keeper = Keeper::of(&[world.account()], &world.clock);
    keeper.run(HOUR / 2);
    drop(keeper);
    world.pass(10 * 3600);
    assert_eq!(world.script.report().requests, 0);
}

#[test]
fn an_outage_is_outlasted_without_a_storm() {
    let world = server();
    let account = world.account();
    let mut keeper = Keeper::of(std::slice::from_ref(&account), &world.clock);
    world.script.fail_next([Fault::Status(503); 60]);
    keeper.run(HOUR * 2);
    // Twenty refreshes of three attempts, further and further apart.
    let report = world.script.report();
    assert!((60..=65).contains(&report.requests), "{}", report.requests);
    assert!(report.issued >= 1);
    assert!(block_on(account.token()).is_ok());
}

#[test]
fn who_is_not_logged_in_is_looked_for_now_and_then_and_nothing_is_sent() {
    let clock = VirtualClock::manual();
    let world = World::new(Script::with_clock(&clock));
    let account = world.account();
    let mut keeper = Keeper::of(std::slice::from_ref(&account), &world.clock);
    keeper.run(HOUR);
    let looks = world.store.log.take();
    assert!((55..=65).contains(&looks.split(' ').count()), "{looks}");
    // Another process logs in.
    world.store.inner.put(ADA, record("at-1", "rt-1", world.now(), 3600));
    keeper.run(Duration::from_secs(61));
    world.store.log.take();
    assert!(block_on(account.token()).is_ok());
    assert_eq!(world.store.log.take(), "");
}

#[test]
fn after_a_refusal_nothing_is_sent_until_somebody_logs_in() {
    let world = server();
    world.script.revoke(ADA);
    let account = world.account();
    let mut keeper = Keeper::of(std::slice::from_ref(&account), &world.clock);
    keeper.run(HOUR * 5);
    assert_eq!(world.script.report().requests, 1);
    let tokens = world.script.log_in(ADA);
    block_on(account.store_login(tokens)).unwrap();
    keeper.run(HOUR);
    assert!(world.script.report().requests >= 2);
    assert!(block_on(account.token()).is_ok());
}

#[test]
fn a_token_that_is_not_saved_is_saved_before_long() {
    let world = server();
    let account = world.account();
    world.store.fail("tokens", [Some(auth_accounts::StoreErrorKind::Full); 3]);
    let mut keeper = Keeper::of(std::slice::from_ref(&account), &world.clock);
    keeper.run(HOUR);
    assert_eq!(world.script.report().issued, 1);
    let record = world.record();
    assert!(world.script.is_live(&record.tokens.refresh_token.unwrap()));
}

#[test]
fn a_machine_that_sleeps_refreshes_soon_after_it_wakes() {
    let world = server();
    let account = world.account();
    let mut keeper = Keeper::of(std::slice::from_ref(&account), &world.clock);
    keeper.run(Duration::from_secs(600));
    // The timer stands still meanwhile; the wall clock does not.
    world.clock.set_wall(world.now() + HOUR * 8);
    keeper.run(Duration::from_secs(61));
    assert_eq!(world.script.report().issued, 1);
}
