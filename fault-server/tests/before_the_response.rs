//! What comes before a response, and responses that wait for the test.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::io::{Read, Write};
use std::time::Duration;

use fault_server::{Behaviour, FaultServer, Point, ResponseGate};
use support::{call, connect, expect_silence_after, read_all, read_response, send};

const LINKED: &str = "HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload; as=style\r\n";

#[test]
fn interim_responses_are_padded_each() {
    let server = FaultServer::plays([Behaviour::response(204)
        .interim(103)
        .interim(100)
        .padded_interim(10_000)
        .then_close()]);
    let (response, _) = call(&server);
    let heads: Vec<&str> = response.split_inclusive("\r\n\r\n").collect();
    assert_eq!(heads.len(), 3, "{response}");
    assert!(heads[0].starts_with(LINKED));
    assert!(heads[1].starts_with("HTTP/1.1 100 Continue\r\nx-padding: ppp"));
    assert!(heads[..2].iter().all(|head| (10_000..20_000).contains(&head.len())));
    assert_eq!(heads[2], "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
}

#[test]
fn interim_responses_without_end_come_until_the_client_leaves() {
    let server = FaultServer::plays([Behaviour::response(200).endless_interim(103)]);
    let mut stream = connect(&server);
    send(&mut stream);
    let mut bytes = vec![0; 1 << 20];
    stream.read_exact(&mut bytes).unwrap();
    let one = format!("{LINKED}\r\n");
    assert!(String::from_utf8(bytes).unwrap().starts_with(&one.repeat((1 << 20) / one.len())));
    drop(stream);
    server.stop();
    assert!(!server.requests()[0].responded);
}

#[test]
fn a_proxy_answers_a_connect_as_told() {
    let target = FaultServer::plays([Behaviour::response(204)]);
    let answer =
        Behaviour::relay().interim(103).header("via", "1.1 proxy").drip(Duration::from_micros(10));
    let proxy = FaultServer::plays([answer, Behaviour::relay().padded_head(100_000)]);
    let connect_to_target = || {
        let mut stream = connect(&proxy);
        write!(stream, "CONNECT {} HTTP/1.1\r\n\r\n", target.address()).unwrap();
        stream
    };
    let mut stream = connect_to_target();
    assert_eq!(read_response(&mut stream), format!("{LINKED}\r\n"));
    assert_eq!(
        read_response(&mut stream),
        "HTTP/1.1 200 Connection established\r\nvia: 1.1 proxy\r\n\r\n"
    );
    send(&mut stream);
    assert!(read_response(&mut stream).starts_with("HTTP/1.1 204 "));
    assert!(read_response(&mut connect_to_target()).len() >= 100_000);
}

#[test]
fn a_response_waits_at_its_gate() {
    for (point, before) in [
        (Point::AfterBody, ""),
        (Point::InResponseHead, "HTTP/1.1 200 OK\r\nco"),
        (Point::InResponseBody, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab"),
        (Point::AfterResponseBytes(3), "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nabc"),
    ] {
        let gate = ResponseGate::new();
        let held = Behaviour::response(200).body("abcd").hold(point, &gate);
        let server = FaultServer::plays([held]);
        let mut stream = connect(&server);
        send(&mut stream);
        server.wait_for_whole_requests(1);
        expect_silence_after(&mut stream, before);
        assert!(!server.requests()[0].responded);
        gate.open();
        server.wait_for_responses(1);
        let whole = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nabcd";
        let mut rest = vec![0; whole.len() - before.len()];
        stream.read_exact(&mut rest).unwrap();
        assert_eq!(rest, &whole.as_bytes()[before.len()..]);
    }
}

#[test]
fn a_server_ends_though_a_response_waits() {
    let gate = ResponseGate::new();
    let server = FaultServer::plays([Behaviour::response(200).hold(Point::AfterBody, &gate)]);
    let mut stream = connect(&server);
    send(&mut stream);
    server.wait_for_whole_requests(1);
    drop(server);
    assert_eq!(read_all(&mut stream).0, "");
}
