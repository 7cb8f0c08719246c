//! What the header of a response says beside its error.

use std::time::Duration;

use http::{HeaderMap, header};

use super::read;
use crate::{Delivery::*, FailureKind::*, test_now};

#[test]
fn a_wait_named_in_the_header_or_the_body() {
    let mut response = http::Response::new(br#"{"retry_after":64.5,"message":"limited"}"#.to_vec());
    *response.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
    let wait =
        |response: &_| crate::read_response(response, &[], test_now()).unwrap_err().retry_after();
    assert_eq!(wait(&response), Some(Duration::from_millis(64_500)));
    *response.headers_mut() = HeaderMap::from_iter([(header::RETRY_AFTER, "7".parse().unwrap())]);
    assert_eq!(wait(&response), Some(Duration::from_secs(7)));
}

#[test]
fn a_limit_is_a_wait_only_where_it_failed() {
    for (status, body, seconds) in [
        (429, "", Some(30)),
        (400, r#"{"error":"slow_down"}"#, Some(30)),
        (403, "", Some(30)),
        (503, "", Some(30)),
        (400, r#"{"error":"invalid_grant"}"#, None),
        (401, r#"{"error":"invalid_client"}"#, None),
        (404, "", None),
        (200, "", None),
    ] {
        let response = http::Response::builder()
            .status(status)
            .header("x-ratelimit-remaining", "0")
            .header("x-ratelimit-reset", "1800000030")
            .body(body.into())
            .unwrap();
        let failure = crate::read_response(&response, &[], test_now()).unwrap_err();
        let wait = seconds.map(Duration::from_secs);
        assert_eq!(failure.retry_after(), wait, "{status} {body}");
    }
}

#[test]
fn a_redirect_says_where_it_points() {
    let response = http::Response::builder()
        .status(307)
        .header("location", "https://new.example.com/oauth2/token?refresh_token=rt#x")
        .body(Vec::new())
        .unwrap();
    let failure = crate::read_response(&response, &[], test_now()).unwrap_err();
    assert_eq!((failure.kind(), failure.delivery()), (Misconfigured, Answered));
    assert_eq!(failure.location(), Some("https://new.example.com/oauth2/token"));
    let line = r#"HTTP 307, which points to "https://new.example.com/oauth2/token""#;
    assert_eq!(failure.to_string(), line);
    assert_eq!(read(400, "").location(), None);
}
