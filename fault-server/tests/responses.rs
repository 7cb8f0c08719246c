//! Responses as they are on the wire, and the record of what arrived.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use fault_server::{Behaviour, ClosedPort, FaultServer, Point};
use support::{BODY, End, call, call_over, connect, head, read_all, read_response, send};

#[test]
fn a_script_is_played_in_order_one_behaviour_a_request() {
    let server = FaultServer::plays([
        Behaviour::nginx(502),
        Behaviour::json(400, r#"{"error":"no_such_item"}"#),
        Behaviour::json(200, r#"{"id":7}"#).header("cache-control", "no-store"),
    ]);
    let mut stream = connect(&server);
    send(&mut stream);
    assert_eq!(
        read_response(&mut stream),
        "HTTP/1.1 502 Bad Gateway\r\nserver: nginx\r\ncontent-type: text/html\r\n\
         content-length: 150\r\n\r\n\
         <html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
         <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n\
         </body>\r\n</html>\r\n"
    );
    send(&mut stream);
    assert!(read_response(&mut stream).ends_with(r#"{"error":"no_such_item"}"#));
    // The last over another connection.
    let mut stream = connect(&server);
    send(&mut stream);
    assert_eq!(
        read_response(&mut stream),
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: no-store\r\n\
         content-length: 8\r\n\r\n{\"id\":7}"
    );
    server.verify();
    let by_connection: Vec<_> = server.requests().iter().map(|r| r.connection).collect();
    assert_eq!(by_connection, [0, 0, 1]);
}

#[test]
fn what_arrives_is_on_record_byte_for_byte() {
    let server = FaultServer::plays([Behaviour::response(200)]);
    let mut stream = connect(&server);
    let sent = "POST /items?x=y HTTP/1.1\r\nHost: a.example\r\nAuthorization: Basic c2VjcmV0\r\n\
                Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    stream.write_all(sent.as_bytes()).unwrap();
    read_response(&mut stream);

    let connections = server.connections();
    assert_eq!(connections.len(), 1);
    assert_eq!(connections[0].bytes, sent.as_bytes());
    let request = &server.requests()[0];
    assert_eq!(request.method, "POST");
    assert_eq!(request.target, "/items?x=y");
    assert_eq!(request.version, http::Version::HTTP_11);
    assert_eq!(request.headers["host"], "a.example");
    assert_eq!(request.headers["authorization"], "Basic c2VjcmV0");
    assert_eq!(request.text(), "abcde");
    assert!(request.complete);
    assert_eq!(server.body_bytes_received(), 5);
    assert!(connections[0].arrived <= request.arrived);

    // No part of what a test may print shows what was in it.
    for shown in [
        format!("{request:?}"),
        format!("{connections:?}"),
        request.to_string(),
        server.transcript(),
    ] {
        for secret in ["c2VjcmV0", "abcde", "x=y"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[test]
fn a_request_cut_short_is_on_record_as_such() {
    let server = FaultServer::plays([Behaviour::response(200)]);
    let mut stream = connect(&server);
    stream.write_all(head().as_bytes()).unwrap();
    stream.write_all(&BODY.as_bytes()[..7]).unwrap();
    drop(stream);
    server.stop();
    let request = &server.requests()[0];
    assert_eq!(request.text(), &BODY[..7]);
    assert!(!request.complete);
}

#[test]
fn stop_takes_in_what_was_sent_before_it() {
    // Nothing waits for the server here: it has to find the connections in the
    // listener's queue and the bytes in the kernel.
    let server = FaultServer::plays([]);
    let streams: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut stream = connect(&server);
            send(&mut stream);
            stream
        })
        .collect();
    server.stop();
    assert_eq!(server.connections().len(), 50);
    assert_eq!(server.body_bytes_received(), 50 * BODY.len());
    assert!(server.requests().iter().all(|request| request.complete));
    drop(streams);
}

#[test]
fn a_request_that_is_not_scripted_gets_599_and_fails_verify() {
    let server = FaultServer::plays([]);
    let (response, end) = call(&server);
    assert!(response.starts_with("HTTP/1.1 599 Unknown\r\n"), "{response}");
    assert_eq!(end, End::Eof);
    let message = panic_message(|| server.verify());
    assert!(message.contains("unexpected request: POST /items, 43 bytes of body"), "{message}");
    assert!(message.contains("connection 0"), "{message}");
    assert!(!message.contains("rt-0"), "{message}");
}

#[test]
fn a_behaviour_that_is_not_played_fails_verify() {
    let server = FaultServer::plays([Behaviour::reset(Point::AfterBody), Behaviour::nginx(503)]);
    let message = panic_message(|| server.verify());
    assert!(message.contains("never played: reset after the request's body"), "{message}");
    assert!(message.contains("never played: response 503"), "{message}");
}

#[test]
fn bytes_that_are_no_request_get_400_and_fail_verify() {
    let server = FaultServer::plays([Behaviour::response(200)]);
    let mut stream = connect(&server);
    stream.write_all(b"\x16\x03\x01\x00\x05hello\r\n\r\n").unwrap();
    let (response, _) = read_all(&mut stream);
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
    let message = panic_message(|| server.verify());
    assert!(message.contains("not an HTTP/1.1 request"), "{message}");
}

#[test]
fn a_handler_is_asked_about_every_whole_request() {
    let server = FaultServer::with_handler(|request| match request.text().as_str() {
        BODY => Behaviour::json(200, r#"{"id":7}"#),
        _ => Behaviour::json(400, r#"{"error":"not_an_item"}"#),
    });
    let mut stream = connect(&server);
    send(&mut stream);
    assert!(read_response(&mut stream).starts_with("HTTP/1.1 200 "));
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(read_response(&mut stream).starts_with("HTTP/1.1 400 "));
    assert_eq!(server.requests()[1].behaviour, "response 400");
    server.verify();
}

#[test]
fn an_http_response_is_a_behaviour() {
    let server = FaultServer::with_handler(|_| {
        let response = http::Response::builder()
            .status(429)
            .header("retry-after", "7")
            .header("content-length", "77")
            .body("{}");
        Behaviour::from(response.unwrap()).then_close()
    });
    assert_eq!(
        call(&server).0,
        "HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-length: 2\r\n\
         connection: close\r\n\r\n{}"
    );
}

#[test]
fn a_behaviour_is_shown_without_its_body() {
    let shown = format!("{:?}", Behaviour::json(200, r#"{"secret":"s-1"}"#));
    assert_eq!(shown, "Behaviour(response 200)");
}

#[test]
fn a_handler_can_break_off() {
    let server = FaultServer::with_handler(|_| Behaviour::reset(Point::AfterBody));
    assert_eq!(call(&server), (String::new(), End::Reset));
}

#[test]
fn connections_persist_unless_somebody_wants_otherwise() {
    // The client says so.
    let server = FaultServer::plays([Behaviour::response(200)]);
    let mut stream = connect(&server);
    stream.write_all(b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n").unwrap();
    let (response, end) = read_all(&mut stream);
    assert!(response.contains("connection: close\r\n"), "{response}");
    assert_eq!(end, End::Eof);

    // The server says so.
    let server = FaultServer::plays([Behaviour::response(200).then_close()]);
    let (response, end) = call(&server);
    assert!(response.contains("connection: close\r\n"), "{response}");
    assert_eq!(end, End::Eof);

    // The server does not say so.
    let server = FaultServer::plays([Behaviour::response(200).keep_alive_then_close()]);
    let (response, end) = call(&server);
    assert!(!response.contains("connection"), "{response}");
    assert_eq!(end, End::Eof);
}

#[test]
fn a_fault_for_a_new_connection_strikes_a_persistent_one_at_its_next_request() {
    let server = FaultServer::plays([Behaviour::response(200), Behaviour::reset(Point::OnAccept)]);
    let mut stream = connect(&server);
    send(&mut stream);
    read_response(&mut stream);
    assert_eq!(call_over(&mut stream), (String::new(), End::Reset));
    server.verify();
}

#[test]
fn expect_100_continue_gets_its_100_before_the_body() {
    let server = FaultServer::plays([Behaviour::response(204)]);
    let mut stream = connect(&server);
    stream
        .write_all(b"POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\n")
        .unwrap();
    assert_eq!(read_response(&mut stream), "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"a").unwrap();
    assert!(read_response(&mut stream).starts_with("HTTP/1.1 204 "));
}

#[test]
fn interim_responses_come_first() {
    let server = FaultServer::plays([Behaviour::response(204).interim(100).interim(103)]);
    let mut stream = connect(&server);
    send(&mut stream);
    assert_eq!(read_response(&mut stream), "HTTP/1.1 100 Continue\r\n\r\n");
    assert!(read_response(&mut stream).starts_with("HTTP/1.1 103 Early Hints\r\nlink: "));
    assert!(read_response(&mut stream).starts_with("HTTP/1.1 204 "));
}

#[test]
fn redirects_name_the_server_itself_or_another_origin() {
    for status in [301, 302, 303, 307, 308] {
        let server = FaultServer::plays([
            Behaviour::redirect_to_self(status),
            Behaviour::redirect_elsewhere(status),
            Behaviour::redirect(status, "https://login.example/"),
        ]);
        let mut stream = connect(&server);
        let elsewhere = format!("location: {}\r\n", server.elsewhere().url());
        for location in ["location: /items\r\n", &elsewhere, "location: https://login.example/\r\n"]
        {
            send(&mut stream);
            let response = read_response(&mut stream);
            assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
            assert!(response.contains(location), "{response}");
        }
        server.verify();

        // Who follows is found out.
        assert!(server.elsewhere().url().starts_with("http://localhost:"));
        call(server.elsewhere());
        assert_eq!(server.elsewhere().body_bytes_received(), BODY.len());
        let message = panic_message(|| server.verify());
        assert!(message.contains("to the other origin"), "{message}");
    }
}

#[test]
fn headers_and_content_type_are_as_asked() {
    let server = FaultServer::plays([Behaviour::json(200, "{}")
        .content_type("text/html")
        .header("retry-after", "7")]);
    let (response, _) = call_once(&server);
    assert_eq!(response.matches("content-type").count(), 1, "{response}");
    assert!(response.contains("content-type: text/html\r\n"), "{response}");
    assert!(response.contains("retry-after: 7\r\n"), "{response}");
}

#[test]
fn a_drip_comes_to_the_same_response() {
    let plain = FaultServer::plays([Behaviour::nginx(500)]);
    let dripped = FaultServer::plays([Behaviour::nginx(500).drip(Duration::ZERO)]);
    assert_eq!(call_once(&plain), call_once(&dripped));
}

#[test]
fn a_closed_port_refuses_until_it_opens() {
    let port = ClosedPort::new().unwrap();
    let error = TcpStream::connect(port.address()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    let url = port.url();
    let server = port.open(FaultServer::builder().script([Behaviour::response(200)])).unwrap();
    assert_eq!(server.url(), url);
    call_once(&server);
    server.verify();
}

/// One request that asks for the connection to be closed.
fn call_once(server: &FaultServer) -> (String, End) {
    let mut stream = connect(server);
    stream.write_all(b"GET /items HTTP/1.1\r\nconnection: close\r\n\r\n").unwrap();
    read_all(&mut stream)
}

fn panic_message(f: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).unwrap_err();
    panic.downcast_ref::<String>().unwrap().clone()
}
