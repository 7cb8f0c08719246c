//! Modes that somebody else has changed, and modes that mean nothing.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    fs,
    os::unix::fs::{chown, symlink},
    path::Path,
    time::Duration,
};

use auth_accounts::{
    AccountId, StoreErrorKind,
    store::{BlockingTokenStore, TokenStore},
};
use auth_core::Advice;
use auth_store::FileStore;
use futures_lite::future::block_on;
use support::{RECORD, account, load, mode, names, record, save, scratch, set_mode};

/// What kubelet does with a volume at each start of a pod that has an `fsGroup`.
fn start_pod(volume: &Path) {
    // Only root can give things to a group that it is not in.
    let group = rustix::process::geteuid().is_root().then_some(2000);
    let mut left = vec![volume.to_owned()];
    while let Some(path) = left.pop() {
        chown(&path, None, group).unwrap();
        if path.is_dir() {
            set_mode(&path, mode(&path) | 0o2770);
            left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            set_mode(&path, mode(&path) | 0o660);
        }
    }
}

#[track_caller]
fn all_is_private(directory: &Path) {
    // What is made below such a directory inherits its group.
    assert_eq!(mode(directory) & 0o777, 0o700);
    for name in names(directory) {
        assert_eq!(mode(&directory.join(&name)), 0o600, "{name}");
    }
}

/// The store worked once, and was refused after a restart.
#[test]
fn a_volume_with_a_group_is_made_private_at_each_start() {
    let volume = scratch();
    let directory = volume.path().join("tokens");
    let accounts = ["ada", "bob"].map(AccountId::from);
    for number in 1..4 {
        start_pod(volume.path());
        let store = FileStore::open(&directory).unwrap();
        all_is_private(&directory);
        for account in &accounts {
            let found = load(&store, account);
            assert_eq!(found, (number > 1).then(|| record(number - 1)));
            save(&store, account, &record(number));
            // With a record, its lock files stay.
            drop(store.lease_blocking(account, Duration::ZERO).unwrap());
        }
        all_is_private(&directory);
    }
    assert_eq!(mode(volume.path()), 0o2770, "what is above is not the store's");
}

/// A second pod starts while the first one runs.
#[test]
fn whatever_is_done_next_makes_it_private() {
    let volume = scratch();
    let directory = volume.path().join("tokens");
    let store = FileStore::open(&directory).unwrap();
    let mut version = save(&store, &account(), &record(1));
    let lease = store.lease_blocking(&account(), Duration::ZERO).unwrap();
    let turn = |with: &mut dyn FnMut()| {
        start_pod(volume.path());
        with();
        all_is_private(&directory);
    };
    turn(&mut || assert_eq!(load(&store, &account()), Some(record(1))));
    turn(&mut || {
        version = store.save_blocking(&account(), &record(2), Some(&version)).unwrap();
    });
    turn(&mut || store.extend_blocking(&account(), &lease).unwrap());
    turn(&mut || assert_eq!(store.list_blocking(None, 9).unwrap(), [account()]));
    turn(&mut || {
        let busy = store.lease_blocking(&account(), Duration::ZERO);
        assert_eq!(busy.unwrap_err().kind(), StoreErrorKind::LeaseTimeout);
    });
    turn(&mut || {
        let found = block_on(TokenStore::load(&store, &account())).unwrap().unwrap();
        assert_eq!(found, (record(2), version.clone()));
    });
    // With a record, its lock files stay.
    save(&store, &"bob".into(), &record(1));
    turn(&mut || drop(block_on(TokenStore::lease(&store, &"bob".into(), Duration::ZERO)).unwrap()));
    turn(&mut || assert!(store.discard(&account()).unwrap()));
}

/// One file by itself, and stricter ones stay so.
#[test]
fn a_file_that_its_group_can_read_is_made_private() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    save(&store, &account(), &record(1));
    let path = scratch.path().join(RECORD);
    for (loose, then) in [(0o660, 0o600), (0o640, 0o600), (0o620, 0o600), (0o440, 0o400)] {
        set_mode(&path, loose);
        assert_eq!(load(&store, &account()), Some(record(1)));
        assert_eq!(mode(&path), then);
    }
    set_mode(scratch.path(), 0o550);
    assert_eq!(load(&store, &account()), Some(record(1)));
    assert_eq!(mode(scratch.path()), 0o500);
    set_mode(scratch.path(), 0o700);
}

/// What everybody could write is not believed, whoever made it so, and what is not this
/// user's is not touched.
#[test]
fn what_others_could_get_at_is_not_made_private() {
    let volume = scratch();
    let directory = volume.path().join("tokens");
    let store = FileStore::open(&directory).unwrap();
    save(&store, &account(), &record(1));
    let path = directory.join(RECORD);
    let refused = || {
        let error = store.load_blocking(&account()).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Permissions, "{error}");
        error.to_string()
    };
    for loose in [0o662, 0o664, 0o666] {
        set_mode(&path, loose);
        assert!(refused().contains(&format!("mode is {loose:04o}")));
        start_pod(volume.path());
        refused();
        assert_eq!(mode(&path), loose);
    }
    set_mode(&path, 0o600);
    // With another name, which somebody may have made to have that file changed.
    let other = volume.path().join("other");
    set_mode(&path, 0o660);
    fs::hard_link(&path, &other).unwrap();
    assert!(refused().contains("chmod 600"));
    start_pod(volume.path());
    refused();
    assert_eq!(mode(&other), 0o660);
    fs::remove_file(&other).unwrap();
    assert_eq!(load(&store, &account()), Some(record(1)));

    if !rustix::process::geteuid().is_root() {
        return println!("skipped: a file of another user: only root can give things away");
    }
    chown(&path, Some(12345), None).unwrap();
    start_pod(volume.path());
    assert!(refused().contains("belongs to user 12345"));
    assert_eq!(mode(&path), 0o660);
    chown(&directory, Some(12345), None).unwrap();
    set_mode(&directory, 0o2770);
    assert!(refused().contains("belongs to user 12345"));
    assert_eq!(mode(&directory), 0o2770);
}

/// As the root of a volume `emptyDir` is.
#[test]
fn below_what_everybody_may_write_to_a_store_is_opened_on_request() {
    let volume = scratch();
    let directory = volume.path().join("state/tokens");
    for (above, mode) in [(volume.path(), 0o777), (volume.path(), 0o2777)] {
        set_mode(above, mode);
        let error = FileStore::open(&directory).unwrap_err();
        assert_eq!((error.kind(), error.advice()), (StoreErrorKind::Permissions, Advice::FixSetup));
        assert!(error.to_string().contains("constructor `FileStore::insecure_modes`"), "{error}");
        let store = FileStore::insecure_modes(&directory).unwrap();
        save(&store, &account(), &record(1));
        drop(store.lease_blocking(&account(), Duration::ZERO).unwrap());
        all_is_private(&directory);
    }
    // Nothing else is given up, since this file system keeps modes.
    let store = FileStore::insecure_modes(&directory).unwrap();
    let path = directory.join(RECORD);
    for loose in [0o644, 0o666, 0o602] {
        set_mode(&path, loose);
        let error = store.load_blocking(&account()).unwrap_err();
        assert!(error.to_string().contains(&format!("mode is {loose:04o}")), "{error}");
    }
    set_mode(&path, 0o600);
    start_pod(&directory);
    assert_eq!(load(&store, &account()), Some(record(1)));
    all_is_private(&directory);
    for loose in [0o777, 0o755] {
        set_mode(&directory, loose);
        let error = FileStore::insecure_modes(&directory).unwrap_err();
        assert!(error.to_string().contains("chmod 700"), "{error}");
        assert_eq!(mode(&directory), loose);
    }
    set_mode(&directory, 0o700);
    let link = volume.path().join("link");
    symlink(&directory, &link).unwrap();
    let error = FileStore::insecure_modes(&link).unwrap_err();
    assert!(error.to_string().contains("link is not followed"), "{error}");
    if !rustix::process::geteuid().is_root() {
        return println!("skipped: a link of another user: only root can give things away");
    }
    std::os::unix::fs::lchown(&link, Some(12345), None).unwrap();
    let error = FileStore::insecure_modes(link.join("below")).unwrap_err();
    assert!(error.to_string().contains("link of user 12345"), "{error}");
    chown(&directory, Some(12345), None).unwrap();
    let error = FileStore::insecure_modes(&directory).unwrap_err();
    assert!(error.to_string().contains("belongs to user 12345"), "{error}");
}
