//! How long one waits after a failed refresh.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::time::Duration;

use auth_accounts::{Accounts, Reason, Settings, store::Fingerprint};
use auth_core::{
    Backoff, ClientAuth, FailureKind, RefreshToken, TransportError, TransportErrorKind,
};
use auth_testkit::{CallOutcome, CannedResponse, Script};
use pollster::block_on;
use support::{ADA, World, endpoint, record};

/// Lets the refresh of an expired token fail so often in a row, each at the
/// first moment that it may be tried, and says how long one had to wait each
/// time.
fn waits(response: impl Fn() -> CallOutcome, times: usize, settings: Settings) -> Vec<Duration> {
    let script = (0..times).fold(Script::new(), |script, _| script.then(response()));
    let mut world = World::new(script).with_record(1);
    world.settings = settings;
    world.pass(2);
    let account = world.accounts().policy(Backoff::never()).account(ADA);
    let waits = (1..=times).map(|count| {
        let error = block_on(account.token()).unwrap_err();
        assert!(matches!(error.reason(), Reason::Refresh(_)), "{error}");
        let setback = world.record().setback.unwrap();
        assert_eq!(setback.count as usize, count);
        assert_eq!(setback.retry_at, error.retry_at());
        let wait = error.retry_at().unwrap().duration_since(world.now()).unwrap();
        // What the message says, if it says how long, is how long it is.
        assert_eq!(error.retry_after(world.now()), Some(wait));
        if let Some((_, said)) = error.to_string().split_once("not before ") {
            assert_eq!(said, format!("{:.0} s have passed", wait.as_secs_f64().ceil()));
        }

        // Just before that, nothing is sent.
        world.clock.advance(wait - Duration::from_nanos(1));
        assert!(matches!(block_on(account.token()).unwrap_err().reason(), Reason::Setback(_)));
        world.clock.advance(Duration::from_nanos(1));
        wait
    });
    let waits = waits.collect();
    world.script.finish();
    waits
}

#[test]
fn waits_double_up_to_a_limit_and_are_spread() {
    let reset = || TransportError::unknown(TransportErrorKind::Reset).into();
    let refused = || TransportError::not_sent(TransportErrorKind::Refused).into();
    let status = |status| move || CannedResponse::status(status).into();
    let client = || CannedResponse::oauth_error("invalid_client").into();
    type Kind = (&'static str, Box<dyn Fn() -> CallOutcome>, u64);
    let kinds: [Kind; 6] = [
        ("reset", Box::new(reset), 1),
        ("refused", Box::new(refused), 1),
        ("503", Box::new(status(503)), 5),
        ("403", Box::new(status(403)), 5),
        ("429", Box::new(status(429)), 30),
        ("invalid_client", Box::new(client), 60),
    ];
    for (name, response, base) in kinds {
        for seed in 0..20 {
            let waits = waits(&*response, 12, Settings::default().seed(seed));
            for (failures, wait) in (0_u32..).zip(waits) {
                let longest = Duration::from_secs((base << failures).min(300));
                assert!(
                    (longest / 2..=longest).contains(&wait),
                    "{name}: {wait:?} after {failures} others, seed {seed}"
                );
            }
        }
    }
}

#[test]
fn all_of_it_can_be_set() {
    let settings = Settings::default()
        .seed(1)
        .setback_base(Duration::from_millis(10))
        .setback_max(Duration::from_millis(35));
    let waits = waits(|| TransportError::unknown(TransportErrorKind::Reset).into(), 5, settings);
    for (wait, longest) in waits.iter().zip([10, 20, 35, 35, 35]) {
        let longest = Duration::from_millis(longest);
        assert!((longest / 2..=longest).contains(wait), "{waits:?}");
    }
}

#[test]
fn fleets_do_not_wait_in_step() {
    let wait = || waits(|| CannedResponse::status(503).into(), 1, Settings::default())[0];
    let first = wait();
    assert!((0..50).any(|_| wait() != first));
}

#[test]
fn a_server_that_names_a_time_is_believed_within_reason() {
    for (status, asked, wait) in [
        (429, 1, 1..=1),
        (429, 100, 100..=100),
        (429, 7_200, 7_200..=7_200),
        (429, 10_000_000, 86_400..=86_400),
        // Longer than our own wait, or not at all.
        (503, 1, 2..=5),
        (503, 600, 600..=600),
        (503, 10_000_000, 86_400..=86_400),
    ] {
        let asked = Duration::from_secs(asked);
        let response = || CannedResponse::status(status).retry_after(asked).into();
        let waited = waits(response, 1, Settings::default())[0];
        let within = Duration::from_secs(*wait.start())..=Duration::from_secs(*wait.end());
        assert!(within.contains(&waited), "{status}, {asked:?}: {waited:?}");
    }
    let settings = Settings::default().retry_after_max(Duration::from_secs(10));
    let response = || CannedResponse::status(429).retry_after(Duration::from_secs(100)).into();
    assert_eq!(waits(response, 1, settings), [Duration::from_secs(10)]);
}

#[test]
fn success_ends_the_row() {
    let script = Script::new().status(503).tokens("at-2", "rt-1").status(503);
    let world = World::new(script).with_record(1);
    let account = world.accounts().policy(Backoff::never()).account(ADA);
    world.pass(2);
    block_on(account.token()).unwrap_err();
    world.pass(10);
    block_on(account.token()).unwrap();
    assert_eq!(world.record().setback, None);
    world.pass(3600);
    block_on(account.token()).unwrap_err();
    assert_eq!(world.record().setback.unwrap().count, 1);
}

#[test]
fn another_refresh_token_begins_another_row() {
    let script = Script::new().status(503).status(503).oauth_error("invalid_grant");
    let world = World::new(script).with_record(1);
    let account = world.accounts().policy(Backoff::never()).account(ADA);
    world.pass(2);
    block_on(account.token()).unwrap_err();
    // Somebody stores another token, and leaves the setback where it is.
    let mut other = record("at-2", "rt-2", world.now(), 0);
    other.setback = world.record().setback;
    world.store.inner.put(ADA, other);
    let error = block_on(account.token()).unwrap_err();
    assert!(matches!(error.reason(), Reason::Refresh(_)));
    let setback = world.record().setback.unwrap();
    assert_eq!(setback.count, 1);
    assert_eq!(setback.refresh_token, Fingerprint::of(&RefreshToken::new("rt-2")));

    // After a refusal, no time is long enough; another token is at once.
    world.pass(10);
    block_on(account.token()).unwrap_err();
    world.pass(100 * 365 * 24 * 3600);
    assert_eq!(block_on(account.token()).unwrap_err().kind(), Some(FailureKind::Rejected));
    world.script.push(CannedResponse::tokens("at-4").refresh_token("rt-4").expires_in(3600));
    world.store.inner.put(ADA, record("at-3", "rt-3", world.now(), 0));
    assert!(block_on(account.token()).is_ok());
    world.script.finish();
}

#[test]
fn the_error_says_why_and_until_when() {
    let script = Script::new().then(
        CannedResponse::oauth_error("slow_down")
            .with_status(429)
            .retry_after(Duration::from_secs(90)),
    );
    let world = World::new(script).with_record(1);
    world.pass(2);
    block_on(world.account().token()).unwrap_err();
    world.pass(30);
    assert_eq!(
        block_on(world.account().token()).unwrap_err().to_string(),
        "account ada: not tried: the last refresh failed with slow_down (HTTP 429); try again \
         later, not before 60 s have passed",
    );
}

/// Whoever has mended the client's secret need not wait for anything.
#[test]
fn a_client_that_is_set_up_otherwise_may_try_at_once() {
    let script = Script::new().oauth_error("invalid_client").tokens("at-2", "rt-2");
    let world = World::new(script).with_record(0);
    let with = |secret: &str| {
        let endpoint = endpoint().client_auth(ClientAuth::basic(secret));
        Accounts::without_runtime(
            endpoint,
            world.script.clone(),
            world.store.clone(),
            world.clock.clone(),
        )
        .account(ADA)
    };
    assert!(block_on(with("wrong").token()).is_err());
    let setback = world.record().setback.unwrap();
    let client = setback.client.unwrap().to_string();
    assert!(client.starts_with("000000000000"), "{client}: no more than 16 bits of it");

    // Another process with the same set-up waits; one with another does not.
    let error = block_on(with("wrong").token()).unwrap_err();
    assert!(matches!(error.reason(), Reason::Setback(_)), "{error}");
    let token = block_on(with("right").token()).unwrap();
    assert_eq!(token.access_token().expose(), "at-2");
    world.script.finish();
}
