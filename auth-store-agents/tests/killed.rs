//! Codex's file is written in place. Whoever dies while they write it, and whoever reads
//! it meanwhile, leaves and finds one whole login.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "helpers of tests are tests, too"
)]

#[path = "support/agent_files.rs"]
mod agent_files;
#[path = "../../auth-store/tests/support/mod.rs"]
mod support;

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use agent_files::{codex, codex_file, json_at, loaded, save};
use auth_accounts::store::Record;
use auth_core::RefreshToken;
use auth_store_agents::CodexAuth;
use support::{names, record, seconds};

const FILE: &str = "AUTH_STORE_TEST_FILE";
const KILLS: usize = 40;

/// Logins of different lengths, so that each is longer or shorter than the next.
fn login(number: u32) -> Record {
    let mut login = record(number);
    login.obtained_at = Some(seconds(1_999_000_000));
    login.tokens.extra.insert("id_token", "s3cret-id".repeat(number as usize % 7 * 300).into());
    if number.is_multiple_of(7) {
        login.tokens.extra.insert("id_token", "s3cret-id".into());
    }
    login
}

/// Whether its parts are of one login.
fn check_is_whole(found: &Record) {
    let number: u32 =
        found.tokens.access_token.expose().rsplit('-').next().unwrap().parse().unwrap();
    let expected = login(number).tokens;
    assert_eq!(found.tokens.refresh_token, expected.refresh_token);
    assert_eq!(found.tokens.extra.get("id_token"), expected.extra.get("id_token"));
}

/// Saves one login after the other.
fn save_in_turns(store: &CodexAuth, over: impl Fn() -> bool) {
    let mut number = 0;
    while !over() {
        number += 1;
        let (_, version) = loaded(store, "codex");
        save(store, "codex", &login(number), Some(&version)).unwrap();
    }
}

fn setup() -> (agent_files::Setup, CodexAuth) {
    let (setup, store) = codex(&codex_file());
    let (_, version) = loaded(&store, "codex");
    save(&store, "codex", &login(1), Some(&version)).unwrap();
    (setup, store)
}

#[test]
#[ignore = "what the test beside it starts and kills"]
fn child() {
    let Some(file) = env::var_os(FILE) else { return };
    let store = CodexAuth::new("codex", Path::new(&file)).unwrap();
    eprintln!("ready");
    save_in_turns(&store, || false);
}

#[test]
fn whoever_is_killed_leaves_a_whole_login() {
    let (setup, store) = setup();
    let mut unfinished = 0;
    for _ in 0..KILLS {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"])
            .env(FILE, &setup.file)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        assert_eq!(said.next().unwrap().unwrap(), "ready");
        thread::sleep(Duration::from_micros(fastrand(10_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let side = setup.directory.join(".auth-store/auth.json.new");
        unfinished += usize::from(side.exists());
        check_is_whole(&loaded(&store, "codex").0);
        // The load has finished it, so that Codex finds it too.
        assert!(!side.exists());
        let found = json_at(&setup.file)["tokens"]["refresh_token"].clone();
        let (record, version) = loaded(&store, "codex");
        assert_eq!(record.tokens.refresh_token, Some(RefreshToken::new(found.as_str().unwrap())));
        save(&store, "codex", &login(3), Some(&version)).unwrap();
    }
    println!("{unfinished} of {KILLS} died while they wrote");
    let left = names(&setup.directory.join(".auth-store"));
    assert!(left.iter().all(|name| !name.contains(".new") || name.ends_with(".tmp")), "{left:?}");
}

fn fastrand(most: u64) -> u64 {
    use std::hash::{BuildHasher, RandomState};

    RandomState::new().hash_one(0) % most
}

#[test]
fn whoever_reads_meanwhile_finds_a_whole_login() {
    let (setup, store) = setup();
    let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
    let before = inode(&setup.file);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| save_in_turns(&store, || over.load(Ordering::Relaxed)));
        for _ in 0..300 {
            check_is_whole(&loaded(&store, "codex").0);
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(inode(&setup.file), before);
}
