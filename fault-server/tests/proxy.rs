//! The forward proxy.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::io::Write;
use std::net::TcpStream;

use fault_server::{Behaviour, ClosedPort, FaultServer, Point};
use support::{BODY, End, call_over, connect, expect_silence_after, read_all, read_response, send};

fn send_connect(proxy: &FaultServer, authority: impl std::fmt::Display) -> TcpStream {
    let mut stream = connect(proxy);
    let head = format!("CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

#[test]
fn a_tunnel_carries_both_directions() {
    let target = FaultServer::plays([Behaviour::json(200, r#"{"id":7}"#), Behaviour::nginx(502)]);
    let proxy = FaultServer::plays([Behaviour::relay()]);
    let mut stream = send_connect(&proxy, target.address());
    assert_eq!(read_response(&mut stream), "HTTP/1.1 200 Connection established\r\n\r\n");
    for status in ["200", "502"] {
        send(&mut stream);
        let response = read_response(&mut stream);
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
    }
    drop(stream);
    proxy.stop();
    target.verify();
    proxy.verify();
    // The proxy counts no body: what is in the tunnel is not addressed to it.
    assert_eq!(proxy.body_bytes_received(), 0);
    assert_eq!(target.body_bytes_received(), 2 * BODY.len());
    let request = &proxy.requests()[0];
    assert_eq!(request.method, "CONNECT");
    assert_eq!(request.target, target.address().to_string());
    assert!(proxy.connections()[0].bytes.ends_with(BODY.as_bytes()));
}

#[test]
fn what_is_sent_right_after_connect_is_for_the_tunnel() {
    let target = FaultServer::plays([Behaviour::nginx(502)]);
    let proxy = FaultServer::plays([Behaviour::relay()]);
    let mut stream = connect(&proxy);
    let mut bytes = format!("CONNECT {} HTTP/1.1\r\n\r\n", target.address()).into_bytes();
    send(&mut bytes);
    stream.write_all(&bytes).unwrap();
    read_response(&mut stream);
    assert!(read_response(&mut stream).starts_with("HTTP/1.1 502 "));
    assert_eq!(target.requests()[0].text(), BODY);
}

#[test]
fn ends_pass_through_a_tunnel() {
    for (behaviour, end) in [
        (Behaviour::close(Point::AfterBody), End::Eof),
        (Behaviour::reset(Point::AfterBody), End::Reset),
    ] {
        let target = FaultServer::plays([behaviour]);
        let proxy = FaultServer::plays([Behaviour::relay()]);
        let mut stream = send_connect(&proxy, target.address());
        read_response(&mut stream);
        assert_eq!(call_over(&mut stream), (String::new(), end));
    }
}

#[test]
fn a_request_in_absolute_form_is_passed_on() {
    let target = FaultServer::plays([Behaviour::json(200, r#"{"id":7}"#)]);
    let proxy = FaultServer::plays([Behaviour::relay()]);
    let mut stream = connect(&proxy);
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: a.example\r\nproxy-authorization: Basic eDp5\r\n\
         content-length: {}\r\n\r\n",
        target.url(),
        BODY.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(BODY.as_bytes()).unwrap();
    let (response, end) = read_all(&mut stream);
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    assert!(response.contains(r#""id":7"#), "{response}");
    assert_eq!(end, End::Eof);
    target.verify();
    proxy.verify();
    let request = &target.requests()[0];
    assert_eq!(request.target, "/");
    assert_eq!(request.headers["host"], "a.example");
    assert!(!request.headers.contains_key("proxy-authorization"));
    assert_eq!(request.text(), BODY);
    assert_eq!(proxy.body_bytes_received(), BODY.len());
}

#[test]
fn a_proxy_that_wants_authentication_and_one_that_fails() {
    let proxy = FaultServer::plays([
        Behaviour::proxy_auth_required(),
        Behaviour::nginx(502),
        Behaviour::proxy_auth_required(),
        Behaviour::nginx(502),
    ]);
    let response = read_response(&mut send_connect(&proxy, "login.example:443"));
    assert!(
        response.starts_with(
            "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic "
        ),
        "{response}"
    );
    let response = read_response(&mut send_connect(&proxy, "login.example:443"));
    assert!(response.starts_with("HTTP/1.1 502 "), "{response}");

    // And both over one connection, asked for at once.
    let mut stream = connect(&proxy);
    let head = "CONNECT login.example:443 HTTP/1.1\r\n\r\n";
    stream.write_all(head.repeat(2).as_bytes()).unwrap();
    for status in ["407", "502"] {
        let response = read_response(&mut stream);
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
    }
    proxy.verify();
}

#[test]
fn a_target_that_cannot_be_reached_or_must_not_be_is_a_502() {
    let closed = ClosedPort::new().unwrap();
    for authority in [closed.address().to_string(), "203.0.113.1:443".to_owned()] {
        let proxy = FaultServer::plays([Behaviour::relay()]);
        let response = read_response(&mut send_connect(&proxy, authority));
        assert!(response.starts_with("HTTP/1.1 502 "), "{response}");
    }
}

#[test]
fn a_request_that_is_not_for_a_proxy_is_a_400() {
    let proxy = FaultServer::plays([Behaviour::relay()]);
    let mut stream = connect(&proxy);
    send(&mut stream);
    assert!(read_response(&mut stream).starts_with("HTTP/1.1 400 "));
}

#[test]
fn a_tunnel_to_a_stalled_target_ends_with_the_proxy() {
    let target = FaultServer::plays([Behaviour::stall(Point::AfterBody)]);
    let proxy = FaultServer::plays([Behaviour::relay()]);
    let mut stream = send_connect(&proxy, target.address());
    read_response(&mut stream);
    send(&mut stream);
    target.wait_for_whole_requests(1);
    expect_silence_after(&mut stream, "");
    drop(proxy);
    let (bytes, end) = read_all(&mut stream);
    assert_eq!(bytes, "");
    assert_ne!(end, End::Silence);
}
