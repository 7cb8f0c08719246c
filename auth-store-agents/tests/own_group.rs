//! A directory and a file that a group may write to in which nobody is but the user, as
//! umask 002 makes them where each user has a group.
//!
//! Who is in a group is for `/etc` to say, so it is tried in a mount namespace, as a user
//! that is there alone.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests are tests, too")]

#[path = "support/agent_files.rs"]
mod agent_files;
#[path = "../../auth-store/tests/support/mod.rs"]
mod support;

use std::{
    env, fs,
    os::unix::fs::{MetadataExt, chown},
    path::Path,
    process::Command,
};

use agent_files::{claude_file, codex_file, load, loaded, save};
use auth_accounts::StoreErrorKind;
use auth_store_agents::{ClaudeCredentials, CodexAuth};
use support::{mode, record, scratch, set_mode};

const FILE: &str = "AUTH_STORE_TEST_FILE";
const EXPECTED: &str = "AUTH_STORE_TEST_EXPECTED";

/// Nobody has this number.
const ADA: u32 = 54321;

#[test]
#[ignore = "run by the test beside it, as a user in a namespace"]
fn child() {
    let (Some(file), Ok(expected)) = (env::var_os(FILE), env::var(EXPECTED)) else { return };
    let file = Path::new(&file);
    let store = ClaudeCredentials::new("claude", file).unwrap();
    let codex = CodexAuth::new("codex", file.with_file_name("auth.json")).unwrap();
    if !expected.is_empty() {
        let refused = [load(&store, "claude"), load(&codex, "codex")];
        for error in refused.map(|found| found.unwrap_err()) {
            assert_eq!(error.kind(), StoreErrorKind::Permissions, "{error}");
            assert!(error.to_string().contains(&expected), "{error}");
        }
        return;
    }
    assert!(load(&codex, "codex").unwrap().is_some());
    let (_, version) = loaded(&store, "claude");
    save(&store, "claude", &record(2), Some(&version)).unwrap();
    let token = loaded(&store, "claude").0.tokens.access_token;
    assert_eq!(token, record(2).tokens.access_token);
    // What is written anew has no group to give it to.
    assert_eq!(mode(file), 0o600);
}

#[test]
fn what_a_users_own_group_may_do_counts_for_nothing() {
    let scratch = scratch();
    if scratch.path().metadata().unwrap().uid() != 0 {
        return println!("skipped: only root can be another user");
    }
    set_mode(scratch.path(), 0o755);
    let program = scratch.path().join("program");
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    let directory = scratch.path().join(".claude");
    fs::create_dir(&directory).unwrap();
    let (claude, codex) = (directory.join(".credentials.json"), directory.join("auth.json"));

    let passwd = format!("root:x:0:0::/root:/bin/sh\nada:x:{ADA}:{ADA}::/:/bin/sh\n");
    let group = format!("root:x:0:\nada:x:{ADA}:\nstaff:x:50:ada\n");
    let (nsswitch, with_ldap) =
        ("passwd: files systemd\ngroup: files systemd\n", "passwd: files\ngroup: files ldap\n");
    let shared = group.replace(&format!("{ADA}:"), &format!("{ADA}:bob"));
    let of_bob = format!("{passwd}bob:x:7:{ADA}::/:/bin/sh\n");
    for (passwd, group, nsswitch, modes, expected) in [
        (&passwd, &group, nsswitch, (0o775, 0o600), ""),
        (&passwd, &group, nsswitch, (0o2770, 0o660), ""),
        (&passwd, &group, nsswitch, (0o755, 0o640), ""),
        // Others may read it.
        (&passwd, &group, nsswitch, (0o775, 0o664), "chmod 600"),
        // Others may be in it.
        (&passwd, &shared, nsswitch, (0o775, 0o600), "it has other members"),
        (&passwd, &shared, nsswitch, (0o755, 0o660), "it has other members"),
        (&of_bob, &group, nsswitch, (0o775, 0o600), "another user"),
        (&passwd, &group, with_ldap, (0o775, 0o600), "a source beside"),
        (&String::new(), &group, nsswitch, (0o775, 0o600), "passwd does not have"),
    ] {
        for (name, content) in
            [("passwd", &**passwd), ("group", group), ("nsswitch.conf", nsswitch)]
        {
            fs::write(scratch.path().join(name), content).unwrap();
            set_mode(&scratch.path().join(name), 0o644);
        }
        fs::write(&claude, claude_file().to_string()).unwrap();
        fs::write(&codex, codex_file().to_string()).unwrap();
        for (path, mode) in [(&directory, modes.0), (&claude, modes.1), (&codex, modes.1)] {
            chown(path, Some(ADA), Some(ADA)).unwrap();
            set_mode(path, mode);
        }
        let output = Command::new("unshare")
            .args(["--mount", "sh", "-c"])
            .arg(
                "for name in passwd group nsswitch.conf; do \
                 mount --bind \"$1/$name\" /etc/$name || exit 77; done; \
                 user=$2; shift 2; \
                 exec setpriv --reuid $user --regid $user --clear-groups \"$@\"",
            )
            .arg("sh")
            .arg(scratch.path())
            .arg(ADA.to_string())
            .arg(&program)
            .args(["--exact", "child", "--ignored"])
            .env(FILE, &claude)
            .env(EXPECTED, expected)
            .current_dir("/")
            .output();
        let output = match output {
            Ok(output) => output,
            Err(error) => return println!("skipped: no `unshare`: {error}"),
        };
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        if output.status.code() == Some(77) || errors.starts_with("unshare: ") {
            return println!("skipped: no right to mount: {errors}");
        }
        let done = output.status.success() && text.contains("1 passed");
        assert!(done, "{modes:?} {expected}: {text}\n{errors}");
    }
}
