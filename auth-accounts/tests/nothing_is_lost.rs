//! Sessions that an unlucky order of events must not end: full disks, restarts,
//! logins that come to nothing, callers that never come back.

mod support;

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, atomic::Ordering},
    task::{Context, Poll, Waker},
    time::Duration,
};

use auth_accounts::{Account, AccountError, Reason, Record, StoreErrorKind, Token};
use auth_testkit::{FakeAuthServer, Fault, Rotation, Script, VirtualClock};
use support::{ADA, World, lock, refresh_token, tokens};

type Call = Pin<Box<dyn Future<Output = Result<Token, AccountError>>>>;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

fn call(account: &Account) -> Call {
    let account = account.clone();
    Box::pin(async move { account.token().await })
}

/// Polls once; time passes if that leads to a sleep.
fn poll<T>(future: &mut Pin<Box<dyn Future<Output = T>>>, clock: &VirtualClock) -> Poll<T> {
    let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    clock.advance_to_next();
    polled
}

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

/// A caller is dropped, its process lives on and is never asked again. Its
/// tokens live for no time at all, so that the lease is held no longer than it
/// would be waited for.
#[test]
fn an_idle_process_does_not_lock_out_the_others() {
    for polls in 0.. {
        let clock = VirtualClock::manual();
        let server = FakeAuthServer::builder()
            .rotation(Rotation::EachUse)
            .access_lifetime(Duration::ZERO)
            .clock(&clock)
            .build();
        let mut world = World::logged_in(server);
        world.store.yields.store(true, Ordering::Relaxed);
        let patience = world.settings.clone();
        world.settings = patience.clone().lease_wait(Duration::from_millis(1));
        let idle = world.account();
        let mut caller = call(&idle);
        let ended = (0..polls).any(|_| poll(&mut caller, &clock).is_ready());
        drop(caller);

        world.pass(5 * 3600);
        world.settings = patience;
        match pollster::block_on(world.account().token()) {
            Ok(_) => {}
            // The answer died with the caller, and there is a note of it.
            Err(error) => assert!(error.after_unknown(), "after {polls} polls: {error}"),
        }
        drop(idle);
        if ended {
            assert!(polls > 10, "there are as many awaits");
            break;
        }
    }
}

/// A renewal is under way, and its tokens cannot be saved at once. Whatever
/// becomes of a login meanwhile, unless it takes effect they are not lost.
#[test]
fn a_login_that_comes_to_nothing_leaves_a_renewal_its_tokens() {
    for (failing, polls) in [(false, 1), (false, 2), (true, 10)] {
        let world = strict(3600);
        world.store.yields.store(true, Ordering::Relaxed);
        world.store.fail("tokens", [Some(StoreErrorKind::Full)]);
        let account = world.account();
        let mut renewal = call(&account);
        // As far as its first look at the store.
        assert!((0..2).all(|_| poll(&mut renewal, &world.clock).is_pending()));
        if failing {
            world.store.fail("load", [Some(StoreErrorKind::Io)]);
        }
        let login = account.clone();
        let tokens = tokens("at-9", "rt-9", world.now(), 3600);
        let mut login: Call = Box::pin(async move { login.login(tokens).await });
        let result = (0..polls).map(|_| poll(&mut login, &world.clock)).find(Poll::is_ready);
        assert_eq!(failing, matches!(result, Some(Poll::Ready(Err(_)))), "after {polls} polls");
        drop(login);

        let token = run(renewal, &world.clock).unwrap();
        assert_eq!(token.unsaved().unwrap().kind(), StoreErrorKind::Full);
        world.pass(2);
        let again = run(account.token(), &world.clock).unwrap();
        assert_eq!(again.access_token(), token.access_token());
        assert!(again.unsaved().is_none());
        world.script.assert_never_replayed();
    }
}

/// The login is in memory only, and a renewal of the old tokens comes to its
/// end.
#[test]
fn a_renewal_does_not_take_the_place_of_a_login_that_could_not_be_saved() {
    for polls in 2..20 {
        let world = strict(3600);
        world.store.yields.store(true, Ordering::Relaxed);
        let account = world.account();
        let mut renewal = call(&account);
        if (0..polls).any(|_| poll(&mut renewal, &world.clock).is_ready()) {
            assert!(polls > 10, "there are as many awaits");
            return;
        }
        world.store.fail("tokens", [Some(StoreErrorKind::Full)]);
        let login = account.login(tokens("at-9", "rt-9", world.now(), 3600));
        assert!(run(login, &world.clock).unwrap().unsaved().is_some());
        // Whatever it says.
        let _ = run(renewal, &world.clock);

        world.pass(2);
        let token = run(account.token(), &world.clock).unwrap();
        assert_eq!(token.access_token().expose(), "at-9", "after {polls} polls");
        assert!(token.unsaved().is_none());
        assert_eq!(refresh_token(&world.record()), "rt-9");
    }
    panic!("it does not end");
}

/// The new record is in place, but whether it would survive a power cut is not
/// known, and the store says so.
#[test]
fn tokens_that_may_not_be_durable_are_saved_again() {
    let script = Script::new().tokens("at-2", "rt-2");
    let world = World::new(script).with_record(0);
    let now = world.now();
    world.store.before("tokens", 0, move |store| {
        let record = Record::obtained(tokens("at-2", "rt-2", now, 3600), now);
        store.put(ADA, record);
    });
    world.store.fail("tokens", [Some(StoreErrorKind::Io), Some(StoreErrorKind::Io)]);
    let account = world.account();
    assert!(run(account.token(), &world.clock).unwrap().unsaved().is_some());
    world.store.log.take();
    for unsaved in [true, false] {
        world.pass(2);
        let token = run(account.token(), &world.clock).unwrap();
        assert_eq!(token.access_token().expose(), "at-2");
        assert_eq!(token.unsaved().is_some(), unsaved);
        let log = world.store.log.take();
        assert!(log.starts_with("load tokens"), "{log}");
    }
}

/// Its caller has no patience, and there is a task that has.
#[test]
fn a_renewal_with_a_task_of_its_own_outlives_its_caller() {
    for polls in 0.. {
        let world = strict(3600);
        world.store.yields.store(true, Ordering::Relaxed);
        world.script.fail_next([Fault::Delay(Duration::from_secs(3))]);
        let tasks: Arc<Mutex<Vec<Task>>> = Arc::default();
        let spawned = Arc::clone(&tasks);
        let account = world.accounts().spawner(move |task| lock(&spawned).push(task)).account(ADA);
        let mut caller = call(&account);
        let ended = (0..polls).any(|_| poll(&mut caller, &world.clock).is_ready());
        drop(caller);
        let tasks = std::mem::take(&mut *lock(&tasks));
        assert_eq!(tasks.len(), usize::from(polls > 0), "one for a renewal");
        for task in tasks {
            run(task, &world.clock);
        }
        let renewed = world.record().tokens.access_token;
        let token = run(account.token(), &world.clock).unwrap();
        assert!(polls == 0 || *token.access_token() == renewed, "after {polls} polls");
        assert_eq!(world.script.report().exchanges, 1);
        assert_eq!(world.script.report().lost_answers, 0);
        if ended {
            assert!(polls > 10, "there are as many awaits");
            break;
        }
    }
}
