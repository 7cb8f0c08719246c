//! The example `api_client_blocking`, run as the program that it is.

// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

use auth_examples_support::checks::program;

fn run(arguments: &[&str]) -> Output {
    // No proxy is used, whatever the environment says.
    let mut command = Command::new(program("api_client_blocking"));
    command.args(arguments).env("HTTP_PROXY", "http://127.0.0.1:1").output().unwrap()
}

#[test]
fn it_survives_an_expired_and_a_revoked_token() {
    let output = run(&[]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}");
    let lines = [
        r#"with a token that has expired: {"subject":"ada"}; refreshes so far: 1"#,
        r#"with the new one: {"subject":"ada"}; refreshes so far: 1"#,
        r#"with one that was revoked: {"subject":"ada"}; refreshes so far: 2"#,
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), lines);
}

#[test]
fn it_says_that_its_session_has_ended() {
    let output = run(&["--log-out"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 3);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("account ada: "), "{error}");
    assert!(error.contains("log in"), "{error}");
}
