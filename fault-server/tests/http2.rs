//! HTTP/2 in clear with prior knowledge, frame by frame.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use fault_server::{Behaviour, Cut, FaultServer, Point};
use support::{BODY, End, connect, is_reset, read_all};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[derive(Debug, PartialEq, Eq)]
struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
    out.extend(payload);
    out
}

/// A connection whose preface is sent.
fn open(server: &FaultServer) -> TcpStream {
    let mut stream = connect(server);
    stream.write_all(PREFACE).unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
    stream
}

fn send_headers(stream: &mut impl Write, id: u32) {
    // POST, http, then /items, a.example and the length with names from the
    // static table (RFC 7541 appendix A), without Huffman coding.
    let mut block = vec![0x83, 0x86, 0x04, 6];
    block.extend(b"/items");
    block.extend([0x01, 9]);
    block.extend(b"a.example");
    block.extend([0x0f, 13, 2]);
    block.extend(BODY.len().to_string().bytes());
    stream.write_all(&frame(HEADERS, 4, id, &block)).unwrap();
}

fn send_body(stream: &mut impl Write, id: u32) {
    let _ = stream.write_all(&frame(DATA, 1, id, BODY.as_bytes()));
}

/// The next frame; `None` at the end.
fn receive_any(stream: &mut TcpStream) -> Option<Frame> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).ok()?;
    let [a, b, c, kind, flags, s0, s1, s2, s3] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
    stream.read_exact(&mut payload).ok()?;
    Some(Frame { kind, flags, stream: u32::from_be_bytes([s0, s1, s2, s3]), payload })
}

/// The next frame that is not about flow control or settings.
fn receive(stream: &mut TcpStream) -> Option<Frame> {
    std::iter::from_fn(|| receive_any(stream))
        .find(|frame| frame.kind != SETTINGS && frame.kind != WINDOW_UPDATE)
}

fn contains(frame: &Frame, text: &str) -> bool {
    String::from_utf8_lossy(&frame.payload).contains(text)
}

#[test]
fn a_response_and_the_record_of_the_request() {
    let server = FaultServer::plays([
        Behaviour::json(200, r#"{"id":7}"#),
        Behaviour::response(204).interim(103),
    ]);
    let mut stream = open(&server);
    send_headers(&mut stream, 1);
    send_body(&mut stream, 1);
    let head = receive(&mut stream).unwrap();
    assert_eq!((head.kind, head.flags, head.stream), (HEADERS, 4, 1));
    assert!(contains(&head, ":status\x03200"));
    assert!(contains(&head, "content-type\x10application/json"));
    let body = receive(&mut stream).unwrap();
    assert_eq!((body.kind, body.flags, body.stream), (DATA, 0, 1));
    assert!(contains(&body, r#""id":7"#));
    let end = receive(&mut stream).unwrap();
    assert_eq!((end.kind, end.flags, end.payload.len()), (DATA, 1, 0));

    // A second stream of the same connection, and a PING between.
    stream.write_all(&frame(PING, 0, 0, b"12345678")).unwrap();
    let ping = receive(&mut stream).unwrap();
    assert_eq!((ping.kind, ping.flags, &*ping.payload), (PING, 1, &b"12345678"[..]));
    send_headers(&mut stream, 3);
    send_body(&mut stream, 3);
    assert!(contains(&receive(&mut stream).unwrap(), ":status\x03103"));
    let head = receive(&mut stream).unwrap();
    assert!(contains(&head, ":status\x03204"));
    assert_eq!((head.flags, head.stream), (5, 3), "ends headers and stream");

    server.verify();
    for request in server.requests() {
        assert_eq!(request.version, http::Version::HTTP_2);
        assert_eq!(request.method, "POST");
        assert_eq!(request.target, "/items");
        assert_eq!(request.headers["host"], "a.example");
        assert_eq!(request.text(), BODY);
        assert!(request.complete);
    }
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn the_server_says_how_much_it_has_read() {
    let server = FaultServer::plays([Behaviour::response(204)]);
    let mut stream = open(&server);
    send_headers(&mut stream, 1);
    send_body(&mut stream, 1);
    let frames: Vec<Frame> = std::iter::from_fn(|| receive_any(&mut stream))
        .take_while(|frame| frame.kind != HEADERS)
        .filter(|frame| frame.kind == WINDOW_UPDATE)
        .collect();
    let update = |stream| Frame {
        kind: WINDOW_UPDATE,
        flags: 0,
        stream,
        payload: (BODY.len() as u32).to_be_bytes().to_vec(),
    };
    // For the connection, and for the stream, and before the response.
    assert_eq!(frames, [update(0), update(1)]);
}

#[test]
fn goaway_before_any_request_and_at_each_point() {
    for point in [Point::OnAccept, Point::AfterHeaders, Point::AfterBody] {
        let server = FaultServer::plays([Behaviour::go_away(point)]);
        let mut stream = open(&server);
        if point > Point::OnAccept {
            send_headers(&mut stream, 1);
        }
        if point == Point::AfterBody {
            send_body(&mut stream, 1);
        }
        let goaway = receive(&mut stream).unwrap();
        assert_eq!((goaway.kind, goaway.stream), (GOAWAY, 0));
        assert_eq!(goaway.payload, [0; 8], "no stream, NO_ERROR");
        assert_eq!(receive(&mut stream), None);
        server.verify();
        let arrived = if point == Point::AfterBody { BODY.len() } else { 0 };
        assert_eq!(server.body_bytes_received(), arrived);
    }
}

#[test]
fn a_body_that_follows_goaway_is_on_record() {
    let server = FaultServer::plays([Behaviour::go_away(Point::AfterHeaders)]);
    let mut stream = open(&server);
    send_headers(&mut stream, 1);
    assert_eq!(receive(&mut stream).unwrap().kind, GOAWAY);
    send_body(&mut stream, 1);
    server.stop();
    assert_eq!(server.requests()[0].text(), BODY);
}

#[test]
fn a_refused_stream_leaves_the_connection_open() {
    let server = FaultServer::plays([
        Behaviour::refuse_stream(Point::AfterHeaders),
        Behaviour::refuse_stream(Point::AfterBody),
        Behaviour::nginx(503),
    ]);
    let mut stream = open(&server);
    for id in [1, 3] {
        send_headers(&mut stream, id);
        send_body(&mut stream, id);
        let reset = receive(&mut stream).unwrap();
        assert_eq!((reset.kind, reset.stream), (RST_STREAM, id));
        assert_eq!(reset.payload, [0, 0, 0, 7]);
    }
    send_headers(&mut stream, 5);
    send_body(&mut stream, 5);
    assert!(contains(&receive(&mut stream).unwrap(), ":status\x03503"));
    server.verify();
    assert_eq!(server.body_bytes_received(), 3 * BODY.len());
}

#[test]
fn a_stream_is_reset_with_any_code_before_or_after_the_response() {
    let json = Behaviour::json(200, "{}");
    let server = FaultServer::plays([
        Behaviour::reset_stream(Point::AfterBody, 13),
        json.clone().cut(Point::AfterResponseBytes(usize::MAX), Cut::ResetStream(2)),
        json,
    ]);
    let mut stream = open(&server);
    for (id, frames) in [
        (1, &[(RST_STREAM, 0)][..]),
        // The body is whole, and its end does not come.
        (3, &[(HEADERS, 4), (DATA, 0), (RST_STREAM, 0)]),
        (5, &[(HEADERS, 4), (DATA, 0), (DATA, 1)]),
    ] {
        send_headers(&mut stream, id);
        send_body(&mut stream, id);
        for expected in frames {
            let frame = receive(&mut stream).unwrap();
            assert_eq!((frame.kind, frame.flags), *expected);
            if frame.kind == RST_STREAM {
                assert_eq!(frame.payload, [0, 0, 0, if id == 1 { 13 } else { 2 }]);
            }
        }
    }
    server.verify();
}

#[test]
fn bytes_instead_of_a_response_are_its_response() {
    let server = FaultServer::plays([Behaviour::raw("?")]);
    let mut stream = open(&server);
    send_headers(&mut stream, 1);
    send_body(&mut stream, 1);
    let (rest, how) = read_all(&mut stream);
    assert!(rest.ends_with('?') && how == End::Eof, "{rest} {how:?}");
    server.wait_for_responses(1);
}

#[test]
fn cuts_strike_over_http2_as_well() {
    let points = [
        Point::OnAccept,
        Point::AfterHeaders,
        Point::AfterBody,
        Point::InResponseHead,
        Point::InResponseBody,
    ];
    for point in points {
        for (cut, end) in
            [(Cut::Reset, End::Reset), (Cut::Close, End::Eof), (Cut::Stall, End::Silence)]
        {
            let server = FaultServer::plays([Behaviour::json(200, "{\"a\":1}").cut(point, cut)]);
            let mut sent = PREFACE.to_vec();
            if point > Point::OnAccept {
                send_headers(&mut sent, 1);
                send_body(&mut sent, 1);
            }
            let mut stream = connect(&server);
            if let Err(error) = stream.write_all(&sent) {
                assert!(cut == Cut::Reset && is_reset(error.kind()), "{point} {cut}: {error}");
                continue;
            }
            if point == Point::InResponseBody {
                assert!(contains(&receive(&mut stream).unwrap(), ":status\x03200"));
                assert_eq!(receive(&mut stream).unwrap().payload, b"{\"a");
            }
            if cut == Cut::Stall {
                stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
            }
            let (rest, how) = read_all(&mut stream);
            assert_eq!(how, end, "{point} {cut}");
            assert!(!rest.contains('}'), "{point} {cut}: {rest}");
            server.stop();
            server.verify();
        }
    }
}

#[test]
fn a_withdrawn_request_does_not_hold_up_the_next() {
    let server = FaultServer::plays([Behaviour::nginx(500), Behaviour::nginx(502)]);
    let mut stream = open(&server);
    send_headers(&mut stream, 1);
    stream.write_all(&frame(RST_STREAM, 0, 1, &[0, 0, 0, 8])).unwrap();
    send_headers(&mut stream, 3);
    send_body(&mut stream, 3);
    assert!(contains(&receive(&mut stream).unwrap(), ":status\x03502"));
    let requests = server.requests();
    assert!(!requests[0].complete && requests[1].complete);
}

#[test]
fn what_is_not_scripted_or_not_understood_fails_verify() {
    let server = FaultServer::plays([]);
    let mut stream = open(&server);
    send_headers(&mut stream, 1);
    send_body(&mut stream, 1);
    assert!(contains(&receive(&mut stream).unwrap(), ":status\x03599"));
    assert!(fails(&server));

    let server = FaultServer::plays([]);
    let mut stream = open(&server);
    stream.write_all(&frame(DATA, 0, 1, b"no headers")).unwrap();
    assert_eq!(receive(&mut stream), None);
    assert!(fails(&server));

    let server = FaultServer::plays([Behaviour::response(200).body(vec![b'x'; 65_536])]);
    let mut stream = open(&server);
    send_headers(&mut stream, 1);
    send_body(&mut stream, 1);
    assert_eq!(receive(&mut stream), None);
    assert!(fails(&server));
}

fn fails(server: &FaultServer) -> bool {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| server.verify())).is_err()
}

#[test]
fn an_early_response_says_that_no_more_of_the_body_is_wanted() {
    let server = FaultServer::plays([Behaviour::response(401).early(), Behaviour::response(204)]);
    let mut stream = open(&server);
    send_headers(&mut stream, 1);
    let response = receive(&mut stream).unwrap();
    assert_eq!((response.kind, response.stream, response.flags & 1), (HEADERS, 1, 1));
    let reset = receive(&mut stream).unwrap();
    assert_eq!((reset.kind, reset.stream, &reset.payload[..]), (RST_STREAM, 1, &[0; 4][..]));
    // What was on its way does not disturb the next request.
    send_body(&mut stream, 1);
    send_headers(&mut stream, 3);
    send_body(&mut stream, 3);
    let response = receive(&mut stream).unwrap();
    assert_eq!((response.kind, response.stream), (HEADERS, 3));
}
