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
    checks::api_client(&program("api_client_async"));
}
