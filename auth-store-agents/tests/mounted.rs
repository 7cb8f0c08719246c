//! The agents' files in a container that has them from its host: each mounted by
//! itself, or in a directory in which nothing can be made. In mount namespaces of their
//! own, for which a kernel has to give the right.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests are tests, too")]

#[path = "support/agent_files.rs"]
mod agent_files;
#[path = "../../auth-store/tests/support/mod.rs"]
mod support;

use std::{
    env, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use agent_files::{claude_file, codex_file, json_at, load, loaded, save};
use auth_accounts::{
    AccountError, BlockingAccounts, Reason, StoreErrorKind, Token,
    auth_core::{Advice, presets},
    store::{BlockingTokenStore, TokenStore},
};
use auth_store_agents::{ClaudeCredentials, CodexAuth};
use auth_testkit::{CannedResponse, Script, VirtualClock};
use serde_json::Value;
use support::{names, record, scratch, set_mode};

const STORY: &str = "AUTH_STORE_TEST_STORY";

/// Runs a story of this file in a mount namespace of its own.
fn in_a_namespace(story: &str) {
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "--"]);
        command
    };
    if !unshare().arg("true").output().is_ok_and(|output| output.status.success()) {
        println!("skipped: there is no right to make a mount namespace");
        return;
    }
    let mut command = unshare();
    command.arg(env::current_exe().unwrap());
    command.args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"]);
    let output = command.env(STORY, story).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("::over"), "{said}");
}

#[test]
#[ignore = "what the other tests start"]
fn child() {
    let Ok(story) = env::var(STORY) else { return };
    match &*story {
        "claude" => a_mounted_file_is_refreshed(&Claude),
        "codex" => a_mounted_file_is_refreshed(&Codex),
        "read-only directory, claude" => a_file_alone_can_be_written(&Claude),
        "read-only directory, codex" => a_file_alone_can_be_written(&Codex),
        "read-only, claude" => what_cannot_be_written_is_not_refreshed(&Claude),
        "read-only, codex" => what_cannot_be_written_is_not_refreshed(&Codex),
        "replaced, claude" => an_old_file_is_not_refreshed(&Claude),
        "replaced, codex" => an_old_file_is_not_refreshed(&Codex),
        "two mounts" => two_containers_refresh_in_turns(),
        "full" => a_full_disk_loses_nothing(),
        story => panic!("{story}"),
    }
    println!("::over");
}

#[test]
fn a_mounted_file_of_claude_code_is_written_in_place() {
    in_a_namespace("claude");
}

#[test]
fn a_mounted_file_of_codex_is_written_in_place() {
    in_a_namespace("codex");
}

#[test]
fn where_nothing_can_be_made_claude_codes_file_is_written_all_the_same() {
    in_a_namespace("read-only directory, claude");
}

#[test]
fn where_nothing_can_be_made_codexs_file_is_written_all_the_same() {
    in_a_namespace("read-only directory, codex");
}

#[test]
fn nothing_is_sent_for_claude_code_that_could_not_be_saved() {
    in_a_namespace("read-only, claude");
}

#[test]
fn nothing_is_sent_for_codex_that_could_not_be_saved() {
    in_a_namespace("read-only, codex");
}

#[test]
fn nothing_is_sent_for_claude_code_from_a_file_that_was_replaced() {
    in_a_namespace("replaced, claude");
}

#[test]
fn nothing_is_sent_for_codex_from_a_file_that_was_replaced() {
    in_a_namespace("replaced, codex");
}

#[test]
fn a_login_that_is_mounted_twice_is_refreshed_by_one_at_a_time() {
    in_a_namespace("two mounts");
}

#[test]
fn a_full_disk_below_a_mounted_file_loses_nothing() {
    in_a_namespace("full");
}

/// An agent whose file is used in place.
trait Agent {
    type Store: TokenStore + BlockingTokenStore + Clone + 'static;

    const NAME: &'static str;
    fn store(&self, file: &Path) -> Self::Store;
    fn content(&self) -> Value;
    fn refresh_token(&self, file: &Path) -> Value;
}

struct Claude;

impl Agent for Claude {
    type Store = ClaudeCredentials;

    const NAME: &'static str = "claude";

    fn store(&self, file: &Path) -> ClaudeCredentials {
        ClaudeCredentials::new("claude", file).unwrap()
    }

    fn content(&self) -> Value {
        let mut file = claude_file();
        file["claudeAiOauth"]["expiresAt"] = 1.into();
        file
    }

    fn refresh_token(&self, file: &Path) -> Value {
        json_at(file)["claudeAiOauth"]["refreshToken"].clone()
    }
}

struct Codex;

impl Agent for Codex {
    type Store = CodexAuth;

    const NAME: &'static str = "codex";

    fn store(&self, file: &Path) -> CodexAuth {
        CodexAuth::new("codex", file).unwrap()
    }

    fn content(&self) -> Value {
        let mut file = codex_file();
        file["tokens"]["access_token"] = "s3cret-at-1".into();
        file
    }

    fn refresh_token(&self, file: &Path) -> Value {
        json_at(file)["tokens"]["refresh_token"].clone()
    }
}

/// A host with the file, and a container.
struct World {
    _scratch: tempfile::TempDir,
    host: PathBuf,
    container: PathBuf,
}

impl World {
    fn new(agent: &impl Agent) -> Self {
        let scratch = scratch();
        let [host, container] = ["host", "container"].map(|name| {
            let directory = scratch.path().join(name);
            fs::create_dir(&directory).unwrap();
            set_mode(&directory, 0o700);
            directory.join("login.json")
        });
        fs::write(&host, agent.content().to_string()).unwrap();
        set_mode(&host, 0o600);
        Self { _scratch: scratch, host, container }
    }

    /// As `docker run --mount type=bind` does it.
    fn mounted(agent: &impl Agent) -> Self {
        let world = Self::new(agent);
        fs::write(&world.container, "").unwrap();
        mount(&["--bind"], &world.host, &world.container);
        world
    }

    fn directory(&self) -> &Path {
        self.container.parent().unwrap()
    }
}

fn mount(options: &[&str], from: &Path, to: &Path) {
    let output = Command::new("mount").args(options).arg(from).arg(to).output().unwrap();
    assert!(output.status.success(), "mount: {}", String::from_utf8_lossy(&output.stderr));
}

fn remount_read_only(at: &Path) {
    let options = ["-o", "remount,ro,bind"];
    let output = Command::new("mount").args(options).arg(at).output().unwrap();
    assert!(output.status.success(), "mount: {}", String::from_utf8_lossy(&output.stderr));
}

fn tokens(number: u8) -> CannedResponse {
    CannedResponse::tokens(format!("s3cret-at-{number}"))
        .refresh_token(format!("s3cret-rt-{number}"))
        .member("id_token", "s3cret-id")
        .expires_in(3600)
}

/// A process that uses the file, and knows nothing but it.
fn refreshed<A: Agent>(agent: &A, file: &Path, script: &Script) -> Result<Token, AccountError> {
    let endpoint = match A::NAME {
        "claude" => presets::claude("9d1c250a-e61b-44d9-88ed-5944d1962f5e"),
        _ => presets::openai("app_EMoamEEZ73f0CkXaXp7hrann"),
    };
    let clock: VirtualClock = script.clock().clone();
    BlockingAccounts::new(endpoint, script.clone(), agent.store(file), clock)
        .account(A::NAME)
        .refresh_now()
}

fn a_mounted_file_is_refreshed<A: Agent>(agent: &A) {
    let world = World::mounted(agent);
    let inode = world.host.metadata().unwrap().ino();
    let script = Script::new().then(tokens(2)).then(tokens(3));
    for number in [2, 3] {
        let token = refreshed(agent, &world.container, &script).unwrap();
        assert!(token.unsaved().is_none(), "{:?}", token.unsaved());
        // The refresh token of before is spent: whoever comes next needs this one.
        for file in [&world.container, &world.host] {
            assert_eq!(agent.refresh_token(file), format!("s3cret-rt-{number}"));
            assert_eq!(file.metadata().unwrap().ino(), inode);
        }
    }
    script.finish();
    let ours = names(&world.directory().join(".auth-store"));
    let left: Vec<_> = ours.iter().filter(|name| name.contains("new")).collect();
    assert!(left.is_empty(), "{ours:?}");
    // A logout reaches the host, too.
    let store = agent.store(&world.container);
    let (_, version) = loaded(&store, A::NAME);
    store.remove_blocking(&A::NAME.into(), &version).unwrap();
    assert_eq!(load(&agent.store(&world.host), A::NAME).unwrap(), None);
}

/// As with `--mount …/.codex,readonly` and the file mounted upon it.
fn a_file_alone_can_be_written<A: Agent>(agent: &A) {
    let world = World::mounted(agent);
    // The directory first, with the file in it, as a mount of its own.
    let directory = world.directory().to_owned();
    mount(&["--rbind"], &directory, &directory);
    remount_read_only(&directory);
    assert!(fs::write(directory.join("x"), "").is_err(), "it is not read-only");
    let script = Script::new().then(tokens(2)).then(tokens(3));
    for number in [2, 3] {
        let token = refreshed(agent, &world.container, &script).unwrap();
        assert!(token.unsaved().is_none(), "{:?}", token.unsaved());
        assert_eq!(agent.refresh_token(&world.host), format!("s3cret-rt-{number}"));
    }
    script.finish();
    assert_eq!(names(&directory), ["login.json"]);
    // One at a time, all the same.
    let lease = || agent.store(&world.container).lease_blocking(&A::NAME.into(), Duration::ZERO);
    let held = lease().unwrap();
    assert_eq!(lease().unwrap_err().kind(), StoreErrorKind::LeaseTimeout);
    drop(held);
    drop(lease().unwrap());
    // Whoever died while writing has left half a file, and a login gets past it, though
    // no copy of that can be made.
    fs::write(&world.host, "#being written; its content is in .auth-store; 0#n\":1}").unwrap();
    let store = agent.store(&world.container);
    let error = load(&store, A::NAME).unwrap_err();
    let mut login = record(4);
    login.tokens.extra.insert("id_token", "s3cret-id".into());
    save(&store, A::NAME, &login, error.get_damaged_version()).unwrap();
    assert_eq!(agent.refresh_token(&world.host), "s3cret-rt-4");
}

fn what_cannot_be_written_is_not_refreshed<A: Agent>(agent: &A) {
    let world = World::mounted(agent);
    remount_read_only(&world.container);
    let script = Script::new();
    let error = refreshed(agent, &world.container, &script).unwrap_err();
    let Reason::Store(why) = error.reason() else { panic!("{error}") };
    assert_eq!(why.kind(), StoreErrorKind::ReadOnly, "{error}");
    assert_eq!(error.advice(), Advice::FixSetup);
    // Nothing was sent.
    script.finish();
    loaded(&agent.store(&world.container), A::NAME);
    assert_eq!(agent.refresh_token(&world.host), "s3cret-rt-1");
}

fn an_old_file_is_not_refreshed<A: Agent>(agent: &A) {
    let world = World::mounted(agent);
    // The host refreshes by rename.
    let new = world.host.with_file_name("new");
    fs::copy(&world.host, &new).unwrap();
    fs::rename(&new, &world.host).unwrap();
    let script = Script::new();
    let error = refreshed(agent, &world.container, &script).unwrap_err();
    let Reason::Store(why) = error.reason() else { panic!("{error}") };
    assert_eq!(why.kind(), StoreErrorKind::Detached, "{error}");
    assert_eq!(error.advice(), Advice::FixSetup);
    assert!(error.to_string().contains("mount its directory instead"), "{error}");
    script.finish();
    // Its access token may still be good.
    let store = agent.store(&world.container);
    let (_, version) = loaded(&store, A::NAME);
    // Nor is a login saved where nobody will find it.
    let mut login = record(4);
    login.tokens.extra.insert("id_token", "s3cret-id".into());
    let error = save(&store, A::NAME, &login, Some(&version)).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Detached, "{error}");
}

/// Their directories differ, and so do the lock files in them.
fn two_containers_refresh_in_turns() {
    let world = World::mounted(&Codex);
    let other = world.container.parent().unwrap().with_file_name("other");
    fs::create_dir(&other).unwrap();
    set_mode(&other, 0o700);
    let other = other.join("auth.json");
    fs::write(&other, "").unwrap();
    mount(&["--bind"], &world.host, &other);
    let files = [&world.host, &world.container, &other];
    let lease = |file: &Path| Codex.store(file).lease_blocking(&"codex".into(), Duration::ZERO);
    for one in files {
        let held = lease(one).unwrap();
        for another in files {
            assert_eq!(lease(another).unwrap_err().kind(), StoreErrorKind::LeaseTimeout);
        }
        drop(held);
    }
}

fn a_full_disk_loses_nothing() {
    let world = World::new(&Claude);
    let disk = world.host.with_file_name("disk");
    fs::create_dir(&disk).unwrap();
    mount(&["-t", "tmpfs", "-o", "size=16k,mode=0700"], Path::new("none"), &disk);
    let file = disk.join("login.json");
    fs::copy(&world.host, &file).unwrap();
    fs::write(&world.container, "").unwrap();
    mount(&["--bind"], &file, &world.container);
    let _ = fs::write(disk.join("filler"), vec![b'x'; 64 << 10]);
    let store = Claude.store(&world.container);
    let (before, version) = loaded(&store, "claude");
    let bytes = fs::read(&file).unwrap();
    let mut large = record(2);
    large.tokens.refresh_token = Some(auth_core::RefreshToken::new("s3cret-".repeat(2000)));
    let error = save(&store, "claude", &large, Some(&version)).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Full, "{error}");
    assert_eq!(fs::read(&file).unwrap(), bytes);
    assert_eq!(loaded(&store, "claude"), (before, version.clone()));
    fs::remove_file(disk.join("filler")).unwrap();
    let mut small = record(3);
    small.tokens.scope = Some("user:inference".into());
    save(&store, "claude", &small, Some(&version)).unwrap();
    assert_eq!(Claude.refresh_token(&file), "s3cret-rt-3");
}
