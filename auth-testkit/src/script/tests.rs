use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::Duration,
};

use auth_core::{
    Backoff, BlockingTransport, Delivery, FailureKind, Refresh, RefreshError, RefreshToken,
    TokenEndpoint, TokenSet, Transport, TransportErrorKind, refresh, refresh_blocking,
};

use crate::{CallOutcome, CannedResponse, Expect, Gate, Script, VirtualClock};

const KINDS: [TransportErrorKind; 17] = [
    TransportErrorKind::Dns,
    TransportErrorKind::Refused,
    TransportErrorKind::ConnectTimeout,
    TransportErrorKind::Connect,
    TransportErrorKind::TlsHandshake,
    TransportErrorKind::BadCertificate,
    TransportErrorKind::Clock,
    TransportErrorKind::Proxy,
    TransportErrorKind::ProxyRefused,
    TransportErrorKind::Reset,
    TransportErrorKind::Timeout,
    TransportErrorKind::Closed,
    TransportErrorKind::Truncated,
    TransportErrorKind::TooLarge,
    TransportErrorKind::Protocol,
    TransportErrorKind::Cancelled,
    TransportErrorKind::Other,
];

fn endpoint() -> TokenEndpoint {
    TokenEndpoint::new("https://auth.example.com/token", "my-client").unwrap()
}

fn planned(token: &str) -> Refresh {
    Refresh::new(endpoint(), RefreshToken::new(token))
}

/// The refresh of one refresh token over the script.
fn run(script: &Script, token: &str) -> Result<TokenSet, RefreshError> {
    refresh_blocking(planned(token), script, script.clock())
}

/// The message that `act` panics with.
fn message(act: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(act)).expect_err("it must fail the test");
    *panic.downcast::<String>().expect("a formatted message")
}

#[test]
fn every_failure_of_the_network_comes_with_both_deliveries() {
    for kind in KINDS {
        let script = Script::new().not_sent(kind).unknown(kind);
        for delivery in [Delivery::NotSent, Delivery::Unknown] {
            let error =
                refresh_blocking(planned("rt-1").policy(Backoff::never()), &script, script.clock())
                    .unwrap_err();
            let cause = error.failure().transport_error().unwrap();
            assert_eq!((cause.kind(), cause.delivery()), (kind, delivery));
        }
        script.finish();
    }
}

#[test]
fn outcomes_come_in_order_and_delays_pass_on_the_clock() {
    let script = Script::new()
        .then(CallOutcome::from(CannedResponse::status(503)).after(Duration::from_secs(2)))
        .tokens("at-2", "rt-2");
    run(&script, "rt-1").unwrap();

    assert_eq!(script.clock().elapsed(), Duration::from_millis(2500));
    // The server's delay is not the client's wait.
    assert_eq!(script.clock().sleeps(), [Duration::from_millis(500)]);
    assert_eq!(script.request(2).at(), Duration::from_millis(2500));
    script.finish();
}

#[test]
fn outcomes_by_request_come_before_those_in_order() {
    let script = Script::new()
        .status(500)
        .when(Expect::refresh_token("rt-a"), CannedResponse::tokens("at-a"))
        .always(Expect::refresh_token("rt-dead"), CannedResponse::oauth_error("invalid_grant"))
        .then(CannedResponse::tokens("at-x"));
    for _ in 0..3 {
        assert_eq!(run(&script, "rt-dead").unwrap_err().kind(), FailureKind::Rejected);
    }
    assert_eq!(run(&script, "rt-a").unwrap().access_token.expose(), "at-a");
    // `when` is used up: the order has its turn, and its 500 is retried.
    assert_eq!(run(&script, "rt-a").unwrap().access_token.expose(), "at-x");
    script.finish();
}

#[test]
fn an_outcome_is_computed_from_the_request() {
    let script = Script::new().always(
        Expect::param("grant_type", "refresh_token"),
        CallOutcome::computed(|request| {
            let spent = request.param("refresh_token").unwrap();
            CannedResponse::tokens("at").refresh_token(format!("{spent}'")).into()
        })
        .after(Duration::from_millis(1)),
    );
    let tokens = run(&script, "rt").unwrap();
    assert_eq!(tokens.refresh_token, Some(RefreshToken::new("rt'")));
    assert_eq!(script.clock().elapsed(), Duration::from_millis(1));
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_never_comes_can_be_given_up() {
    let script = Script::new().never().tokens("at-2", "rt-2");
    let call = refresh(planned("rt-1"), &script, script.clock());
    tokio::time::timeout(Duration::from_millis(1), call).await.unwrap_err();
    assert!(script.transcript().contains("given up by the caller before the response"));

    refresh(planned("rt-1"), &script, script.clock()).await.unwrap();
    script.finish();
}

#[test]
fn a_thread_that_waits_for_ever_is_set_free_at_the_end() {
    let script = Script::new().never();
    thread::scope(|scope| {
        let stuck = scope.spawn(|| {
            let request = endpoint().request(&RefreshToken::new("rt-1").into()).unwrap();
            BlockingTransport::send_blocking(&script, request).unwrap_err()
        });
        while script.calls() == 0 {
            thread::yield_now();
        }
        script.finish();
        assert_eq!(stuck.join().unwrap().kind(), TransportErrorKind::Cancelled);
    });
}

#[tokio::test]
async fn a_gate_holds_outcomes_back() {
    let gate = Gate::new();
    let held = || CallOutcome::from(CannedResponse::tokens("at-2")).once_open(&gate);
    let script = Script::new().then(held()).then(held());
    let one = refresh(planned("rt-1"), &script, script.clock());
    let other = refresh(planned("rt-2"), &script, script.clock());
    let test = async {
        gate.until_waiting(2).await;
        assert_eq!(script.calls(), 2);
        gate.open();
    };
    let (one, other, ()) = tokio::join!(one, other, test);
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(gate.waiting(), 0);
}

#[test]
fn an_unexpected_call_fails_the_test_and_shows_the_calls() {
    let script = Script::new().status(502).tokens("at-2", "rt-2");
    let text = message(|| {
        run(&script, "rt-1").unwrap();
        let _ = run(&script, "rt-2");
    });
    let here = file!();
    let places: Vec<_> = text.matches(here).collect();
    // The script, and two outcomes.
    assert_eq!(places.len(), 3, "{text}");
    let text = without_places(&text);
    assert_eq!(
        text,
        "call 3 was not expected\n\
         \n\
         the calls (script made at HERE):\n  \
           1. at 0 ms: POST auth.example.com/token grant_type=refresh_token \
              refresh_token=[secret 1] client_id=my-client\n     \
              <- 502, no body   (step 1, HERE)\n  \
           2. at 500 ms: POST auth.example.com/token grant_type=refresh_token \
              refresh_token=[secret 1] client_id=my-client\n     \
              <- 200 access_token=[secret 2] expires_in=3600 refresh_token=[secret 3] \
              token_type=Bearer   (step 2, HERE)\n  \
           3. at 500 ms: POST auth.example.com/token grant_type=refresh_token \
              refresh_token=[secret 3] client_id=my-client\n     \
              <- no step of the script is for this\n\
         \n\
         expected: 2 calls\n  \
           actual: one more\n"
    );
    // And once more at the end, should the first panic have been swallowed.
    assert!(message(|| script.finish()).starts_with("call 3 was not expected"));
}

#[test]
fn an_outcome_left_over_fails_the_test() {
    let script = Script::new()
        .tokens("at-2", "rt-2")
        .unknown(TransportErrorKind::Reset)
        .when(Expect::refresh_token("rt-2"), CannedResponse::status(500));
    run(&script, "rt-1").unwrap();
    let text = without_places(&message(|| script.finish()));
    assert!(text.starts_with("steps were left over\n"), "{text}");
    assert!(
        text.ends_with(
            "left over:\n     \
             step 2 (HERE): the connection was reset; the request may have been processed\n     \
             step 3 (HERE): 500, no body, for refresh_token=[secret 3]\n\
             \n\
             expected: 3 calls\n  \
               actual: 1 call\n"
        ),
        "{text}"
    );
}

#[test]
fn a_request_that_does_not_fit_fails_the_test() {
    let script = Script::new().tokens("at-2", "rt-2").expect(
        Expect::refresh_token("rt-2")
            .and(Expect::param("grant_type", "refresh_token"))
            .and(Expect::param("scope", "a"))
            .and(Expect::no_param("client_id"))
            .and(Expect::path("/other"))
            .and(Expect::header("x-tenant", "t3nant"))
            .and(Expect::that("a large body", |request| request.body().len() > 1000)),
        CannedResponse::tokens("at-3"),
    );
    run(&script, "rt-1").unwrap();
    let text = without_places(&message(|| drop(run(&script, "rt-1"))));
    assert!(text.starts_with("call 2 does not meet the conditions of step 2 (HERE)\n"), "{text}");
    assert!(
        text.ends_with(
            "\nexpected: refresh_token=[secret 3], scope=a, no client_id, path /other, \
             x-tenant: [secret 4], a large body\n  \
               actual: refresh_token=[secret 1], no scope, client_id=my-client, path /token, \
             no header x-tenant, not so\n"
        ),
        "{text}"
    );
    assert!(!text.contains("t3nant"));
    let _ = catch_unwind(AssertUnwindSafe(|| drop(script)));
}

#[test]
fn the_last_handle_checks_when_it_is_dropped() {
    let script = Script::new().status(500);
    let other = script.clone();
    drop(script);
    assert!(message(|| drop(other)).starts_with("a step was left over"));

    // Not twice, and not while the test is failing already.
    let script = Script::new().status(500);
    message(|| script.finish());
    drop(script);
    let panic = catch_unwind(|| {
        let _script = Script::new().status(500);
        std::panic::panic_any("the test's own failure");
    });
    assert_eq!(*panic.unwrap_err().downcast::<&str>().unwrap(), "the test's own failure");
}

#[tokio::test]
async fn a_panic_swallowed_by_a_task_is_reported_in_the_end() {
    let script = Script::new();
    let task = tokio::spawn({
        let script = script.clone();
        async move { refresh(planned("rt-1"), &script, script.clock()).await.is_ok() }
    });
    assert!(task.await.unwrap_err().is_panic());
    assert!(message(|| drop(script)).starts_with("call 1 was not expected"));
}

#[test]
fn messages_point_to_the_line_in_the_test() {
    let before = line!();
    let script = Script::new().status(500);
    let text = message(|| script.finish());
    assert_eq!(text.matches(&format!("{}:{}:", file!(), before + 1)).count(), 2, "{text}");
}

#[test]
fn a_secret_echoed_under_a_harmless_name_is_not_shown() {
    let response =
        CannedResponse::oauth_error("invalid_grant").description("unknown token rt-1-secret");
    let script = Script::new().then(response);
    assert!(run(&script, "rt-1-secret").is_err());
    let text = script.transcript();
    assert!(text.contains("error_description=unknown token [secret 1]"), "{text}");
}

#[test]
fn an_empty_script_says_that_nothing_was_asked() {
    let script = Script::new();
    assert_eq!(script.transcript(), "  nothing was asked\n");
    let text = message(|| drop(script.request(1)));
    assert!(text.starts_with("there was no call 1\n"), "{text}");
    script.push(CannedResponse::tokens("at"));
    run(&script, "rt").unwrap();
    assert_eq!(script.requests().len(), 1);
}

#[test]
fn it_can_be_used_as_a_trait_object_of_both_worlds() {
    let clock = VirtualClock::new();
    let script = Script::with_clock(&clock).tokens("at", "rt").tokens("at", "rt");
    let both: (Box<dyn Transport>, Box<dyn BlockingTransport>) =
        (Box::new(script.clone()), Box::new(script.clone()));
    pollster::block_on(refresh(planned("rt-1"), &*both.0, &clock)).unwrap();
    refresh_blocking(planned("rt-1"), &*both.1, &clock).unwrap();
    script.finish();
}

/// The message with `HERE` for `file:line:column`.
fn without_places(text: &str) -> String {
    let mut rest = text;
    let mut clean = String::new();
    while let Some((before, after)) = rest.split_once(file!()) {
        clean.push_str(before);
        clean.push_str("HERE");
        rest = after.trim_start_matches(|c: char| c == ':' || c.is_ascii_digit());
        if after.len() > rest.len() && after[..after.len() - rest.len()].ends_with(':') {
            clean.push(':');
        }
    }
    clean.push_str(rest);
    clean
}
