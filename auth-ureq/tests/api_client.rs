//! The example `api_client_blocking`, run as the program that it is.

use auth_examples_support::checks::{self, program};

#[test]
fn it_survives_what_can_be_survived_and_says_when_it_is_over() {
    checks::api_client(&program("api_client_blocking"));
}
