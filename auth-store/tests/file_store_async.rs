//! `FileStore` for tasks, on no runtime in particular.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use auth_accounts::{
    StoreErrorKind,
    store::{BlockingTokenStore, TokenStore},
};
use auth_store::FileStore;
use futures_lite::future::{block_on, or, poll_once, zip};
use support::{account, load, names, record, save, scratch};

/// Whoever imports both traits can call both kinds of methods on one store.
#[test]
fn the_methods_of_both_traits_have_names_of_their_own() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let id = account();
    let first = store.save_blocking(&id, &record(1), None).unwrap();
    let second = block_on(store.save(&id, &record(2), Some(&first))).unwrap();
    assert_eq!(store.load_blocking(&id).unwrap(), block_on(store.load(&id)).unwrap());
    assert_eq!(store.load_blocking(&id).unwrap(), Some((record(2), second)));
    drop(store.lease_blocking(&id, Duration::ZERO).unwrap());
    drop(block_on(store.lease(&id, Duration::ZERO)).unwrap());
}

/// No runtime at all will do.
#[test]
fn the_same_store_serves_tasks() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    block_on(async {
        assert_eq!(store.load(&account()).await.unwrap(), None);
        let version = store.save(&account(), &record(1), None).await.unwrap();
        let found = store.load(&account()).await.unwrap();
        assert_eq!(found, Some((record(1), version)));
        let error = store.save(&account(), &record(2), None).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Conflict);
    });
}

#[test]
fn a_task_waits_for_a_thread() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let held = store.lease_blocking(&account(), Duration::ZERO).unwrap();
    block_on(async {
        let error = store.lease(&account(), Duration::from_millis(5)).await;
        assert_eq!(error.unwrap_err().kind(), StoreErrorKind::LeaseTimeout);
        let account = account();
        let waiting = store.lease(&account, Duration::MAX);
        // The waiting task does not keep others on its thread from going on.
        let (lease, ()) = zip(waiting, async { drop(held) }).await;
        drop(lease.unwrap());
    });
}

/// More tasks wait than there are threads in the pool; the one that holds
/// the lease saves all the same.
#[test]
fn waiting_tasks_occupy_no_threads() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let held = store.lease_blocking(&account(), Duration::ZERO).unwrap();
    block_on(async {
        let mut waiters: Vec<_> = (0..600)
            .map(|_| {
                let store = store.clone();
                Box::pin(async move { store.lease(&account(), Duration::MAX).await.map(drop) })
            })
            .collect();
        for waiter in &mut waiters {
            assert!(poll_once(waiter).await.is_none());
        }
        store.save(&account(), &record(1), None).await.unwrap();
        drop(held);
        // One at a time, they all get it; the first few will do.
        for waiter in waiters.iter_mut().take(3) {
            waiter.await.unwrap();
        }
    });
}

#[test]
fn a_dropped_wait_leaves_no_lease() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    for _ in 0..50 {
        let account = account();
        let mut lease = store.lease(&account, Duration::MAX);
        // It may or may not have been taken on the pool's thread by now.
        block_on(poll_once(&mut lease));
        drop(lease);
    }
    drop(store.lease_blocking(&account(), Duration::from_secs(60)).unwrap());
}

/// Whichever side loses the race, the lease has one holder.
#[test]
fn tasks_and_threads_exclude_each_other() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let inside = Arc::new(AtomicUsize::new(0));
    thread::scope(|scope| {
        for asynchronous in [true, false, true, false] {
            let (store, inside) = (store.clone(), Arc::clone(&inside));
            scope.spawn(move || {
                for _ in 0..10 {
                    let lease = if asynchronous {
                        block_on(store.lease(&account(), Duration::MAX))
                    } else {
                        store.lease_blocking(&account(), Duration::MAX)
                    };
                    let lease = lease.unwrap();
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(lease);
                }
            });
        }
    });
}

#[test]
fn a_dropped_save_is_whole_or_not_at_all() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    save(&store, &account(), &record(1));
    for _ in 0..20 {
        let (before, version) = store.load_blocking(&account()).unwrap().unwrap();
        let next = record(if before == record(1) { 2 } else { 1 });
        let account = account();
        let save = store.save(&account, &next, Some(&version));
        block_on(or(async { drop(save.await) }, async { thread::yield_now() }));
        let now = load(&store, &account).unwrap();
        assert!(now == before || now == next);
        // Let the one under way end.
        while names(scratch.path()).iter().any(|name| name.ends_with(".tmp")) {
            thread::yield_now();
        }
    }
}
