//! Who cannot do what, and why. `run` fails where an excuse is not needed.

/// Client, case, and why it cannot.
#[rustfmt::skip]
pub(crate) const EXCUSED: &[(&str, &str, &str)] = &[
    ("reqwest", "a_419_refreshes_where_that_is_set", BARE),
    ("reqwest", "a_request_to_another_origin_has_no_token", BARE_ORIGIN),
    ("reqwest", "a_request_to_another_name_of_the_host_has_no_token", BARE_ORIGIN),
    ("reqwest", "each_request_has_an_account_of_its_own", BARE_ACCOUNT),
    ("reqwest", "an_account_of_the_request_goes_before_the_clients", BARE_ACCOUNT),
    ("reqwest", "a_request_that_names_no_account_is_not_sent", BARE_ACCOUNT),
    ("ureq", "a_419_refreshes_where_that_is_set", BARE),
    ("ureq", "a_request_to_another_origin_has_no_token", BARE_ORIGIN),
    ("ureq", "a_request_to_another_name_of_the_host_has_no_token", BARE_ORIGIN),
    ("ureq", "each_request_has_an_account_of_its_own", BARE_ACCOUNT),
    ("ureq", "an_account_of_the_request_goes_before_the_clients", BARE_ACCOUNT),
    ("ureq", "a_request_that_names_no_account_is_not_sent", BARE_ACCOUNT),
    ("tonic", "a_419_refreshes_where_that_is_set", CODES),
    ("tonic", "a_419_is_handed_out_where_nothing_is_set", CODES),
    ("tonic", "a_stream_that_is_refused_says_why", NO_PLACE),
    ("tonic", "a_request_to_another_origin_has_no_token", CHANNEL),
    ("tonic", "a_request_to_another_name_of_the_host_has_no_token", CHANNEL),
    ("tonic with trailers", "a_419_refreshes_where_that_is_set", CODES),
    ("tonic with trailers", "a_419_is_handed_out_where_nothing_is_set", CODES),
    ("tonic with trailers", "a_stream_that_is_refused_says_why", NO_PLACE),
    ("tonic with trailers", "a_request_to_another_origin_has_no_token", CHANNEL),
    ("tonic with trailers", "a_request_to_another_name_of_the_host_has_no_token", CHANNEL),
];

const BARE: &str = "a bare function has no settings; `Calls` have";
const BARE_ORIGIN: &str = "a bare function takes the origin of the very request that it is given";
const BARE_ACCOUNT: &str = "a bare function takes the account beside the request";
const CODES: &str = "gRPC has no such code";
const NO_PLACE: &str = "tonic makes a status of headers and trailers alone, so that the reason is \
    known to the function around a call only, and that takes no stream";
const CHANNEL: &str =
    "a channel goes to one origin, and there is no layer for one whose is not named";

pub(crate) fn reason(kind: &str, case: &str) -> Option<&'static str> {
    EXCUSED.iter().find(|(k, c, _)| (*k, *c) == (kind, case)).map(|(.., reason)| *reason)
}
