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
    AccountId, BlockingAccounts, Settings, StoreErrorKind,
    store::{BlockingTokenStore, Lease, Record, Version},
};
use auth_store::FileStore;
use auth_testkit::FakeAuthServer;
use support::{RECORD, account, names, record, save, scratch};

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
        assert_eq!(names(scratch.path()), bob, "{what}");

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
    assert_eq!(names(scratch.path()), NOTHING);
    assert!(!store.discard(&account()).unwrap());
    assert_eq!(names(scratch.path()), NOTHING);
    let none = Version::new(*b"none");
    store.remove_blocking(&account(), &none).unwrap_err();
    drop(lease(&store));
    assert_eq!(names(scratch.path()), NOTHING);
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
    assert!(!names(scratch.path()).iter().any(|name| name.starts_with("account-held")));
}

#[test]
fn a_logout_leaves_nothing() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let server = FakeAuthServer::new();
    let accounts =
        BlockingAccounts::new(server.endpoint(), server.clone(), store, server.clock().clone());
    let ada = accounts.account("ada");
    // Nobody was logged in.
    ada.logout().unwrap();
    assert_eq!(names(scratch.path()), NOTHING);
    ada.store_login(server.log_in("ada")).unwrap();
    ada.refresh_now().unwrap();
    assert_eq!(names(scratch.path()).len(), 3);
    ada.logout().unwrap();
    assert_eq!(names(scratch.path()), NOTHING);
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
    assert_eq!(names(scratch.path()), NOTHING);
}
