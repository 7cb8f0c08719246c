//! The directory that the environment names.

#![cfg(all(unix, not(target_os = "macos")))]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests are tests, too")]

mod support;

use std::{env, process::Command};

use auth_store::FileStore;
use support::{names, scratch};

#[test]
#[ignore = "what the test beside it starts"]
fn child() {
    match FileStore::for_application("app") {
        Ok(store) => println!("it is {}", store.directory().display()),
        Err(error) => println!("it says {error}"),
    }
}

/// A relative one would be another in each working directory, and in `/tmp`
/// whatever somebody has put there.
#[test]
fn no_store_is_made_where_a_program_happens_to_be_started() {
    let (work, home) = (scratch(), scratch());
    let home = home.path().display().to_string();
    let below = format!("it is {home}/.local/state/app");
    let relative = |what: &str| {
        format!(
            "it says HOME: the store cannot be used as it is set up: it names the directory {what:?}"
        )
    };
    for (at_home, state, expected) in [
        (home.as_str(), None, below.clone()),
        ("rel", None, relative("rel/.local/state/")),
        ("./rel", None, relative("./rel/.local/state/")),
        // Relative ones are to be ignored, says the XDG Base Directory Specification.
        (&home, Some("rel"), below.clone()),
        (&home, Some(""), below.clone()),
        ("rel", Some("rel"), relative("rel/.local/state/")),
        ("rel", Some(&home), format!("it is {home}/app")),
    ] {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "child", "--ignored", "--nocapture"]).current_dir(work.path());
        command.env("HOME", at_home).env_remove("XDG_STATE_HOME");
        if let Some(state) = state {
            command.env("XDG_STATE_HOME", state);
        }
        let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
        assert!(output.contains(&expected), "HOME={at_home:?} {state:?}: {output}");
        assert_eq!(names(work.path()), [""; 0], "HOME={at_home:?} {state:?}");
    }
}

#[test]
fn what_is_empty_is_named_so() {
    for (error, says) in [
        (FileStore::open(""), "an empty path: "),
        (FileStore::insecure_modes(""), "an empty path: "),
        (FileStore::for_application(""), "an empty name: "),
    ] {
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with(says), "{error}");
    }
}
