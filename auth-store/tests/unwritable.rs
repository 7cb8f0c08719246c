//! A disk that is full, and a directory that cannot be written to: nothing is
//! lost, and the error says what is wrong.
//!
//! Both are states of a process, so they are tested in a child process: this
//! program, started again.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::{
    env, fs,
    os::unix::{fs::chown, process::CommandExt},
    path::Path,
    process::Command,
};

use auth_accounts::{StoreErrorKind, store::BlockingTokenStore};
use auth_store::FileStore;
use support::{account, names, record, scratch, set_mode, shown};

const DIRECTORY: &str = "AUTH_STORE_TEST_DIRECTORY";

/// Nobody in particular. Root may write everywhere.
const USER: u32 = 65534;

fn load_number(store: &FileStore) -> Option<u32> {
    let found = store.load_blocking(&account()).unwrap();
    (0..10).find(|number| found.as_ref().is_some_and(|(found, _)| *found == record(*number)))
}

/// In the child: a save that must fail.
fn failing_save(expected_kind: StoreErrorKind, says: &str) {
    let Some(directory) = env::var_os(DIRECTORY) else { return };
    let store = FileStore::open(directory).unwrap();
    let (_, version) = store.load_blocking(&account()).unwrap().unwrap();
    for _ in 0..2 {
        let error = store.save_blocking(&account(), &record(2), Some(&version));
        let error = error.unwrap_err();
        assert_eq!(error.kind(), expected_kind, "{error}");
        assert!(shown(&error).contains(says), "{error}");
        assert!(!shown(&error).contains(support::SECRET));
        assert_eq!(load_number(&store), Some(1));
    }
}

#[test]
#[ignore = "run by the test beside it, where no file can grow"]
fn child_without_space() {
    failing_save(StoreErrorKind::Full, "File too large");
}

#[test]
#[ignore = "run by the test beside it, as a user who may not write"]
fn child_without_permission() {
    failing_save(StoreErrorKind::Permissions, "(os error 13)");
}

/// A limit of 0 blocks on files is as good as a full disk: every write fails,
/// whichever file system is below.
#[test]
fn a_full_disk_loses_nothing() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).unwrap();
    let version = store.save_blocking(&account(), &record(1), None).unwrap();
    let before = names(scratch.path());

    let status = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; ulimit -f 0; exec "$0" "$@""#])
        .arg(env::current_exe().unwrap())
        // Its report would be a file that cannot grow, too.
        .args(["--exact", "child_without_space", "--ignored"])
        .env(DIRECTORY, scratch.path())
        .output()
        .unwrap();
    assert_success(&status);

    assert_eq!(names(scratch.path()), before, "no half-written file is left");
    assert_eq!(load_number(&store), Some(1));
    // And once there is space again:
    store.save_blocking(&account(), &record(2), Some(&version)).unwrap();
    assert_eq!(load_number(&store), Some(2));
}

#[test]
fn a_directory_that_cannot_be_written_to_loses_nothing() {
    let scratch = scratch();
    let directory = scratch.path().join("tokens");
    let store = FileStore::open(&directory).unwrap();
    let version = store.save_blocking(&account(), &record(1), None).unwrap();
    let mut child = Command::new(env::current_exe().unwrap());
    let root = rustix::process::geteuid().is_root();
    if root {
        // A copy that this user can reach.
        let program = scratch.path().join("program");
        fs::copy(env::current_exe().unwrap(), &program).unwrap();
        set_mode(scratch.path(), 0o755);
        give(&directory, USER);
        child = Command::new(program);
        child.uid(USER).gid(USER).current_dir("/");
    }
    set_mode(&directory, 0o500);
    let output = child
        .args(["--exact", "child_without_permission", "--ignored"])
        .env(DIRECTORY, &directory)
        .output()
        .unwrap();
    assert_success(&output);

    set_mode(&directory, 0o700);
    if root {
        give(&directory, 0);
    }
    assert_eq!(load_number(&store), Some(1));
    store.save_blocking(&account(), &record(2), Some(&version)).unwrap();
    assert_eq!(load_number(&store), Some(2));
}

fn give(directory: &Path, user: u32) {
    chown(directory, Some(user), Some(user)).unwrap();
    for name in names(directory) {
        chown(directory.join(name), Some(user), Some(user)).unwrap();
    }
}

#[track_caller]
fn assert_success(output: &std::process::Output) {
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
