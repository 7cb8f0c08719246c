//! The seed table of the design: every row, to the millisecond, async and
//! blocking from the same table.

use std::time::Duration;

use auth_core::{
    Backoff, Delivery,
    Delivery::{Answered, NotSent, Unknown},
    FailureKind,
    FailureKind::{Interrupted, Misconfigured, Rejected, Throttled, Unavailable, Unreachable},
    Refresh, RefreshToken, TransportError,
    TransportErrorKind::{
        BadCertificate, Cancelled, ClientCertificate, Clock, Closed, Connect, ConnectTimeout, Dns,
        Other, Protocol, Proxy, ProxyRefused, Refused, Reset, Timeout, TlsHandshake, TooLarge,
        Truncated,
    },
};
use auth_testkit::{CallOutcome, CannedResponse, Script};
use auth_tests::{World, endpoint};

/// What comes back for the calls of one refresh, and what comes of it.
struct Row {
    name: &'static str,
    policy: Backoff,
    responses: Vec<CallOutcome>,
    waits_ms: &'static [u64],
    /// `None`: tokens.
    failure: Option<Failed>,
}

struct Failed {
    kind: FailureKind,
    delivery: Delivery,
    status: Option<u16>,
    code: Option<&'static str>,
    retry_after_ms: Option<u64>,
}

#[test]
fn every_row_holds() {
    for row in table() {
        for world in World::BOTH {
            check(&row, world);
        }
    }
}

fn check(row: &Row, world: World) {
    let name = format!("{} ({world:?})", row.name);
    let script = row.responses.iter().cloned().fold(Script::new(), Script::then);
    let refresh = Refresh::new(endpoint(), RefreshToken::new("rt-1")).policy(row.policy);

    let result = world.run(refresh, &script, script.clock());

    let waits: Vec<_> = row.waits_ms.iter().copied().map(Duration::from_millis).collect();
    assert_eq!(script.clock().sleeps(), waits, "{name}");
    assert_eq!(script.calls(), row.responses.len(), "{name}");
    let total: Duration = waits.iter().sum();
    // The outcomes themselves take no time, so that the whole is the waits.
    assert_eq!(script.clock().elapsed(), total, "{name}");
    match (&row.failure, result) {
        (None, Ok(tokens)) => assert_eq!(tokens.access_token.expose(), "at-2", "{name}"),
        (Some(expected), Err(error)) => {
            let failure = error.failure();
            assert_eq!(error.kind(), expected.kind, "{name}");
            assert_eq!(failure.delivery(), expected.delivery, "{name}");
            assert_eq!(failure.status().map(|s| s.as_u16()), expected.status, "{name}");
            assert_eq!(failure.code().map(auth_core::ErrorCode::as_str), expected.code, "{name}");
            assert_eq!(
                error.retry_after(),
                expected.retry_after_ms.map(Duration::from_millis),
                "{name}"
            );
            assert_eq!(error.attempts() as usize, row.responses.len(), "{name}");
            assert_eq!(error.elapsed(), total, "{name}");
        }
        (None, Err(error)) => panic!("{name}: {error}"),
        (Some(_), Ok(_)) => panic!("{name}: it succeeded"),
    }
    // Every attempt carries the same refresh token.
    for number in 1..=script.calls() {
        script.request(number).assert_param("refresh_token", "rt-1");
    }
    script.finish();
}

fn table() -> Vec<Row> {
    let mut rows = vec![
        row("2xx with tokens", vec![tokens()], &[]),
        row("201 with tokens", vec![CannedResponse::tokens("at-2").with_status(201).into()], &[]),
        row("one 5xx", vec![status(502), tokens()], &[500]),
        row("two 5xx", vec![status(503), status(500), tokens()], &[500, 1000]),
        row("all 5xx", vec![status(500), status(502), status(504)], &[500, 1000])
            .fails(failed(Unavailable, Unknown).status(504)),
        row(
            "the last failure is the one reported",
            vec![status(500), reset(), status(503)],
            &[500, 1000],
        )
        .fails(failed(Unavailable, Unknown).status(503)),
        row("a failure of the network last", vec![status(500), status(502), reset()], &[500, 1000])
            .fails(failed(Interrupted, Unknown)),
        row(
            "a 5xx with Retry-After waits no longer",
            vec![overloaded(), overloaded(), overloaded()],
            &[500, 1000],
        )
        .fails(failed(Unavailable, Unknown).status(503).retry_after(7000)),
        row("a 4xx ends the retries of a 5xx", vec![status(502), dead()], &[500])
            .fails(failed(Rejected, Answered).status(400).code("invalid_grant")),
        row("a 200 that cannot be read", vec![portal(), portal(), tokens()], &[500, 1000]),
        row("settable: none", vec![status(500)], &[])
            .policy(Backoff::new().max_retries(0))
            .fails(failed(Unavailable, Unknown).status(500)),
        row(
            "settable: five, from 100 ms",
            vec![reset(), status(500), reset(), status(500), reset(), tokens()],
            &[100, 200, 400, 800, 1600],
        )
        .policy(Backoff::new().max_retries(5).base_delay(Duration::from_millis(100))),
        row("401 with a code", vec![refused_with(401, "invalid_client")], &[])
            .fails(failed(Misconfigured, Answered).status(401).code("invalid_client")),
        row(
            "429 with Retry-After",
            vec![CannedResponse::status(429).retry_after(Duration::from_secs(30)).into()],
            &[],
        )
        .fails(failed(Throttled, Answered).status(429).retry_after(30_000)),
        row(
            "400 with Retry-After",
            vec![
                CannedResponse::oauth_error("slow_down").retry_after(Duration::from_secs(5)).into(),
            ],
            &[],
        )
        .fails(failed(Throttled, Answered).status(400).code("slow_down").retry_after(5000)),
    ];
    rows.push(
        row("a dead token", vec![dead()], &[])
            .fails(failed(Rejected, Answered).status(400).code("invalid_grant")),
    );
    for code in [
        "invalid_request",
        "invalid_client",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    ] {
        rows.push(
            row("the set-up", vec![refused_with(400, code)], &[])
                .fails(failed(Misconfigured, Answered).status(400).code(code)),
        );
    }
    // Any 4xx fails at once, with or without a body.
    for bare in 400..500 {
        let (kind, delivery) = match bare {
            429 => (Throttled, Answered),
            404 | 405 => (Misconfigured, Answered),
            _ => (Unavailable, Unknown),
        };
        rows.push(
            row("a bare 4xx", vec![status(bare)], &[]).fails(failed(kind, delivery).status(bare)),
        );
    }
    // Any 5xx is retried.
    for bare in 500..600 {
        rows.push(
            row("a 5xx", vec![status(bare), status(bare), status(bare)], &[500, 1000])
                .fails(failed(Unavailable, Unknown).status(bare)),
        );
    }
    // Any failure of the network is retried, sent or not.
    for kind in [
        Dns,
        Refused,
        ConnectTimeout,
        Connect,
        TlsHandshake,
        Clock,
        Proxy,
        Reset,
        Timeout,
        Closed,
        Truncated,
        TooLarge,
        Protocol,
        Other,
    ] {
        for error in [TransportError::not_sent(kind), TransportError::unknown(kind)] {
            let response = || CallOutcome::from(error.clone());
            let expected = match error.delivery() {
                NotSent => Unreachable,
                _ => Interrupted,
            };
            let name = "a failure of the network";
            rows.push(
                row(name, vec![response(), response(), response()], &[500, 1000])
                    .fails(failed(expected, error.delivery())),
            );
            rows.push(row(name, vec![response(), response(), tokens()], &[500, 1000]));
        }
    }
    // But for a call that its own caller cancelled.
    for error in [TransportError::not_sent(Cancelled), TransportError::unknown(Cancelled)] {
        let kind = if error.delivery() == NotSent { Unreachable } else { Interrupted };
        let delivery = error.delivery();
        rows.push(row("cancelled", vec![error.into()], &[]).fails(failed(kind, delivery)));
    }
    // And for what does not pass by itself: a certificate that does not verify, one of
    // the client that is refused, and a proxy that asks for credentials.
    for (name, kind) in [
        ("a bad certificate", BadCertificate),
        ("a refused certificate of the client", ClientCertificate),
        ("a proxy's 407", ProxyRefused),
    ] {
        let bad = TransportError::not_sent(kind);
        rows.push(row(name, vec![bad.into()], &[]).fails(failed(Misconfigured, NotSent)));
    }
    rows
}

fn row(name: &'static str, responses: Vec<CallOutcome>, waits_ms: &'static [u64]) -> Row {
    Row { name, policy: Backoff::default(), responses, waits_ms, failure: None }
}

impl Row {
    fn policy(mut self, policy: Backoff) -> Self {
        self.policy = policy;
        self
    }

    fn fails(mut self, failure: Failed) -> Self {
        self.failure = Some(failure);
        self
    }
}

fn failed(kind: FailureKind, delivery: Delivery) -> Failed {
    Failed { kind, delivery, status: None, code: None, retry_after_ms: None }
}

impl Failed {
    fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    fn retry_after(mut self, ms: u64) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }
}

fn tokens() -> CallOutcome {
    CannedResponse::tokens("at-2").refresh_token("rt-2").expires_in(3600).into()
}

fn status(status: u16) -> CallOutcome {
    CannedResponse::status(status).into()
}

fn refused_with(status: u16, code: &str) -> CallOutcome {
    CannedResponse::oauth_error(code).with_status(status).into()
}

fn dead() -> CallOutcome {
    refused_with(400, "invalid_grant")
}

fn overloaded() -> CallOutcome {
    CannedResponse::status(503).retry_after(Duration::from_secs(7)).into()
}

fn portal() -> CallOutcome {
    CannedResponse::status(200)
        .header("content-type", "text/html")
        .body("<html>log in</html>")
        .into()
}

fn reset() -> CallOutcome {
    TransportError::unknown(Reset).into()
}
