//! Logouts: what is left of an account, here and for other processes.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{pin::Pin, sync::atomic::Ordering, task::Poll, time::Duration};

use auth_accounts::{
    Account, AccountError, Login, Logout, Reason, Revocation, StoreErrorKind,
    store::{BlockingTokenStore, Fingerprint, Record},
};
use auth_core::FailureKind;
use auth_testkit::{FakeAuthServer, Fault, RevokedBecause, Revokes, VirtualClock};
use support::{ADA, World, call, poll, poll_once, run};

/// A server that revokes, at which Ada has logged in so many seconds ago.
fn world(revokes: Revokes, ago: u64) -> World<FakeAuthServer> {
    let clock = VirtualClock::manual();
    let server = FakeAuthServer::builder().revokes(revokes).clock(&clock).build();
    let mut world = World::logged_in(server);
    world.endpoint = world.script.endpoint();
    world.pass(ago);
    world
}

fn log_out(account: &Account) -> Pin<Box<dyn Future<Output = Result<Logout, AccountError>>>> {
    let account = account.clone();
    Box::pin(async move { account.logout().await })
}

#[track_caller]
fn is_logged_out(world: &World<FakeAuthServer>, account: &Account) {
    let before = world.script.report().requests;
    let error = run(account.token(), &world.clock).unwrap_err();
    assert!(matches!(error.reason(), Reason::NotLoggedIn), "{error}");
    let error = run(account.refresh_now(), &world.clock).unwrap_err();
    assert!(matches!(error.reason(), Reason::NotLoggedIn), "{error}");
    assert!(account.current().is_none());
    assert_eq!(world.script.report().requests, before, "something was sent");
    assert_eq!(world.store.inner.get(ADA), None);
}

#[test]
fn a_logout_revokes_and_removes() {
    for revokes in [Revokes::Family, Revokes::Token] {
        let world = world(revokes, 0);
        let account = world.account();
        let token = run(account.token(), &world.clock).unwrap();
        let old = world.record().tokens.refresh_token.unwrap();
        world.store.log.take();
        let logout = run(account.logout(), &world.clock).unwrap();
        assert_eq!(world.store.log.take(), "lease load send remove free");
        assert!(matches!(logout.revocation, Revocation::Revoked), "{logout}");
        assert!(!world.script.is_live(&old));
        let accepted = world.script.subject_of(token.access_token()).is_some();
        assert_eq!(accepted, revokes == Revokes::Token);
        let report = world.script.report();
        assert_eq!((report.revoked, report.requests), (1, 1));
        let because: Vec<_> = report.revocations.iter().map(|one| one.because).collect();
        let family = revokes == Revokes::Family;
        assert_eq!(because, [RevokedBecause::Asked].repeat(usize::from(family)));
        is_logged_out(&world, &account);

        // And again, which does nothing.
        let logout = run(account.logout(), &world.clock).unwrap();
        assert!(!logout.was_logged_in, "{logout}");
        assert_eq!(world.script.report().requests, 1);
        // Until somebody logs in.
        run(account.store_login(world.script.log_in(ADA)), &world.clock).unwrap();
        run(account.token(), &world.clock).unwrap();
    }
}

#[test]
fn threads_log_out_too() {
    let world = world(Revokes::Family, 0);
    let account = world.blocking().account(ADA);
    account.token().unwrap();
    assert!(account.logout().unwrap().was_logged_in);
    assert!(matches!(account.token().unwrap_err().reason(), Reason::NotLoggedIn));
    assert_eq!(world.script.report().revoked, 1);
}

#[test]
fn whatever_the_server_does_the_account_is_logged_out() {
    for (fault, revokes, kind) in [
        (Fault::Status(503), Revokes::Family, FailureKind::Unavailable),
        (Fault::Refused, Revokes::Family, FailureKind::Unreachable),
        (Fault::LostBefore, Revokes::Family, FailureKind::Interrupted),
        (Fault::LostAfter, Revokes::Family, FailureKind::Interrupted),
        (Fault::None, Revokes::Nothing, FailureKind::Misconfigured),
    ] {
        let world = world(revokes, 0);
        let account = world.account();
        world.script.fail_next([fault]);
        let logout = run(account.logout(), &world.clock).unwrap();
        let Revocation::Failed(failure) = &logout.revocation else { panic!("{logout}") };
        assert_eq!(failure.kind(), kind);
        assert_eq!(world.script.report().requests, 1, "it is tried once");
        is_logged_out(&world, &account);
    }
}

/// The other process has a token in its memory. It finds out when it looks at the
/// store, and sends nothing.
#[test]
fn another_process_finds_out_before_it_sends() {
    let world = world(Revokes::Family, 0);
    let (one, other) = (world.account(), world.account());
    run(other.token(), &world.clock).unwrap();
    run(one.logout(), &world.clock).unwrap();
    assert!(run(other.token(), &world.clock).is_ok(), "it has not looked yet");
    world.pass(3600);
    is_logged_out(&world, &other);
}

/// It holds the lease. Its tokens go with the others.
#[test]
fn a_refresh_under_way_elsewhere_comes_to_its_end_first() {
    let world = world(Revokes::Token, 3600);
    world.store.yields.store(true, Ordering::Relaxed);
    let (one, other) = (world.account(), world.account());
    let mut refresh = call(&other);
    while world.script.report().requests == 0 {
        assert!(poll_once(&mut refresh).is_pending());
    }
    let mut logout = log_out(&one);
    for _ in 0..10 {
        assert!(poll_once(&mut logout).is_pending());
    }
    run(refresh, &world.clock).unwrap();
    let new = world.record().tokens.refresh_token.unwrap();
    assert!(run(logout, &world.clock).unwrap().was_logged_in);
    assert!(!world.script.is_live(&new));
    is_logged_out(&world, &one);
}

/// Whoever holds the lease may never free it. What it obtains is not saved.
#[test]
fn a_lease_that_is_stuck_keeps_nobody_logged_in() {
    let world = world(Revokes::Token, 3600);
    let (one, other) = (world.account(), world.account());
    world.store.yields.store(true, Ordering::Relaxed);
    let mut refresh = call(&other);
    while world.script.report().requests == 0 {
        assert!(poll_once(&mut refresh).is_pending());
    }
    world.store.fail("lease", [Some(StoreErrorKind::LeaseTimeout)]);
    let logout = run(one.logout(), &world.clock).unwrap();
    assert!(logout.without_lease && logout.may_be_alive(), "{logout}");
    let error = run(refresh, &world.clock).unwrap_err();
    assert!(matches!(error.reason(), Reason::NotLoggedIn), "{error}");
    is_logged_out(&world, &one);
    is_logged_out(&world, &other);
}

#[test]
fn a_refresh_here_that_waits_for_the_lease_gives_way() {
    let world = world(Revokes::Family, 3600);
    let lease = BlockingTokenStore::lease_blocking(&world.store.inner, &ADA.into(), Duration::ZERO);
    let account = world.account();
    let mut refresh = call(&account);
    assert!(poll_once(&mut refresh).is_pending());
    let mut logout = log_out(&account);
    assert!(poll_once(&mut logout).is_pending(), "it wants the lease as well");
    drop(lease);
    run(logout, &world.clock).unwrap();
    let error = run(refresh, &world.clock).unwrap_err();
    assert!(matches!(error.reason(), Reason::NotLoggedIn), "{error}");
    assert_eq!(world.script.report().requests, 1, "the revocation alone");
}

/// They are newer than those in the store, and hold the lease.
#[test]
fn tokens_that_could_not_be_saved_are_revoked_and_forgotten() {
    let world = world(Revokes::Token, 3600);
    let account = world.account();
    world.store.fail("tokens", [Some(StoreErrorKind::Full)]);
    assert!(run(account.token(), &world.clock).unwrap().unsaved().is_some());
    let spent = world.record().tokens.refresh_token.unwrap();
    let logout = run(account.logout(), &world.clock).unwrap();
    assert!(!logout.without_lease && matches!(logout.revocation, Revocation::Revoked));
    let revoked = world.script.requests().pop().unwrap();
    assert_ne!(revoked.param("token"), Some(spent.expose()));
    is_logged_out(&world, &account);
    let lease = BlockingTokenStore::lease_blocking(&world.store.inner, &ADA.into(), Duration::ZERO);
    drop(lease.unwrap());
}

/// Somebody else has logged out, and the tokens here follow a record that is gone.
#[test]
fn unsaved_tokens_do_not_bring_a_record_back() {
    let world = world(Revokes::Family, 3600);
    let (one, other) = (world.account(), world.account());
    world.store.fail("tokens", [Some(StoreErrorKind::Full)]);
    assert!(run(one.token(), &world.clock).unwrap().unsaved().is_some());
    let removed = world.store.inner.load_blocking(&ADA.into()).unwrap().unwrap();
    world.store.inner.remove_blocking(&ADA.into(), &removed.1).unwrap();
    world.pass(2);
    is_logged_out(&world, &one);
    is_logged_out(&world, &other);
}

#[test]
fn a_store_that_cannot_remove_leaves_all_as_it_is() {
    let world = world(Revokes::Nothing, 0);
    let account = world.account();
    run(account.token(), &world.clock).unwrap();
    world.store.fail("remove", [Some(StoreErrorKind::ReadOnly)]);
    let error = run(account.logout(), &world.clock).unwrap_err();
    assert!(matches!(error.reason(), Reason::Store(_)), "{error}");
    run(account.token(), &world.clock).unwrap();
    run(account.logout(), &world.clock).unwrap();
    is_logged_out(&world, &account);
}

#[test]
fn a_login_elsewhere_in_the_very_moment_stays() {
    let world = world(Revokes::Family, 0);
    let account = world.account();
    let new = world.script.log_in("ada again");
    let mut record = Record::obtained(new.clone(), world.now());
    record.login = new.refresh_token.as_ref().map(Fingerprint::of);
    world.store.before("remove", 0, move |store| {
        store.put(ADA, record.clone());
    });
    let logout = run(account.logout(), &world.clock).unwrap();
    assert!(logout.newer_login, "{logout}");
    assert_eq!(*run(account.token(), &world.clock).unwrap().access_token(), new.access_token);
    assert!(world.script.is_live(new.refresh_token.as_ref().unwrap()));
}

/// Either it has happened, or the account goes on. Whatever is handed out after it
/// is of a record that is there.
#[test]
fn a_dropped_logout_has_happened_or_not() {
    for revokes in [Revokes::Family, Revokes::Nothing] {
        for polls in 0.. {
            let world = world(revokes, 0);
            world.store.yields.store(true, Ordering::Relaxed);
            let account = world.account();
            run(account.token(), &world.clock).unwrap();
            let mut logout = log_out(&account);
            let ended = (0..polls).any(|_| poll(&mut logout, &world.clock).is_ready());
            drop(logout);

            let there = world.store.inner.get(ADA);
            let revoked = world.script.report().revoked > 0;
            match run(account.token(), &world.clock) {
                Ok(token) => {
                    let there = there.expect("a token of a record that is gone");
                    assert_eq!(*token.access_token(), there.tokens.access_token);
                    let live = world.script.is_live(there.tokens.refresh_token.as_ref().unwrap());
                    assert_eq!(live, !revoked);
                }
                Err(error) => {
                    assert!(matches!(error.reason(), Reason::NotLoggedIn), "{error}");
                    assert_eq!(there, None, "after {polls} polls");
                }
            }
            let lease = || {
                BlockingTokenStore::lease_blocking(&world.store.inner, &ADA.into(), Duration::ZERO)
            };
            assert!(lease().is_ok(), "after {polls} polls");
            // Whoever tries again gets there.
            run(account.logout(), &world.clock).unwrap();
            is_logged_out(&world, &account);
            if ended {
                assert!(polls > 5, "there are as many awaits");
                break;
            }
        }
    }
}

/// Those who want a token meanwhile are told so, and nobody refreshes.
#[test]
fn who_asks_during_a_logout_is_told() {
    let world = world(Revokes::Family, 3600);
    world.store.yields.store(true, Ordering::Relaxed);
    let account = world.account();
    let mut logout = log_out(&account);
    assert!(poll(&mut logout, &world.clock).is_pending());
    let mut asks = call(&account);
    assert!(poll(&mut asks, &world.clock).is_pending());
    run(logout, &world.clock).unwrap();
    let Poll::Ready(Err(error)) =
        (0..20).map(|_| poll(&mut asks, &world.clock)).find(Poll::is_ready).expect("it ends")
    else {
        panic!("a token")
    };
    assert!(matches!(error.reason(), Reason::NotLoggedIn), "{error}");
    assert_eq!(world.script.report().issued, 0);
}

/// If it is asked for, and only once the new one is safe.
#[test]
fn what_a_login_replaces_is_revoked() {
    let replaced = |asked: bool, same: bool, full: bool| {
        let world = world(Revokes::Family, 0);
        let account = world.account();
        run(account.token(), &world.clock).unwrap();
        let old = world.record().tokens;
        let new = if same { old.clone() } else { world.script.log_in("ada again") };
        if full {
            world.store.fail("tokens", [Some(StoreErrorKind::Full)]);
        }
        world.store.log.take();
        let login = Login::new(new.clone()).revoke_replaced(asked);
        let token = run(account.store_login(login), &world.clock).unwrap();
        assert_eq!(*token.access_token(), new.access_token);
        assert!(world.script.is_live(new.refresh_token.as_ref().unwrap()));
        let revoked = !world.script.is_live(old.refresh_token.as_ref().unwrap());
        assert_eq!(
            world.store.log.take(),
            if revoked { "load tokens send" } else { "load tokens" }
        );
        revoked
    };
    assert!(replaced(true, false, false));
    assert!(!replaced(false, false, false));
    assert!(!replaced(true, true, false), "it is the new one");
    assert!(!replaced(true, false, true), "the new one is in memory only");
}

#[test]
fn a_login_does_not_fail_because_the_old_token_could_not_be_revoked() {
    let world = world(Revokes::Family, 0);
    let account = world.account();
    world.script.fail_next([Fault::Status(503)]);
    let login = Login::new(world.script.log_in("ada again")).revoke_replaced(true);
    run(account.store_login(login), &world.clock).unwrap();
    assert_eq!(world.script.report().requests, 1);
    run(account.token(), &world.clock).unwrap();
}
