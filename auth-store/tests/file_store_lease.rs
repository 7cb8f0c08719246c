//! The lease of a `FileStore` within one process.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    fs::{self, FileTimes},
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, SystemTime},
};

use auth_accounts::{
    StoreErrorKind,
    store::{BlockingTokenStore, Lease, TokenStore},
};
use auth_store::FileStore;
use futures_lite::future::block_on;
use support::{account, record, save, scratch, seconds};

const LEASE: &str = "account-ada%40example.com.lease";
const LOCK: &str = "account-ada%40example.com.lock";

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
    let path = scratch.path().join(LEASE);
    // Otherwise the file goes when the lease is freed.
    save(&store, &account(), &record(1));
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

#[test]
fn a_lease_is_lost_with_the_name_of_its_file() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let lease = || store.lease_blocking(&account(), Duration::ZERO).unwrap();
    let path = scratch.path().join(LEASE);
    let extend = |lease: &Lease| {
        let extended = store.extend_blocking(&account(), lease);
        let again = block_on(store.extend(&account(), lease));
        assert_eq!(again.is_ok(), extended.is_ok());
        extended.map_err(|error| {
            assert!(error.to_string().contains(LEASE), "{error}");
            error.kind()
        })
    };
    let removed = lease();
    assert_eq!(extend(&removed), Ok(()));
    fs::remove_file(&path).unwrap();
    assert_eq!(extend(&removed), Err(StoreErrorKind::LeaseLost));
    // It is not back when there is another file of that name.
    let next = lease();
    assert_eq!(extend(&removed), Err(StoreErrorKind::LeaseLost));
    assert_eq!(extend(&next), Ok(()));
    // The lost one frees nothing.
    drop(removed);
    let waited = store.lease_blocking(&account(), Duration::ZERO);
    assert_eq!(waited.unwrap_err().kind(), StoreErrorKind::LeaseTimeout);
    // And not with another file, or under another name.
    fs::rename(&path, scratch.path().join("elsewhere")).unwrap();
    assert_eq!(extend(&next), Err(StoreErrorKind::LeaseLost));
    fs::copy(scratch.path().join("elsewhere"), &path).unwrap();
    assert_eq!(extend(&next), Err(StoreErrorKind::LeaseLost));
}

/// A store around this one has to hand on the lease that this one gave.
#[test]
fn a_lease_of_another_store_is_not_confirmed() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let lease = Lease::new(store.lease_blocking(&account(), Duration::ZERO).unwrap());
    let error = store.extend_blocking(&account(), &lease).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Other);
    assert!(error.to_string().contains("hand on"), "{error}");
}

/// Whoever takes it may not be the only one, until somebody has used it.
#[test]
fn a_lease_says_whether_it_was_made_anew() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    // Otherwise the file goes when the lease is freed.
    save(&store, &account(), &record(1));
    let lease = || store.lease_blocking(&account(), Duration::ZERO).unwrap();
    for _ in 0..2 {
        // Whoever took it first has given up, or died.
        for _ in 0..2 {
            assert!(lease().get_made_anew());
        }
        let used = lease();
        store.extend_blocking(&account(), &used).unwrap();
        store.extend_blocking(&account(), &used).unwrap();
        drop(used);
        for _ in 0..2 {
            assert!(!lease().get_made_anew());
        }
        fs::remove_file(scratch.path().join(LEASE)).unwrap();
    }
}

/// Whoever tidies up by age looks at the times of a file: all of them must be old.
#[test]
fn lock_files_that_are_used_do_not_grow_old() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    save(&store, &account(), &record(1));
    let long_ago = seconds(1_000_000);
    let age = |name: &str| {
        let file = fs::File::options().write(true).open(scratch.path().join(name)).unwrap();
        file.set_times(FileTimes::new().set_accessed(long_ago).set_modified(long_ago)).unwrap();
    };
    let is_old = |name: &str| {
        let metadata = scratch.path().join(name).metadata().unwrap();
        [metadata.modified().unwrap(), metadata.accessed().unwrap()].map(|time| time == long_ago)
    };
    let lease = || store.lease_blocking(&account(), Duration::ZERO).unwrap();
    drop(lease());
    age(LEASE);
    age(LOCK);
    let held = lease();
    assert_eq!(is_old(LEASE), [false; 2], "taken");
    age(LEASE);
    store.extend_blocking(&account(), &held).unwrap();
    assert_eq!(is_old(LEASE), [false; 2], "extended");
    save(&store, &account(), &record(2));
    assert_eq!(is_old(LOCK), [false; 2], "saved");
    assert!(is_recent(&scratch.path().join(LOCK)));
}

fn is_recent(path: &Path) -> bool {
    let age = SystemTime::now().duration_since(path.metadata().unwrap().modified().unwrap());
    age.unwrap_or_default() < Duration::from_secs(3600)
}
