//! The fake authorization server over real HTTP: the same model, the same
//! accounting.
#![cfg(feature = "server")]
// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used)]

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use auth_core::{
    Audience, Backoff, BodyFormat, ClientAuth, FailureKind, Refresh, RefreshError, RefreshToken,
    SigningKey, TokenSet, refresh_blocking,
};
use auth_testkit::{
    FakeAuthServer, Fault, Knowledge, ListeningAuthServer, Rotation, VirtualClock, Wording,
};

mod plain;

use plain::Plain;

fn refresh_once(
    listening: &ListeningAuthServer,
    token: &RefreshToken,
) -> Result<TokenSet, RefreshError> {
    let refresh = Refresh::new(listening.endpoint(), token.clone()).policy(Backoff::never());
    refresh_blocking(refresh, &Plain, &VirtualClock::new())
}

#[test]
fn sessions_and_faults_are_the_same_as_in_process() {
    let server = FakeAuthServer::builder().rotation(Rotation::WithGrace(Duration::from_secs(30)));
    let server = server.client_secret_basic("s3cret").build();
    let listening = server.listen();
    let first = server.log_in("ada").refresh_token.unwrap();

    for (fault, made) in [
        (Fault::Refused, 0),
        (Fault::LostBefore, 0),
        (Fault::Status(503), 0),
        (Fault::LostAfter, 1),
        (Fault::CutResponse, 2),
        (Fault::StatusAfter(502), 3),
    ] {
        server.fail_next([fault]);
        let error = refresh_once(&listening, &first).unwrap_err();
        assert!(
            matches!(error.kind(), FailureKind::Interrupted | FailureKind::Unavailable),
            "{fault:?}: {error}"
        );
        let report = server.report();
        assert_eq!(report.issued + report.repeats, made, "{fault:?}");
        assert_eq!(report.lost_responses, made, "{fault:?}");
    }
    let second = refresh_once(&listening, &first).unwrap();
    assert_eq!(server.subject_of(&second.access_token).as_deref(), Some("ada"));
    server.assert_never_replayed();

    // The clock of the test is the server's.
    server.clock().advance(Duration::from_secs(30));
    assert_eq!(refresh_once(&listening, &first).unwrap_err().kind(), FailureKind::Rejected);
    assert_eq!(server.report().replays.last().unwrap().knowledge, Knowledge::Told);
    assert_eq!(listening.socket().requests().len(), 8);
    assert_eq!(server.requests().len(), 8);
}

#[test]
fn a_stalled_response_is_held_until_the_client_gives_up() {
    let server = FakeAuthServer::new();
    let listening = server.listen();
    let token = server.log_in("ada").refresh_token.unwrap();
    server.fail_next([Fault::StallAfter(Duration::ZERO), Fault::Delay(Duration::ZERO)]);
    let body =
        format!("grant_type=refresh_token&client_id=my-client&refresh_token={}", token.expose());
    let mut stream = TcpStream::connect(listening.address()).unwrap();
    let head = format!(
        "POST /token HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\
         content-type: application/x-www-form-urlencoded\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    listening.socket().wait_for_whole_requests(1);
    // Gives up. All that the server sent until its end is nothing.
    stream.shutdown(Shutdown::Write).unwrap();
    let mut response = Vec::new();
    let _ = stream.read_to_end(&mut response);
    assert_eq!(response, b"");

    listening.socket().stop();
    let report = server.report();
    assert_eq!((report.issued, report.lost_responses), (1, 1));
    // Without grace the session is over, and nobody is to blame.
    let listening = server.listen();
    assert_eq!(refresh_once(&listening, &token).unwrap_err().kind(), FailureKind::Rejected);
    assert_eq!(server.report().replays[0].knowledge, Knowledge::ResponseLost);
    server.assert_never_replayed();
}

#[test]
fn two_listeners_are_one_server() {
    let server = FakeAuthServer::builder().body_format(BodyFormat::Json).real_time().build();
    let (one, other) = (server.listen(), server.listen());
    let token = server.log_in("ada").refresh_token.unwrap();
    let token = refresh_once(&one, &token).unwrap().refresh_token.unwrap();
    refresh_once(&other, &token).unwrap();
    assert_ne!(one.address(), other.address());
    assert_eq!(one.server().report().issued, 2);
}

#[test]
fn wordings_keep_their_status_and_headers() {
    let server = FakeAuthServer::builder().wording(Wording::Slack);
    let server = server.rate_limit(1, Duration::from_secs(60)).build();
    let listening = server.listen();
    let token = RefreshToken::new("xoxe-1-gone");
    let dead = refresh_once(&listening, &token).unwrap_err();
    assert_eq!(
        (dead.kind(), dead.failure().status().unwrap().as_u16()),
        (FailureKind::Rejected, 200)
    );
    let throttled = refresh_once(&listening, &token).unwrap_err();
    assert_eq!(throttled.kind(), FailureKind::Throttled);
    assert_eq!(throttled.retry_after(), Some(Duration::from_secs(60)));
}

#[test]
fn an_assertion_may_be_for_the_server_that_listens() {
    let key = SigningKey::from(auth_sign::NewKey::es256().unwrap().into_key());
    let builder = FakeAuthServer::builder().private_key_jwt(key.info().public_jwk().unwrap());
    let server = builder.clone().build();
    let (listening, second) = (server.listen(), server.listen());
    let fixed = builder.audience("https://auth.example.com").build();
    let fixed_listening = fixed.listen();
    let origin = |at: &ListeningAuthServer| format!("http://{}", at.address());
    let (endpoint, issuer, other) = (|| Audience::TokenEndpoint, Audience::Issuer, Audience::Other);
    for (at, audience, accepted) in [
        (&listening, endpoint(), true),
        (&second, endpoint(), true),
        (&listening, issuer(origin(&listening)), true),
        (&listening, issuer("https://auth.example.com".to_owned()), true),
        (&listening, other("https://auth.example.com/token".to_owned()), true),
        (&listening, other(format!("{}/other", origin(&listening))), false),
        (&listening, issuer("http://127.0.0.1".to_owned()), false),
        (&fixed_listening, endpoint(), false),
        (&fixed_listening, issuer("https://auth.example.com".to_owned()), true),
    ] {
        let shown = format!("{audience:?}");
        let auth = ClientAuth::assertion(key.clone(), audience);
        let endpoint = at.endpoint().client_auth(auth);
        let token = at.server().log_in("ada").refresh_token.unwrap();
        let refresh = Refresh::new(endpoint, token).policy(Backoff::never());
        let result = refresh_blocking(refresh, &Plain, at.server().clock());
        assert_eq!(result.is_ok(), accepted, "{shown}");
    }
}
