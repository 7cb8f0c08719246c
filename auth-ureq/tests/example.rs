//! The example `refresh_blocking`, run as the program that it is.

use auth_examples_support::checks::{self, program};

#[test]
fn without_arguments_it_refreshes_through_a_502_and_a_reset() {
    checks::demonstration(&program("refresh_blocking"));
}

#[test]
fn every_outcome_has_its_exit_status_and_its_json() {
    checks::outcomes(&program("refresh_blocking"));
}

#[test]
fn what_is_asked_for_arrives() {
    checks::requests(&program("refresh_blocking"));
}

#[test]
fn no_secret_is_shown_unasked() {
    checks::secrets(&program("refresh_blocking"));
}

#[test]
fn what_cannot_be_used_is_refused() {
    checks::usage(&program("refresh_blocking"));
}
