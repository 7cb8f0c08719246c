use http::HeaderValue;

use super::*;
use crate::{Backoff, Delivery, FailureKind, Unreadable, read_response, test_now};

const TEXT: &[u8] = b"{\"access_token\":\"at\"}";

/// `data` as a gzip member of stored blocks, as `inflate` has real ones.
fn gzip(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    out.extend(stored(data));
    out.extend(inflate::crc32(data).to_le_bytes());
    out.extend((data.len() as u32).to_le_bytes());
    out
}

fn stored(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap();
    [&[1][..], &length.to_le_bytes(), &(!length).to_le_bytes(), data].concat()
}

fn headers(codings: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for coding in codings {
        headers.append(header::CONTENT_ENCODING, HeaderValue::from_str(coding).unwrap());
    }
    headers
}

/// What came out, and whether all of it; `None` if nothing could.
fn outcome(codings: &[&str], body: &[u8], limit: usize) -> Option<(Vec<u8>, End)> {
    match read(&headers(codings), body, limit) {
        Content::Plain => Some((body.to_vec(), End::Whole)),
        Content::Decoded(decoded) => Some((decoded.body.to_vec(), decoded.end)),
        Content::Unknown => None,
    }
}

#[test]
fn what_is_there_counts_more_than_what_a_header_says() {
    let once = gzip(TEXT);
    let twice = gzip(&once);
    let form = b"access_token=at&token_type=bearer";
    let page = b"<html>\r\n</html>";
    for (codings, body, expected) in [
        (&[][..], TEXT.to_vec(), Some(TEXT)),
        (&["identity"], TEXT.to_vec(), Some(TEXT)),
        (&[""], TEXT.to_vec(), Some(TEXT)),
        // By header, by how it begins, or by both.
        (&["gzip"], once.clone(), Some(TEXT)),
        (&["x-gzip"], once.clone(), Some(TEXT)),
        (&["GZip"], once.clone(), Some(TEXT)),
        (&["gzip, identity"], once.clone(), Some(TEXT)),
        (&["identity,gzip"], once.clone(), Some(TEXT)),
        (&["identity", "gzip"], once.clone(), Some(TEXT)),
        (&[], once.clone(), Some(TEXT)),
        (&["identity"], once.clone(), Some(TEXT)),
        (&["deflate"], once.clone(), Some(TEXT)),
        (&["br"], once.clone(), Some(TEXT)),
        (&["utf-8"], once.clone(), Some(TEXT)),
        // Encoded twice, whatever is said of it.
        (&["gzip, gzip"], twice.clone(), Some(TEXT)),
        (&["gzip", "gzip"], twice.clone(), Some(TEXT)),
        (&["gzip"], twice.clone(), Some(TEXT)),
        (&[], twice.clone(), Some(TEXT)),
        (&["gzip, gzip"], once.clone(), Some(TEXT)),
        (&["deflate, gzip"], gzip(&stored(TEXT)), Some(TEXT)),
        (&["gzip, deflate"], stored(&once), Some(TEXT)),
        (&["deflate"], stored(TEXT), Some(TEXT)),
        // Not encoded, though a header says so.
        (&["gzip"], TEXT.to_vec(), Some(TEXT)),
        (&["gzip"], b"\xEF\xBB\xBF {\"a\":1}".to_vec(), Some(b"\xEF\xBB\xBF {\"a\":1}")),
        (&["gzip"], b"{\"a\":\"\xff\"}".to_vec(), Some(b"{\"a\":\"\xff\"}")),
        (&["deflate"], TEXT.to_vec(), Some(TEXT)),
        (&["br"], TEXT.to_vec(), Some(TEXT)),
        (&["zstd"], TEXT.to_vec(), Some(TEXT)),
        (&["gzip"], form.to_vec(), Some(form)),
        (&["deflate"], form.to_vec(), Some(form)),
        (&["gzip"], page.to_vec(), Some(page)),
        (&["gzip"], Vec::new(), Some(b"")),
        // Of an encoding that is unknown, or broken.
        (&["br"], b"\x0b\x0a\x80{\"a\":1}\x03".to_vec(), None),
        (&["zstd"], b"\x28\xb5\x2f\xfd\x04\x58".to_vec(), None),
        (&["gzip"], b"\x00\x01\x02\x03".to_vec(), None),
        (&["gzip, br"], b"\x0b\x0a\x80".to_vec(), None),
        (&["br, gzip"], gzip(b"\x0b\x0a\x80"), None),
        (&["deflate"], b"\x07\x00".to_vec(), None),
        (&["gzip"], [&once[..once.len() - 1], b"\x01"].concat(), None),
        (&[], [&once[..once.len() - 1], b"\x01"].concat(), None),
        // Without end.
        (&[], (0..9).fold(once.clone(), |inner, _| gzip(&inner)), None),
    ] {
        let expected = expected.map(|text| (text.to_vec(), End::Whole));
        assert_eq!(outcome(codings, &body, 1000), expected, "{codings:?} {body:?}");
    }
}

#[test]
fn what_is_cut_or_too_long_is_said_to_be() {
    let once = gzip(TEXT);
    let cut = &once[..once.len() - 1];
    assert_eq!(outcome(&["gzip"], cut, 99), Some((TEXT.to_vec(), End::Cut)));
    assert_eq!(outcome(&[], cut, 99), Some((TEXT.to_vec(), End::Cut)));
    assert_eq!(outcome(&[], &once[..20], 99), Some((TEXT[..5].to_vec(), End::Cut)));
    // Cut within, or cut and whole within.
    assert_eq!(outcome(&[], &gzip(cut), 99), Some((TEXT.to_vec(), End::Cut)));
    let twice = gzip(&once);
    let cut = &twice[..twice.len() - 1];
    assert_eq!(outcome(&["gzip"], cut, 99), Some((TEXT.to_vec(), End::Cut)));

    assert_eq!(outcome(&["gzip"], &once, 21), Some((TEXT.to_vec(), End::Whole)));
    assert_eq!(outcome(&["gzip"], &once, 20), Some((TEXT[..20].to_vec(), End::TooLarge)));
    assert_eq!(outcome(&[], &once, 0), Some((Vec::new(), End::TooLarge)));
}

#[test]
fn a_response_is_decoded_where_a_transport_has_not() {
    let respond = |coding: Option<&str>, body: &[u8]| {
        let mut response = Response::new(body.to_vec());
        if let Some(coding) = coding {
            response.headers_mut().insert("content-encoding", coding.parse().unwrap());
        }
        response
    };
    let once = gzip(TEXT);
    for coding in [Some("gzip"), None] {
        let decoded = decoded(&respond(coding, &once), 99).unwrap();
        assert_eq!(*decoded.body, TEXT);
        assert!(decoded.headers.is_empty());
    }
    assert!(decoded(&respond(None, TEXT), 99).is_none());
    assert!(decoded(&respond(Some("gzip"), TEXT), 99).is_none());
    assert!(decoded(&respond(Some("br"), b"\x0b\x80"), 99).is_none());
    // Not even a part of it.
    assert!(decoded(&respond(Some("gzip"), &once), 20).is_none());
}

/// To ask again would bring the same, and cost a refresh token each time.
#[test]
fn what_came_whole_and_cannot_be_decoded_is_not_asked_for_again() {
    for (coding, body) in [
        (Some("br"), &b"\x0b\x0a\x80"[..]),
        (Some("zstd"), b"\x28\xb5\x2f\xfd\x04"),
        (None, b"\x28\xb5\x2f\xfd\x04"),
        (Some("gzip"), b"\x00\x01\x02"),
        (Some("gzip"), b"\x1f\x8b\x08\0\0\0\0\0\0\0\x07"),
        (None, b"\x1f\x8b\x07\0\0\0\0\0\0\0"),
    ] {
        let mut response = http::Response::new(body.to_vec());
        if let Some(coding) = coding {
            response.headers_mut().insert("content-encoding", coding.parse().unwrap());
        }
        let failure = read_response(&response, &[], test_now()).unwrap_err();
        assert_eq!(failure.unreadable(), Some(&Unreadable::Encoded), "{coding:?}");
        assert_eq!(failure.kind(), FailureKind::Unavailable);
        // The server may have rotated the token.
        assert_eq!(failure.delivery(), Delivery::Unknown);
        assert!(!Backoff::retries_by_default(&failure));
    }
}
