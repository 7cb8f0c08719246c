//! The directories that the environment names.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests are tests, too")]

use std::{env, process::Command};

use auth_store_agents::{ClaudeCredentials, CodexAuth};

#[test]
#[ignore = "what the test beside it starts"]
fn child() {
    match CodexAuth::of_this_user("codex") {
        Ok(codex) => println!("codex is {}.", codex.file().display()),
        Err(error) => println!("codex says {error}."),
    }
    match ClaudeCredentials::of_this_user("claude") {
        Ok(claude) => println!("claude is {}.", claude.file().display()),
        Err(error) => println!("claude says {error}."),
    }
}

#[test]
fn no_login_is_looked_for_where_a_program_happens_to_be_started() {
    let home = tempfile::tempdir().unwrap();
    let work = tempfile::tempdir().unwrap();
    let home = home.path().display().to_string();
    let codex_at = |directory: &str| format!("codex is {directory}/auth.json.");
    let claude_at = |directory: &str| format!("claude is {directory}/.credentials.json.");
    let says = |who: &str, variable: &str, what: &str| {
        format!(
            "{who} says {variable}: the store cannot be used as it is set up: it names the directory {what:?}"
        )
    };
    let (codex_home, claude_home) = (format!("{home}/.codex"), format!("{home}/.claude"));
    for (at_home, named, codex, claude) in [
        (home.as_str(), None, codex_at(&codex_home), claude_at(&claude_home)),
        // What the system knows of the user, or nothing in older versions of Rust.
        ("", None, "codex ".to_owned(), "claude ".to_owned()),
        ("rel", None, says("codex", "HOME", "rel"), says("claude", "HOME", "rel")),
        ("rel", Some(home.as_str()), codex_at(&home), claude_at(&home)),
        (
            &home,
            Some("rel"),
            says("codex", "CODEX_HOME", "rel"),
            says("claude", "CLAUDE_CONFIG_DIR", "rel"),
        ),
        // As the agents themselves read it, but for the working directory.
        (&home, Some(""), codex_at(&codex_home), says("claude", "CLAUDE_CONFIG_DIR", "")),
    ] {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "child", "--ignored", "--nocapture"]).current_dir(work.path());
        command.env("HOME", at_home);
        for variable in ["CODEX_HOME", "CLAUDE_CONFIG_DIR"] {
            match named {
                Some(named) => command.env(variable, named),
                None => command.env_remove(variable),
            };
        }
        let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
        assert!(output.contains(&codex), "{at_home:?} {named:?}: {codex} {output}");
        assert!(output.contains(&claude), "{at_home:?} {named:?}: {claude} {output}");
        let work = work.path().display().to_string();
        assert!(!output.contains(&work), "{at_home:?} {named:?}: {output}");
    }
}
