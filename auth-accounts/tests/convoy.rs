//! Callers who come together wait together: what one of them has waited for in
//! vain, the others do not wait for one after another.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{future::Future, pin::Pin, task::Poll, time::Duration};

use auth_accounts::{Account, Accounts, BlockingAccounts, Reason, StoreErrorKind, store::Record};
use auth_testkit::{FakeAuthServer, Rotation, Script, VirtualClock};
use support::{ADA, endpoint, gated::Gated, poll_once, record};

const WAIT: Duration = Duration::from_secs(60);
const BRIEFLY: Duration = Duration::from_secs(1);
const CALLERS: usize = 100;

/// A call of a kind. It comes to the kind of the store's error, if it fails.
type Call = Pin<Box<dyn Future<Output = Option<StoreErrorKind>>>>;
type Kind = fn(Account) -> Call;

fn told(result: Result<(), auth_accounts::AccountError>) -> Option<StoreErrorKind> {
    let error = result.err()?;
    let Reason::Store(store) = error.reason() else { panic!("{error}") };
    Some(store.kind())
}

const KINDS: [(&str, Kind); 6] = [
    ("token", |account| Box::pin(async move { told(account.token().await.map(drop)) })),
    ("token_valid_for", |account| {
        Box::pin(
            async move { told(account.token_valid_for(Duration::from_secs(1000)).await.map(drop)) },
        )
    }),
    ("refresh_now", |account| Box::pin(async move { told(account.refresh_now().await.map(drop)) })),
    ("token_refused", |account| {
        Box::pin(async move {
            let refused = auth_core::AccessToken::new("at-1");
            told(account.token_refused(&refused).await.map(drop))
        })
    }),
    ("refresh_if_due", |account| {
        Box::pin(async move { told(account.refresh_if_due().await.result.map(drop)) })
    }),
    ("logout", |account| Box::pin(async move { told(account.logout().await.map(drop)) })),
];

/// Ends the waits for the lease as they come, until all callers have an answer.
/// Returns the answers, and how long it was to be waited each time.
fn run(store: &Gated, calls: &mut [Call]) -> (Vec<Option<StoreErrorKind>>, Vec<Duration>) {
    let mut answers = vec![None; calls.len()];
    let (mut waits, mut quiet) = (Vec::new(), 0);
    for _ in 0..10_000 {
        let mut pending = false;
        for (call, answer) in calls.iter_mut().zip(&mut answers) {
            if answer.is_none() {
                match poll_once(call) {
                    Poll::Ready(told) => *answer = Some(told),
                    Poll::Pending => pending = true,
                }
            }
        }
        let new = store.waits();
        quiet = if new.is_empty() { quiet + 1 } else { 0 };
        waits.extend(new);
        if !pending {
            return (answers.into_iter().flatten().collect(), waits);
        }
        // Everybody has joined who is to join it.
        if store.stuck() > 0 && quiet > 2 {
            store.open();
            store.hold_leases();
        } else {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    panic!("it hangs");
}

/// A store whose leases somebody else holds, with tokens that are good for so
/// many seconds; and the account, of tasks or of threads.
fn held(left: u64, of_threads: bool) -> (Gated, Account) {
    let (store, clock, script) = (Gated::default(), VirtualClock::manual(), Script::new());
    store.inner.put(ADA, record("at-1", "rt-1", clock.now().wall, left));
    store.hold_leases();
    let account = if of_threads {
        BlockingAccounts::new(endpoint(), script, store.clone(), clock).account(ADA).into()
    } else {
        Accounts::without_runtime(endpoint(), script, store.clone(), clock).account(ADA)
    };
    (store, account)
}

#[test]
fn a_lease_that_is_held_is_waited_for_once() {
    for of_threads in [false, true] {
        for (name, kind) in KINDS {
            // Of no use to anybody; not quite used up.
            for left in [0, 500] {
                if left > 0 && ["token", "refresh_if_due"].contains(&name) {
                    continue;
                }
                let (store, account) = held(left, of_threads);
                let mut calls: Vec<_> = (0..CALLERS).map(|_| kind(account.clone())).collect();
                let (answers, waits) = run(&store, &mut calls);
                let about = format!("{name}, {left} s left, of threads: {of_threads}");
                assert_eq!(waits, [WAIT], "{about}");
                let expected = match name {
                    "logout" => None,
                    _ => Some(StoreErrorKind::LeaseTimeout),
                };
                assert_eq!(answers, vec![expected; CALLERS], "{about}");
            }
        }
    }
}

/// Somebody less strict came first, and waited briefly.
#[test]
fn after_a_brief_wait_one_waits_for_all() {
    for of_threads in [false, true] {
        for (name, kind) in KINDS {
            if ["token", "refresh_if_due", "logout"].contains(&name) {
                continue;
            }
            let (store, account) = held(30, of_threads);
            let usual: Kind = KINDS[0].1;
            // A caller of each kind in turn, and the less strict one first.
            let mut calls = vec![usual(account.clone())];
            assert!(poll_once(&mut calls[0]).is_pending());
            calls.extend((0..CALLERS).map(|_| kind(account.clone())));
            let (answers, waits) = run(&store, &mut calls);
            let about = format!("{name}, of threads: {of_threads}");
            assert_eq!(waits, [BRIEFLY, WAIT], "{about}");
            assert_eq!(answers[0], None, "{about}");
            assert_eq!(answers[1..], vec![Some(StoreErrorKind::LeaseTimeout); CALLERS], "{about}");
        }
    }
}

/// All kinds at once.
#[test]
fn a_crowd_waits_once() {
    let (store, account) = held(0, false);
    let all = KINDS.iter().filter(|(name, _)| *name != "logout").cycle().take(CALLERS);
    let mut calls: Vec<_> = all.map(|(_, kind)| kind(account.clone())).collect();
    let (answers, waits) = run(&store, &mut calls);
    assert_eq!(waits, [WAIT]);
    assert_eq!(answers, vec![Some(StoreErrorKind::LeaseTimeout); CALLERS]);
}

/// A machine that is so slow, or a disk, that each token has expired when it
/// comes: nobody makes a request of its own for that.
#[test]
fn tokens_that_come_too_late_are_not_asked_for_by_each() {
    let clock = VirtualClock::manual();
    let server = FakeAuthServer::builder()
        .rotation(Rotation::EachUse)
        .access_lifetime(Duration::from_secs(2))
        .clock(&clock)
        .build();
    let store = Gated::default();
    store.inner.put(ADA, Record::obtained(server.log_in(ADA), clock.now().wall));
    clock.advance(Duration::from_secs(3600));
    let accounts =
        Accounts::without_runtime(server.endpoint(), server.clone(), store.clone(), clock.clone());
    let account = accounts.account(ADA);
    store.shut("tokens");
    let mut calls: Vec<_> = (0..CALLERS).map(|_| KINDS[0].1(account.clone())).collect();
    while !calls.is_empty() {
        calls.retain_mut(|call| poll_once(call).is_pending());
        if store.stuck() > 0 {
            clock.advance(Duration::from_secs(30));
            store.open();
            store.shut("tokens");
        }
    }
    assert!(server.report().issued <= 4, "{:?}", server.report());
    server.assert_never_replayed();
}
