//! Sessions that an unlucky order of events must not end: full disks, restarts,
//! logins that come to nothing, callers that never come back.

mod support;

use std::{
    future::Future,
    task::{Context, Poll, Waker},
};

use auth_accounts::{Reason, StoreErrorKind};
use auth_testkit::{FakeAuthServer, Rotation, Script, VirtualClock};
use support::{ADA, World, refresh_token};

/// Runs to the end; time passes where it is slept.
fn run<T>(future: impl Future<Output = T>, clock: &VirtualClock) -> T {
    let mut future = Box::pin(future);
    for _ in 0..100_000 {
        let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(result) = polled {
            return result;
        }
        clock.advance_to_next();
    }
    panic!("it hangs");
}

/// A strict server at which Ada has logged in, so many seconds ago.
fn strict(ago: u64) -> World<FakeAuthServer> {
    let clock = VirtualClock::manual();
    let server = FakeAuthServer::builder().rotation(Rotation::EachUse).clock(&clock).build();
    let world = World::logged_in(server);
    world.pass(ago);
    world
}

#[test]
fn a_full_disk_and_a_restart_log_nobody_out() {
    let world = strict(3600);
    world.store.fail("note", [Some(StoreErrorKind::Full); 3]);
    world.store.fail("tokens", [Some(StoreErrorKind::Full); 3]);
    for _ in 0..3 {
        let error = run(world.account().token(), &world.clock).unwrap_err();
        let Reason::Store(store) = error.reason() else { panic!("{error}") };
        assert_eq!(store.kind(), StoreErrorKind::Full);
    }
    assert_eq!(world.script.report().requests, 0, "nothing is sent without a note");

    world.store.mend();
    run(world.account().token(), &world.clock).unwrap();
    world.script.assert_never_replayed();

    // And the old token is handed out while it is valid.
    let world = strict(3570);
    world.store.fail("note", [Some(StoreErrorKind::Full)]);
    let token = run(world.account().token(), &world.clock).unwrap();
    assert!(matches!(token.renewal_error().unwrap().reason(), Reason::Store(_)));
    assert_eq!(world.script.report().requests, 0);
}

/// Nothing is spent by an exchange without a refresh token.
#[test]
fn a_full_disk_does_not_keep_a_client_from_its_own_credentials() {
    let script = Script::new().reply(auth_testkit::Answer::tokens("at-2").expires_in(3600));
    let world = World::new(script).with_record(0);
    world.store.fail("note", [Some(StoreErrorKind::Full)]);
    world.store.fail("tokens", [Some(StoreErrorKind::Full)]);
    let account = world.accounts().client_credentials().account(ADA);
    let token = run(account.token(), &world.clock).unwrap();
    assert_eq!(token.access_token().expose(), "at-2");
    assert_eq!(token.unsaved().unwrap().kind(), StoreErrorKind::Full);
    assert_eq!(refresh_token(&world.record()), "rt-1");
}
