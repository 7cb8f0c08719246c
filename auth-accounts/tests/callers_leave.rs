//! Callers that leave, where the accounts were made with a runtime: nothing else
//! is set, and nothing is lost.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{future::Future, pin::Pin, sync::atomic::Ordering, task::Poll, time::Duration};

use auth_accounts::{Account, AccountError, Accounts, Token};
use auth_testkit::{FakeAuthServer, Fault};
use support::{ADA, World, endpoint, poll_once, refresh_token, run, strict};

const FAULTS: [&[Fault]; 4] = [
    &[],
    &[Fault::Refused],
    &[Fault::Delay(Duration::from_secs(3))],
    &[Fault::Status(503), Fault::Delay(Duration::from_secs(3))],
];

fn world(faults: &[Fault]) -> World<FakeAuthServer> {
    let world = strict(3600);
    world.store.yields.store(true, Ordering::Relaxed);
    world.script.fail_next(faults.iter().copied());
    world
}

fn accounts(world: &World<FakeAuthServer>) -> Accounts {
    let (server, store) = (world.script.clone(), world.store.clone());
    Accounts::new(endpoint(), server, store, world.clock.clone()).settings(world.settings.clone())
}

/// Each way to ask for a token that sends a request here.
type Ask = fn(&Account) -> support::Call;

const ASK: [Ask; 3] = [
    support::call,
    |account| {
        let account = account.clone();
        Box::pin(async move { account.refresh_now().await })
    },
    |account| {
        let account = account.clone();
        Box::pin(async move { account.token_valid_for(Duration::from_secs(60)).await })
    },
];

/// Polls once. Time passes only where it is slept, for then the background goes
/// on as well, and would take some of the awaits.
fn step<F: Future + ?Sized>(
    world: &World<FakeAuthServer>,
    future: &mut Pin<Box<F>>,
) -> Poll<F::Output> {
    let polled = poll_once(future);
    if world.clock.sleeping() > 0 {
        world.clock.advance_to_next();
    }
    polled
}

fn assert_is_live(world: &World<FakeAuthServer>, result: Result<Token, AccountError>, at: &str) {
    let token = result.unwrap_or_else(|error| panic!("{at}: {error}"));
    assert_eq!(world.script.subject_of(token.access_token()).as_deref(), Some(ADA), "{at}");
    assert!(token.unsaved().is_none() && token.refresh_error().is_none(), "{at}: {token:?}");
    let record = world.record();
    assert_eq!(record.tokens.access_token, *token.access_token(), "{at}");
    assert!(world.script.is_live(record.tokens.refresh_token.as_ref().unwrap()), "{at}");
    let report = world.script.report();
    assert_eq!((report.issued, report.lost_responses), (1, 0), "{at}");
    world.script.assert_never_replayed();
}

/// At each await, of each refresh, by a timeout or a client that hangs up.
#[test]
fn a_refresh_whose_caller_leaves_at_any_await_loses_nothing() {
    for (way, ask) in ASK.iter().enumerate() {
        for faults in FAULTS {
            for polls in 0.. {
                let at = format!("way {way}, {faults:?}, after {polls} polls");
                let world = world(faults);
                let account = accounts(&world).account(ADA);
                let mut caller = ask(&account);
                let ended = (0..polls).any(|_| step(&world, &mut caller).is_ready());
                drop(caller);
                assert_is_live(&world, run(account.token(), &world.clock), &at);
                world.clock.run_tasks();
                assert_eq!(world.clock.tasks(), 0, "{at}: nothing goes on for ever");
                if ended {
                    assert!(polls > 10, "{at}: there are as many awaits");
                    break;
                }
            }
        }
    }
}

/// Nobody asks again: it comes to its end all the same, and is on record.
#[test]
fn a_refresh_that_nobody_waits_for_is_saved() {
    for faults in FAULTS {
        let world = world(faults);
        let account = accounts(&world).account(ADA);
        let before = world.record();
        let mut caller = support::call(&account);
        assert!(poll_once(&mut caller).is_pending());
        drop((caller, account));
        for _ in 0..100 {
            world.clock.run_tasks();
            world.clock.advance_to_next();
        }
        assert_ne!(world.record().tokens.access_token, before.tokens.access_token);
        assert!(world.record().note.is_none());
        assert_eq!(world.clock.tasks(), 0);
    }
}

#[test]
fn a_login_whose_caller_leaves_counts_or_has_changed_nothing() {
    let mut counted = 0;
    for polls in 0.. {
        let world = world(&[]);
        let account = accounts(&world).account(ADA);
        let old = world.record();
        let new = world.script.log_in(ADA);
        let mut login = Box::pin(account.store_login(new.clone()));
        let ended = (0..polls).any(|_| step(&world, &mut login).is_ready());
        drop(login);
        for _ in 0..100 {
            world.clock.run_tasks();
        }
        let record = world.record();
        if polls == 0 {
            assert_eq!(record, old, "it had not begun");
        } else {
            assert_eq!(refresh_token(&record), new.refresh_token.unwrap().expose());
            counted += 1;
        }
        if ended {
            break;
        }
    }
    assert!(counted > 3, "there are as many awaits");
}

/// The runtime ends, as a program does that does not close its accounts. The note
/// stays on record: the next process says what may have happened.
#[test]
fn a_runtime_that_ends_leaves_a_note() {
    let world = world(&[Fault::Delay(Duration::from_secs(3))]);
    let account = accounts(&world).account(ADA);
    let mut caller = support::call(&account);
    while world.script.report().requests == 0 {
        assert!(poll_once(&mut caller).is_pending());
    }
    drop(caller);
    world.clock.drop_tasks();
    drop(account);
    assert!(world.record().note.is_some());
    let error = run(accounts(&world).account(ADA).token(), &world.clock).unwrap_err();
    assert!(error.possibly_spent(), "{error}");
    assert_eq!(error.advice(), auth_core::Advice::LogIn);
}
