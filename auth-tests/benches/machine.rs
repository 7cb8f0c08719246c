//! What the core itself costs: a whole refresh without I/O, reading a response,
//! a policy's decision.

// Bodies of benchmarks are tests in all but name.
#![allow(clippy::expect_used, clippy::result_large_err, missing_docs)]

use std::{hint::black_box, sync::Arc};

use auth_core::{
    Attempt, Backoff, Failure, Jitter, Refresh, RefreshToken, RetryPolicy, TransportError,
    TransportErrorKind, read_response,
};
use auth_testkit::VirtualClock;
use auth_tests::{endpoint, refresh_without_io, token_response};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

fn refresh(c: &mut Criterion) {
    let mut group = c.benchmark_group("refresh");
    let now = VirtualClock::new().now();
    let endpoint = Arc::new(endpoint());
    let bad_gateway = || http::Response::builder().status(502).body(Vec::new()).expect("valid");
    for (name, failures) in [("first try", 0), ("after two 502", 2)] {
        group.bench_function(name, |b| {
            b.iter_batched(
                || {
                    let mut responses: Vec<_> = vec![Ok(token_response(1024))];
                    responses.extend((0..failures).map(|_| Ok(bad_gateway())));
                    (Refresh::new(Arc::clone(&endpoint), RefreshToken::new("rt-1")), responses)
                },
                |(refresh, responses)| refresh_without_io(refresh, responses, now),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn reading(c: &mut Criterion) {
    let mut group = c.benchmark_group("read_response");
    let now = VirtualClock::new().now();
    let error = |status: u16, body: &str| {
        http::Response::builder().status(status).body(body.as_bytes().to_vec()).expect("valid")
    };
    let page = format!("<html>{}</html>", "<p>Bad Gateway</p>".repeat(50));
    for (name, response) in [
        ("tokens, 1 KiB", token_response(1024)),
        ("invalid_grant", error(400, r#"{"error":"invalid_grant","error_description":"gone"}"#)),
        ("502 with 1 KiB of HTML", error(502, &page)),
    ] {
        group.bench_function(name, |b| b.iter(|| read_response(black_box(&response), &[], now)));
    }
    group.finish();
}

fn deciding(c: &mut Criterion) {
    let mut group = c.benchmark_group("Backoff::decide");
    let failure = Failure::from(TransportError::unknown(TransportErrorKind::Reset));
    let attempt = Attempt::first(&failure, VirtualClock::new().now());
    for (name, policy) in
        [("default", Backoff::default()), ("full jitter", Backoff::default().jitter(Jitter::Full))]
    {
        group.bench_function(name, |b| b.iter(|| policy.decide(black_box(&attempt))));
    }
    group.finish();
}

criterion_group!(benches, refresh, reading, deciding);
criterion_main!(benches);
