mod api;
mod parameters;
mod told;
mod wordings;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use auth_core::{
    Backoff, BlockingTransport, BodyFormat, ClientAuth, Delivery, FailureKind, Grant, Refresh,
    RefreshError, RefreshToken, Response, TokenEndpoint, TokenSet, TransportErrorKind, refresh,
    refresh_blocking,
};

use super::*;
use crate::{CannedResponse, RecordedRequest, VirtualClock};

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// One refresh at the server's own endpoint, without retries.
fn refresh_once(server: &FakeAuthServer, token: &RefreshToken) -> Result<TokenSet, RefreshError> {
    refresh_at(server, server.endpoint(), token)
}

fn refresh_at(
    server: &FakeAuthServer,
    endpoint: TokenEndpoint,
    token: &RefreshToken,
) -> Result<TokenSet, RefreshError> {
    let refresh = Refresh::new(endpoint, token.clone()).policy(Backoff::never());
    refresh_blocking(refresh, server, server.clock())
}

fn refresh_token(tokens: TokenSet) -> RefreshToken {
    tokens.refresh_token.unwrap()
}

/// The response as it is.
fn response(server: &FakeAuthServer, grant: impl Into<Grant>) -> Response {
    BlockingTransport::send_blocking(server, server.endpoint().request(&grant.into()).unwrap())
        .unwrap()
}

#[track_caller]
fn assert_rejected(result: Result<TokenSet, RefreshError>) {
    assert_eq!(result.unwrap_err().kind(), FailureKind::Rejected);
}

#[test]
fn each_use_spends_the_token_and_reuse_revokes_the_family() {
    let server = FakeAuthServer::new();
    let first = refresh_token(server.log_in("ada"));
    let other = refresh_token(server.log_in("bob"));
    let second = refresh_once(&server, &first).unwrap();
    assert_ne!(second.refresh_token.as_ref(), Some(&first));
    assert!(server.is_live(second.refresh_token.as_ref().unwrap()) && !server.is_live(&first));

    assert_rejected(refresh_once(&server, &first));
    assert_eq!(server.subject_of(&second.access_token), None);
    assert_rejected(refresh_once(&server, &refresh_token(second)));
    refresh_once(&server, &other).unwrap();

    let report = server.report();
    assert_eq!((report.requests, report.issued, report.rejected), (4, 2, 2));
    let [replay] = &report.replays[..] else { panic!("{report:?}") };
    assert_eq!((replay.subject.as_str(), replay.generation), ("ada", 1));
    assert_eq!((replay.knowledge, replay.forgiven), (Knowledge::Told, false));
    let [revocation] = &report.revocations[..] else { panic!("{report:?}") };
    assert_eq!(revocation.because, RevokedBecause::Reuse);
}

#[test]
fn without_reuse_detection_the_family_lives_on() {
    let server = FakeAuthServer::builder().reuse_detection(false).build();
    let first = refresh_token(server.log_in("ada"));
    let second = refresh_token(refresh_once(&server, &first).unwrap());
    assert_rejected(refresh_once(&server, &first));
    refresh_once(&server, &second).unwrap();
    assert_eq!(server.report().revocations, []);
}

#[test]
fn without_rotation_the_token_stays_good() {
    let server = FakeAuthServer::builder().rotation(Rotation::Off).build();
    let token = refresh_token(server.log_in("ada"));
    for _ in 0..3 {
        let response: serde_json::Value =
            serde_json::from_slice(response(&server, token.clone()).body()).unwrap();
        assert!(response.get("refresh_token").is_none(), "{response}");
    }
    assert_eq!(server.report().issued, 3);
    assert_eq!(server.report().replays, []);
}

#[test]
fn within_the_grace_period_a_spent_token_gives_the_same_pair() {
    let server = FakeAuthServer::builder().rotation(Rotation::WithGrace(s(30))).build();
    let first = refresh_token(server.log_in("ada"));
    let tokens = refresh_once(&server, &first).unwrap();
    server.clock().advance(s(29));
    let again = refresh_once(&server, &first).unwrap();
    assert_eq!(again.access_token, tokens.access_token);
    assert_eq!(again.refresh_token, tokens.refresh_token);
    // Its life goes on from where it began.
    assert_eq!(again.expires_at, tokens.expires_at);
    assert_eq!((server.report().issued, server.report().repeats), (1, 1));
    assert!(server.report().replays[0].forgiven);

    // The period is over.
    server.clock().advance(s(1));
    assert!(!server.is_live(&first));
    assert_rejected(refresh_once(&server, &first));
    assert_rejected(refresh_once(&server, &refresh_token(tokens)));
}

#[test]
fn grace_ends_when_the_successor_is_used() {
    let server = FakeAuthServer::builder().rotation(Rotation::WithGrace(s(30))).build();
    let first = refresh_token(server.log_in("ada"));
    let second = refresh_token(refresh_once(&server, &first).unwrap());
    let third = refresh_token(refresh_once(&server, &second).unwrap());
    assert_rejected(refresh_once(&server, &first));
    assert_rejected(refresh_once(&server, &third));
}

#[test]
fn tokens_expire() {
    let server = FakeAuthServer::builder()
        .access_lifetime(s(60))
        .refresh_idle_limit(s(100))
        .refresh_absolute_limit(s(250))
        .build();
    let session = server.log_in("ada");
    assert_eq!(session.expires_at, Some(server.clock().now().wall + s(60)));
    server.clock().advance(s(59));
    assert_eq!(server.subject_of(&session.access_token).as_deref(), Some("ada"));
    server.clock().advance(s(1));
    assert_eq!(server.subject_of(&session.access_token), None);

    // Idle: each use gives another 100 s.
    let mut token = refresh_token(session);
    for _ in 0..3 {
        server.clock().advance(s(39));
        token = refresh_token(refresh_once(&server, &token).unwrap());
    }
    // Absolute: 177 s are over.
    server.clock().advance(s(73));
    assert_rejected(refresh_once(&server, &token));

    let idle = refresh_token(server.log_in("bob"));
    server.clock().advance(s(100));
    assert_rejected(refresh_once(&server, &idle));
}

#[test]
fn a_session_can_be_revoked_by_hand() {
    let server = FakeAuthServer::new();
    let (ada, bob) = (server.log_in("ada"), server.log_in("bob"));
    server.revoke("ada");
    server.revoke("ada");
    assert_eq!(server.subject_of(&ada.access_token), None);
    assert_rejected(refresh_once(&server, &refresh_token(ada)));
    assert_eq!(server.subject_of(&bob.access_token).as_deref(), Some("bob"));
    let report = server.report();
    assert_eq!(report.revocations.len(), 1);
    assert_eq!(report.revocations[0].because, RevokedBecause::ByHand);
}

#[test]
fn old_access_tokens_may_die_with_the_refresh() {
    let server = FakeAuthServer::builder().revoke_old_access(true).build();
    let session = server.log_in("ada");
    let old = session.access_token.clone();
    let new = refresh_once(&server, &refresh_token(session)).unwrap();
    assert_eq!(server.subject_of(&old), None);
    assert!(server.subject_of(&new.access_token).is_some());
}

#[test]
fn the_rate_limit_names_the_time_to_wait() {
    let server = FakeAuthServer::builder().rotation(Rotation::Off).rate_limit(2, s(60)).build();
    let token = refresh_token(server.log_in("ada"));
    refresh_once(&server, &token).unwrap();
    server.clock().advance(Duration::from_millis(20_500));
    refresh_once(&server, &token).unwrap();
    let error = refresh_once(&server, &token).unwrap_err();
    assert_eq!(error.kind(), FailureKind::Throttled);
    // 39.5 s, rounded up to whole seconds.
    assert_eq!(error.retry_after(), Some(s(40)));
    server.clock().advance(s(40));
    refresh_once(&server, &token).unwrap();
    assert_eq!(server.report().throttled, 1);
}

#[test]
fn the_client_must_show_who_it_is() {
    let basic = || FakeAuthServer::builder().client_secret_basic("s3cret: ü").build();
    let post = || FakeAuthServer::builder().client_secret_post("s3cret: ü").build();
    for server in [basic(), post()] {
        let token = refresh_token(server.log_in("ada"));
        for auth in [ClientAuth::none(), ClientAuth::basic("wrong"), ClientAuth::post("wrong")] {
            let endpoint = server.endpoint().client_auth(auth);
            let error = refresh_at(&server, endpoint, &token).unwrap_err();
            assert_eq!(error.kind(), FailureKind::Misconfigured);
            assert_eq!(error.failure().code().unwrap().as_str(), "invalid_client");
        }
        // The secret in the other place.
        let (one, other) = (ClientAuth::basic("s3cret: ü"), ClientAuth::post("s3cret: ü"));
        let results = [one, other]
            .map(|auth| refresh_at(&server, server.endpoint().client_auth(auth), &token).is_ok());
        assert_eq!(results.iter().filter(|ok| **ok).count(), 1);
        assert_eq!(server.report().refused, 4);
    }
}

#[test]
fn requests_are_checked_as_the_rfc_has_it() {
    let server = FakeAuthServer::builder().body_format(BodyFormat::Json).scope("a b").build();
    let token = refresh_token(server.log_in("ada"));
    let code = |endpoint| {
        let error = refresh_at(&server, endpoint, &token).unwrap_err();
        assert_eq!(error.kind(), FailureKind::Misconfigured);
        error.failure().code().unwrap().as_str().to_owned()
    };
    let endpoint = || server.endpoint();
    assert_eq!(code(endpoint().body_format(BodyFormat::Form)), "invalid_request");
    assert_eq!(code(endpoint().scope("a c")), "invalid_scope");
    let tokens = refresh_at(&server, endpoint().scope("b"), &token).unwrap();
    assert_eq!(tokens.scope.as_deref(), Some("b"));
    let tokens = refresh_once(&server, &refresh_token(tokens)).unwrap();
    assert_eq!(tokens.scope.as_deref(), Some("a b"));

    let server = FakeAuthServer::builder().body_format(BodyFormat::JsonCamelCase).build();
    let token = refresh_token(server.log_in("ada"));
    assert!(refresh_at(&server, server.endpoint().body_format(BodyFormat::Json), &token).is_err());
    assert!(refresh_once(&server, &token).is_ok());

    let server = FakeAuthServer::new();
    for (body, code) in [
        ("client_id=my-client", "invalid_request"),
        ("client_id=my-client&grant_type=password", "unsupported_grant_type"),
        ("client_id=my-client&grant_type=refresh_token", "invalid_request"),
        ("client_id=my-client&client_id=x&grant_type=client_credentials", "invalid_request"),
        ("client_id=other&grant_type=client_credentials", "invalid_client"),
    ] {
        let request = ::http::Request::post("/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.as_bytes().to_vec())
            .unwrap();
        let handled = server.lock().handle(
            RecordedRequest::new(request),
            Duration::ZERO,
            std::time::SystemTime::UNIX_EPOCH,
        );
        let text = String::from_utf8(handled.response.build().into_body()).unwrap();
        assert!(text.contains(&format!("\"error\":\"{code}\"")), "{body}: {text}");
    }
}

#[test]
fn client_credentials_give_an_access_token_only() {
    let server = FakeAuthServer::builder().client_secret_post("s3cret").build();
    let refresh = Refresh::new(server.endpoint(), Grant::ClientCredentials);
    let tokens = refresh_blocking(refresh, &server, server.clock()).unwrap();
    assert_eq!(tokens.refresh_token, None);
    assert_eq!(server.subject_of(&tokens.access_token).as_deref(), Some("my-client"));
}

#[test]
fn every_fault_does_what_it_says() {
    use Delivery::{Answered, NotSent, Unknown};
    let html = |status| CannedResponse::status(status).build().status();
    // The fault; what the client sees; whether the refresh was made; the time.
    for (fault, delivery, kind, refreshed, takes) in [
        (Fault::Refused, NotSent, Ok(TransportErrorKind::Refused), false, 0),
        (Fault::LostBefore, Unknown, Ok(TransportErrorKind::Reset), false, 0),
        (Fault::LostAfter, Unknown, Ok(TransportErrorKind::Reset), true, 0),
        (Fault::CutResponse, Unknown, Ok(TransportErrorKind::Truncated), true, 0),
        (Fault::StallAfter(s(10)), Unknown, Ok(TransportErrorKind::Timeout), true, 10),
        (Fault::Status(502), Unknown, Err(html(502)), false, 0),
        (Fault::StatusAfter(504), Unknown, Err(html(504)), true, 0),
        (Fault::Status(404), Answered, Err(html(404)), false, 0),
    ] {
        let server = FakeAuthServer::builder().rotation(Rotation::WithGrace(s(60))).build();
        let token = refresh_token(server.log_in("ada"));
        server.fail_next([fault]);
        let error = refresh_once(&server, &token).unwrap_err();
        let failure = error.failure();
        assert_eq!(failure.delivery(), delivery, "{fault:?}");
        match kind {
            Ok(kind) => assert_eq!(failure.transport_error().unwrap().kind(), kind),
            Err(status) => assert_eq!(failure.status(), Some(status)),
        }
        assert_eq!(error.elapsed(), s(takes), "{fault:?}");
        let report = server.report();
        let made = usize::from(refreshed);
        assert_eq!((report.issued, report.lost_responses), (made, made), "{fault:?}");
        assert_eq!(report.faults_before, 1 - made);

        // The faults are used up, and asking again is no replay to blame.
        refresh_once(&server, &token).unwrap();
        let report = server.report();
        assert_eq!(report.issued, 1, "{fault:?}");
        assert_eq!(report.replays.len(), made);
        server.assert_never_replayed();
    }
}

#[test]
fn a_delay_passes_on_the_clock_and_hides_a_replay_under_way() {
    let server = FakeAuthServer::new();
    let token = refresh_token(server.log_in("ada"));
    server.fail_next([Fault::None, Fault::Delay(s(5))]);
    let second = refresh_token(refresh_once(&server, &token).unwrap());
    let both = async {
        let one = refresh(
            Refresh::new(server.endpoint(), second.clone()).policy(Backoff::never()),
            &server,
            server.clock(),
        );
        let other = refresh(
            Refresh::new(server.endpoint(), second.clone()).policy(Backoff::never()),
            &server,
            server.clock(),
        );
        tokio::join!(one, other)
    };
    let (one, other) = pollster::block_on(both);
    assert!(one.is_ok());
    assert_rejected(other);
    assert_eq!(server.clock().elapsed(), s(5));
    assert_eq!(server.report().replays[0].knowledge, Knowledge::UnderWay);
    assert_eq!(server.report().avoidable_replays().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_given_up_loses_its_response() {
    let clock = VirtualClock::manual();
    let server = FakeAuthServer::builder().clock(&clock).build();
    let token = refresh_token(server.log_in("ada"));
    server.fail_next([Fault::Delay(s(5))]);
    let call = refresh(Refresh::new(server.endpoint(), token.clone()), &server, &clock);
    tokio::time::timeout(s(1), call).await.unwrap_err();
    assert_eq!((server.report().issued, server.report().lost_responses), (1, 1));

    assert_rejected(refresh_once(&server, &token));
    assert_eq!(server.report().replays[0].knowledge, Knowledge::ResponseLost);
    server.assert_never_replayed();
    assert!(server.transcript().contains("given up by the caller"), "{}", server.transcript());
}

#[test]
fn a_replay_fails_the_test_with_the_calls() {
    let server = FakeAuthServer::new();
    let token = refresh_token(server.log_in("ada"));
    refresh_once(&server, &token).unwrap();
    server.clock().advance(s(7));
    assert_rejected(refresh_once(&server, &token));
    let panic = catch_unwind(AssertUnwindSafe(|| server.assert_never_replayed())).unwrap_err();
    let text = *panic.downcast::<String>().unwrap();
    assert!(
        text.starts_with(
            "a spent refresh token was used again:\n  \
             at 7000 ms: token 1 of ada, though its successor had been delivered\n\
             \nthe calls:\n  1. at 0 ms: POST auth.example.com/token \
             grant_type=refresh_token refresh_token=[secret 1] client_id=my-client\n"
        ),
        "{text}"
    );
    assert!(!text.contains(token.expose()), "{text}");
}

#[test]
fn chance_is_decided_by_the_seed() {
    let run = |seed| {
        let server = FakeAuthServer::builder()
            .seed(seed)
            .rotation(Rotation::WithGrace(s(3600)))
            .brown_out(20)
            .at_random(Fault::LostAfter, 10)
            .build();
        let mut token = refresh_token(server.log_in("ada"));
        for _ in 0..1000 {
            if let Ok(tokens) = refresh_once(&server, &token) {
                token = refresh_token(tokens);
            }
        }
        (server.transcript(), token.expose().to_owned(), server.report())
    };
    let (transcript, token, report) = run(7);
    assert_eq!(run(7), (transcript, token.clone(), report.clone()));
    assert_ne!(run(8).1, token);
    // 20 of 100, and 10 of the 80 that are left: within five standard deviations.
    assert!((150..250).contains(&report.faults_before), "{report:?}");
    assert!((40..120).contains(&report.lost_responses), "{report:?}");
}
