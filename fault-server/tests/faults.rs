//! Every fault, as a client sees it on the wire.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use fault_server::{Behaviour, Certificate, Cut, FaultServer, Point, SilentPort};
use support::{BODY, End, call, connect, expect_silence_after, head, read_all, send};

const POINTS: [Point; 7] = [
    Point::OnAccept,
    Point::OnClientHello,
    Point::AfterHeaders,
    Point::AfterBody,
    Point::InResponseHead,
    Point::InResponseBody,
    Point::AfterResponseBytes(3),
];

/// What of the response to `Behaviour::json(200, "{\"a\":1}")` arrives before a
/// cut at this point.
fn before(point: Point) -> &'static str {
    match point {
        Point::InResponseHead => "HTTP/1.1 200 OK\r\ncontent-type: appl",
        Point::InResponseBody | Point::AfterResponseBytes(_) => {
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{\"a"
        }
        _ => "",
    }
}

fn cut(point: Point, cut: Cut) -> FaultServer {
    FaultServer::plays([Behaviour::json(200, "{\"a\":1}").cut(point, cut)])
}

#[test]
fn resets_are_resets_at_every_point() {
    for point in POINTS {
        let server = cut(point, Cut::Reset);
        assert_eq!(call(&server), (before(point).to_owned(), End::Reset), "{point}");
        server.verify();
    }
}

#[test]
fn closes_are_ends_of_file_at_every_point() {
    for point in POINTS {
        for how in [Cut::Close, Cut::Truncate] {
            let server = cut(point, how);
            assert_eq!(call(&server), (before(point).to_owned(), End::Eof), "{point}");
            server.verify();
        }
    }
}

#[test]
fn stalls_last_until_the_server_ends() {
    for point in POINTS {
        let server = cut(point, Cut::Stall);
        let mut stream = connect(&server);
        send(&mut stream);
        expect_silence_after(&mut stream, before(point));
        server.stop();
        assert_eq!(read_all(&mut stream), (String::new(), End::Eof), "{point}");
    }
}

#[test]
fn a_stall_ends_when_the_client_gives_up() {
    let server = FaultServer::plays([
        Behaviour::stall(Point::AfterBody),
        Behaviour::json(200, r#"{"id":7}"#).then_close(),
    ]);
    let mut stream = connect(&server);
    send(&mut stream);
    server.wait_for_whole_requests(1);
    drop(stream);
    assert_eq!(call(&server).1, End::Eof);
    server.verify();
}

#[test]
fn the_record_tells_what_arrived_before_the_cut() {
    // The client sends its body only when it knows that the head has arrived,
    // so that the order is the same every time.
    for how in [Cut::Reset, Cut::Close, Cut::Stall] {
        let server = cut(Point::AfterHeaders, how);
        let mut stream = connect(&server);
        stream.write_all(head().as_bytes()).unwrap();
        server.wait_for_requests(1);
        if how == Cut::Reset {
            assert_eq!(read_all(&mut stream).1, End::Reset);
            assert!(stream.write_all(BODY.as_bytes()).is_err());
            server.stop();
            assert_eq!(server.body_bytes_received(), 0);
        } else {
            stream.write_all(BODY.as_bytes()).unwrap();
            server.stop();
            assert_eq!(server.body_bytes_received(), BODY.len());
        }
    }
    for point in [Point::AfterBody, Point::InResponseHead, Point::InResponseBody] {
        let server = cut(point, Cut::Reset);
        call(&server);
        assert_eq!(server.requests()[0].text(), BODY, "{point}");
        assert!(server.requests()[0].complete);
    }
}

#[test]
fn truncation_under_a_longer_promise() {
    let table = [
        (
            Behaviour::response(200).body("abcdef").truncated_after(4),
            "content-length: 6\r\n\r\nabcd",
        ),
        (
            Behaviour::response(200).body("abcdef").chunked().truncated_after(4),
            "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\nd",
        ),
        // Every byte, and no last chunk.
        (
            Behaviour::response(200).body("abcdef").chunked().truncated_after(6),
            "3\r\nabc\r\n3\r\ndef",
        ),
        (
            Behaviour::response(200).body("abcdef").until_close().truncated_after(4),
            "connection: close\r\n\r\nabcd",
        ),
        // Whole, and the end of it is the end of the connection.
        (Behaviour::response(200).body("abcdef").until_close(), "connection: close\r\n\r\nabcdef"),
    ];
    for (behaviour, tail) in table {
        let server = FaultServer::plays([behaviour]);
        let (response, end) = call(&server);
        assert!(response.ends_with(tail), "{response}");
        assert_eq!(end, End::Eof);
    }
}

#[test]
fn an_endless_body_does_not_end() {
    for (behaviour, piece) in [
        (Behaviour::response(200).body("abc").endless(), "3\r\nabc\r\n"),
        (Behaviour::response(200).body("abc").until_close().endless(), "abc"),
    ] {
        let server = FaultServer::plays([behaviour]);
        let mut stream = connect(&server);
        send(&mut stream);
        // More than any response that a client expects, and more than what the
        // kernel holds, so that the server is still at it.
        let mut bytes = vec![0; 8 << 20];
        stream.read_exact(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let body = text.split_once("\r\n\r\n").unwrap().1;
        assert!(body.starts_with(&piece.repeat(1000)));
        // The server ends though it is blocked in a write.
        drop(server);
    }
}

#[test]
fn a_head_of_one_mebibyte() {
    let server = FaultServer::plays([Behaviour::response(200).padded_head(1 << 20).then_close()]);
    let (response, end) = call(&server);
    assert!(response.len() >= 1 << 20);
    assert!(response.ends_with("p\r\n\r\n"));
    assert_eq!(end, End::Eof);
}

#[test]
fn what_is_not_http() {
    let server = FaultServer::plays([Behaviour::garbage()]);
    assert_eq!(call(&server), ("SSH-2.0-OpenSSH_9.2p1\r\n".to_owned(), End::Eof));
}

#[test]
fn gzip_that_nobody_asked_for() {
    let response = Behaviour::response(200).body("{}").then_close();
    let (said, unsaid) = (response.clone().gzip(), response.gzip_without_header());
    for (behaviour, is_said) in [(said, true), (unsaid, false)] {
        let server = FaultServer::plays([behaviour]);
        let mut stream = connect(&server);
        send(&mut stream);
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let at = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
        let head = String::from_utf8(bytes[..at].to_vec()).unwrap();
        assert_eq!(head.contains("content-encoding: gzip\r\n"), is_said, "{head}");
        assert!(head.contains(&format!("content-length: {}\r\n", bytes.len() - at)));
        assert!(bytes[at..].starts_with(&[0x1f, 0x8b, 8]));
    }
}

#[test]
fn a_silent_port_neither_connects_nor_refuses() {
    let port = SilentPort::new().unwrap();
    let error = TcpStream::connect_timeout(&port.address(), Duration::from_millis(50)).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}

#[test]
fn a_fault_that_cannot_strike_fails_verify() {
    for behaviour in [
        Behaviour::go_away(Point::OnAccept),
        Behaviour::go_away(Point::AfterHeaders),
        Behaviour::refuse_stream(Point::AfterHeaders),
        Behaviour::tls_alert(70),
        Behaviour::present(Certificate::Expired),
    ] {
        let server = FaultServer::plays([behaviour]);
        assert_eq!(call(&server), (String::new(), End::Eof));
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| server.verify()));
        assert!(panic.is_err());
    }
}

#[test]
fn dropping_the_server_ends_everything_at_once() {
    let points = [Point::OnAccept, Point::AfterHeaders, Point::InResponseBody];
    let slow = Behaviour::nginx(500).drip(Duration::from_secs(3600));
    let script = points.map(Behaviour::stall).into_iter().chain([slow]);
    let server = FaultServer::plays(script);
    let address = server.address();
    let streams: Vec<_> = (0..4)
        .map(|_| {
            let mut stream = connect(&server);
            send(&mut stream);
            stream
        })
        .collect();
    // And one that never says anything.
    let silent = connect(&server);
    drop(server);
    for mut stream in streams.into_iter().chain([silent]) {
        read_all(&mut stream);
    }
    let error = TcpStream::connect(address).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}
