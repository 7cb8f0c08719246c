//! The examples, run as the programs that they are.

use auth_examples_support::checks::{self, program};

#[test]
fn without_arguments_it_refreshes_through_a_502_and_a_reset() {
    checks::demonstration(&program("refresh"));
}

#[test]
fn every_outcome_has_its_exit_status_and_its_json() {
    checks::outcomes(&program("refresh"));
}

#[test]
fn what_is_asked_for_arrives() {
    checks::requests(&program("refresh"));
}

#[test]
fn no_secret_is_shown_unasked() {
    checks::secrets(&program("refresh"));
}

#[test]
fn what_cannot_be_used_is_refused() {
    checks::usage(&program("refresh"));
}

#[cfg(feature = "send")]
#[test]
fn a_client_of_an_api_survives_what_can_be_survived_and_says_when_it_is_over() {
    let program = program("api_client_async");
    let output = std::process::Command::new(&program).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    let lines = [
        r#"The access token has expired:  {"subject":"ada"}"#,
        "  calls so far: 1 served, 0 refused; refreshes: 1 made, 0 refused",
        r#"The access token is revoked:   {"subject":"ada"}"#,
        "  calls so far: 2 served, 1 refused; refreshes: 2 made, 0 refused",
        "The session has ended:",
        "  calls so far: 2 served, 2 refused; refreshes: 2 made, 1 refused",
    ];
    assert_eq!(stdout.lines().collect::<Vec<_>>(), lines);
    assert!(stderr.contains("the user must log in"), "{stderr}");
    assert_eq!(output.status.code(), Some(3));

    let usage = std::process::Command::new(program).arg("--no-such-option").output().unwrap();
    assert_eq!(usage.status.code(), Some(2));
}
