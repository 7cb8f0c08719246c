//! The lock files of a `FileStore` go with their account.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    fs,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use auth_accounts::{
    AccountId, Accounts, BlockingAccounts, Settings, StoreErrorKind,
    store::{BlockingTokenStore, Lease, Record, Version},
};
use auth_store::FileStore;
use auth_testkit::FakeAuthServer;
use futures_lite::future::block_on;
use support::{RECORD, account, come_to, names, record, save, scratch};

const LEASE: &str = "account-ada%40example.com.lease";
const LOCK: &str = "account-ada%40example.com.lock";
const NOTHING: [&str; 0] = [];

fn lease(store: &FileStore) -> Lease {
    store.lease_blocking(&account(), Duration::ZERO).unwrap()
}

#[test]
fn they_go_with_the_record() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let kept = save(&store, &"bob".into(), &record(1));
    let bob = names(scratch.path());
    type Remove = fn(&FileStore, &Version);
    let removals: [(&str, Remove); 2] = [
        ("removed", |store, version| store.remove_blocking(&account(), version).unwrap()),
        ("discarded", |store, _| assert!(store.discard(&account()).unwrap())),
    ];
    for (what, remove) in removals {
        let version = save(&store, &account(), &record(1));
        drop(lease(&store));
        remove(&store, &version);
        assert_eq!(names(scratch.path()), bob, "{what}");

        // While somebody holds the lease, it stays his. It goes when he frees it.
        let version = save(&store, &account(), &record(1));
        let held = lease(&store);
        remove(&store, &version);
        assert!(scratch.path().join(LEASE).exists(), "{what}");
        let waited = store.lease_blocking(&account(), Duration::ZERO).unwrap_err();
        assert_eq!(waited.kind(), StoreErrorKind::LeaseTimeout, "{what}");
        store.extend_blocking(&account(), &held).unwrap();
        drop(held);
        come_to(scratch.path(), &bob, what);

        // Unless there is a record again.
        let version = save(&store, &account(), &record(1));
        let held = lease(&store);
        remove(&store, &version);
        save(&store, &account(), &record(2));
        drop(held);
        assert_eq!(names(scratch.path())[..3], [RECORD, LEASE, LOCK], "{what}");
        store.discard(&account()).unwrap();
    }
    let version = store.load_blocking(&"bob".into()).unwrap().unwrap().1;
    assert_eq!(version, kept);
}

#[test]
fn what_never_had_a_record_leaves_nothing() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let held = lease(&store);
    assert_eq!(names(scratch.path()), [LEASE]);
    drop(held);
    come_to(scratch.path(), &NOTHING, "freed");
    assert!(!store.discard(&account()).unwrap());
    assert_eq!(names(scratch.path()), NOTHING);
    let none = Version::new(*b"none");
    store.remove_blocking(&account(), &none).unwrap_err();
    // Whoever finds a lease free has it at once, though it is being tidied up.
    for _ in 0..100 {
        drop(lease(&store));
    }
    come_to(scratch.path(), &NOTHING, "again");
}

/// Whoever drops a lease may be the only thread of a runtime: here it is the one that
/// would have to go on for the file system to answer.
#[test]
fn whoever_frees_a_lease_waits_for_nothing() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let version = save(&store, &account(), &record(1));
    let held = lease(&store);
    store.remove_blocking(&account(), &version).unwrap();
    let saves = fs::File::open(scratch.path().join(LOCK)).unwrap();
    saves.lock().unwrap();
    drop(held);
    // It is free at once, and goes when that is possible.
    let again = fs::File::open(scratch.path().join(LEASE)).unwrap();
    again.try_lock().unwrap();
    drop(again);
    drop(saves);
    come_to(scratch.path(), &NOTHING, "freed");
}

/// Another process, which could not have the lease.
#[test]
fn a_record_that_somebody_else_removed() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let version = save(&store, &account(), &record(1));
    let held = lease(&store);
    let other = FileStore::open(scratch.path()).unwrap();
    other.remove_blocking(&account(), &version).unwrap();
    assert_eq!(names(scratch.path()), [LEASE, LOCK]);
    // As whoever refreshes does when its save was refused.
    assert_eq!(store.load_blocking(&account()).unwrap(), None);
    drop(held);
    come_to(scratch.path(), &NOTHING, "freed");
}

/// Those of processes that died in between.
#[test]
fn orphans_are_removed_when_the_store_is_opened() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    save(&store, &account(), &record(1));
    drop(lease(&store));
    let long = AccountId::from("x".repeat(1000));
    save(&store, &long, &record(1));
    let version = save(&store, &"gone".into(), &record(1));
    let held = store.lease_blocking(&"held".into(), Duration::ZERO).unwrap();
    let all = names(scratch.path());
    store.remove_blocking(&"gone".into(), &version).unwrap();
    for end in ["lock", "lease", "json.tmp"] {
        let path = scratch.path().join(format!("account-gone.{end}"));
        fs::write(&path, "").unwrap();
        support::set_mode(&path, 0o600);
    }
    // Somebody's, who does not name them as we do.
    fs::write(scratch.path().join("other.lock"), "").unwrap();

    FileStore::open(scratch.path()).unwrap();
    let mut left = all;
    left.retain(|name| !name.starts_with("account-gone"));
    left.push("other.lock".to_owned());
    left.push("account-held.lock".to_owned());
    left.sort();
    assert_eq!(names(scratch.path()), left, "they are still in use");
    drop(held);
    left.retain(|name| !name.starts_with("account-held"));
    come_to(scratch.path(), &left, "freed");
}

/// Whoever has the lock at that moment may end without removing them: a process that
/// is killed in the midst of it, or one that found the lease held by such a process.
#[test]
fn orphans_that_somebody_has_locked_go_when_they_are_free() {
    for orphans in [&[LOCK][..], &[LEASE, LOCK]] {
        let scratch = scratch();
        for name in orphans {
            fs::write(scratch.path().join(name), "").unwrap();
            support::set_mode(&scratch.path().join(name), 0o600);
        }
        let locked = fs::File::open(scratch.path().join(LOCK)).unwrap();
        locked.lock().unwrap();
        // It waits for nobody, nor has the store to be kept.
        drop(FileStore::open(scratch.path()).unwrap());
        assert_eq!(names(scratch.path()), orphans);
        drop(locked);
        come_to(scratch.path(), &NOTHING, "freed");
    }
}

#[test]
fn a_logout_leaves_nothing() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let server = FakeAuthServer::new();
    let (endpoint, clock) = (server.endpoint(), server.clock().clone());
    let accounts = BlockingAccounts::new(endpoint, server.clone(), store.clone(), clock);
    let ada = accounts.account("ada");
    // Nobody was logged in.
    ada.logout().unwrap();
    come_to(scratch.path(), &NOTHING, "nobody");
    ada.store_login(server.log_in("ada")).unwrap();
    ada.refresh_now().unwrap();
    assert_eq!(names(scratch.path()).len(), 3);
    ada.logout().unwrap();
    come_to(scratch.path(), &NOTHING, "blocking");

    let (endpoint, clock) = (server.endpoint(), server.clock().clone());
    let accounts = Accounts::without_runtime(endpoint, server.clone(), store, clock);
    let ada = accounts.account("ada");
    block_on(async {
        ada.store_login(server.log_in("ada")).await.unwrap();
        ada.refresh_now().await.unwrap();
        assert_eq!(names(scratch.path()).len(), 3);
        ada.logout().await.unwrap();
    });
    come_to(scratch.path(), &NOTHING, "async");
}

/// A store that sees to it that no two hold a lease.
struct Watched<'a> {
    inner: FileStore,
    inside: &'a [AtomicBool],
    leases: &'a AtomicUsize,
}

struct Inside {
    lease: Lease,
    /// Where it is noted that somebody holds it.
    at: &'static AtomicBool,
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.at.store(false, Ordering::SeqCst);
    }
}

impl BlockingTokenStore for Watched<'static> {
    fn load_blocking(
        &self,
        account: &AccountId,
    ) -> Result<Option<(Record, Version)>, auth_accounts::StoreError> {
        self.inner.load_blocking(account)
    }

    fn save_blocking(
        &self,
        account: &AccountId,
        record: &Record,
        expected: Option<&Version>,
    ) -> Result<Version, auth_accounts::StoreError> {
        self.inner.save_blocking(account, record, expected)
    }

    fn remove_blocking(
        &self,
        account: &AccountId,
        expected: &Version,
    ) -> Result<(), auth_accounts::StoreError> {
        self.inner.remove_blocking(account, expected)
    }

    fn list_blocking(
        &self,
        after: Option<&AccountId>,
        most: usize,
    ) -> Result<Vec<AccountId>, auth_accounts::StoreError> {
        self.inner.list_blocking(after, most)
    }

    fn lease_blocking(
        &self,
        account: &AccountId,
        wait: Duration,
    ) -> Result<Lease, auth_accounts::StoreError> {
        let lease = self.inner.lease_blocking(account, wait)?;
        let made_anew = lease.get_made_anew();
        let at = &self.inside[account.as_str().parse::<usize>().unwrap()];
        assert!(!at.swap(true, Ordering::SeqCst), "two hold the lease");
        self.leases.fetch_add(1, Ordering::SeqCst);
        Ok(Lease::new(Inside { lease, at }).made_anew(made_anew))
    }

    fn extend_blocking(
        &self,
        account: &AccountId,
        lease: &Lease,
    ) -> Result<(), auth_accounts::StoreError> {
        // Nobody else removes files here.
        let extended = self.inner.extend_blocking(account, &lease.guard::<Inside>().unwrap().lease);
        assert!(extended.is_ok(), "{extended:?}");
        extended
    }
}

/// Logins, refreshes and logouts of a few accounts in turns, by many who share
/// nothing but the directory: as processes do, for each lock opens its file anew.
#[test]
fn logins_refreshes_and_logouts_in_turns() {
    const ACCOUNTS: usize = 2;
    const TURNS: usize = 30;
    static INSIDE: [AtomicBool; ACCOUNTS] = [const { AtomicBool::new(false) }; ACCOUNTS];
    static LEASES: AtomicUsize = AtomicUsize::new(0);
    let scratch = scratch();
    let server = FakeAuthServer::new();
    let accounts = || {
        let store = Watched {
            inner: FileStore::open(scratch.path()).unwrap(),
            inside: &INSIDE,
            leases: &LEASES,
        };
        let (endpoint, clock) = (server.endpoint(), server.clock().clone());
        BlockingAccounts::new(endpoint, server.clone(), store, clock)
            .settings(Settings::default().lease_wait(Duration::from_secs(600)))
    };
    thread::scope(|scope| {
        for number in 0..8 {
            let (accounts, server) = (accounts(), &server);
            scope.spawn(move || {
                let name = (number % ACCOUNTS).to_string();
                let account = accounts.account(name.as_str());
                for turn in 0..TURNS {
                    match (number + turn) % 4 {
                        0 => drop(account.store_login(server.log_in(&name))),
                        1 | 2 => drop(account.refresh_now()),
                        _ => drop(account.logout()),
                    }
                }
            });
        }
    });
    assert!(LEASES.load(Ordering::SeqCst) > TURNS, "it was quiet");
    for number in 0..ACCOUNTS {
        accounts().account(number.to_string().as_str()).logout().unwrap();
    }
    come_to(scratch.path(), &NOTHING, "all are logged out");
}
