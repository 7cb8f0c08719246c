//! The API behind the tokens over real HTTP: what it was told, and what it saw.
#![cfg(feature = "server")]
// Helpers of tests, though not themselves tests.
#![allow(clippy::unwrap_used)]

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
};

use auth_core::{AccessToken, Refresh, refresh_blocking};
use auth_testkit::{ApiResponse, CannedResponse, FakeAuthServer, Gate, ListeningApi, VirtualClock};

mod plain;

fn connect(api: &ListeningApi) -> TcpStream {
    TcpStream::connect(api.socket().address()).unwrap()
}

/// A request whose body is framed by `framing`, without the body.
fn head(token: Option<&AccessToken>, framing: &str) -> String {
    let token = token.map_or_else(String::new, |token| {
        format!("authorization: {}\r\n", token.authorization().unwrap().to_str().unwrap())
    });
    format!("POST /notes HTTP/1.1\r\nhost: a\r\n{token}{framing}\r\n\r\n")
}

/// The status of the next response, and its head.
fn response(stream: &mut TcpStream) -> (u16, String) {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head)
}

#[test]
fn bodies_arrive_whole_on_a_connection_that_persists() {
    let server = FakeAuthServer::new();
    let token = server.log_in("ada").access_token;
    let listening = server.api().listen();
    listening.api().respond_next([CannedResponse::invalid_token()]);
    let mut stream = connect(&listening);
    for (framing, body) in [
        ("content-length: 4", "abcd"),
        ("transfer-encoding: chunked", "2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"),
        ("content-length: 0", ""),
    ] {
        write!(stream, "{}{body}", head(Some(&token), framing)).unwrap();
        response(&mut stream);
    }
    let calls = listening.api().calls();
    let seen: Vec<_> = calls.iter().map(|c| (c.status(), c.body(), c.subject())).collect();
    assert_eq!(
        seen,
        [
            (Some(401), Some(&b"abcd"[..]), Some("ada")),
            (Some(200), Some(&b"abcd"[..]), Some("ada")),
            (Some(200), Some(&b""[..]), Some("ada")),
        ]
    );
}

#[test]
fn a_refusal_may_come_before_the_body() {
    let server = FakeAuthServer::new();
    let token = server.log_in("ada").access_token;
    let listening = server.api().listen();
    listening.api().respond_next([ApiResponse::from(CannedResponse::invalid_token())
        .before_body()
        .to_token(&token)]);
    let mut stream = connect(&listening);
    write!(stream, "{}ab", head(Some(&token), "content-length: 4")).unwrap();
    assert_eq!(response(&mut stream).0, 401);
    let calls = listening.api().calls();
    assert_eq!((calls[0].status(), calls[0].body_len()), (Some(401), None));
    // The rest is read, and the next request is understood.
    write!(stream, "cd{}efgh", head(Some(&token), "content-length: 4")).unwrap();
    assert_eq!(response(&mut stream).0, 200);
    assert_eq!(listening.api().calls()[1].body(), Some(&b"efgh"[..]));
    assert_eq!(listening.socket().requests()[0].body, b"abcd");
}

#[test]
fn a_token_counts_as_seen_though_the_client_leaves_within_the_body() {
    let server = FakeAuthServer::new();
    let listening = server.api().listen();
    let mut stream = connect(&listening);
    write!(stream, "{}ab", head(Some(&AccessToken::new("at")), "content-length: 4")).unwrap();
    drop(stream);
    listening.socket().stop();
    let report = listening.api().report();
    assert_eq!((report.calls, report.with_token, report.refused), (1, 1, 0));
    let calls = listening.api().calls();
    assert_eq!((calls[0].status(), calls[0].body()), (None, None));
}

#[test]
fn a_redirect_leads_to_another_origin() {
    let server = FakeAuthServer::new();
    let (listening, elsewhere) = (server.api().listen(), server.api().listen());
    listening.api().respond_next([CannedResponse::redirect(307, elsewhere.url())]);
    let mut stream = connect(&listening);
    write!(stream, "{}", head(None, "content-length: 0")).unwrap();
    let (status, head) = response(&mut stream);
    assert_eq!(status, 307);
    assert!(head.contains(&format!("location: {}\r\n", elsewhere.url())), "{head}");
    assert_ne!(listening.socket().address(), elsewhere.socket().address());
}

#[test]
fn a_response_waits_for_the_test_and_who_leaves_has_none() {
    let server = FakeAuthServer::new();
    let listening = server.api().listen();
    let gate = Gate::new();
    let held = ApiResponse::from(CannedResponse::status(204)).once_open(&gate);
    listening.api().respond_next([held.times(2)]);
    let mut stays = connect(&listening);
    write!(stays, "{}", head(None, "content-length: 0")).unwrap();
    let mut leaves = connect(&listening);
    write!(leaves, "{}", head(None, "content-length: 0")).unwrap();
    gate.block_until_waiting(2);
    if cfg!(unix) {
        drop(leaves);
        // It is seen that nobody waits any more.
        while gate.waiting() > 1 {
            thread::yield_now();
        }
    }
    gate.open();
    assert_eq!(response(&mut stays).0, 204);
    let with_status = listening.api().calls().iter().filter(|c| c.status().is_some()).count();
    if cfg!(unix) {
        assert_eq!(with_status, 1);
    }
}

#[test]
fn a_gate_that_nobody_opens_does_not_keep_a_socket() {
    let server = FakeAuthServer::new();
    let (api, listening) = (server.api().listen(), server.listen());
    let gate = Gate::new();
    api.api().respond_next([ApiResponse::from(CannedResponse::status(204)).once_open(&gate)]);
    server.hold_next(&gate);
    let mut at_api = connect(&api);
    write!(at_api, "{}", head(None, "content-length: 0")).unwrap();
    let mut at_server = TcpStream::connect(listening.address()).unwrap();
    write!(at_server, "{}", head(None, "content-length: 0")).unwrap();
    gate.block_until_waiting(2);
    drop((api, listening));
    assert_eq!(gate.waiting(), 0);
}

#[test]
fn a_refresh_that_is_held_is_lost_if_its_client_leaves() {
    let server = FakeAuthServer::new();
    let listening = server.listen();
    let gate = Gate::new();
    let held = || Refresh::new(listening.endpoint(), server.log_in("ada").refresh_token.unwrap());
    server.hold_next(&gate);
    thread::scope(|scope| {
        let refresh = held();
        let refresh =
            scope.spawn(move || refresh_blocking(refresh, &plain::Plain, &VirtualClock::new()));
        gate.block_until_waiting(1);
        assert_eq!(server.report().issued, 1);
        gate.open();
        assert!(refresh.join().unwrap().is_ok());
    });
    assert_eq!(server.report().lost_responses, 0);
    if cfg!(unix) {
        let gate = Gate::new();
        server.hold_next(&gate);
        let request =
            listening.endpoint().request(&server.log_in("ada").refresh_token.unwrap().into());
        let stream = plain::sent(request.unwrap());
        gate.block_until_waiting(1);
        drop(stream);
        while gate.waiting() > 0 {
            thread::yield_now();
        }
        listening.socket().stop();
        assert_eq!((server.report().issued, server.report().lost_responses), (2, 1));
    }
}
