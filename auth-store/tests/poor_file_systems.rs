//! File systems without locks, and such as do not keep modes: a real one, which
//! `support/poor_fs.py` mounts in a namespace of its own.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use auth_accounts::{
    StoreError, StoreErrorKind,
    store::{BlockingTokenStore, TokenStore},
};
use auth_core::Advice;
use auth_store::FileStore;
use futures_lite::future::block_on;
use rustix::io::Errno;
use support::{account, load, mode, names, record, save, scratch};

const DIRECTORY: &str = "AUTH_STORE_TEST_POOR";

/// Runs the test `child` of this program where there is such a file system.
#[track_caller]
fn with_file_system(chmod: &str, loose: &str, lock_error: i32, child: &str) {
    let mount = scratch();
    let root = rustix::process::geteuid().is_root();
    let output = Command::new("unshare")
        .args(if root { &["--mount"][..] } else { &["--user", "--map-root-user", "--mount"] })
        .arg("python3")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/poor_fs.py"))
        .arg(mount.path())
        .args([chmod, loose, &lock_error.to_string()])
        .arg(env::current_exe().unwrap())
        .args(["--exact", child, "--ignored", "--nocapture"])
        .env(DIRECTORY, mount.path())
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) => return println!("skipped: no `unshare`: {error}"),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let unable = ["unshare: ", "python3: "].iter().any(|begins| errors.starts_with(begins));
    if output.status.code() == Some(77) || unable && !text.contains("running 1 test") {
        return println!("skipped: no right to mount, or no Python: {text}{errors}");
    }
    assert!(output.status.success() && text.contains("1 passed"), "{text}\n{errors}");
}

/// In the child: where the file system is.
fn directory() -> Option<PathBuf> {
    Some(PathBuf::from(env::var_os(DIRECTORY)?).join("tokens"))
}

#[test]
#[ignore = "run by the test beside it, where there are no locks"]
fn child_without_locks() {
    let Some(directory) = directory() else { return };
    let store = FileStore::open(&directory).unwrap();
    let is_said = |error: StoreError, file: &str| {
        assert_eq!(error.kind(), StoreErrorKind::Misconfigured, "{error}");
        assert_eq!(error.advice(), Advice::FixSetup);
        assert!(error.to_string().contains("this file system has no locks"), "{error}");
        assert!(error.concerns().ends_with(file), "{error}");
    };
    let (id, long) = (account(), Duration::from_secs(600));
    let begun = Instant::now();
    is_said(store.lease_blocking(&id, long).map(drop).unwrap_err(), ".lease");
    is_said(block_on(TokenStore::lease(&store, &id, long)).map(drop).unwrap_err(), ".lease");
    is_said(store.save_blocking(&id, &record(1), None).unwrap_err(), ".lock");
    is_said(block_on(TokenStore::save(&store, &id, &record(1), None)).unwrap_err(), ".lock");
    is_said(store.discard(&id).unwrap_err(), ".lock");
    assert!(begun.elapsed() < long, "it waited for what does not come");
    assert_eq!(load(&store, &id), None);
}

#[test]
#[ignore = "run by the test beside it, where modes are not kept"]
fn child_without_modes() {
    let Some(directory) = directory() else { return };
    // One that is made, and one that is there.
    for _ in 0..2 {
        let error = FileStore::open(&directory).unwrap_err();
        assert_eq!((error.kind(), error.advice()), (StoreErrorKind::Permissions, Advice::FixSetup));
        let text = error.to_string();
        assert!(text.contains(&format!("its mode is {:04o}", mode(&directory))), "{text}");
        assert!(text.contains("this file system does not keep modes"), "{text}");
        assert!(text.contains("`insecure_modes`"), "{text}");
        assert_eq!(names(&directory), [""; 0]);
    }
    if mode(&directory) & 0o002 != 0 {
        let error = FileStore::open(directory.join("below")).unwrap_err();
        assert!(error.to_string().contains("if that changes nothing"), "{error}");
    }
    let store = FileStore::insecure_modes(&directory).unwrap();
    for number in 1..4 {
        save(&store, &account(), &record(number));
        drop(store.lease_blocking(&account(), Duration::ZERO).unwrap());
        let again = FileStore::insecure_modes(&directory).unwrap();
        assert_eq!(load(&again, &account()), Some(record(number)));
    }
    assert_ne!(mode(&directory.join(support::RECORD)), 0o600);
    // Links are not followed for all that.
    let link = directory.join("account-bob.json");
    if std::os::unix::fs::symlink(directory.join(support::RECORD), &link).is_ok() {
        assert!(store.load_blocking(&"bob".into()).is_err());
    }
    fs::remove_dir_all(&directory).unwrap();
}

/// Each took the same error for one that passes, for ever.
#[test]
fn a_file_system_without_locks_is_said_to_be_one() {
    for errno in [Errno::NOLCK, Errno::NOSYS, Errno::OPNOTSUPP, Errno::INVAL] {
        with_file_system("succeeds", "0", errno.raw_os_error(), "child_without_locks");
    }
}

/// Windows' disks in WSL, and CIFS: chmod succeeds and does nothing, or is an error.
#[test]
fn a_file_system_that_keeps_no_modes_is_used_on_request() {
    for chmod in ["succeeds", "fails"] {
        for loose in ["777", "770", "755"] {
            with_file_system(chmod, loose, 0, "child_without_modes");
        }
    }
}
