//! The lease of a `FileStore` within one process.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use auth_accounts::{StoreErrorKind, store::BlockingTokenStore};
use auth_store::FileStore;
use support::{account, record, save, scratch};

#[test]
fn a_lease_is_exclusive_and_bounded() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let lease = |wait| store.lease_blocking(&account(), wait);

    let held = lease(Duration::ZERO).unwrap();
    let error = lease(Duration::from_millis(20)).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::LeaseTimeout);
    assert!(error.to_string().contains("account-ada%40example.com.lease"), "{error}");
    // Others are not concerned, and saving needs no lease.
    let _other = store.lease_blocking(&"bob".into(), Duration::ZERO).unwrap();
    save(&store, &account(), &record(1));
    drop(held);
    drop(lease(Duration::ZERO).unwrap());
    // A wait without end is no overflow.
    drop(lease(Duration::MAX).unwrap());
}

#[test]
fn a_lease_passes_from_thread_to_thread() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let (inside, turns) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let lease = store.lease_blocking(&account(), Duration::MAX).unwrap();
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    turns.fetch_add(1, Ordering::SeqCst);
                    drop(lease);
                }
            });
        }
    });
    assert_eq!(turns.into_inner(), 80);
}

/// The lock on a file that was removed is worth nothing, and is not taken for
/// the lease.
#[test]
fn a_removed_lease_file_does_not_split_the_lease() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let lease = |wait| store.lease_blocking(&account(), wait);
    let path = scratch.path().join("account-ada%40example.com.lease");
    drop(lease(Duration::ZERO).unwrap());

    // Somebody opened and locked the file just before it was removed.
    let opened = fs::File::open(&path).unwrap();
    opened.lock().unwrap();
    fs::remove_file(&path).unwrap();
    let held = lease(Duration::ZERO).unwrap();
    assert!(path.exists());
    assert_eq!(lease(Duration::ZERO).unwrap_err().kind(), StoreErrorKind::LeaseTimeout);
    drop(held);
}
