//! Responses that come before the body of their request.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::io::Write;

use fault_server::{Behaviour, FaultServer, Point};
use support::{End, connect, read_all, read_response};

const HEADS: [&str; 2] = ["content-length: 4", "transfer-encoding: chunked"];

/// The body `abcd` in two parts.
fn body(head: &str) -> [&'static [u8]; 2] {
    match head {
        "transfer-encoding: chunked" => [b"2\r\nab\r\n", b"2\r\ncd\r\n0\r\n\r\n"],
        _ => [b"ab", b"cd"],
    }
}

#[test]
fn the_body_is_read_after_the_response_and_the_connection_persists() {
    for head in HEADS {
        for before in [&[] as &[usize], &[0], &[0, 1]] {
            let server =
                FaultServer::plays([Behaviour::response(401).early(), Behaviour::response(204)]);
            let mut stream = connect(&server);
            write!(stream, "POST /items HTTP/1.1\r\n{head}\r\n\r\n").unwrap();
            let parts = body(head);
            before.iter().for_each(|part| stream.write_all(parts[*part]).unwrap());
            assert!(read_response(&mut stream).starts_with("HTTP/1.1 401 "), "{head}");
            (before.len()..2).for_each(|part| stream.write_all(parts[part]).unwrap());
            write!(stream, "GET / HTTP/1.1\r\n\r\n").unwrap();
            assert!(read_response(&mut stream).starts_with("HTTP/1.1 204 "), "{head}");
            let requests = server.requests();
            assert_eq!((requests[0].text().as_str(), requests[0].complete), ("abcd", true));
            server.verify();
        }
    }
}

#[test]
fn a_client_that_leaves_instead_of_sending_the_rest_is_no_problem() {
    let server = FaultServer::plays([Behaviour::response(401).early()]);
    let mut stream = connect(&server);
    write!(stream, "POST /items HTTP/1.1\r\ncontent-length: 4\r\n\r\nab").unwrap();
    assert!(read_response(&mut stream).starts_with("HTTP/1.1 401 "));
    drop(stream);
    server.stop();
    let requests = server.requests();
    assert_eq!((requests[0].text().as_str(), requests[0].complete), ("ab", false));
    server.verify();
}

#[test]
fn who_waits_for_100_gets_the_response_instead_and_the_connection_ends() {
    let server = FaultServer::plays([Behaviour::response(401).early()]);
    let mut stream = connect(&server);
    write!(stream, "POST /items HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n")
        .unwrap();
    let (response, end) = read_all(&mut stream);
    assert!(response.starts_with("HTTP/1.1 401 "), "{response}");
    assert!(response.contains("connection: close"), "{response}");
    assert_eq!(end, End::Eof);
}

#[test]
fn a_cut_before_any_response_counts_more() {
    let early = Behaviour::response(200).cut(Point::AfterBody, fault_server::Cut::Close).early();
    let server = FaultServer::plays([early]);
    let mut stream = connect(&server);
    write!(stream, "POST /items HTTP/1.1\r\ncontent-length: 4\r\n\r\nabcd").unwrap();
    assert_eq!(read_all(&mut stream), (String::new(), End::Eof));
    assert!(server.requests()[0].complete);
}

#[test]
fn a_handler_of_heads_goes_before_the_handler() {
    let server = FaultServer::builder()
        .head_handler(|request, _| {
            let refused = !request.headers.contains_key("authorization");
            refused.then(|| Behaviour::response(401).early())
        })
        .handler(|request| Behaviour::response(200).body(request.body.clone()))
        .start()
        .unwrap();
    let mut stream = connect(&server);
    write!(stream, "POST /items HTTP/1.1\r\ncontent-length: 4\r\n\r\n").unwrap();
    assert!(read_response(&mut stream).starts_with("HTTP/1.1 401 "));
    write!(stream, "abcdPOST / HTTP/1.1\r\nauthorization: a b\r\ncontent-length: 2\r\n\r\nef")
        .unwrap();
    assert!(read_response(&mut stream).ends_with("\r\n\r\nef"));
    let told: Vec<_> = server.requests().into_iter().map(|request| request.behaviour).collect();
    assert_eq!(told, ["response 401", "response 200"]);
}
