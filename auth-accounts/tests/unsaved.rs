//! While tokens are in memory only, every token says so, whatever else goes wrong,
//! and so does the status.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{atomic::Ordering, mpsc},
    time::Duration,
};

use auth_accounts::{Account, AccountError, Accounts, Reason, StoreErrorKind, Token};
use auth_core::AccessToken;
use auth_testkit::Script;
use support::{ADA, Call, World, call, poll_once, record, run, strict, tokens};

const FULL: [Option<StoreErrorKind>; 1_000] = [Some(StoreErrorKind::Full); 1_000];

/// Where the tokens come from that cannot be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Refresh,
    Login,
    /// Without a refresh token, so that something is sent although the note cannot
    /// be saved either.
    Credentials,
}

/// What goes wrong beside that, a minute before they expire.
struct Trouble {
    name: &'static str,
    from: From,
    script: fn(Script) -> Script,
    begins: fn(&World),
    ask: fn(&World, &Account) -> Result<Token, AccountError>,
}

fn token(world: &World, account: &Account) -> Result<Token, AccountError> {
    run(account.token(), &world.clock)
}

fn refused(world: &World, account: &Account) -> Result<Token, AccountError> {
    run(account.token_refused(&AccessToken::new("at-2")), &world.clock)
}

fn down(script: Script) -> Script {
    script.status(503).status(503).status(503)
}

fn same(script: Script) -> Script {
    script
}

fn nothing_can_be_saved(world: &World) {
    world.store.fail("note", FULL);
    world.store.fail("setback", FULL);
}

const TROUBLES: &[Trouble] = &[
    Trouble {
        name: "the record cannot be read",
        from: From::Refresh,
        script: same,
        begins: |world| world.store.fail("load", FULL),
        ask: token,
    },
    Trouble {
        name: "the record of a login cannot be read",
        from: From::Login,
        script: same,
        begins: |world| world.store.fail("load", FULL),
        ask: token,
    },
    Trouble {
        name: "the lease cannot be had",
        from: From::Login,
        script: same,
        begins: |world| world.store.fail("lease", FULL),
        ask: token,
    },
    Trouble {
        name: "somebody else has the lease",
        from: From::Login,
        script: same,
        begins: |world| world.store.fail("lease", [Some(StoreErrorKind::LeaseTimeout); 100]),
        ask: token,
    },
    Trouble {
        name: "the note cannot be saved",
        from: From::Refresh,
        script: same,
        begins: |world| world.store.fail("note", FULL),
        ask: token,
    },
    Trouble {
        name: "the endpoint is down",
        from: From::Credentials,
        script: down,
        begins: nothing_can_be_saved,
        ask: token,
    },
    Trouble {
        name: "a setback bars the refresh",
        from: From::Credentials,
        script: down,
        begins: nothing_can_be_saved,
        ask: |world, account| {
            token(world, account)?;
            world.pass(1);
            token(world, account)
        },
    },
    Trouble {
        name: "the client is refused",
        from: From::Credentials,
        script: |script| script.oauth_error("invalid_client"),
        begins: nothing_can_be_saved,
        ask: token,
    },
    Trouble {
        name: "the access token is refused",
        from: From::Refresh,
        script: same,
        begins: nothing_can_be_saved,
        ask: refused,
    },
    Trouble {
        name: "a check ahead of need fails",
        from: From::Refresh,
        script: same,
        begins: nothing_can_be_saved,
        ask: |world, account| {
            run(account.refresh_if_due(), &world.clock).result.unwrap_err();
            token(world, account)
        },
    },
    Trouble {
        name: "a save is broken off",
        from: From::Refresh,
        script: same,
        begins: |world| {
            world.store.yields.store(true, Ordering::Relaxed);
            world.store.fail("load", [None, Some(StoreErrorKind::Io)]);
        },
        ask: |world, account| {
            let mut caller = call(account);
            while !world.store.log.take().contains("tokens") {
                assert!(poll_once(&mut caller).is_pending());
            }
            drop(caller);
            token(world, account)
        },
    },
    Trouble {
        name: "a save panics",
        from: From::Refresh,
        script: same,
        begins: |world| {
            world.store.before("tokens", 0, |_| panic!("the store is broken"));
            world.store.fail("load", [None, Some(StoreErrorKind::Io)]);
        },
        ask: |world, account| {
            let panics = AssertUnwindSafe(|| token(world, account));
            assert!(catch_unwind(panics).is_err());
            token(world, account)
        },
    },
];

/// A world in which the tokens `at-2` are in memory only, and `script` is to come.
fn unsaved(from: From, script: impl FnOnce(Script) -> Script) -> (World, Accounts) {
    let first = match from {
        From::Login => Script::new(),
        From::Refresh | From::Credentials => Script::new().tokens("at-2", "rt-2"),
    };
    let world = World::new(script(first)).with_record(10);
    world.store.fail("tokens", FULL);
    let accounts = match from {
        From::Refresh | From::Login => world.accounts(),
        From::Credentials => world.accounts().client_credentials(),
    };
    let account = accounts.account(ADA);
    let token = match from {
        From::Refresh | From::Credentials => token(&world, &account),
        From::Login => {
            let tokens = tokens("at-2", "rt-2", world.now(), 3600);
            run(account.store_login(tokens), &world.clock)
        }
    };
    assert!(token.unwrap().unsaved().is_some());
    (world, accounts)
}

#[test]
fn every_token_says_so_whatever_else_goes_wrong() {
    for Trouble { name, from, script, begins, ask } in TROUBLES {
        // With what a refresh brings that is due by then.
        let (world, accounts) = unsaved(*from, |first| script(first).tokens("at-3", "rt-3"));
        let account = accounts.account(ADA);
        world.pass(3_550);
        world.store.log.take();
        begins(&world);
        let says = |token: &Token| {
            assert_eq!(token.access_token().expose(), "at-2", "{name}");
            assert!(token.unsaved().is_some(), "{name}: {token:?}");
        };
        match ask(&world, &account) {
            Ok(token) => says(&token),
            Err(error) => assert_eq!(*name, "the access token is refused", "{error}"),
        }
        account.current().iter().for_each(says);
        account.peek().iter().for_each(says);
        let status = run(account.status(), &world.clock).expect(name);
        assert!(status.unsaved.is_some(), "{name}: {status}");

        // The store works again.
        world.store.mend();
        world.store.yields.store(false, Ordering::Relaxed);
        world.pass(1);
        let is_said = |token: &Token| token.unsaved().is_some();
        let _ = token(&world, &account).inspect(|token| assert!(!is_said(token), "{name}"));
        assert!(!account.current().as_ref().is_some_and(is_said), "{name}");
        let status = run(account.status(), &world.clock).expect(name);
        assert_eq!(status.unsaved, None, "{name}");
        assert_ne!(world.record().tokens.access_token.expose(), "at-1", "{name}");
    }
}

#[test]
fn a_status_without_a_record_is_that_of_the_tokens_in_memory() {
    let (world, accounts) = unsaved(From::Refresh, same);
    let account = accounts.account(ADA);
    world.store.fail("load", [Some(StoreErrorKind::Io)]);
    let status = run(account.status(), &world.clock).unwrap();
    let text = status.to_string();
    assert!(text.contains("expires in 60 min"), "{text}");
    assert!(text.contains("no space is left") && text.contains("cannot be read"), "{text}");
    // Without tokens in memory there is nothing to be said.
    world.store.mend();
    world.pass(1);
    token(&world, &account).unwrap();
    world.store.fail("load", [Some(StoreErrorKind::Io)]);
    assert!(run(account.status(), &world.clock).is_err());
}

/// Without a runtime nobody else saves them, but a loop that keeps all fresh.
#[test]
fn a_check_comes_soon_while_they_are_unsaved() {
    let (world, accounts) = unsaved(From::Refresh, same);
    let account = accounts.account(ADA);
    world.pass(1);
    let next_in = || run(account.refresh_if_due(), &world.clock).next_in;
    assert_eq!(next_in(), Duration::from_secs(30));
    world.store.mend();
    world.pass(30);
    assert!(next_in() > Duration::from_secs(60));
    assert!(account.current().unwrap().unsaved().is_none());
}

#[test]
fn what_others_saved_meanwhile_is_the_newer_one() {
    let (world, accounts) = unsaved(From::Refresh, same);
    let account = accounts.account(ADA);
    world.store.inner.put(ADA, record("at-9", "rt-9", world.now(), 3600));
    assert_eq!(run(account.status(), &world.clock).unwrap().unsaved, None);
}

#[test]
fn what_is_just_being_saved_is_not_unsaved() {
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(600);
    let account = world.account();
    token(&world, &account).unwrap();
    world.store.yields.store(true, Ordering::Relaxed);
    let refreshing = account.clone();
    let mut caller: Call = Box::pin(async move { refreshing.refresh_now().await });
    while !world.store.log.take().contains("tokens") {
        assert!(poll_once(&mut caller).is_pending());
    }
    assert_eq!(run(account.status(), &world.clock).unwrap().unsaved, None);
    assert!(account.peek().unwrap().unsaved().is_none());
    assert!(run(caller, &world.clock).unwrap().unsaved().is_none());
}

#[test]
fn a_token_says_so_after_the_end() {
    let (world, accounts) = unsaved(From::Refresh, same);
    let account = accounts.account(ADA);
    let closed = run(accounts.close(Duration::from_secs(60)), &world.clock);
    assert!(!closed.is_complete());
    world.pass(2);
    let token = token(&world, &account).unwrap();
    assert!(matches!(token.refresh_error().unwrap().reason(), Reason::Closed));
    assert_eq!(token.unsaved().unwrap().kind(), StoreErrorKind::Full);
}

/// Somebody else's refresh takes longer than it wants to wait.
#[test]
fn a_token_says_so_to_a_thread_without_patience() {
    let (opens, opened) = mpsc::channel::<()>();
    let world = World::new(Script::new().tokens("at-2", "rt-2")).with_record(10);
    world.store.fail("tokens", FULL);
    let account = world.blocking().account(ADA);
    account.token().unwrap();
    world.pass(3_550);
    world.store.before("load", 0, move |_| {
        let _ = opened.recv();
    });
    let token = account.token_within(Duration::ZERO).unwrap();
    assert_eq!(token.access_token().expose(), "at-2");
    assert!(matches!(token.refresh_error().unwrap().reason(), Reason::UnderWay));
    assert_eq!(token.unsaved().unwrap().kind(), StoreErrorKind::Full);
    drop(opens);
}

#[test]
fn without_a_runtime_the_next_caller_saves_them() {
    let world = strict(3600);
    world.store.fail("tokens", FULL);
    let account = world.account();
    run(account.token(), &world.clock).unwrap();
    assert_eq!((world.clock.tasks(), world.clock.sleeping()), (0, 0));
    world.store.mend();
    world.pass(60);
    assert!(run(account.token(), &world.clock).unwrap().unsaved().is_none());
}
