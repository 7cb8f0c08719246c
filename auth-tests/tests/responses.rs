//! What providers, proxies and portals really send, and what it is: every line
//! of `data/responses.jsonl` through `read_response`.
//!
//! A line holds a response (`status`, `headers`, `body`), what is expected of
//! it (`outcome`, `kind`, `code`, and where it matters `delivery` and
//! `retry_after_ms`, or `expires_in_s` and `refresh_expires_in_s`), and the
//! `source` of the fact. Values in it are invented.

// Helpers of tests, though not themselves tests.
#![allow(clippy::expect_used)]

use std::time::{Duration, Instant, SystemTime};

use auth_core::{ErrorCode, Now, Response, read_response};
use serde_json::{Value, json};

const RESPONSES: &str = include_str!("../data/responses.jsonl");

#[test]
fn each_response_is_what_its_source_says() {
    let mut wrong = Vec::new();
    for line in RESPONSES.lines() {
        let case: Value = serde_json::from_str(line).expect("a line of JSON");
        let actual = describe(&response(&case));
        for (member, expected) in case["expect"].as_object().expect("what is expected") {
            if actual[member] != *expected {
                wrong.push(format!(
                    "{}: {member} is {}, but {expected} by {}",
                    case["id"], actual[member], case["source"]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// A list that nobody reads whole is checked for what makes it worth its name.
#[test]
fn the_list_is_broad_and_each_line_has_a_source() {
    let cases: Vec<Value> =
        RESPONSES.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let mut ids: Vec<&str> = cases.iter().map(|case| case["id"].as_str().expect("an id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), cases.len(), "an id is used twice");
    assert!(cases.iter().all(|case| case["source"].as_str().is_some_and(|text| !text.is_empty())));
    for kind in ["interrupted", "unavailable", "throttled", "rejected", "misconfigured"] {
        let many = cases.iter().filter(|case| case["expect"]["kind"] == kind).count();
        assert!(many >= 5, "only {many} of {kind}");
    }
    let successes = cases.iter().filter(|case| case["expect"]["outcome"] == "success").count();
    assert!(successes >= 15, "only {successes} successes");
}

fn describe(response: &Response) -> Value {
    match read_response(response, &[], now()) {
        Ok(tokens) => {
            let seconds = |at: SystemTime| {
                let life = at.duration_since(now().wall).expect("it is not over yet");
                life.as_secs()
            };
            json!({
                "outcome": "success",
                "kind": null,
                "code": null,
                "expires_in_s": tokens.expires_at.map(seconds),
                "refresh_expires_in_s": tokens.refresh_expires_at.map(seconds),
            })
        }
        Err(failure) => json!({
            "outcome": "failure",
            "kind": failure.kind().as_str(),
            "code": failure.code().map(ErrorCode::as_str),
            "delivery": failure.delivery().as_str(),
            "retry_after_ms": failure.retry_after().map(|wait| wait.as_millis() as u64),
        }),
    }
}

fn response(case: &Value) -> Response {
    let mut builder =
        http::Response::builder().status(case["status"].as_u64().expect("a status") as u16);
    for (name, value) in case["headers"].as_object().expect("headers") {
        builder = builder.header(name, value.as_str().expect("a header's value"));
    }
    let body = case["body"].as_str().expect("a body").as_bytes().to_vec();
    builder.body(body).expect("a response")
}

/// 2027-01-15T08:00:00Z.
fn now() -> Now {
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    Now { monotonic: Instant::now(), wall }
}
