//! Stores that do not answer: a file system whose server is gone, a volume that
//! is frozen. Whoever has use for the old token gets it, and others an answer.
//!
//! The waits are real. None of them is measured: without them a test would hang,
//! for the store answers when the test is over.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    sync::{Barrier, mpsc},
    thread,
    time::Duration,
};

use async_trait::async_trait;
use auth_accounts::{
    Account, AccountError, Accounts, BlockingAccounts, Reason, Settings, StoreErrorKind, Token,
    store::TokenStore,
};
use auth_core::{Request, Response, Transport, TransportError};
use auth_testkit::{Script, VirtualClock};
use pollster::block_on;
use support::{ADA, endpoint, gated::Gated, record, tokens};

/// What an account rests on.
#[derive(Debug, Clone, Copy)]
enum Driver {
    Runtime,
    Callers,
    Threads,
    /// A spawner that loses its tasks.
    Lost,
}

const DRIVERS: [Driver; 3] = [Driver::Runtime, Driver::Callers, Driver::Threads];

/// Longer than any test.
const FOREVER: Duration = Duration::from_secs(24 * 3600);

/// Nobody waits less long for a store.
const BRIEFLY: Duration = Duration::from_secs(1);

struct World {
    store: Gated,
    clock: VirtualClock,
    script: Script,
    account: Account,
    accounts: Accounts,
}

impl World {
    /// An account that has handed out `at-1`, which is good for so many seconds
    /// more.
    fn new(driver: Driver, lease_wait: Duration, left: u64) -> Self {
        let (store, clock) = (Gated::default(), VirtualClock::manual());
        let script = Script::new();
        let settings = Settings::default().lease_wait(lease_wait).seed(1);
        store.inner.put(ADA, record("at-1", "rt-1", clock.now().wall, 100));
        let ((a, b), (c, d)) = ((script.clone(), store.clone()), (clock.clone(), settings));
        let (accounts, account) = match driver {
            Driver::Threads => {
                let accounts = BlockingAccounts::new(endpoint(), a, b, c).settings(d);
                let async_twin = Accounts::without_runtime(
                    endpoint(),
                    Script::new(),
                    store.clone(),
                    clock.clone(),
                );
                (async_twin, accounts.account(ADA).into())
            }
            Driver::Callers | Driver::Runtime | Driver::Lost => {
                let accounts = Accounts::without_runtime(endpoint(), a, b, c).settings(d);
                let accounts = match driver {
                    Driver::Runtime => accounts.spawner(|task| {
                        thread::spawn(move || block_on(task));
                    }),
                    Driver::Lost => accounts.spawner(drop),
                    _ => accounts,
                };
                (accounts.clone(), accounts.account(ADA))
            }
        };
        assert_eq!(block_on(account.token()).unwrap().access_token().expose(), "at-1");
        clock.advance(Duration::from_secs(100 - left));
        store.asked();
        Self { store, clock, script, account, accounts }
    }

    /// The same, with an exchange that succeeds.
    fn with_exchange(self) -> Self {
        let _ = self.script.clone().tokens("at-2", "rt-2");
        self
    }

    /// What so many callers get who come at the same time.
    fn crowd<T: Send>(&self, count: usize, call: impl Fn(&Account) -> T + Sync) -> Vec<T> {
        let (start, call) = (Barrier::new(count), &call);
        thread::scope(|scope| {
            let callers: Vec<_> = (0..count)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        call(&self.account)
                    })
                })
                .collect();
            callers.into_iter().map(|caller| caller.join().unwrap()).collect()
        })
    }

    /// After the store answers again. What goes on behind it has a minute, for it goes on
    /// at once, and machines are busy.
    fn recovers(&self, about: &str) {
        self.store.open();
        for round in 0..60_000 {
            if round < 1000 {
                // So much is enough for whoever waits until it is worth trying again, and
                // the new token is still good after it.
                self.clock.advance(Duration::from_secs(1));
            }
            let token = block_on(self.account.token()).ok();
            let token = token.filter(|token| token.access_token().expose() == "at-2");
            if token.is_some_and(|token| token.unsaved().is_none()) {
                self.script.finish();
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
        panic!("{about}: it does not recover");
    }
}

fn kind(error: &AccountError) -> StoreErrorKind {
    let Reason::Store(store) = error.reason() else { panic!("{error}") };
    store.kind()
}

/// Each case on a thread of its own, for most of them wait.
fn in_every_case(operations: &[&'static str], case: impl Fn(Driver, &'static str) + Send + Sync) {
    thread::scope(|scope| {
        for driver in DRIVERS {
            for operation in operations {
                let case = &case;
                scope.spawn(move || case(driver, operation));
            }
        }
    });
}

#[test]
fn a_token_that_is_valid_does_not_wait_for_the_store() {
    in_every_case(&["load", "lease", "note", "tokens"], |driver, operation| {
        let about = format!("{driver:?}, {operation}");
        if matches!((driver, operation), (Driver::Callers, "tokens")) {
            // Nobody could carry it on.
            return;
        }
        let world = World::new(driver, FOREVER, 30).with_exchange();
        world.store.shut(operation);
        let is_old = |token: Result<Token, AccountError>| {
            let token = token.unwrap();
            let error = token.refresh_error().unwrap_or_else(|| panic!("{about}: {token:?}"));
            assert_eq!(kind(error), StoreErrorKind::Unanswered, "{about}");
            assert_eq!(token.access_token().expose(), "at-1", "{about}");
            assert_eq!(token.unsaved().is_some(), operation == "tokens", "{about}");
        };
        for token in world.crowd(20, |account| block_on(account.token())) {
            is_old(token);
        }
        is_old(block_on(world.account.token()));
        if !matches!(driver, Driver::Callers) {
            // It was asked once, and goes on.
            let asked = world.store.asked();
            let times = asked.split(' ').filter(|asked| *asked == operation).count();
            assert_eq!(times, 1, "{about}: {asked}");
        }
        world.recovers(&about);
    });
}

#[test]
fn who_has_no_use_for_the_old_token_waits_as_for_a_lease() {
    in_every_case(&["load", "lease", "note", "tokens"], |driver, operation| {
        for strict in [false, true] {
            let about = format!("{driver:?}, {operation}, strict: {strict}");
            let world = World::new(driver, BRIEFLY, if strict { 30 } else { 0 }).with_exchange();
            world.store.shut(operation);
            let results = world.crowd(20, |account| match strict {
                false => block_on(account.token()),
                true => block_on(account.refresh_now()),
            });
            for result in results {
                let error = match &result {
                    Ok(token) => {
                        assert_eq!(token.access_token().expose(), "at-2", "{about}");
                        token.unsaved().unwrap().kind()
                    }
                    Err(error) => kind(error),
                };
                assert_eq!(error, StoreErrorKind::Unanswered, "{about}");
                assert_eq!(result.is_ok(), operation == "tokens", "{about}");
            }
            world.recovers(&about);
        }
    });
}

#[test]
fn logins_logouts_and_looks_have_an_answer() {
    in_every_case(&["load", "lease", "tokens", "remove", "list"], |driver, operation| {
        let about = format!("{driver:?}, {operation}");
        let world = World::new(driver, BRIEFLY, 30);
        world.store.shut(operation);
        match operation {
            "load" => {
                let status = block_on(world.account.status()).unwrap_err();
                assert_eq!(status.kind(), StoreErrorKind::Unanswered, "{about}");
                let login = tokens("at-9", "rt-9", world.clock.now().wall, 3600);
                let login = block_on(world.account.store_login(login)).unwrap_err();
                assert_eq!(kind(&login), StoreErrorKind::Unanswered, "{about}");
                let logout = block_on(world.account.logout()).unwrap_err();
                assert_eq!(kind(&logout), StoreErrorKind::Unanswered, "{about}");
            }
            "tokens" => {
                let login = tokens("at-9", "rt-9", world.clock.now().wall, 3600);
                let token = block_on(world.account.store_login(login)).unwrap();
                assert_eq!(token.unsaved().unwrap().kind(), StoreErrorKind::Unanswered, "{about}");
            }
            "lease" | "remove" => {
                let logout = block_on(world.account.logout()).unwrap_err();
                assert_eq!(kind(&logout), StoreErrorKind::Unanswered, "{about}");
            }
            _ => {
                let accounts =
                    world.accounts.clone().settings(Settings::default().lease_wait(BRIEFLY));
                let error = block_on(accounts.statuses(None, 10)).unwrap_err();
                assert_eq!(error.kind(), StoreErrorKind::Unanswered, "{about}");
                let due = block_on(accounts.refresh_due(10));
                let error = due.not_listed.unwrap();
                assert_eq!(error.kind(), StoreErrorKind::Unanswered, "{about}");
            }
        }
        world.store.open();
    });
}

/// One record hangs, and others do not.
#[test]
fn other_accounts_go_on() {
    for driver in DRIVERS {
        let world = World::new(driver, FOREVER, 0).with_exchange();
        world.store.inner.put("bob", record("at-1", "rt-1", world.clock.now().wall, 3600));
        world.store.shut("load ada");
        let blocking = BlockingAccounts::new(
            endpoint(),
            Script::new(),
            world.store.clone(),
            world.clock.clone(),
        );
        let bob = match driver {
            Driver::Threads => blocking.account("bob").into(),
            _ => world.accounts.account("bob"),
        };
        let (sender, ada) = mpsc::channel();
        let account = world.account.clone();
        let waits = thread::spawn(move || sender.send(block_on(account.token())));
        while world.store.stuck() == 0 {
            thread::yield_now();
        }
        assert_eq!(block_on(bob.token()).unwrap().access_token().expose(), "at-1");
        assert!(ada.try_recv().is_err());
        world.store.open();
        assert_eq!(ada.recv().unwrap().unwrap().access_token().expose(), "at-2");
        waits.join().unwrap().unwrap();
    }
}

/// A call that hangs has a thread, and those that come later take no more.
#[test]
fn threads_that_hang_do_not_become_more() {
    let world = World::new(Driver::Threads, BRIEFLY, 0).with_exchange();
    world.store.shut("load");
    for _ in 0..3 {
        let error = block_on(world.account.token()).unwrap_err();
        assert_eq!(kind(&error), StoreErrorKind::Unanswered);
        assert_eq!(world.store.stuck(), 1);
    }
    assert_eq!(world.store.asked(), "load");
    world.recovers("after three");
}

/// New tokens that are being saved, where nothing would carry that on.
#[test]
fn nobody_leaves_new_tokens_to_nobody() {
    for driver in [Driver::Callers, Driver::Lost] {
        let world = World::new(driver, FOREVER, 30).with_exchange();
        world.store.shut("tokens");
        let store = world.store.clone();
        let opens = thread::spawn(move || {
            while store.stuck() == 0 {
                thread::yield_now();
            }
            // In vain, if somebody leaves.
            thread::sleep(2 * BRIEFLY);
            store.open();
        });
        for token in world.crowd(20, |account| block_on(account.token())) {
            let token = token.unwrap();
            assert_eq!(token.access_token().expose(), "at-2", "{driver:?}");
            assert!(token.unsaved().is_none(), "{driver:?}");
        }
        opens.join().unwrap();
        let stored = world.store.inner.get(ADA).unwrap();
        assert_eq!(stored.tokens.refresh_token.unwrap().expose(), "rt-2", "{driver:?}");
        world.script.finish();
    }
}

/// Sends nothing back before it is told to.
#[derive(Clone)]
struct Slow {
    script: Script,
    gate: Gated,
}

#[async_trait]
impl Transport for Slow {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let _ = TokenStore::load(&self.gate, &"request".into()).await;
        Transport::send(&self.script, request).await
    }
}

/// Somebody else waits for the store, and not the refresh.
#[test]
fn a_request_under_way_is_not_left_for_somebody_who_looks() {
    for driver in [Driver::Callers, Driver::Runtime, Driver::Lost] {
        let (store, gate, clock) = (Gated::default(), Gated::default(), VirtualClock::manual());
        let script = Script::new().tokens("at-2", "rt-2");
        let slow = Slow { script: script.clone(), gate: gate.clone() };
        store.inner.put(ADA, record("at-1", "rt-1", clock.now().wall, 100));
        let accounts = Accounts::without_runtime(endpoint(), slow, store.clone(), clock.clone())
            .settings(Settings::default().lease_wait(FOREVER).seed(1));
        let accounts = match driver {
            Driver::Runtime => accounts.spawner(|task| {
                thread::spawn(move || block_on(task));
            }),
            Driver::Lost => accounts.spawner(drop),
            _ => accounts,
        };
        let account = accounts.account(ADA);
        block_on(account.token()).unwrap();
        clock.advance(Duration::from_secs(70));
        gate.shut("load");
        let token = thread::scope(|scope| {
            let token = scope.spawn(|| block_on(account.token()).unwrap());
            while gate.stuck() == 0 {
                thread::yield_now();
            }
            store.shut("load");
            let looks = scope.spawn(|| block_on(account.status()).unwrap());
            while store.stuck() == 0 {
                thread::yield_now();
            }
            // In vain, if somebody leaves.
            thread::sleep(2 * BRIEFLY);
            gate.open();
            let token = token.join().unwrap();
            store.open();
            looks.join().unwrap();
            token
        });
        assert_eq!(token.access_token().expose(), "at-2", "{driver:?}");
        script.finish();
    }
}
