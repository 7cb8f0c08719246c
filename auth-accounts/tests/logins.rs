//! Logins while a refresh is under way in the same process.

mod support;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use auth_accounts::{Account, StoreErrorKind, store::BlockingTokenStore};
use auth_core::TokenSet;
use auth_testkit::{FakeAuthServer, Fault, Rotation, VirtualClock};
use support::{ADA, Call, World, call, lock, poll, poll_once, refresh_token, run, strict, tokens};

fn log_in(account: &Account, tokens: TokenSet) -> Call {
    let account = account.clone();
    Box::pin(async move { account.store_login(tokens).await })
}

/// What the server gives for a login.
fn logged_in(world: &World<FakeAuthServer>) -> TokenSet {
    let tokens = world.script.log_in(ADA);
    lock(&world.store.logins).push(tokens.access_token.clone());
    tokens
}

#[test]
fn a_login_does_not_wait_for_a_lease_with_a_refresh() {
    let world = strict(3600);
    let lease = BlockingTokenStore::lease_blocking(&world.store.inner, &ADA.into(), Duration::ZERO);
    let account = world.account();
    let mut refresh = call(&account);
    assert!(poll_once(&mut refresh).is_pending());

    let before = world.now();
    let new = logged_in(&world);
    let Poll::Ready(token) = poll_once(&mut log_in(&account, new.clone())) else {
        panic!("it waits")
    };
    assert_eq!(*token.unwrap().access_token(), new.access_token);
    // Nor does whoever had waited for the refresh.
    let Poll::Ready(token) = poll_once(&mut refresh) else { panic!("it waits") };
    assert_eq!(*token.unwrap().access_token(), new.access_token);
    assert_eq!(world.now(), before);
    assert_eq!(world.record().tokens.access_token, new.access_token);
    drop(lease);
    assert_eq!(world.script.report().requests, 0);
}

/// The response was lost, and the server forgives for as long as half a minute.
/// A login comes, and comes to nothing, since the store cannot be read.
#[test]
fn a_login_that_fails_does_not_break_off_a_retry_that_is_due() {
    for spawned in [false, true] {
        let clock = VirtualClock::manual();
        let grace = Rotation::WithGrace(Duration::from_secs(30));
        let world =
            World::logged_in(FakeAuthServer::builder().rotation(grace).clock(&clock).build());
        world.pass(3600);
        world.store.yields.store(true, Ordering::Relaxed);
        world.script.fail_next([Fault::LostAfter]);
        let tasks: Arc<Mutex<Vec<_>>> = Arc::default();
        let list = Arc::clone(&tasks);
        let accounts = world.accounts();
        let accounts =
            if spawned { accounts.spawner(move |task| lock(&list).push(task)) } else { accounts };
        let account = accounts.account(ADA);
        let mut refresh = Some(call(&account));
        for _ in 0..40 {
            assert!(poll_once(refresh.as_mut().unwrap()).is_pending());
        }
        assert_eq!(world.script.report().requests, 1);
        refresh.take_if(|_| spawned);

        let mut login = log_in(&account, logged_in(&world));
        assert!(poll_once(&mut login).is_pending());
        for task in std::mem::take(&mut *lock(&tasks)) {
            run(task, &world.clock);
        }
        if let Some(refresh) = refresh {
            run(refresh, &world.clock).unwrap();
        }
        assert_eq!(world.script.report().requests, 2);
        world.store.fail("load", [Some(StoreErrorKind::Io)]);
        run(login, &world.clock).unwrap_err();
        world.pass(60);
        run(account.token(), &world.clock).unwrap();
    }
}

/// A caller has joined a login that fails: that is not how its refresh ends.
#[test]
fn who_waits_for_a_login_that_fails_is_served_by_a_refresh() {
    let world = strict(3600);
    world.store.yields.store(true, Ordering::Relaxed);
    let account = world.account();
    let mut login = log_in(&account, logged_in(&world));
    assert!(poll(&mut login, &world.clock).is_pending());
    let mut waits = call(&account);
    world.store.fail("load", [Some(StoreErrorKind::Io)]);
    assert!(poll(&mut waits, &world.clock).is_pending());
    run(login, &world.clock).unwrap_err();
    run(waits, &world.clock).unwrap();
    assert_eq!(world.script.report().issued, 1);
}

/// It is in memory only, and another process refreshes what it took the place of,
/// once or several times.
#[test]
fn a_login_that_could_not_be_saved_counts_more_than_a_refresh_by_others() {
    for refreshes in 1..3 {
        let world = strict(0);
        let (one, other) = (world.account(), world.account());
        run(one.store_login(logged_in(&world)), &world.clock).unwrap();
        let new = world.script.log_in("ada as well");
        lock(&world.store.logins).push(new.access_token.clone());
        world.store.fail("tokens", [Some(StoreErrorKind::Full)]);
        assert!(run(one.store_login(new.clone()), &world.clock).unwrap().unsaved().is_some());
        for _ in 0..refreshes {
            run(other.refresh_now(), &world.clock).unwrap();
        }
        world.pass(2);
        let token = run(one.token(), &world.clock).unwrap();
        assert_eq!(*token.access_token(), new.access_token);
        assert!(token.unsaved().is_none());
        // But another login is another login.
        let last = logged_in(&world);
        world.store.fail("tokens", [Some(StoreErrorKind::Full)]);
        run(one.store_login(logged_in(&world)), &world.clock).unwrap();
        run(other.store_login(last.clone()), &world.clock).unwrap();
        world.pass(2);
        let token = run(one.token(), &world.clock).unwrap();
        assert_eq!(*token.access_token(), last.access_token);
    }
}

/// Dropped while it was saved. Others refresh the old tokens meanwhile.
#[test]
fn a_login_that_was_dropped_is_saved_though_others_refresh() {
    for conflicts in [1, 2, 7, 20] {
        let world = strict(0);
        let account = world.account();
        run(account.store_login(logged_in(&world)), &world.clock).unwrap();
        let new = logged_in(&world);
        world.store.yields.store(true, Ordering::Relaxed);
        let mut login = log_in(&account, new.clone());
        world.store.log.take();
        while world.store.log.take() != "load" {
            assert!(poll(&mut login, &world.clock).is_pending());
        }
        assert!(poll(&mut login, &world.clock).is_pending());
        drop(login);
        let now = world.now();
        for number in 0..conflicts {
            world.store.before("tokens", 0, move |store| {
                let mut record = store.get(ADA).unwrap();
                record.tokens = tokens(&format!("at-{number}"), "rt", now, 3600);
                store.put(ADA, record);
            });
        }
        let token = run(account.token(), &world.clock).unwrap();
        assert_eq!(*token.access_token(), new.access_token);
        assert_eq!(token.unsaved().is_none(), conflicts < 20);
        assert_eq!(world.record().tokens.access_token == new.access_token, conflicts < 20);
    }
}

/// Were it dropped next, the tokens of the refresh would be all there is.
#[test]
fn a_login_waits_for_an_exchange() {
    for dropped in [false, true] {
        let world = strict(3600);
        world.script.fail_next([Fault::Delay(Duration::from_secs(3))]);
        let account = world.account();
        let mut refresh = call(&account);
        world.store.yields.store(true, Ordering::Relaxed);
        while world.script.report().requests == 0 {
            assert!(poll(&mut refresh, &world.clock).is_pending());
        }
        let new = logged_in(&world);
        let mut login = log_in(&account, new.clone());
        assert!(poll(&mut login, &world.clock).is_pending());
        if dropped {
            drop(login);
            let token = run(refresh, &world.clock).unwrap();
            assert_eq!(world.record().tokens.access_token, *token.access_token());
        } else {
            drop(refresh);
            let token = run(login, &world.clock).unwrap();
            assert_eq!(*token.access_token(), new.access_token);
            assert_eq!(world.record().tokens.access_token, new.access_token);
        }
        assert_eq!(world.script.report().issued, 1);
        assert_eq!(world.script.report().lost_responses, 0);
    }
}

/// They are the user's; the last one counts, and all get what they asked for.
#[test]
fn logins_come_one_after_the_other() {
    let world = strict(3600);
    world.store.yields.store(true, Ordering::Relaxed);
    let account = world.account();
    let all = [logged_in(&world), logged_in(&world), logged_in(&world)];
    let mut logins = all.clone().map(|tokens| log_in(&account, tokens));
    for login in &mut logins {
        assert!(poll(login, &world.clock).is_pending());
    }
    for (login, tokens) in logins.into_iter().zip(&all).rev() {
        let token = run(login, &world.clock).unwrap();
        assert_eq!(*token.access_token(), tokens.access_token);
    }
    assert_eq!(world.record().tokens.access_token, all[2].access_token);
    assert_eq!(*run(account.token(), &world.clock).unwrap().access_token(), all[2].access_token);
}

/// A refresh is under way, and its tokens cannot be saved at once. Whatever
/// becomes of a login meanwhile, unless it takes effect they are not lost.
#[test]
fn a_login_that_comes_to_nothing_leaves_a_refresh_its_tokens() {
    for (failing, polls) in [(false, 1), (false, 2), (true, 10)] {
        let world = strict(3600);
        world.store.yields.store(true, Ordering::Relaxed);
        world.store.fail("tokens", [Some(StoreErrorKind::Full)]);
        let account = world.account();
        let mut refresh = call(&account);
        // As far as its first look at the store.
        assert!((0..2).all(|_| poll(&mut refresh, &world.clock).is_pending()));
        if failing {
            world.store.fail("load", [Some(StoreErrorKind::Io)]);
        }
        let mut login = log_in(&account, tokens("at-9", "rt-9", world.now(), 3600));
        let result = (0..polls).map(|_| poll(&mut login, &world.clock)).find(Poll::is_ready);
        assert_eq!(failing, matches!(result, Some(Poll::Ready(Err(_)))), "after {polls} polls");
        drop(login);

        let token = run(refresh, &world.clock).unwrap();
        assert_eq!(token.unsaved().unwrap().kind(), StoreErrorKind::Full);
        world.pass(2);
        let again = run(account.token(), &world.clock).unwrap();
        assert_eq!(again.access_token(), token.access_token());
        assert!(again.unsaved().is_none());
        world.script.assert_never_replayed();
    }
}

/// The login is in memory only, and a refresh of the old tokens comes to its
/// end.
#[test]
fn a_refresh_does_not_take_the_place_of_a_login_that_could_not_be_saved() {
    for polls in 2..20 {
        let world = strict(3600);
        world.store.yields.store(true, Ordering::Relaxed);
        let account = world.account();
        let mut refresh = call(&account);
        if (0..polls).any(|_| poll(&mut refresh, &world.clock).is_ready()) {
            assert!(polls > 10, "there are as many awaits");
            return;
        }
        world.store.fail("tokens", [Some(StoreErrorKind::Full); 2]);
        let login = account.store_login(tokens("at-9", "rt-9", world.now(), 3600));
        assert!(run(login, &world.clock).unwrap().unsaved().is_some());
        // Whatever it says.
        let _ = run(refresh, &world.clock);
        world.store.mend();

        world.pass(2);
        let token = run(account.token(), &world.clock).unwrap();
        assert_eq!(token.access_token().expose(), "at-9", "after {polls} polls");
        assert!(token.unsaved().is_none());
        assert_eq!(refresh_token(&world.record()), "rt-9");
    }
    panic!("it does not end");
}

/// In whatever order they are polled.
#[test]
fn a_refresh_of_a_login_that_ended_meanwhile_is_kept() {
    for login_polls in 0..9 {
        for polls in 0..20 {
            let world = strict(0);
            world.store.yields.store(true, Ordering::Relaxed);
            let account = world.account();
            let mut login = log_in(&account, logged_in(&world));
            assert!(poll(&mut login, &world.clock).is_pending());
            world.pass(3590);
            let mut ended = (0..login_polls).any(|_| poll(&mut login, &world.clock).is_ready());
            let mut refresh = Some(call(&account));
            for _ in 0..polls {
                refresh.take_if(|refresh| poll(refresh, &world.clock).is_ready());
            }
            while !ended {
                ended = poll(&mut login, &world.clock).is_ready();
            }
            world.store.fail("tokens", [Some(StoreErrorKind::Full)]);
            if let Some(refresh) = refresh {
                run(refresh, &world.clock).unwrap();
            }
            world.store.mend();
            for _ in 0..2 {
                let token = run(account.token(), &world.clock).unwrap();
                let subject = world.script.subject_of(token.access_token());
                assert_eq!(subject.as_deref(), Some(ADA), "{login_polls}, {polls}");
                world.pass(3600);
            }
            world.script.assert_never_replayed();
        }
    }
}

/// The store cannot be read, so that nobody knows what is there; that it
/// cannot be written either was known before.
#[test]
fn a_login_that_fails_leaves_unsaved_tokens_alone() {
    let world = strict(3600);
    let account = world.account();
    world.store.fail("tokens", [Some(StoreErrorKind::Full)]);
    let refreshed = run(account.token(), &world.clock).unwrap();
    assert!(refreshed.unsaved().is_some());
    world.store.fail("load", [Some(StoreErrorKind::Io)]);
    run(account.store_login(logged_in(&world)), &world.clock).unwrap_err();
    world.pass(2);
    let token = run(account.token(), &world.clock).unwrap();
    assert_eq!(token.access_token(), refreshed.access_token());
    assert!(token.unsaved().is_none());
    world.script.assert_never_replayed();
}

/// The lease is kept with tokens that could not be saved; the next refresh of
/// the same process has it already.
#[test]
fn an_unsaved_login_does_not_lock_out_its_own_process() {
    let world = strict(3600);
    let account = world.account();
    world.store.fail("tokens", [Some(StoreErrorKind::Full); 2]);
    assert!(run(account.token(), &world.clock).unwrap().unsaved().is_some());
    let login = run(account.store_login(logged_in(&world)), &world.clock).unwrap();
    assert!(login.unsaved().is_some());
    world.store.log.take();
    let before = world.now();
    run(account.refresh_now(), &world.clock).unwrap();
    assert_eq!(world.now(), before);
    let log = world.store.log.take();
    assert!(!log.contains("lease") && log.ends_with("free"), "{log}");
    world.script.assert_never_replayed();
}

/// Somebody else polls the login at the moment at which the store panics.
#[test]
fn a_login_that_is_lost_in_a_panic_happens_once() {
    for name in ["load", "tokens"] {
        let world = strict(3600);
        world.store.yields.store(true, Ordering::Relaxed);
        let account = world.account();
        let new = logged_in(&world);
        let mut login = log_in(&account, new.clone());
        assert!(poll(&mut login, &world.clock).is_pending());
        let hits = Arc::new(AtomicUsize::new(0));
        let hit = Arc::clone(&hits);
        world.store.before(name, 0, move |_| {
            hit.fetch_add(1, Ordering::Relaxed);
            // Without a word, as it is meant to.
            std::panic::resume_unwind(Box::new("the store is broken"));
        });
        let other = call(&account);
        let broken = std::panic::AssertUnwindSafe(|| run(other, &world.clock));
        assert!(std::panic::catch_unwind(broken).is_err());
        assert_eq!(hits.load(Ordering::Relaxed), 1);
        let token = run(login, &world.clock).unwrap();
        assert_eq!(*token.access_token(), new.access_token, "at {name}");
        assert_eq!(token.unsaved().is_some(), name == "tokens");
        let token = run(account.token(), &world.clock).unwrap();
        assert_eq!(*token.access_token(), new.access_token, "at {name}");
        assert!(token.unsaved().is_none());
        assert_eq!(refresh_token(&world.record()), new.refresh_token.unwrap().expose());
        assert_eq!(world.script.report().requests, 0);
    }
}

/// Its caller has no patience, and there is a task that has.
#[test]
fn a_login_with_a_task_of_its_own_outlives_its_caller() {
    let world = strict(3600);
    world.store.yields.store(true, Ordering::Relaxed);
    let tasks: Arc<Mutex<Vec<_>>> = Arc::default();
    let spawned = Arc::clone(&tasks);
    let account = world.accounts().spawner(move |task| lock(&spawned).push(task)).account(ADA);
    let new = logged_in(&world);
    let mut login = log_in(&account, new.clone());
    assert!(poll(&mut login, &world.clock).is_pending());
    drop(login);
    for task in std::mem::take(&mut *lock(&tasks)) {
        run(task, &world.clock);
    }
    assert_eq!(world.record().tokens.access_token, new.access_token);
}
