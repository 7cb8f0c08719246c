//! An agent's file in a directory that root has made, as `docker run --volume` makes one
//! for a file, and in which others may look around.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests are tests, too")]

#[path = "support/agent_files.rs"]
mod agent_files;
#[path = "../../auth-store/tests/support/mod.rs"]
mod support;

use std::{
    env,
    fs::{self, File},
    os::unix::fs::{MetadataExt, chown},
    path::Path,
    process::Command,
    time::Duration,
};

use agent_files::{claude_file, codex_file, load, loaded, save};
use auth_accounts::{StoreErrorKind, store::BlockingTokenStore};
use auth_store_agents::{ClaudeCredentials, CodexAuth};
use support::{names, record, scratch, set_mode};

const DIRECTORY: &str = "AUTH_STORE_TEST_DIRECTORY";

/// Nobody has this number.
const ADA: u32 = 54321;

#[test]
#[ignore = "run by the test beside it, as another user"]
fn child() {
    let Some(directory) = env::var_os(DIRECTORY) else { return };
    let directory = Path::new(&directory);
    check(
        &ClaudeCredentials::new("claude", directory.join(".credentials.json")).unwrap(),
        "claude",
    );
    check(&CodexAuth::new("codex", directory.join("auth.json")).unwrap(), "codex");
}

fn check(store: &(impl BlockingTokenStore + Clone), account: &str) {
    let lease = || store.lease_blocking(&account.into(), Duration::ZERO);
    let (_, mut version) = loaded(store, account);
    let mut record = record(2);
    record.tokens.extra.insert("id_token", "s3cret-id".into());
    version = save(store, account, &record, Some(&version)).unwrap();
    // Whoever refreshes saves, too.
    let held = lease().unwrap();
    store.extend_blocking(&account.into(), &held).unwrap();
    assert_eq!(lease().unwrap_err().kind(), StoreErrorKind::LeaseTimeout);
    record.tokens.refresh_token = Some(auth_core::RefreshToken::new("s3cret-rt-3"));
    save(store, account, &record, Some(&version)).unwrap();
    assert_eq!(loaded(store, account).0.tokens.refresh_token, record.tokens.refresh_token);
    store.extend_blocking(&account.into(), &held).unwrap();
    assert_eq!(lease().unwrap_err().kind(), StoreErrorKind::LeaseTimeout);
    drop(held);
    drop(lease().unwrap());
}

#[test]
fn in_a_directory_of_roots_a_file_is_used() {
    let scratch = scratch();
    if scratch.path().metadata().unwrap().uid() != 0 {
        return println!("skipped: only root can be another user");
    }
    set_mode(scratch.path(), 0o755);
    let program = scratch.path().join("program");
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    let directory = scratch.path().join("home");
    fs::create_dir(&directory).unwrap();
    set_mode(&directory, 0o755);
    for (name, content) in [(".credentials.json", claude_file()), ("auth.json", codex_file())] {
        let file = directory.join(name);
        fs::write(&file, content.to_string()).unwrap();
        set_mode(&file, 0o600);
        chown(&file, Some(ADA), Some(ADA)).unwrap();
    }
    // Whoever can look into the directory can lock it for ever.
    let stranger = File::open(&directory).unwrap();
    stranger.lock().unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid", &ADA.to_string(), "--regid", &ADA.to_string(), "--clear-groups"])
        .arg(&program)
        .args(["--exact", "child", "--ignored"])
        .env(DIRECTORY, &directory)
        .current_dir("/")
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) => return println!("skipped: no `setpriv`: {error}"),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let done = output.status.success() && text.contains("1 passed");
    assert!(done, "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(names(&directory), [".credentials.json", "auth.json"]);

    // A directory of anybody else is refused, whatever its mode.
    chown(&directory, Some(7), None).unwrap();
    let store = CodexAuth::new("codex", directory.join("auth.json")).unwrap();
    let error = load(&store, "codex").unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Permissions, "{error}");
    assert!(error.to_string().contains("belongs to user 7"), "{error}");
}
