use super::*;

fn reader(status: u16, headers: &[(&'static str, &'static str)], limit: usize) -> ResponseReader {
    let (mut head, ()) = http::Response::new(()).into_parts();
    head.status = http::StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        head.headers.insert(*name, value.parse().unwrap());
    }
    ResponseReader::new(head, limit)
}

fn cut() -> TransportError {
    TransportError::unknown(TransportErrorKind::Truncated)
}

#[test]
fn the_limit_is_exact_and_ends_the_reading() {
    let mut fits = reader(200, &[("content-length", "4")], 4);
    assert!(fits.push(b"{}").is_continue());
    assert!(fits.push(b"  ").is_continue());
    assert!(fits.push(b"").is_continue());
    assert_eq!(fits.finish().unwrap().body(), b"{}  ");

    let mut long = reader(200, &[], 4);
    assert!(long.push(b"{}").is_continue());
    assert!(long.push(b"   ").is_break());
    let error = long.finish().unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::TooLarge);
    assert_eq!(error.delivery(), crate::Delivery::Unknown);

    // A long page of a failure is cut, not an error: its status counts.
    let mut page = reader(403, &[], 4);
    assert!(page.push(b"<html>").is_break());
    assert_eq!(page.finish().unwrap().body(), b"<htm");

    // Whatever the server announces, no more than the limit is reserved.
    let vast = reader(200, &[("content-length", "18446744073709551615")], 16);
    assert!(vast.body.capacity() <= 16);
    assert!(reader(200, &[("content-length", "-1")], 16).body.capacity() == 0);
}

#[test]
fn what_it_shows_is_no_secret() {
    let mut reader = reader(200, &[], 64);
    assert!(reader.push(b"s3cret").is_continue());
    let shown = format!("{reader:?}");
    assert_eq!(shown, "ResponseReader { status: 200, bytes: 6, .. }");
}

#[test]
fn growing_keeps_what_is_there() {
    let mut reader = reader(200, &[], 1 << 20);
    let text: Vec<u8> = (0..100_000_u32).map(|i| b'a' + (i % 26) as u8).collect();
    let text = [b"{".as_slice(), &text].concat();
    for chunk in text.chunks(977) {
        assert!(reader.push(chunk).is_continue());
    }
    assert_eq!(reader.finish().unwrap().body(), &text);
}

#[test]
fn what_is_reserved_is_bounded() {
    // A body of the announced length never moves.
    let mut announced = reader(200, &[("content-length", "4")], 1 << 20);
    let reserved = announced.body.capacity();
    assert!((4..8).contains(&reserved));
    assert!(announced.push(b"{}  ").is_continue());
    assert_eq!(announced.body.capacity(), reserved);

    // Otherwise there is room for twice what came, within the limit; and
    // the copies are few, however small the chunks.
    let limit = 100_000;
    for size in [1, 977, 8 * 1024, limit] {
        let mut reader = reader(200, &[], limit);
        let (mut capacity, mut moves) = (0, 0);
        for _ in 0..limit / size {
            assert!(reader.push(&vec![b'x'; size]).is_continue());
            if reader.body.capacity() != capacity {
                capacity = reader.body.capacity();
                moves += 1;
            }
            let length = reader.body.len();
            assert!(moves <= 18, "by {size}");
            assert!(capacity <= limit.min(2 * length), "{capacity} for {length} by {size}");
        }
    }
}

#[test]
fn a_form_must_be_framed() {
    for (headers, version, body, whole) in [
        (&[("content-length", "15")][..], Version::HTTP_11, "access_token=at", true),
        (&[("transfer-encoding", "chunked")], Version::HTTP_11, "access_token=at", true),
        (&[("transfer-encoding", "Chunked")], Version::HTTP_11, "access_token=at", true),
        (&[("transfer-encoding", "notchunked")], Version::HTTP_11, "access_token=at", false),
        (&[("transfer-encoding", "chunked")], Version::HTTP_10, "access_token=at", false),
        (&[("content-length", "99")], Version::HTTP_2, "access_token=at", false),
        (&[], Version::HTTP_2, "access_token=at", true),
        (&[], Version::HTTP_11, "access_token=at", false),
        (&[], Version::HTTP_10, "access_token=at", false),
        (&[("transfer-encoding", "gzip")], Version::HTTP_11, "access_token=at", false),
        // A cut JSON gives itself away.
        (&[], Version::HTTP_11, " {\"access_token\":\"a", true),
        (&[], Version::HTTP_11, "\u{feff}{\"access_token\":\"a", true),
        // Of a 204, and of a captive portal.
        (&[], Version::HTTP_11, "", true),
        (&[], Version::HTTP_11, "<html>", true),
    ] {
        let mut reader = reader(200, headers, 100);
        reader.head.version = version;
        assert!(reader.push(body.as_bytes()).is_continue());
        assert_eq!(reader.finish().is_ok(), whole, "{headers:?} {version:?}");
    }
}

#[test]
fn a_cut_body_spoils_a_2xx_only() {
    for (status, body, left) in [
        (200, "{\"access_token\":\"at\"", None),
        (302, "", Some("")),
        (400, "{\"error\":\"invalid_grant\"}", Some("{\"error\":\"invalid_grant\"}")),
        (400, "\u{feff} {\"error\":\"inv", Some("\u{feff} {\"error\":\"inv")),
        // Half a form would be half a code.
        (400, "error=invalid", Some("")),
        (429, "<html>", Some("")),
        (502, "<html>", Some("")),
    ] {
        let mut reader = reader(status, &[("retry-after", "7")], 100);
        assert!(reader.push(body.as_bytes()).is_continue());
        let response = reader.fail(cut());
        assert_eq!(response.is_ok(), left.is_some(), "{status}");
        if let (Ok(response), Some(left)) = (response, left) {
            assert_eq!(response.body(), left.as_bytes());
            assert_eq!(response.headers()["retry-after"], "7");
        }
    }
}

const TEXT: &[u8] = b"{\"access_token\":\"at\"}";

/// `TEXT` as a gzip member.
fn gzip() -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1, 21, 0, 0xea, 0xff];
    out.extend(TEXT);
    out.extend([0xdf, 0xbf, 0xd2, 0x9b, 21, 0, 0, 0]);
    out
}

/// However the transfer ends.
#[test]
fn a_whole_object_is_a_response() {
    let gzip = gzip();
    for (headers, body, taken) in [
        (&[][..], TEXT, true),
        (&[("content-length", "99")], TEXT, true),
        (&[("transfer-encoding", "chunked")], TEXT, true),
        (&[("content-length", "99")], b"\xEF\xBB\xBF {\"a\":1}\n", true),
        (&[("content-length", "99")], b")]}'\n{\"a\":1}", true),
        (&[("content-encoding", "gzip")], TEXT, true),
        (&[("content-encoding", "gzip"), ("content-length", "99")], &gzip, true),
        (&[], &gzip, true),
        // Without the checksum, without the end of the data.
        (&[], &gzip[..gzip.len() - 1], true),
        (&[], &gzip[..gzip.len() - 8], true),
        // Half of it.
        (&[], &gzip[..gzip.len() - 9], false),
        (&[], &TEXT[..20], false),
        (&[], b"", false),
        (&[], b"{\"a\":1}{\"b\":", false),
        (&[], b"[{\"a\":1}", false),
        // Half a form is as valid as a whole one.
        (&[], b"access_token=at", false),
        (&[], b"access_token=at&x={}", false),
        (&[("content-encoding", "br")], b"\x0b\x80", false),
    ] {
        for version in [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2] {
            for kind in [
                TransportErrorKind::Truncated,
                TransportErrorKind::Reset,
                TransportErrorKind::Timeout,
                TransportErrorKind::Protocol,
            ] {
                let mut reader = reader(200, headers, 100);
                reader.head.version = version;
                assert!(reader.push(body).is_continue());
                let response = reader.fail(TransportError::unknown(kind));
                assert_eq!(response.is_ok(), taken, "{headers:?} {body:?} {version:?}");
                if let Err(error) = response {
                    assert_eq!(error.kind(), kind);
                }
            }
            // A client that takes the end of the connection for the end of the body.
            let mut reader = reader(200, headers, 100);
            reader.head.version = version;
            assert!(reader.push(body).is_continue());
            assert!(!taken || reader.finish().is_ok(), "{headers:?} {body:?} {version:?}");
        }
    }
}

#[test]
fn what_is_whole_is_known_while_it_comes() {
    let mut reader = reader(200, &[("content-length", "99")], 100);
    for (chunk, whole) in
        [(&TEXT[..10], false), (&TEXT[10..], true), (b" ", true), (b"x", false), (b"}", false)]
    {
        assert!(reader.push(chunk).is_continue());
        assert_eq!(reader.is_whole(), whole, "{chunk:?}");
    }
    // What only looks so.
    let mut reader = ResponseReader::new(http::Response::new(()).into_parts().0, 100);
    assert!(reader.push(b"{\"a\":}").is_continue());
    assert!(!reader.is_whole());
}

#[test]
fn what_was_encoded_is_decoded_within_the_limit() {
    let gzip = gzip();
    let length = gzip.len().to_string();
    for status in [200, 400, 502] {
        for coding in ["gzip", "identity"] {
            let mut reader = reader(status, &[("content-encoding", coding)], 100);
            reader.head.headers.insert("content-length", length.parse().unwrap());
            assert!(reader.push(&gzip).is_continue());
            let response = reader.finish().unwrap();
            assert_eq!(response.body(), TEXT);
            // They are of another body.
            assert!(response.headers().is_empty());
        }
    }
    // A member is whole by itself, whatever is announced; what is not is cut.
    for (body, announced, kind) in [
        (&gzip[..gzip.len() - 9], "35", Some(TransportErrorKind::Truncated)),
        (&gzip[..], "35", None),
        (&gzip[..], "99", None),
        (&[][..], "99", Some(TransportErrorKind::Truncated)),
        (b"\x0b\x80", "99", Some(TransportErrorKind::Truncated)),
        (b"\x0b\x80", "2", None),
    ] {
        let headers = [("content-encoding", "br"), ("content-length", announced)];
        let mut reader = reader(200, &headers, 100);
        assert!(reader.push(body).is_continue());
        let error = reader.finish().err().map(|error| error.kind());
        // Nothing at all is no token, however it ends.
        if !body.is_empty() {
            assert_eq!(error, kind, "{body:?}");
        }
    }
    // A form in a whole member is whole, though the connection is its only end.
    let mut form = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1, 3, 0, 0xfc, 0xff];
    form.extend(b"a=b");
    form.extend([0xcf, 0x30, 0, 0x7f, 3, 0, 0, 0]);
    for (upto, whole) in [(form.len(), true), (form.len() - 1, false), (form.len() - 8, false)] {
        let mut reader = reader(200, &[], 100);
        assert!(reader.push(&form[..upto]).is_continue());
        assert_eq!(reader.finish().is_ok(), whole, "{upto}");
    }
}

#[test]
fn a_bomb_is_too_large() {
    // 70 008 bytes in 95.
    let start = [
        0xed, 0xc1, 0x41, 0x0d, 0, 0x30, 0x08, 0x04, 0x30, 0x2b, 0xcb, 0xc9, 0x98, 0x1b, 0x74,
        0x10, 0xbc, 0x63, 0x82, 0x67, 0xdb, 0x4e, 0xe5, 0xe7, 0x01,
    ];
    let bomb = [&start[..], &[0; 67], &[0xe7, 0x32, 0x0b]].concat();
    for status in [200, 400] {
        let mut reader = reader(status, &[("content-encoding", "deflate")], 1000);
        assert!(reader.push(&bomb).is_continue());
        match reader.finish() {
            Ok(response) => {
                assert_eq!((status, response.body().len()), (400, 1000));
            }
            Err(error) => {
                assert_eq!((status, error.kind()), (200, TransportErrorKind::TooLarge));
            }
        }
    }
}

/// A body is parsed once, however many chunks of white space stand behind it.
#[test]
fn white_space_behind_an_object_costs_nothing() {
    const LIMIT: usize = 1 << 20;
    let object = format!("{{\"a\":[{}0]}}", "0,".repeat(LIMIT / 4));
    // And one that is none, which shows at its end.
    for (object, whole) in [(object.clone(), true), (object.replace(",0]", ",0,]"), false)] {
        let mut reader = reader(200, &[], LIMIT);
        assert!(reader.push(object.as_bytes()).is_continue());
        // A parse of it each time would take hours.
        for _ in 0..LIMIT / 4 {
            assert!(reader.push(b" ").is_continue());
            assert_eq!(reader.is_whole(), whole);
        }
        assert!(reader.push(b"{").is_continue());
        assert!(!reader.is_whole());
    }
}
