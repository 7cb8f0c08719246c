//! Every sequence of up to four of twelve kinds of outcome, through the machine
//! in virtual time, async and blocking.
//!
//! A sequence is what a client meets over several refreshes: one takes as many
//! outcomes as it makes attempts, the next goes on from there with the token
//! that it has by then.

// Helpers of tests, though not themselves tests.
#![allow(clippy::expect_used)]

use std::time::Duration;

use auth_core::{Backoff, Delivery, FailureKind, Refresh, RefreshError, RefreshToken, TokenSet};
use auth_testkit::Script;
use auth_tests::{OutcomeKind, Trace, World, endpoint};

#[test]
fn every_sequence_of_up_to_four_responses() {
    let seed_policy = Backoff::default();
    let patient = Backoff::new()
        .max_retries(3)
        .base_delay(Duration::from_millis(100))
        .max_delay(Duration::from_millis(250))
        .retry_throttled(Duration::from_secs(5));
    let mut runs = 0;
    for length in 1..=4 {
        for number in 0..12_usize.pow(length) {
            let sequence = sequence(number, length as usize);
            for rules in [
                Rules { policy: seed_policy, retries: 2, waits_ms: [500, 1000, 0], cap_ms: None },
                Rules {
                    policy: patient,
                    retries: 3,
                    waits_ms: [100, 200, 250],
                    cap_ms: Some(5000),
                },
            ] {
                let traces = World::BOTH.map(|world| run(world, &sequence, &rules));
                assert_eq!(traces[0], traces[1], "the worlds differ over {sequence:?}");
            }
            runs += 1;
        }
    }
    assert_eq!(runs, 22_620);
}

/// A policy, and its meaning written down once more.
struct Rules {
    policy: Backoff,
    retries: usize,
    waits_ms: [u64; 3],
    /// Whether a `Retry-After` is waited for, and up to how long.
    cap_ms: Option<u64>,
}

fn sequence(mut number: usize, length: usize) -> Vec<OutcomeKind> {
    (0..length)
        .map(|_| {
            let kind = OutcomeKind::ALL[number % 12];
            number /= 12;
            kind
        })
        .collect()
}

/// The sequence over as many refreshes as it takes; whatever is left of the
/// last one meets success.
fn run(world: World, sequence: &[OutcomeKind], rules: &Rules) -> Trace {
    let mut script = Script::new();
    for (at, kind) in sequence.iter().enumerate() {
        script = script.then(kind.response(at));
    }
    let mut trace = Trace::default();
    let mut token = RefreshToken::new("rt-start");
    let mut rest = sequence.iter().copied().enumerate();
    while rest.len() > 0 {
        let expected = predict(&mut rest, rules);
        if expected.kinds.len() > script.calls_left(sequence) {
            script.push(OutcomeKind::Rotated.response(99));
        }
        let (before, sleeps) = (script.calls(), script.clock().sleeps().len());
        let refresh = Refresh::new(endpoint(), token.clone()).policy(rules.policy);

        let result = world.run(refresh, &script, script.clock());

        let context = || format!("{sequence:?} in {world:?}\n{}", script.transcript());
        assert_eq!(script.calls() - before, expected.kinds.len(), "{}", context());
        assert_eq!(script.clock().sleeps()[sleeps..], expected.waits, "{}", context());
        for call in before..script.calls() {
            // The newest token, and never a spent one.
            script.request(call + 1).assert_param("refresh_token", token.expose());
        }
        check(&expected, &result, &context);
        trace.note(&result);
        if let Ok(tokens) = result {
            let last = expected.kinds.last().copied();
            let rotated = tokens.refresh_token.as_ref() != Some(&token);
            assert_eq!(rotated, last != Some(OutcomeKind::AccessOnly), "{}", context());
            token = tokens.refresh_token.expect("a refresh keeps or replaces its token");
        }
    }
    script.finish();
    trace.transcript = script.transcript();
    trace.waits = script.clock().sleeps();
    trace
}

trait CallsLeft {
    fn calls_left(&self, sequence: &[OutcomeKind]) -> usize;
}

impl CallsLeft for Script {
    /// How many scripted outcomes are still to come.
    fn calls_left(&self, sequence: &[OutcomeKind]) -> usize {
        sequence.len() - self.calls()
    }
}

/// What one refresh must do.
struct Prediction {
    /// The outcomes that it takes.
    kinds: Vec<OutcomeKind>,
    waits: Vec<Duration>,
}

fn predict(rest: &mut impl Iterator<Item = (usize, OutcomeKind)>, rules: &Rules) -> Prediction {
    let mut prediction = Prediction { kinds: Vec::new(), waits: Vec::new() };
    loop {
        let kind = rest.next().map_or(OutcomeKind::Rotated, |(_, kind)| kind);
        let retry = prediction.kinds.len();
        prediction.kinds.push(kind);
        let Some(failure) = kind.expected() else { return prediction };
        let throttled = failure.kind == FailureKind::Throttled && rules.cap_ms.is_some();
        if retry == rules.retries || !(failure.retried || throttled) {
            return prediction;
        }
        let mut wait = Duration::from_millis(rules.waits_ms[retry]);
        if let (Some(cap), Some(asked)) = (rules.cap_ms, failure.retry_after) {
            if asked > Duration::from_millis(cap) {
                return prediction;
            }
            wait = wait.max(asked);
        }
        prediction.waits.push(wait);
    }
}

fn check(
    expected: &Prediction,
    result: &Result<TokenSet, RefreshError>,
    context: &dyn Fn() -> String,
) {
    let (last, earlier) = expected.kinds.split_last().expect("an attempt at least");
    let possibly_spent = earlier
        .iter()
        .filter_map(|kind| kind.expected())
        .any(|failure| failure.delivery == Delivery::Unknown);
    match (last.expected(), result) {
        (None, Ok(_)) => {}
        (Some(failure), Err(error)) => {
            assert_eq!(error.kind(), failure.kind, "{}", context());
            assert_eq!(error.failure().delivery(), failure.delivery, "{}", context());
            assert_eq!(error.retry_after(), failure.retry_after, "{}", context());
            assert_eq!(error.attempts() as usize, expected.kinds.len(), "{}", context());
            // No false rejection, and no rejection kept quiet.
            let rejected = error.kind() == FailureKind::Rejected;
            assert_eq!(rejected, *last == OutcomeKind::Dead, "{}", context());
            let says_so = error.to_string().contains("may have spent the refresh token");
            assert_eq!(says_so, rejected && possibly_spent, "{}", context());
            let spent = possibly_spent || failure.delivery == Delivery::Unknown;
            assert_eq!(error.possibly_spent(), spent, "{}", context());
        }
        (expected, actual) => panic!("expected {expected:?}, got {actual:?}: {}", context()),
    }
}
