//! Sessions that an unlucky order of events must not end: full disks, restarts,
//! callers that never come back.

mod support;

use std::{
    pin::Pin,
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use auth_accounts::{
    Reason, StoreErrorKind,
    store::{BlockingTokenStore, Record},
};
use auth_testkit::{FakeAuthServer, Fault, Rotation, Script, VirtualClock};
use support::{ADA, Call, World, call, lock, poll, refresh_token, run, strict, tokens};

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

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
    assert!(matches!(token.refresh_error().unwrap().reason(), Reason::Store(_)));
    assert_eq!(world.script.report().requests, 0);
}

/// Nothing is spent by a refresh without a refresh token.
#[test]
fn a_full_disk_does_not_keep_a_client_from_its_own_credentials() {
    let script = Script::new().then(auth_testkit::CannedResponse::tokens("at-2").expires_in(3600));
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
            // The response died with the caller, and there is a note of it.
            Err(error) => assert!(error.possibly_spent(), "after {polls} polls: {error}"),
        }
        drop(idle);
        if ended {
            assert!(polls > 10, "there are as many awaits");
            break;
        }
    }
}

/// Nobody needs the new tokens, for the old ones are good yet; but they are the
/// only ones, and others wait for the lease.
#[test]
fn a_refresh_that_was_dropped_is_finished_though_the_old_token_is_good() {
    for polls in 0.. {
        let world = strict(0);
        let account = world.account();
        run(account.token(), &world.clock).unwrap();
        world.store.yields.store(true, Ordering::Relaxed);
        let refreshing = account.clone();
        let mut caller: Call = Box::pin(async move { refreshing.refresh_now().await });
        let ended = (0..polls).any(|_| poll(&mut caller, &world.clock).is_ready());
        drop(caller);

        world.store.yields.store(false, Ordering::Relaxed);
        let token = run(account.token(), &world.clock).unwrap();
        let lease =
            BlockingTokenStore::lease_blocking(&world.store.inner, &ADA.into(), Duration::ZERO);
        assert!(lease.is_ok(), "after {polls} polls");
        if world.script.report().lost_responses == 0 {
            let record = world.record();
            assert_eq!(record.tokens.access_token, *token.access_token(), "after {polls} polls");
            assert!(world.script.is_live(&record.tokens.refresh_token.unwrap()));
        }
        if ended {
            assert!(polls > 10, "there are as many awaits");
            break;
        }
    }
}

/// What memory holds of a save that failed is saved later, and a refresh after
/// that is broken off. What was begun is on record, and stays there.
#[test]
fn what_was_begun_is_not_forgotten_for_what_memory_holds() {
    for polls in 0.. {
        let world = strict(3600);
        let account = world.account();
        world.store.fail("tokens", [Some(StoreErrorKind::Full)]);
        assert!(run(account.token(), &world.clock).unwrap().unsaved().is_some());
        world.store.yields.store(true, Ordering::Relaxed);
        let newer = || -> Call {
            let account = account.clone();
            Box::pin(async move { account.refresh_now().await })
        };
        // Dropped when they are saved, or before or after that.
        let mut caller = newer();
        let ended = (0..polls).any(|_| poll(&mut caller, &world.clock).is_ready());
        drop(caller);
        if ended {
            assert!(polls > 8, "there are as many awaits");
            break;
        }
        if world.script.report().requests > 1 {
            continue;
        }
        world.script.fail_next([Fault::StatusAfter(502)]);
        let mut caller = newer();
        while world.script.report().requests < 2 {
            assert!(poll(&mut caller, &world.clock).is_pending());
        }
        drop(caller);
        assert!(world.record().note.is_some());
        let error = run(account.refresh_now(), &world.clock).unwrap_err();
        assert!(error.possibly_spent(), "after {polls} polls: {error}");
    }
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
fn a_refresh_with_a_task_of_its_own_outlives_its_caller() {
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
        assert_eq!(tasks.len(), usize::from(polls > 0), "one for a refresh");
        for task in tasks {
            run(task, &world.clock);
        }
        let refreshed = world.record().tokens.access_token;
        let token = run(account.token(), &world.clock).unwrap();
        assert!(polls == 0 || *token.access_token() == refreshed, "after {polls} polls");
        assert_eq!(world.script.report().issued, 1);
        assert_eq!(world.script.report().lost_responses, 0);
        if ended {
            assert!(polls > 10, "there are as many awaits");
            break;
        }
    }
}
