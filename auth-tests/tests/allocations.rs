//! What the core allocates, counted and bounded. A bound that is exceeded by a
//! change with good reason is moved; one that has become too wide is moved too.

// Helpers of tests, though not themselves tests.
#![allow(clippy::print_stdout)]

use std::{hint::black_box, sync::Arc};

use allocation_counter::{AllocationInfo, measure};
use auth_core::{
    AccessToken, Attempt, Backoff, Decision, Failure, Jitter, Refresh, RefreshToken, Response,
    RetryPolicy, TokenEndpoint, TransportError, TransportErrorKind, read_response,
};
use auth_testkit::VirtualClock;
use auth_tests::{endpoint, refresh_without_io, token_response};

#[test]
fn a_refresh_allocates_little_and_keeps_nothing() {
    let now = VirtualClock::new().now();
    let endpoint = Arc::new(endpoint());
    let start = |endpoint: &Arc<TokenEndpoint>| {
        Refresh::new(Arc::clone(endpoint), RefreshToken::new("fake-rt-1"))
    };
    let bad_gateway = || {
        let mut response = Response::new(Vec::new());
        *response.status_mut() = http::StatusCode::BAD_GATEWAY;
        response
    };

    let refresh = start(&endpoint);
    let responses = vec![Ok(token_response(1024))];
    let first_try = measure(|| {
        drop(black_box(refresh_without_io(refresh, responses, now).unwrap()));
    });
    within("a refresh at the first try, 1 KiB response", first_try, 12, 2560);

    let refresh = start(&endpoint);
    let responses = vec![Ok(token_response(1024)), Ok(bad_gateway()), Ok(bad_gateway())];
    let third_try = measure(|| {
        drop(black_box(refresh_without_io(refresh, responses, now).unwrap()));
    });
    within("a refresh at the third try", third_try, 28, 5 * 1024);

    let refresh = start(&endpoint);
    let failed = measure(|| {
        drop(black_box(refresh_without_io(refresh, Vec::new(), now).unwrap_err()));
    });
    within("a refresh that fails three times", failed, 18, 4 * 1024);
}

#[test]
fn reading_an_response_allocates_what_it_keeps() {
    let now = VirtualClock::new().now();
    let tokens = token_response(1024);
    let info = measure(|| drop(black_box(read_response(&tokens, &[], now).unwrap())));
    within("reading tokens, 1 KiB", info, 6, 1200);

    let mut dead = Response::new(br#"{"error":"invalid_grant"}"#.to_vec());
    *dead.status_mut() = http::StatusCode::BAD_REQUEST;
    let info = measure(|| drop(black_box(read_response(&dead, &[], now).unwrap_err())));
    within("reading invalid_grant", info, 8, 1024);

    // A page that is not looked into costs nothing like its size.
    let mut page = Response::new(format!("<html>{}", "x".repeat(1 << 20)).into_bytes());
    *page.status_mut() = http::StatusCode::BAD_GATEWAY;
    let info = measure(|| drop(black_box(read_response(&page, &[], now).unwrap_err())));
    within("reading a 502 of 1 MiB", info, 3, 256);
}

#[test]
fn deciding_and_using_a_token_allocates_nothing() {
    let failure = Failure::from(TransportError::unknown(TransportErrorKind::Reset));
    let attempt = Attempt::first(&failure, VirtualClock::new().now());
    for jitter in [Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Decorrelated] {
        let policy = Backoff::default().jitter(jitter);
        let info = measure(|| {
            assert_ne!(black_box(policy.decide(&attempt)), Decision::Stop);
        });
        within("Backoff::decide", info, 0, 0);
    }
    let token = AccessToken::new("fake-at-1");
    // The first use of a shared buffer may note that it is shared.
    drop(token.authorization());
    let info = measure(|| drop(black_box(token.authorization())));
    within("AccessToken::authorization", info, 0, 0);
    let info = measure(|| drop(black_box(token.clone())));
    within("AccessToken::clone", info, 0, 0);
}

#[track_caller]
fn within(what: &str, info: AllocationInfo, count: u64, bytes: u64) {
    println!(
        "{what}: {} allocations, {} bytes, at most {} bytes at once",
        info.count_total, info.bytes_total, info.bytes_max
    );
    assert!(info.count_total <= count, "{what}: {} allocations", info.count_total);
    assert!(info.bytes_total <= bytes, "{what}: {} bytes", info.bytes_total);
    // What was handed in from outside is freed inside, so there may be less
    // afterwards, but never more.
    assert!(info.count_current <= 0, "{what} leaks {} allocations", info.count_current);
}
