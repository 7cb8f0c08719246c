//! The locks that Claude Code takes, from its side.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

#[path = "support/agent_files.rs"]
mod agent_files;
#[path = "../../auth-store/tests/support/mod.rs"]
mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime},
};

use agent_files::{Setup, claude, claude_file, json_at, loaded, save};
use auth_accounts::{StoreError, StoreErrorKind, store::BlockingTokenStore};
use auth_store_agents::ClaudeCredentials;
use serde_json::json;
use support::record;

fn lock_paths(setup: &Setup) -> [PathBuf; 2] {
    let real = fs::canonicalize(&setup.directory).unwrap();
    [setup.directory.join(".oauth_refresh.lock"), real.with_file_name(".claude.lock")]
}

fn lease(store: &ClaudeCredentials, wait: Duration) -> Result<(), StoreError> {
    store.lease_blocking(&"claude".into(), wait).map(drop)
}

fn age(path: &Path, time: SystemTime) {
    let times = fs::FileTimes::new().set_modified(time);
    fs::File::open(path).unwrap().set_times(times).unwrap();
}

#[test]
fn are_held_during_a_refresh() {
    let (setup, store) = claude(&claude_file());
    let held = store.lease_blocking(&"claude".into(), Duration::ZERO).unwrap();
    for path in lock_paths(&setup) {
        assert!(path.is_dir(), "{path:?}");
    }
    drop(held);
    for path in lock_paths(&setup) {
        assert!(!path.exists(), "{path:?}");
    }
}

#[test]
fn keep_a_refresh_waiting_while_claude_code_refreshes() {
    let (setup, store) = claude(&claude_file());
    for path in lock_paths(&setup) {
        fs::create_dir(&path).unwrap();
        let error = lease(&store, Duration::from_millis(10)).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::LeaseTimeout);
        assert!(path.is_dir());
        assert_eq!(lock_paths(&setup).iter().filter(|path| path.exists()).count(), 1);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| lease(&store, Duration::from_secs(60)));
            fs::remove_dir(&path).unwrap();
            waiting.join().unwrap().unwrap();
        });
    }
}

#[test]
fn are_taken_over_from_the_dead() {
    let (setup, store) = claude(&claude_file());
    let now = SystemTime::now();
    for path in lock_paths(&setup) {
        for (time, taken) in [
            (now - Duration::from_secs(50), false),
            (now - Duration::from_secs(3600), true),
            // From before the clock was set back (anthropics/claude-code#95739).
            (now + Duration::from_secs(4 * 3600), true),
        ] {
            fs::create_dir(&path).unwrap();
            age(&path, time);
            assert_eq!(lease(&store, Duration::ZERO).is_ok(), taken, "{path:?} {time:?}");
            let _ = fs::remove_dir(&path);
        }
        // Some versions leave a file (anthropics/claude-code#95425).
        fs::write(&path, "{}").unwrap();
        assert!(lease(&store, Duration::ZERO).is_err());
        age(&path, now - Duration::from_secs(3600));
        lease(&store, Duration::ZERO).unwrap();
    }
}

#[test]
fn that_were_taken_over_are_not_freed() {
    let (setup, store) = claude(&claude_file());
    let held = store.lease_blocking(&"claude".into(), Duration::ZERO).unwrap();
    let [first, second] = lock_paths(&setup);
    // This process was stopped for long, and Claude Code took the lock.
    fs::remove_dir(&first).unwrap();
    fs::create_dir(&first).unwrap();
    age(&first, SystemTime::now() + Duration::from_secs(1));
    drop(held);
    assert!(first.is_dir());
    assert!(!second.exists());
}

/// A process that was killed leaves the directories behind. Whoever comes
/// next with this store knows whose they were.
#[cfg(unix)]
#[test]
fn of_the_killed_are_taken_over_at_once() {
    let (setup, store) = claude(&claude_file());
    let mut killed = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env("AUTH_STORE_TEST_FILE", &setup.file)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = std::io::BufReader::new(killed.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("::leased") {
        line.clear();
        assert_ne!(std::io::BufRead::read_line(&mut stdout, &mut line).unwrap(), 0);
    }
    assert!(lease(&store, Duration::ZERO).is_err());
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(lock_paths(&setup).iter().all(|path| path.is_dir()));
    lease(&store, Duration::ZERO).unwrap();
    assert!(lock_paths(&setup).iter().all(|path| !path.exists()));
}

#[test]
#[ignore = "what the test before it starts and kills"]
fn child() {
    let Some(file) = std::env::var_os("AUTH_STORE_TEST_FILE") else { return };
    let store = ClaudeCredentials::new("claude", file).unwrap();
    let _held = store.lease_blocking(&"claude".into(), Duration::ZERO).unwrap();
    println!("::leased");
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[test]
fn guard_the_writing_of_the_file() {
    let (setup, store) = claude(&claude_file());
    let (_, version) = loaded(&store, "claude");
    let lock = setup.directory.join(".storage-write.lock");
    fs::create_dir(&lock).unwrap();
    thread::scope(|scope| {
        let save = scope.spawn(|| save(&store, "claude", &record(2), Some(&version)));
        // What it reads is what is there once Claude Code has written.
        let mut theirs = claude_file();
        theirs["mcpOAuth"] = json!({"another": "server"});
        fs::write(&setup.file, theirs.to_string()).unwrap();
        fs::remove_dir(&lock).unwrap();
        save.join().unwrap().unwrap();
    });
    let now = json_at(&setup.file);
    assert_eq!(now["mcpOAuth"], json!({"another": "server"}));
    assert_eq!(now["claudeAiOauth"]["refreshToken"], "s3cret-rt-2");
    assert!(!lock.exists());
}

/// Where everybody can make the lock beside the directory, nobody else's keeps this
/// user from refreshing.
#[cfg(unix)]
#[test]
fn somebody_elses_lock_beside_the_directory_counts_for_nothing() {
    let (setup, store) = claude(&claude_file());
    let [ours, beside] = lock_paths(&setup);
    fs::create_dir(&beside).unwrap();
    assert!(lease(&store, Duration::ZERO).is_err(), "this user's");
    // Only root can give things away.
    if std::os::unix::fs::lchown(&beside, Some(12345), None).is_ok() {
        lease(&store, Duration::ZERO).unwrap();
        assert!(beside.exists() && !ours.exists());
    }
}
