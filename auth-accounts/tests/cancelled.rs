//! Callers that are dropped, at every await of a refresh.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::atomic::Ordering,
    task::{Context, Poll, Waker},
    time::Duration,
};

use auth_accounts::{Account, AccountError, Token, store::BlockingTokenStore};
use auth_core::FailureKind;
use auth_testkit::{FakeAuthServer, Fault, Rotation, VirtualClock};
use support::{ADA, World};

type Call = Pin<Box<dyn Future<Output = Result<Token, AccountError>>>>;

/// Polls once. If that leads to a sleep, time passes.
fn poll(call: &mut Call, clock: &VirtualClock) -> Poll<Result<Token, AccountError>> {
    let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    clock.advance_to_next();
    polled
}

/// Polls so many times, then drops. Whether it came to an end before that.
fn poll_and_drop(mut call: Call, polls: usize, clock: &VirtualClock) -> bool {
    (0..polls).any(|_| poll(&mut call, clock).is_ready())
}

fn block_on(mut call: Call, clock: &VirtualClock) -> Result<Token, AccountError> {
    loop {
        if let Poll::Ready(result) = poll(&mut call, clock) {
            return result;
        }
    }
}

fn call(account: &Account) -> Call {
    let account = account.clone();
    Box::pin(async move { account.token().await })
}

fn world(faults: &[Fault], rotation: Rotation) -> World<FakeAuthServer> {
    let clock = VirtualClock::manual();
    let server = FakeAuthServer::builder().rotation(rotation).clock(&clock).build();
    let world = World::logged_in(server);
    world.store.yields.store(true, Ordering::Relaxed);
    world.script.fail_next(faults.iter().copied());
    world.pass(3600);
    world
}

const FAULTS: [&[Fault]; 4] = [
    &[],
    &[Fault::Status(503)],
    &[Fault::Delay(Duration::from_secs(3))],
    &[Fault::LostBefore, Fault::Refused],
];

#[test]
fn the_next_caller_finishes_what_a_dropped_one_began() {
    for faults in FAULTS {
        let mut lost = 0;
        for polls in 0.. {
            let world = world(faults, Rotation::EachUse);
            let account = world.account();
            let ended = poll_and_drop(call(&account), polls, &world.clock);

            let lease = || {
                BlockingTokenStore::lease_blocking(&world.store.inner, &ADA.into(), Duration::ZERO)
            };
            // Nobody is kept waiting for the lease, unless what the store holds
            // is spent, and its successor is still to be saved.
            let unsaved = world.script.report().issued > 0 && !ended;
            assert!(unsaved || lease().is_ok(), "after {polls} polls");

            match block_on(call(&account), &world.clock) {
                Ok(token) => {
                    assert_eq!(
                        world.script.subject_of(token.access_token()).as_deref(),
                        Some(ADA),
                        "after {polls} polls",
                    );
                    let record = world.record();
                    assert_eq!(&record.tokens.access_token, token.access_token());
                    assert!(world.script.is_live(&record.tokens.refresh_token.unwrap()));
                }
                // Only if the response died with the caller, and it says so.
                Err(error) => {
                    assert!(error.possibly_spent(), "after {polls} polls: {error}");
                    assert_eq!(world.script.report().lost_responses, 1, "after {polls} polls");
                    lost += 1;
                }
            }
            assert!(lease().is_ok(), "after {polls} polls");
            world.script.assert_never_replayed();
            if ended {
                assert!(polls > 10, "there are as many awaits");
                break;
            }
        }
        let takes_time = faults.iter().any(|fault| matches!(fault, Fault::Delay(_)));
        assert_eq!(lost > 0, takes_time, "{lost} with {faults:?}");
    }
}

#[test]
fn with_a_grace_period_nobody_is_logged_out_by_a_dropped_caller() {
    for faults in FAULTS {
        for polls in 0.. {
            let world = world(faults, Rotation::WithGrace(Duration::from_secs(30)));
            let account = world.account();
            let ended = poll_and_drop(call(&account), polls, &world.clock);
            let token = block_on(call(&account), &world.clock).unwrap();
            assert_eq!(world.script.subject_of(token.access_token()).as_deref(), Some(ADA));
            world.script.assert_never_replayed();
            if ended {
                break;
            }
        }
    }
}

#[test]
fn another_caller_takes_over_the_very_refresh_that_is_under_way() {
    for faults in FAULTS {
        for polls in 0.. {
            let world = world(faults, Rotation::EachUse);
            let account = world.account();
            let (mut leader, mut waiter) = (call(&account), call(&account));
            assert!(poll(&mut leader, &world.clock).is_pending());
            assert!(poll(&mut waiter, &world.clock).is_pending());
            let ended = poll_and_drop(leader, polls, &world.clock);
            let token = block_on(waiter, &world.clock).unwrap();
            assert_eq!(world.script.subject_of(token.access_token()).as_deref(), Some(ADA));
            let report = world.script.report();
            assert_eq!((report.issued, report.lost_responses), (1, 0), "after {polls} polls");
            world.script.assert_never_replayed();
            if ended {
                break;
            }
        }
    }
}

#[test]
fn a_crowd_of_which_all_but_one_leave_still_refreshes_once() {
    let world = world(&[], Rotation::EachUse);
    let account = world.account();
    // Fewer than there are awaits, for each of them takes the refresh further.
    let mut callers: Vec<Call> = (0..10).map(|_| call(&account)).collect();
    for caller in &mut callers {
        assert!(poll(caller, &world.clock).is_pending());
    }
    let last = callers.swap_remove(7);
    drop(callers);
    block_on(last, &world.clock).unwrap();
    assert_eq!(world.script.report().issued, 1);
}

#[test]
fn a_dropped_login_has_happened_or_not() {
    for polls in 0.. {
        let world = world(&[], Rotation::EachUse);
        world.pass(1);
        let account = world.account();
        let old = block_on(call(&account), &world.clock).unwrap();
        let new = world.script.log_in("eve");
        let (one, access) = (account.clone(), new.access_token.clone());
        let ended =
            poll_and_drop(Box::pin(async move { one.store_login(new).await }), polls, &world.clock);

        // A second look: what was not saved is saved by now.
        let token = block_on(call(&account), &world.clock).unwrap();
        let happened = token.access_token() == &access;
        assert!(happened || token == old);
        assert!(happened || !ended);
        world.pass(2);
        assert_eq!(block_on(call(&account), &world.clock).unwrap(), token);
        assert_eq!(&world.record().tokens.access_token, token.access_token());
        if ended {
            break;
        }
    }
}

/// A panic in a store or a transport is the caller's to see, and nobody else's.
#[test]
fn a_panic_of_the_one_that_refreshes_does_not_reach_the_others() {
    let world = world(&[], Rotation::EachUse);
    world.store.before("note", 0, |_| panic!("the store is broken"));
    let account = world.account();
    let (mut leader, mut waiter) = (call(&account), call(&account));
    assert!(poll(&mut leader, &world.clock).is_pending());
    assert!(poll(&mut waiter, &world.clock).is_pending());
    let leads = AssertUnwindSafe(|| block_on(leader, &world.clock));
    assert!(catch_unwind(leads).is_err());
    let token = block_on(waiter, &world.clock).unwrap();
    assert_eq!(world.script.subject_of(token.access_token()).as_deref(), Some(ADA));
}

#[test]
fn a_failure_is_everyones_and_the_next_caller_tries_again() {
    let world = world(&[Fault::Refused; 3], Rotation::EachUse);
    let account = world.account();
    let mut callers: Vec<Call> = (0..10).map(|_| call(&account)).collect();
    let mut errors = Vec::new();
    while !callers.is_empty() {
        callers.retain_mut(|caller| match poll(caller, &world.clock) {
            Poll::Ready(result) => {
                errors.push(result.unwrap_err());
                false
            }
            Poll::Pending => true,
        });
    }
    assert_eq!(errors.len(), 10);
    for error in &errors {
        assert_eq!(error.kind(), Some(FailureKind::Unreachable));
        assert_eq!(error.to_string(), errors[0].to_string());
    }
    assert_eq!(world.script.report().requests, 3);
    world.pass(1);
    assert!(block_on(call(&account), &world.clock).is_ok());
}
